//! What a process costs: processor time so far, and memory now.
//! Read when a person asks, never in a loop.

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
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Load { cpu_ms: ticks(&stat)?.saturating_mul(1000) / per_second, resident: resident(&status) })
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

/// User and system time of a line of `/proc/PID/stat`, fields 14 and 15 of proc_pid_stat(5).
#[cfg(target_os = "linux")]
fn ticks(stat: &[u8]) -> Option<u64> {
    let close = memchr::memrchr(b')', stat)?;
    let mut fields = std::str::from_utf8(stat.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user.saturating_add(system))
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
        assert_eq!(ticks(line), Some(56));
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
