//! Coverage reports in XML: Cobertura, whose root tells the total, and JaCoCo, whose root ends with counters of it.
//!
//! Entities of a document type are not expanded, and nothing outside the file is read.

use super::Percent;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// The total in lines.
pub(super) fn total(xml: &str) -> Option<Percent> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut jacoco = Jacoco::default();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => match (jacoco.depth, tag.local_name().as_ref()) {
                (0, "coverage") => return cobertura(&tag),
                (0, "report") => jacoco.depth = 1,
                (0, _) => return None,
                (depth, name) => {
                    if depth == 1 && name == "counter" {
                        jacoco.counter(&tag);
                    }
                    jacoco.depth = depth.saturating_add(1);
                }
            },
            Ok(Event::Empty(tag)) => match (jacoco.depth, tag.local_name().as_ref()) {
                (0, "coverage") => return cobertura(&tag),
                (0, _) => return None,
                (1, "counter") => jacoco.counter(&tag),
                _ => {}
            },
            Ok(Event::End(_)) if jacoco.depth <= 1 => return jacoco.total(),
            Ok(Event::End(_)) => jacoco.depth -= 1,
            // What is cut has no total.
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
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
    depth: u32,
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
