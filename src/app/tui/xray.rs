//! Reading a step's X-ray off the screen's task: how it was launched, and which processes it has now.

use crate::app::link::Link;
use crate::app::view::xray::{Member, Xray, XrayKey};
use crate::loops::agent::survivors;
use crate::loops::agent::tree::{Proc, load};
use crate::loops::core::state::StepRecord;

/// Reads it. Blocks for some milliseconds.
pub(super) fn read(link: &Link, key: XrayKey, step: &StepRecord) -> Xray {
    let (dir, launched) = link.launched(key.run, key.step, &step.kind);
    let launched = match launched {
        Ok(Some(launched)) => Ok(launched),
        Ok(None) => Err("how it was launched was not written down".to_owned()),
        Err(error) => Err(format!("how it was launched cannot be read: {error}")),
    };
    let processes = match step.process {
        Some(process) if step.end.is_none() => family(survivors::find(&[key.run.to_string()], &[process])),
        _ => Vec::new(),
    };
    Xray { dir, launched, processes }
}

/// Each process below the one that started it.
fn family(mut procs: Vec<Proc>) -> Vec<Member> {
    procs.sort_by_key(|proc| proc.pid);
    let mut members = Vec::with_capacity(procs.len());
    // A parent that is not among them is none; the table was read at one moment, so nobody is their own ancestor.
    let roots = procs.iter().filter(|proc| !procs.iter().any(|other| other.pid == proc.ppid));
    let mut next: Vec<(usize, &Proc)> = roots.rev().map(|proc| (0, proc)).collect();
    while let Some((depth, proc)) = next.pop() {
        let (pid, state, command) = (proc.pid, proc.state, proc.command.clone());
        members.push(Member { depth, pid, state, command, load: load(pid) });
        next.extend(
            procs.iter().filter(|child| child.ppid == pid && child.pid != pid).rev().map(|child| (depth + 1, child)),
        );
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_stands_below_the_one_that_started_it() {
        let proc = |pid, ppid| Proc { pid, ppid, sid: 1, start: 1, state: 'S', command: format!("p{pid}") };
        let far = u32::MAX - 10;
        let members =
            family(vec![proc(far + 4, far + 1), proc(far + 1, 1), proc(far + 3, far + 2), proc(far + 2, far + 1)]);
        let shown: Vec<(usize, u32)> = members.iter().map(|member| (member.depth, member.pid - far)).collect();
        assert_eq!(shown, [(0, 1), (1, 2), (2, 3), (1, 4)]);
    }
}
