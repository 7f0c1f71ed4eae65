//! Coverage reports in XML: Cobertura, whose root tells the total, and JaCoCo, whose root ends with counters of it.
//!
//! Entities of a document type are not expanded, and nothing outside the file is read.

use super::Percent;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// The total in lines, of a report that has its end: what is cut has no total.
pub(super) fn total(xml: &str) -> Option<Percent> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut root = None;
    let mut depth = 0_usize;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                Root::see(&mut root, depth, &tag)?;
                depth += 1;
            }
            Event::Empty(tag) => {
                Root::see(&mut root, depth, &tag)?;
                if depth == 0 {
                    return root?.total();
                }
            }
            Event::End(_) if depth <= 1 => return root?.total(),
            Event::End(_) => depth -= 1,
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Whose report it is.
enum Root {
    Cobertura(Option<Percent>),
    Jacoco(Jacoco),
}

impl Root {
    /// Learns of a tag; `None` where it begins another kind of document.
    fn see(root: &mut Option<Self>, depth: usize, tag: &BytesStart<'_>) -> Option<()> {
        match (root, depth, tag.local_name().as_ref()) {
            (root, 0, "coverage") => *root = Some(Self::Cobertura(cobertura(tag))),
            (root, 0, "report") => *root = Some(Self::Jacoco(Jacoco::default())),
            (_, 0, _) => return None,
            (Some(Self::Jacoco(jacoco)), 1, "counter") => jacoco.counter(tag),
            _ => {}
        }
        Some(())
    }

    fn total(self) -> Option<Percent> {
        match self {
            Self::Cobertura(total) => total,
            Self::Jacoco(jacoco) => jacoco.total(),
        }
    }
}

fn value(tag: &BytesStart<'_>, key: &str) -> Option<String> {
    let attribute = tag.attributes().with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == key)?;
    Some(attribute.value.trim().to_owned())
}

/// Some writers leave the counts out.
fn cobertura(root: &BytesStart<'_>) -> Option<Percent> {
    let number = |key: &str| value(root, key)?.parse::<u64>().ok();
    match (number("lines-covered"), number("lines-valid")) {
        (Some(some), Some(all)) => Percent::of(some, all),
        _ => Percent::of_one(value(root, "line-rate")?.parse().ok()?),
    }
}

/// What stands directly in the root of a JaCoCo report.
#[derive(Default)]
struct Jacoco {
    lines: Option<Percent>,
    instructions: Option<Percent>,
}

impl Jacoco {
    fn counter(&mut self, tag: &BytesStart<'_>) {
        let number = |key: &str| value(tag, key)?.parse::<u64>().ok();
        let told = || {
            let (some, missed) = (number("covered")?, number("missed")?);
            Percent::of(some, some.checked_add(missed)?)
        };
        match value(tag, "type").as_deref() {
            Some("LINE") => self.lines = told(),
            Some("INSTRUCTION") => self.instructions = told(),
            _ => {}
        }
    }

    /// Classes that were compiled without line numbers have instructions alone.
    fn total(self) -> Option<Percent> {
        self.lines.or(self.instructions)
    }
}
