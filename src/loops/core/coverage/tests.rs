//! Each tool's own output and report, and what is read of it; then the same cut, mixed and hostile.
//!
//! pytest-cov, nyc and c8 wrote their fixtures; the others are written after what their tools are documented to print.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

macro_rules! fixtures {
    ($($name:literal => $total:literal,)*) => {
        &[$(($name, include_bytes!(concat!("../../../../tests/fixtures/coverage/", $name)), $total)),*]
    };
}

/// A file's name, what is in it, and the total of that.
type Fixtures = &'static [(&'static str, &'static [u8], &'static str)];

fn fixture(name: &str) -> &'static [u8] {
    PRINTED.iter().chain(REPORTED).find(|(other, ..)| *other == name).unwrap().1
}

fn printed(output: &[u8]) -> Option<Percent> {
    let mut printed = Printed::default();
    output.split(|byte| *byte == b'\n').for_each(|line| printed.line(line));
    printed.finish()
}

fn words(total: Option<Percent>) -> String {
    total.map_or("none".to_owned(), |total| total.to_string())
}

const PRINTED: Fixtures = fixtures![
    "llvm-cov.stdout" => "71.42 %",
    "tarpaulin.stdout" => "71.42 %",
    "pytest-cov.stdout" => "62 %",
    "pytest-cov-branch.stdout" => "58 %",
    "go.stdout" => "83.3 %",
    "go-json.stdout" => "83.3 %",
    "go-packages.stdout" => "0 %",
    "go-total.stdout" => "71.4 %",
    "nyc.stdout" => "75 %",
    "nyc-summary.stdout" => "75 %",
    "c8.stdout" => "63.63 %",
];

const REPORTED: Fixtures = fixtures![
    "coverage-py.info" => "62.5 %",
    "nyc.info" => "75 %",
    "lcov-two-tests.info" => "75 %",
    "cobertura.xml" => "62.5 %",
    "jacoco.xml" => "37.5 %",
    "llvm-cov.json" => "71.42 %",
    "nyc-summary.json" => "75 %",
    "coverage-py.json" => "62.5 %",
];

#[test]
fn each_tool_s_total_is_read_from_what_it_prints() {
    for (name, output, total) in PRINTED {
        assert_eq!(words(printed(output)), *total, "{name}");
    }
}

#[test]
fn each_report_s_total_is_read_by_what_it_holds() {
    for (name, report, total) in REPORTED {
        assert_eq!(words(reported(report)), *total, "{name}");
        let marked = [&b"\xef\xbb\xbf\n"[..], report].concat();
        assert_eq!(words(reported(&marked)), *total, "{name} with a byte order mark");
    }
}

#[test]
fn of_several_totals_the_lowest_counts() {
    let both = [fixture("nyc.stdout"), fixture("pytest-cov.stdout")].concat();
    assert_eq!(words(printed(&both)), "62 %");
    let boast = b"TOTAL 8 0 100%\n100.00% coverage, 8/8 lines covered\nAll files | 100 | 100 | 100 | 100 |\n";
    let output = [fixture("pytest-cov.stdout"), b"\n", boast].concat();
    assert_eq!(words(printed(&output)), "62 %", "what else is printed does not better it");
}

#[test]
fn words_that_only_look_like_a_total_tell_nothing() {
    for line in [
        "TOTAL  8  3  62%",
        "All files | 70 | 66 | 66 | 75 |",
        "coverage: platform linux",
        "coverage: 12% of the work",
        "total: 71.4%",
        "Lines are 80% ( nearly )",
        "80% coverage, they say",
        "Filename  Size\nTOTAL 12 100%",
        "Name  Stmts  Miss  Cover\nTOTALS 8 3 62%",
        "Filename  Lines  Missed Lines  Cover\nTOTAL  0  0  -",
        "File | % Stmts |\nAll files | 90 |",
    ] {
        assert_eq!(printed(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn llvm_s_columns_may_be_fewer() {
    let table = "Filename  Lines  Missed Lines  Cover\n-----\na.rs  8  3  62.50%\n-----\nTOTAL  8  3  62.50%";
    assert_eq!(words(printed(table.as_bytes())), "62.5 %");
}

#[test]
fn a_report_that_is_cut_or_another_s_has_no_total() {
    for name in ["nyc.info", "jacoco.xml", "cobertura.xml", "llvm-cov.json", "nyc-summary.json", "coverage-py.json"] {
        let whole = fixture(name);
        assert_eq!(reported(whole.trim_ascii_end().split_last().unwrap().1), None, "{name}");
    }
    for other in [
        &b""[..],
        b"<html><body>503</body></html>",
        b"<coverage generated=\"1\"><project/></coverage>",
        b"<coverage lines-valid=\"0\" lines-covered=\"0\" line-rate=\"1\"/>",
        b"<coverage line-rate=\"NaN\"/>",
        b"<report name=\"x\"/>",
        b"<report><group><counter type=\"LINE\" missed=\"0\" covered=\"9\"/></group></report>",
        b"<!DOCTYPE report [<!ENTITY a \"&b;&b;\"><!ENTITY b \"&a;&a;\">]><report>&a;</report>",
        b"{}",
        b"{\"total\":{\"lines\":{\"total\":0,\"covered\":0,\"pct\":\"Unknown\"}}}",
        b"{\"data\":[],\"type\":\"llvm.coverage.json.export\"}",
        b"{\"total\":{\"lines\":{\"total\":7,\"covered\":9}}}",
        b"SF:a\nend_of_record\n",
        b"SF:a\nDA:x,1\nend_of_record\n",
        b"mode: set\nexample.com/shop/cart.go:3.20,5.2 1 1\n",
    ] {
        assert_eq!(reported(other), None, "{}", String::from_utf8_lossy(other));
    }
}

#[test]
fn a_record_without_lines_counts_by_its_sums() {
    let report =
        b"SF:a\nLF:4\nLH:1\nend_of_record\nSF:b\r\nDA:1,-1\r\nDA:2,1e+10\r\nDA:3,0,deadbeef\r\nDA:4,7\r\nend_of_record";
    assert_eq!(words(reported(report)), "37.5 %");
    assert_eq!(words(reported(b"<coverage line-rate=\"0.8571\" branch-rate=\"0\"></coverage>")), "85.71 %");
}

#[test]
fn what_it_comes_to_is_told_in_words() {
    let floor = Percent::of(80, 100).unwrap();
    let found = |text: &str, base: Option<&Coverage>| Coverage::new(Ok(Percent::read(text).unwrap()), floor, base);
    let base = found("62", None);
    let lost = Coverage::new(Err("in the output".to_owned()), floor, None);
    let told: Vec<String> = [
        found("84.2", Some(&base)),
        found("71.4", None),
        found("71.4", Some(&base)),
        found("61", Some(&base)),
        found("71.4", Some(&found("90", None))),
        lost,
    ]
    .iter()
    .map(|coverage| format!("{} ({})", coverage.words(), coverage.brief()))
    .collect();
    assert_eq!(
        told,
        [
            "coverage 84.2 % (84.2 %)",
            "coverage 71.4 % is under the floor of 80 % (71.4 % < 80 %)",
            "coverage 71.4 % is under the floor of 80 %, as on the base with 62 % (71.4 % < 80 %)",
            "coverage 61 % is under the 62 % of the base, which is under the floor of 80 % itself (61 % < 80 %)",
            "coverage 71.4 % is under the floor of 80 % (71.4 % < 80 %)",
            "no coverage total found in the output (no coverage)",
        ]
    );
}

/// Megabytes of what could make a reader go back and forth are read in one pass: if the time grew with the square of their
/// length, this would not end within a day.
#[test]
fn work_grows_with_the_length_alone() {
    const TIMES: usize = 400_000;
    let mut files = String::new();
    for n in 0..TIMES {
        let _ = write!(files, "SF:{n}\nDA:1,1\nend_of_record\n");
    }
    assert_eq!(words(reported(files.as_bytes())), "100 %");
    for piece in [
        "<report>",
        "<a ",
        "<report><counter type=\"LINE\" ",
        "&lt;",
        "<!--",
        "<![CDATA[",
        "{\"a\":",
        "[",
        "{\"total\":{",
        "SF:a\nDA:1,1\n",
        "a=\"",
        "<coverage x=\"",
    ] {
        assert_eq!(reported(piece.repeat(TIMES).as_bytes()), None, "{piece}");
        let headed = format!("<report>{}", piece.repeat(TIMES));
        assert_eq!(reported(headed.as_bytes()), None, "{piece} in a report");
    }
    for piece in [
        "coverage: ",
        "% coverage, ",
        "|",
        "All files|",
        "File|",
        "TOTAL ",
        "Filename  ",
        "Lines : ",
        "% of statements",
    ] {
        assert_eq!(printed(piece.repeat(TIMES).as_bytes()), None, "{piece}");
    }
}

proptest! {
    /// Whatever is cut out of it, put together or made up, reading ends with a percentage or with none.
    #[test]
    fn any_bytes_are_read(
        pieces in prop::collection::vec((0_usize..19, 0_usize..4_000, 0_usize..4_000), 0..6),
        noise in prop::collection::vec(any::<u8>(), 0..400),
        first in prop::sample::select(vec![&b""[..], b"<", b"{", b"<coverage line-rate=\"", b"<report><counter ", b"SF:a\nDA:"]),
    ) {
        let names: Vec<&str> = PRINTED.iter().chain(REPORTED).map(|(name, ..)| *name).collect();
        let mut bytes = [first, &noise].concat();
        for (which, from, to) in pieces {
            let whole = fixture(names[which]);
            bytes.extend_from_slice(whole.get(from.min(to)..from.max(to).min(whole.len())).unwrap_or(whole));
        }
        for total in [printed(&bytes), reported(&bytes)].into_iter().flatten() {
            prop_assert!(total <= Percent::of(1, 1).unwrap());
        }
    }
}
