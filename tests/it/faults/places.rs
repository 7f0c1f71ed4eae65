//! Faults of the places that loops work in: worktrees that are moved or in the way, locks, odd repositories, odd gits.

use super::git::{GIT, grown, trouble};
use super::invariants::{Before, assert_told};
use super::matrix::Row;
use crate::ground::{Ground, Told, program};
use loopdash::loops::core::event::Trouble;
use std::process::Command;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 22,
        fault: "the worktree is deleted, moved, or replaced by a link",
        happens: "the run needs a person, with what is there instead. A deleted one is made again on retry, with the content \
            of the last snapshot; nothing behind a link is ever removed",
        tests: &[
            "it::faults::places::row_22_a_worktree_that_is_moved_or_replaced_needs_a_person",
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
            "it::faults::places::row_23_whatever_is_left_of_earlier_worktrees_is_left_alone",
            "loops::git::worktree::tests::taken_branches_and_paths_get_a_number",
            "loops::git::worktree::tests::a_worktree_that_is_not_what_it_was_is_told",
        ],
    },
    Row {
        number: 24,
        fault: "index.lock is held, by someone or by nobody",
        happens: "does not matter: snapshots have an index of their own, and the lock is left alone",
        tests: &[
            "it::faults::places::row_24_a_held_index_lock_holds_nothing_up",
            "loops::git::worktree::tests::locks_of_the_operator_do_not_matter",
        ],
    },
    Row {
        number: 25,
        fault: "the base has moved, or a merge conflicts",
        happens: "main stays where its operator has it until the work is to land. Landing joins it with what came there \
            meanwhile; a conflict names its files and changes nothing, and so does a target that moves at that moment",
        tests: &[
            "it::faults::places::row_25_a_base_that_has_moved_is_never_touched_and_the_branch_is_left_to_merge",
            "it::land::a_run_lands_in_one_commit_on_what_its_target_has_become",
            "it::land::a_conflict_names_its_files_and_leaves_all_as_it_was",
            "it::land::a_kill_in_the_middle_of_landing_is_finished_by_landing_again",
            "loops::git::land::tests::a_target_that_moves_meanwhile_stays_where_it_went",
        ],
    },
    Row {
        number: 26,
        fault: "submodules, LFS pointers, sparse, shallow and partial clones",
        happens: "work as they stand, and nothing is fetched; what is not checked out is told",
        tests: &[
            "it::faults::places::row_26_a_partial_clone_works_and_fetches_nothing",
            "it::faults::places::row_26_what_an_agent_does_to_a_submodule_is_stored_and_nothing_is_fetched",
            "loops::git::worktree::tests::submodules_and_lfs_pointers_are_left_as_they_are_stored",
            "loops::git::snapshot::tests::a_sparse_worktree_loses_nothing_that_is_not_checked_out",
            "loops::git::repo::tests::bare_linked_shallow_and_filtered_repositories_are_told",
        ],
    },
    Row {
        number: 30,
        fault: "no commits, detached, bare, linked, another user's, SHA-256, git missing or too old",
        happens: "works, or a message for each that says what to do",
        tests: &[
            "it::faults::places::row_30_a_git_that_is_missing_or_too_old_is_named",
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

#[test]
fn row_22_a_worktree_that_is_moved_or_replaced_needs_a_person() {
    for script in [
        "cd ..; mv \"$OLDPWD\" elsewhere; ln -s \"$HOME\" \"$OLDPWD\"",
        "mv \"$PWD\" \"$PWD-moved\"",
        "rm -r \"$PWD\"; echo a file >\"$PWD\"",
    ] {
        let ground = grown();
        let before = Before::of(&ground);
        let home = ground.path("home");
        std::fs::write(home.join("precious"), "kept\n").unwrap();
        let told = ground.run(&["sh", script], &["done", "ok"], &[]);
        assert_told(told, 3, "waits for you: ", "`loopdash resume make-a-note` tries again");
        let runs = before.holds(&ground);
        let (kind, detail) = trouble(&runs[0]).unwrap();
        assert!(matches!(kind, Trouble::Snapshot | Trouble::Worktree), "{script}: {detail}");
        assert!(detail.contains("shop.loops/make-a-note"), "{script}: {detail}");
        assert_eq!(std::fs::read_to_string(home.join("precious")).unwrap(), "kept\n");
        assert_eq!(std::fs::read_dir(&home).unwrap().count(), 1, "nothing was put behind the link");
    }
}

#[test]
fn row_23_whatever_is_left_of_earlier_worktrees_is_left_alone() {
    let ground = grown();
    let loops = ground.path("shop.loops");
    std::fs::create_dir(&loops).unwrap();
    let place = |name: &str| loops.join(name).to_str().unwrap().to_owned();
    // The branch is checked out elsewhere; its place holds somebody's files; the next one is registered, locked and
    // missing; the one after that is registered and missing.
    ground.git(&["worktree", "add", "-q", "-b", "run/make-a-note", &place("mine")]);
    std::fs::create_dir(place("make-a-note")).unwrap();
    std::fs::write(loops.join("make-a-note/precious"), "kept\n").unwrap();
    for (name, lock) in [("make-a-note-2", true), ("make-a-note-3", false)] {
        ground.git(&["worktree", "add", "-q", "--detach", &place(name)]);
        if lock {
            ground.git(&["worktree", "lock", "--reason", "on a stick", &place(name)]);
        }
        std::fs::remove_dir_all(place(name)).unwrap();
    }
    let before = Before::of(&ground);
    let list = || ground.git(&["worktree", "list", "--porcelain"]).split("\n\n").map(str::to_owned).collect::<Vec<_>>();
    let listed = list();
    ground.run(&["touch", "x", "claim"], &["done", "fine"], &[]).exits(0);
    let runs = before.holds(&ground);
    let workspace = runs[0].state.workspace.as_ref().unwrap();
    assert_eq!(workspace.branch.as_deref(), Some("run/make-a-note-2"));
    assert!(workspace.path.ends_with("shop.loops/make-a-note-4"), "{}", workspace.path);
    let now = list();
    assert!(listed.iter().all(|one| now.contains(one)) && now.len() == listed.len() + 1, "{now:?}");
    assert_eq!(std::fs::read_to_string(loops.join("make-a-note/precious")).unwrap(), "kept\n");
}

#[test]
fn row_25_a_base_that_has_moved_is_never_touched_and_the_branch_is_left_to_merge() {
    let ground = grown();
    let script = format!("{GIT}git switch -q -C run/make-a-note; echo theirs >more.txt; git commit -qam theirs");
    let words = ["sh", &script, "claim"];
    ground.run(&words, &["done", "fine"], &[]).exits(0);
    // The operator goes on, with other words in the same place.
    ground.write("more.txt", "mine\n");
    ground.commit("mine");
    let before = Before::of(&ground);
    let main = ground.git(&["rev-parse", "main"]);
    for words in [&["show", "make-a-note"][..], &["diff", "make-a-note"], &["list"]] {
        ground.loopdash(words).exits(0);
    }
    before.holds(&ground);
    assert_eq!(ground.git(&["rev-parse", "main"]), main);
    let merge = Command::new("git")
        .args(["merge-tree", "--write-tree", "--name-only", "main", "run/make-a-note"])
        .current_dir(ground.repo())
        .output()
        .unwrap();
    assert_eq!(merge.status.code(), Some(1), "a conflict, for the operator to solve");
    assert!(String::from_utf8_lossy(&merge.stdout).contains("more.txt"));
}

#[test]
fn row_26_what_an_agent_does_to_a_submodule_is_stored_and_nothing_is_fetched() {
    let ground = grown();
    let library = ground.path("library");
    let git = |dir: &std::path::Path, args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "protocol.file.allow=always", "-c", "user.name=t", "-c", "user.email=t@localhost"]);
        let output = git.args(args).current_dir(dir).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    std::fs::create_dir(&library).unwrap();
    git(&library, &["init", "-q", "-b", "main"]);
    git(&library, &["commit", "-q", "--allow-empty", "-m", "one"]);
    git(&ground.repo(), &["submodule", "--quiet", "add", library.to_str().unwrap(), "lib"]);
    ground.commit("a library");
    let before = Before::of(&ground);
    // Left alone, it is not in the way, and nothing of it is fetched.
    ground.run(&["touch", "x", "claim"], &["done", "fine"], &[]).exits(0);
    assert_eq!(std::fs::read_dir(ground.ran().worktree().join("lib")).unwrap().count(), 0);
    // Moved on by the agent, the new commit is part of the work.
    let script = format!(
        "{GIT}git -c protocol.file.allow=always submodule --quiet update --init; cd lib
        git commit -q --allow-empty -m two; git rev-parse HEAD >../../../moved; echo half >uncommitted"
    );
    ground.run(&["sh", &script, "claim"], &["done", "fine"], &[]).exits(0);
    let moved = std::fs::read_to_string(ground.path("moved")).unwrap();
    let diff = ground.loopdash(&["diff", "make-a-note#2"]).exits(0).out;
    assert!(diff.contains("lib") && diff.contains(moved.trim()), "{diff}");
    before.holds(&ground);
}

#[test]
fn row_26_a_partial_clone_works_and_fetches_nothing() {
    let ground = grown();
    ground.write("more.txt", "again\n");
    ground.commit("so that a blob is missing");
    ground.git(&["config", "uploadpack.allowFilter", "true"]);
    let (origin, part) = (ground.path("origin"), ground.path("part"));
    std::fs::rename(ground.repo(), &origin).unwrap();
    let url = format!("file://{}", origin.display());
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["clone", "-q", "--filter=blob:none", &url, part.to_str().unwrap()]);
    std::fs::rename(&part, ground.repo()).unwrap();
    // Whoever fetches finds nobody.
    std::fs::rename(&origin, ground.path("moved")).unwrap();
    let repo = ground.repo();
    let missing = || git(&["-C", repo.to_str().unwrap(), "rev-list", "--objects", "--all", "--missing=print"]);
    let gone = missing().lines().filter(|line| line.starts_with('?')).count();
    assert!(gone > 0, "it is partial");
    let before = Before::of(&ground);
    ground.run(&["write", "more.txt", "mine", "claim"], &["done", "fine"], &[]).exits(0);
    let shown = ground.loopdash(&["diff", "make-a-note"]).exits(0).out;
    assert!(shown.contains("-again") && shown.contains("+mine"), "{shown}");
    before.holds(&ground);
    assert_eq!(missing().lines().filter(|line| line.starts_with('?')).count(), gone);
}

#[test]
fn row_30_a_git_that_is_missing_or_too_old_is_named() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let old = ground.path("old");
    std::fs::create_dir(&old).unwrap();
    program(&old.join("git"), "#!/bin/sh\necho git version 2.20.1\n");
    for (path, words) in [(old, "`git` is 2.20.1, too old"), (ground.path("bin"), "cannot start `git`")] {
        let mut command = ground.run_command(&["touch", "x", "claim"], &[], &[]);
        command.env("PATH", &path);
        assert_told(Told::from(command.output().unwrap()), 65, words, "install git 2.38 or newer");
    }
    // Nothing was begun, and with a git of today it works.
    ground.run(&["touch", "x", "claim"], &["done", "fine"], &[]).exits(0);
    assert_eq!(before.holds(&ground).len(), 1);
}
