//! Faults of repositories: what agents do with git, what stands in the way, what is odd about a checkout.

use super::invariants::Before;
use super::matrix::Row;
use crate::ground::Ground;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 20,
        fault: "an agent edits configuration, hooks, filters, attributes or alternates",
        happens: "nothing of it runs in loopdash's own git calls",
        tests: &[
            "loops::git::worktree::tests::nothing_the_repository_configures_is_run",
            "loops::git::diff::tests::attributes_cannot_hide_a_change",
        ],
    },
    Row {
        number: 21,
        fault: "an agent checks out, commits, resets, stashes, rebases, collects garbage, deletes its branch, commits on main",
        happens: "the content counts, whatever was done to branch and index: a snapshot is taken of the files, against the \
            base that `refs/loopdash` keeps alive",
        tests: &[
            "loops::git::snapshot::tests::whatever_the_agent_does_to_its_branch_and_index_the_content_counts",
            "loops::git::snapshot::tests::snapshots_form_a_chain_that_keeps_what_was_reset_away",
            "it::baddays::commits_of_the_actor_are_its_work",
        ],
    },
    Row {
        number: 22,
        fault: "the worktree is deleted, moved, or replaced by a link",
        happens: "the run needs a person, with what is there instead. A deleted one is made again on retry, with the content \
            of the last snapshot; nothing behind a link is ever removed",
        tests: &[
            "it::baddays::a_removed_worktree_is_trouble_and_loses_nothing_kept",
            "loops::git::worktree::tests::a_worktree_that_is_not_what_it_was_is_told",
            "loops::git::remove::tests::what_is_not_ours_or_not_kept_is_left_alone",
        ],
    },
    Row {
        number: 23,
        fault: "leftovers of worktrees: locked, prunable, path or branch taken",
        happens: "a taken name gets a number; a locked or moved one is named; nothing is forced",
        tests: &[
            "loops::git::worktree::tests::taken_branches_and_paths_get_a_number",
            "loops::git::worktree::tests::a_worktree_that_is_not_what_it_was_is_told",
        ],
    },
    Row {
        number: 24,
        fault: "index.lock is held, by someone or by nobody",
        happens: "does not matter: snapshots have an index of their own, and the lock is left alone",
        tests: &[
            "it::faults::git::row_24_a_held_index_lock_holds_nothing_up",
            "loops::git::worktree::tests::locks_of_the_operator_do_not_matter",
        ],
    },
    Row {
        number: 25,
        fault: "the base has moved, or a merge conflicts",
        happens: "loopdash does not merge yet: the run's branch is left for the operator",
        tests: &[],
    },
    Row {
        number: 26,
        fault: "submodules, LFS pointers, sparse, shallow and partial clones",
        happens: "work as they stand, and nothing is fetched; what is not checked out is told",
        tests: &[
            "loops::git::worktree::tests::submodules_and_lfs_pointers_are_left_as_they_are_stored",
            "loops::git::snapshot::tests::a_sparse_worktree_loses_nothing_that_is_not_checked_out",
            "loops::git::repo::tests::bare_linked_shallow_and_filtered_repositories_are_told",
        ],
    },
    Row {
        number: 27,
        fault: "links that lead out, FIFOs, sockets, unreadable files",
        happens: "a link is stored as a link; a FIFO is never opened; what cannot be stored is named",
        tests: &[
            "loops::git::snapshot::tests::what_git_cannot_store_is_reported_and_never_opened",
            "loops::git::snapshot::tests::kinds_may_swap",
            "loops::git::snapshot::tests::unreadable_files_keep_their_last_known_content",
        ],
    },
    Row {
        number: 28,
        fault: "paths that are no UTF-8, hold newlines, begin with a dash, look like pathspecs",
        happens: "bytes all the way, shown escaped",
        tests: &[
            "loops::git::snapshot::tests::odd_names_are_stored_and_shown_escaped",
            "loops::git::paths::tests::different_paths_look_different",
        ],
    },
    Row {
        number: 29,
        fault: "a huge binary, 100,000 changed files or lines",
        happens: "summarised above a size and read when opened, off the screen's thread; an untracked file above 50 MB is left \
            out of snapshots and named",
        tests: &[
            "loops::git::diff::tests::large_files_are_summarised_and_loaded_when_asked_for",
            "loops::git::diff::tests::the_text_of_all_files_together_is_bounded",
        ],
    },
    Row {
        number: 30,
        fault: "no commits, detached, bare, linked, another user's, SHA-256, git missing or too old",
        happens: "works, or a message for each that says what to do",
        tests: &[
            "it::baddays::odd_repositories_work_or_say_what_to_do",
            "loops::git::repo::tests::what_cannot_be_used_is_named_with_a_way_out",
            "loops::git::repo::tests::another_users_repository_is_not_trusted",
        ],
    },
];

#[test]
fn row_24_a_held_index_lock_holds_nothing_up() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let lock = ground.repo().join(".git/index.lock");
    std::fs::write(&lock, "somebody's").unwrap();
    // The agent's own worktree is locked, too, by nobody who still lives.
    let script = "touch \"$(git rev-parse --git-dir)/index.lock\"";
    ground.run(&["write", "x", "1\n", "sh", script, "claim"], &["done", "fine"], &[]).exits(0);
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), "somebody's");
    let runs = before.holds(&ground);
    assert_eq!(runs[0].state.last_snapshot().unwrap().files, 1);
}
