//! Whether the system has killed a process for want of memory: its own count of such kills, before and after.
//!
//! The count is that of the whole machine, memory cgroups included (`oom_kill` in `/proc/vmstat`, Linux 4.13), so that it
//! tells what is likely and not what is certain.

/// How often the system has killed for want of memory; `None` where it does not tell.
pub(super) fn kills() -> Option<u64> {
    kills_in(&std::fs::read_to_string("/proc/vmstat").ok()?)
}

fn kills_in(vmstat: &str) -> Option<u64> {
    vmstat.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_wherever_it_stands() {
        assert_eq!(kills_in("nr_free_pages 5\noom_kill 12\nnuma_hit 7\n"), Some(12));
        assert_eq!(kills_in("nr_free_pages 5\nnot_oom_kill 12\n"), None);
        assert_eq!(kills_in("oom_kill many"), None);
    }
}
