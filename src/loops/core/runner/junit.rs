//! JUnit reports: XML files that nearly every runner can write, each in a dialect of its own.
//!
//! Only what all dialects share is read: a `testcase` with `classname` and `name`, and in it `failure`, `error` or
//! `skipped`. A file that is cut or broken tells what stands before the break.

use super::{Runner, Tally, TestsSeen};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::borrow::Cow;

/// The case that is being read.
struct Case {
    name: String,
    failed: bool,
    skipped: bool,
}

/// Reads a whole report; `None` if it holds no test at all.
pub fn junit(xml: &[u8]) -> Option<TestsSeen> {
    let xml = String::from_utf8_lossy(xml);
    let mut reader = Reader::from_str(&xml);
    reader.config_mut().check_end_names = false;
    let (mut tally, mut case, mut depth, mut seen) = (Tally::default(), None::<Case>, 0_u32, false);
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => match (tag.local_name().as_ref(), &mut case) {
                ("testcase", None) => (case, depth) = (Some(of(&tag)), 0),
                (inner, Some(case)) => {
                    mark(case, inner);
                    depth = depth.saturating_add(1);
                }
                _ => {}
            },
            Ok(Event::Empty(tag)) => match (tag.local_name().as_ref(), &mut case) {
                ("testcase", None) => {
                    seen = true;
                    tell(&mut tally, &of(&tag));
                }
                (inner, Some(case)) => mark(case, inner),
                _ => {}
            },
            Ok(Event::End(_)) => match (depth, case.take()) {
                (0, Some(whole)) => {
                    seen = true;
                    tell(&mut tally, &whole);
                }
                (_, open) => {
                    case = open;
                    depth = depth.saturating_sub(1);
                }
            },
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    if case.is_some() {
        tally.fail("the JUnit report is cut off");
    }
    (seen || case.is_some()).then(|| TestsSeen::of(Runner::Junit, tally))
}

fn of(tag: &BytesStart<'_>) -> Case {
    let value = |key: &str| {
        let attribute = tag.attributes().with_checks(false).flatten().find(|a| a.key.as_ref() == key)?;
        let text = attribute.value;
        Some(quick_xml::escape::unescape(&text).map_or_else(|_| text.clone().into_owned(), Cow::into_owned))
    };
    let name = value("name").unwrap_or_default();
    let name = match value("classname").filter(|class| !class.is_empty() && *class != name) {
        Some(class) => format!("{class} {name}"),
        None => name,
    };
    Case { name, failed: false, skipped: false }
}

fn mark(case: &mut Case, inner: &str) {
    match inner {
        "failure" | "error" => case.failed = true,
        "skipped" => case.skipped = true,
        _ => {}
    }
}

fn tell(tally: &mut Tally, case: &Case) {
    tally.pass(u32::from(!case.failed && !case.skipped));
    if case.failed {
        tally.fail(&case.name);
    } else if case.skipped {
        tally.skipped = tally.skipped.saturating_add(1);
    }
}
