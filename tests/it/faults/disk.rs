//! Faults of disks: full, failing, read-only, wiped.

use super::matrix::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 4,
        fault: "no space for the journal",
        happens: "the batch is taken back whole and tried again each second, nothing is acted on meanwhile, and the screen \
            says so; when there is room, everything goes on by itself",
        tests: &[
            "loops::journal::tail::tests::a_full_disk_at_any_call_loses_nothing",
            "loops::journal::append::tests::a_real_file_that_is_full_and_cannot_be_cut_is_not_written_again",
        ],
    },
    Row {
        number: 5,
        fault: "no space in the worktree or for git objects",
        happens: "the run needs a person, with git's reason; others go on. No half snapshot: its ref is written last",
        tests: &[],
    },
    Row {
        number: 6,
        fault: "a write or sync of the journal fails",
        happens: "the journal takes nothing more and no second sync is trusted",
        tests: &["loops::journal::tail::tests::any_other_failure_at_any_call_poisons_and_leaves_no_half_batch"],
    },
    Row {
        number: 31,
        fault: "read-only state directory or home; NFS without locks",
        happens: "refused at the start with the path; looking at runs (`list`, `show`, `log`) still works. On NFS the lock \
            is the server's business: `flock` is emulated since Linux 2.6.12, and a mount without locks is refused \
            with the system's reason. NFS itself has no test",
        tests: &[
            "loops::journal::store::tests::a_root_that_cannot_be_written_is_refused_by_name",
            "it::baddays::a_state_directory_that_cannot_be_written_is_named",
            "loops::journal::store::tests::viewing_makes_nothing",
        ],
    },
    Row {
        number: 49,
        fault: "temporary directory wiped, full or unset",
        happens: "nothing of a run lies there: state is under the state directory, worktrees are where they are configured",
        tests: &[],
    },
];
