//! The process table by way of `ps`, where there is no `/proc`.
//! It knows no sessions, so process groups stand in for them, and start times only to the second.

use std::collections::HashSet;

use super::Proc;

/// The columns that [`parse`] reads; `lstart` is five words.
#[cfg(not(target_os = "linux"))]
const COLUMNS: &str = "pid=,ppid=,pgid=,state=,lstart=,command=";

#[cfg(not(target_os = "linux"))]
pub(super) fn table() -> Vec<Proc> {
    run(&["-axww", "-o", COLUMNS]).lines().filter_map(parse).collect()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn process(pid: u32) -> Option<Proc> {
    run(&["-ww", "-o", COLUMNS, "-p", &pid.to_string()]).lines().find_map(parse)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn pids_with(name: &str, values: &[&str]) -> HashSet<u32> {
    with_entry(&run(&["-axwwE", "-o", "pid=,command="]), name, values)
}

#[cfg(not(target_os = "linux"))]
fn run(arguments: &[&str]) -> String {
    let output = std::process::Command::new("/bin/ps").args(arguments).env("LC_ALL", "C").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

pub(super) fn parse(line: &str) -> Option<Proc> {
    let mut rest = line;
    let mut word = || {
        let text = rest.trim_start();
        let (word, after) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
        rest = after;
        Some(word).filter(|word| !word.is_empty())
    };
    let pid = word()?.parse().ok()?;
    let ppid = word()?.parse().ok()?;
    let sid = word()?.parse().ok()?;
    let state = word()?.chars().next()?;
    let (_, month, day, time, year) = (word()?, word()?, word()?, word()?, word()?);
    let start = seconds(month, day, time, year)?;
    Some(Proc { pid, ppid, sid, start, state, command: rest.trim().to_owned() })
}

/// A number that differs for different times; months are not of one length, and need not be.
fn seconds(month: &str, day: &str, time: &str, year: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| *name == month)? as u64;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let mut parts = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    Some((((((year * 12 + month) * 32) + day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Processes whose line of `ps -E`, the command followed by its environment, holds `name=` and one of `values` as a word.
pub(super) fn with_entry(output: &str, name: &str, values: &[&str]) -> HashSet<u32> {
    let has = |word: &str| word.split_once('=').is_some_and(|(has, value)| has == name && values.contains(&value));
    let lines = output.lines().filter(|line| line.split_ascii_whitespace().any(has));
    lines.filter_map(|line| line.split_ascii_whitespace().next()?.parse().ok()).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_ps_is_read() {
        let proc = parse("  501   1   500 Ss+  Sat Nov 21 02:47:10 2026 /bin/sh -c sleep  1").unwrap();
        assert_eq!((proc.pid, proc.ppid, proc.sid, proc.state), (501, 1, 500, 'S'));
        assert_eq!(proc.command, "/bin/sh -c sleep  1");
        let later = parse("501 1 500 S Sat Nov 21 02:47:11 2026 sh").unwrap();
        assert_eq!(later.start, proc.start + 1);
        assert_eq!(parse("501 1 500 S Sat Foo 21 02:47:11 2026 sh"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn an_environment_entry_is_a_word() {
        let output = " 12 sh -c x LOOPDASH_STEP=r/1 HOME=/\n 13 sh LOOPDASH_STEP=r/12\n";
        assert_eq!(with_entry(output, "LOOPDASH_STEP", &["r/1"]), HashSet::from([12]));
    }
}
