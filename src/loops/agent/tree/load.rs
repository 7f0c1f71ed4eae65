//! What a process costs: processor time so far, and memory now.
//! Read when a person asks, or while a step is silent.

#[cfg(target_os = "linux")]
use std::collections::HashSet;
use std::time::Duration;

/// What a process costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Milliseconds of processor time that it has had, without its children's.
    pub cpu_ms: u64,
    /// Bytes of memory that it holds.
    pub resident: u64,
}

/// The load of a process; `None` when it is gone or not ours to look at.
#[cfg(target_os = "linux")]
pub fn load(pid: u32) -> Option<Load> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let [own, _] = ticks(&stat)?;
    Some(Load { cpu_ms: milliseconds(own), resident: resident(&status) })
}

/// The CPU time that a process and what it has started have used so far, those included that have ended and were waited
/// for; `None` where the system does not say. Only good for comparing: a process that leaves takes its time with it.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let family = super::closure(&super::table(), &HashSet::from([pid]), &HashSet::new());
        let stats = family.iter().filter_map(|proc| std::fs::read(format!("/proc/{}/stat", proc.pid)).ok());
        let used: Vec<u64> = stats.filter_map(|stat| ticks(&stat)).map(|[own, children]| own + children).collect();
        (!used.is_empty()).then(|| Duration::from_millis(milliseconds(used.iter().sum())))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pid;
        None
    }
}

#[cfg(target_os = "linux")]
fn milliseconds(ticks: u64) -> u64 {
    ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1)
}

/// The load of a process; `None` when it is gone or not ours to look at.
#[cfg(not(target_os = "linux"))]
pub fn load(pid: u32) -> Option<Load> {
    let command = std::process::Command::new("/bin/ps")
        .args(["-o", "time=,rss=", "-p", &pid.to_string()])
        .env("LC_ALL", "C")
        .output();
    parse(&String::from_utf8_lossy(&command.ok()?.stdout))
}

/// User and system time of a line of `/proc/PID/stat` in clock ticks, of the process and of children that it has waited
/// for: fields 14 to 17 of proc_pid_stat(5).
#[cfg(target_os = "linux")]
fn ticks(stat: &[u8]) -> Option<[u64; 2]> {
    let close = memchr::memrchr(b')', stat)?;
    let fields = std::str::from_utf8(stat.get(close + 1..)?).ok()?.split_ascii_whitespace().skip(11);
    let mut times = fields.map(|field| field.parse::<u64>().ok());
    let mut both = || Some(times.next()??.saturating_add(times.next()??));
    Some([both()?, both()?])
}

/// `VmRSS` of `/proc/PID/status`, which a process that is dead has not.
#[cfg(target_os = "linux")]
fn resident(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default().saturating_mul(1024)
}

/// A line of `ps -o time=,rss=`: `[[days-]hours:]minutes:seconds[.hundredths]`, and kilobytes.
#[cfg(any(test, not(target_os = "linux")))]
fn parse(line: &str) -> Option<Load> {
    let mut words = line.split_ascii_whitespace();
    let (time, kilobytes) = (words.next()?, words.next()?.parse::<u64>().ok()?);
    let (days, time) = time.split_once('-').unwrap_or(("0", time));
    let (whole, part) = time.split_once('.').unwrap_or((time, "0"));
    let seconds = whole.split(':').try_fold(0_u64, |sum, part| Some(sum * 60 + part.parse::<u64>().ok()?))?;
    let seconds = seconds + days.parse::<u64>().ok()? * 86_400;
    Some(Load { cpu_ms: seconds * 1000 + part.parse::<u64>().ok()? * 10, resident: kilobytes * 1024 })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_memory() {
        let own = load(std::process::id()).unwrap();
        assert!(own.resident > 100_000, "{own:?}");
        assert_eq!(load(u32::MAX), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_fields_are_counted_behind_the_name() {
        let line = b"4242 (a) R (b)\n) S 17 4242 4200 0 -1 4194560 1 2 3 4 50 6 7 8 20 0 1 0 987654 1000 10";
        assert_eq!(ticks(line), Some([56, 15]));
        assert_eq!(ticks(b"1 (x) S 0"), None);
        assert_eq!(resident("Name:\tsh\nVmRSS:\t    1024 kB\n"), 1024 * 1024);
        assert_eq!(resident("Name:\tsh\n"), 0);
    }

    #[test]
    fn a_line_of_ps_is_read() {
        assert_eq!(parse("  1:02.50  2048\n").unwrap(), Load { cpu_ms: 62_500, resident: 2048 * 1024 });
        assert_eq!(parse("1-00:00:01 1").unwrap(), Load { cpu_ms: 86_401_000, resident: 1024 });
        assert_eq!(parse(""), None);
    }
}
