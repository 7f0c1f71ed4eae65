//! Faults of repositories: what agents do with git, what stands in the way, what is odd about a checkout.

use super::invariants::Before;
use super::matrix::Row;
use crate::ground::{Ground, Ran};
use loopdash::loops::core::event::{Event, ParkReason, Trouble};
use std::process::{Command, Stdio};

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 20,
        fault: "an agent edits configuration, hooks, filters, attributes or alternates",
        happens: "nothing of it runs in loopdash's own git calls; the run needs a person, with what was edited, and goes on \
            from there when retried",
        tests: &[
            "it::faults::git::row_20_what_steers_git_is_seen_and_never_run",
            "loops::git::worktree::tests::nothing_the_repository_configures_is_run",
            "loops::git::diff::tests::attributes_cannot_hide_a_change",
        ],
    },
    Row {
        number: 21,
        fault: "an agent checks out, commits, resets, stashes, rebases, collects garbage, deletes its branch, commits on main",
        happens: "the content counts, whatever was done to branch and index: a snapshot is taken of the files, against the \
            base that `refs/loopdash` keeps alive. A new ref is noted; where somebody's ref or stash entry was moved or deleted, \
            the run needs a person, with its name, where it was, and the ref that keeps that: all of it is pinned while a \
            step runs, so that garbage collection takes nothing. Refs of loopdash's own are put back, and that is told, \
            too; only who deletes them and collects garbage in the same step destroys what nothing else led to, which is \
            named, and retry goes on from the last snapshot that is left. Whoever moved a ref: a commit of the operator's \
            own on main while a step runs looks the same, and costs a retry. What happens to refs of others while loopdash \
            itself is dead is not seen",
        tests: &[
            "it::faults::git::row_21_whatever_is_done_to_branches_the_files_count",
            "it::faults::git::row_21_a_moved_or_deleted_ref_needs_a_person",
            "it::faults::git::row_21_a_deleted_branch_and_a_dropped_stash_outlive_garbage_collection",
            "it::faults::git::row_21_refs_of_our_own_are_put_back_or_missed_by_name",
            "it::faults::git::row_21_what_is_swept_away_while_nothing_runs_is_put_back_or_missed_by_name",
            "loops::git::pins::tests::what_refs_were_at_outlives_their_deletion_and_a_collection",
            "loops::git::pins::tests::refs_of_ours_that_were_swept_away_are_put_back_and_what_is_gone_is_told",
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
            "it::faults::git::row_22_a_worktree_that_is_moved_or_replaced_needs_a_person",
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
            "it::faults::git::row_23_whatever_is_left_of_earlier_worktrees_is_left_alone",
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
        happens: "loopdash does not merge yet: main stays where its operator has it, and the run's branch is left to merge, \
            where git names what is in conflict",
        tests: &["it::faults::git::row_25_a_base_that_has_moved_is_never_touched_and_the_branch_is_left_to_merge"],
    },
    Row {
        number: 26,
        fault: "submodules, LFS pointers, sparse, shallow and partial clones",
        happens: "work as they stand, and nothing is fetched; what is not checked out is told",
        tests: &[
            "it::faults::git::row_26_what_an_agent_does_to_a_submodule_is_stored_and_nothing_is_fetched",
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

fn trouble(ran: &Ran) -> Option<(Trouble, &str)> {
    match &ran.state.park {
        Some(ParkReason::Attention { kind, detail }) => Some((*kind, detail)),
        _ => None,
    }
}

/// Git for a script: with an identity and nothing of the machine's configuration.
const GIT: &str = "git() { command git -c user.name=t -c user.email=t@localhost \"$@\"; }; ";

/// A ground whose repository has a second branch, a tag and two commits.
fn grown() -> Ground {
    let ground = Ground::new();
    ground.git(&["branch", "release"]);
    ground.git(&["tag", "v1"]);
    ground.write("more.txt", "more\n");
    ground.commit("more");
    ground
}

#[test]
fn row_20_what_steers_git_is_seen_and_never_run() {
    let ground = grown();
    let canary = ground.path("canary");
    let script = format!(
        r#"
        cat >../canary.sh <<'END'
#!/bin/sh
echo "$0 $*" >>'{canary}'
cat
END
        chmod +x ../canary.sh
        c=$(realpath ../canary.sh); d=$(git rev-parse --git-common-dir)
        for hook in post-checkout pre-commit post-commit reference-transaction post-index-change pre-auto-gc; do
            cp "$c" "$d/hooks/$hook"
        done
        for key in core.fsmonitor core.pager core.editor core.sshCommand diff.external filter.x.clean filter.x.smudge \
            filter.x.process diff.x.textconv diff.x.command merge.x.driver credential.helper core.alternateRefsCommand; do
            git config --file "$d/config" "$key" "$c"
        done
        echo '* filter=x diff=x merge=x' >.gitattributes
        mkdir -p "$d/info"; echo '* filter=x' >"$d/info/attributes"
        echo "$d/objects" >"$d/objects/info/alternates"
        echo 1 >x
        "#,
        canary = canary.display()
    );
    ground.run(&["sh", &script], &["done", "fine"], &["--gate", "true"]).exits(3);
    let ran = ground.ran();
    let (kind, detail) = trouble(&ran).unwrap();
    assert_eq!(kind, Trouble::Repository);
    for name in ["config", "hooks/pre-commit", "info/attributes", "objects/info/alternates"] {
        assert!(detail.contains(name) || detail.contains("more"), "{detail}");
    }
    // A person has looked; everything that loopdash does with git from there on runs among these settings.
    ground.loopdash(&["resume", "--headless", "make-a-note"]).exits(0);
    ground.loopdash(&["diff", "make-a-note"]).exits(0);
    ground.loopdash(&["show", "make-a-note"]).exits(0);
    ground.run(&["touch", "y", "claim"], &[], &[]).exits(0);
    let said = std::fs::read_to_string(&canary).unwrap_or_default();
    assert_eq!(said, "", "something of the repository's ran");
    // Any other git would have run it.
    let _ = Command::new("git").arg("status").current_dir(ground.repo()).stdin(Stdio::null()).output().unwrap();
    assert!(canary.exists());
    ground.runs().iter().for_each(Ran::assert_gone);
}

#[test]
fn row_21_whatever_is_done_to_branches_the_files_count() {
    let scripts = [
        ("git checkout -q -b feature; echo 1 >x; git add x; git commit -q -m f", "refs/heads/feature was made"),
        ("echo 1 >x; echo 2 >z; git add .; git commit -q -m c; git reset -q --hard HEAD~1; echo 1 >x", ""),
        ("echo 2 >z; git stash -q -u; echo 1 >x", "refs/stash was made"),
        (
            "echo 1 >x; git add x; git commit -q -m c; git reset -q HEAD~1; git reflog expire --expire=now --all; \
          git gc -q --prune=now",
            "",
        ),
        ("echo 1 >x; git add x; git commit -q -m c; git rebase -q --force-rebase HEAD~1", ""),
        ("git checkout -q --detach; git branch -q -D run/make-a-note; echo 1 >x", ""),
        ("git checkout -q v1; echo 1 >x; git rm -q --cached README.md", ""),
        ("echo 1 >x; git tag mine; git update-ref refs/remotes/origin/main HEAD", "refs/tags/mine was made"),
    ];
    std::thread::scope(|scope| {
        for (script, noted) in scripts {
            scope.spawn(move || {
                let ground = grown();
                let base = ground.git(&["rev-parse", "HEAD"]);
                ground.run(&["sh", &format!("{GIT}{script}"), "claim"], &["done", "ok"], &[]).exits(0);
                let ran = ground.ran();
                ran.assert_gone();
                let names = ground.loopdash(&["diff", "make-a-note"]).exits(0).out;
                assert!(names.contains("+1") && names.contains("b/x"), "{script}: {names}");
                assert_eq!(ran.state.workspace.as_ref().unwrap().base, base);
                let notes = ran.events(|event| match event {
                    Event::Noted(e) => Some(e.text.clone()),
                    _ => None,
                });
                assert!(noted.is_empty() || notes.iter().any(|text| text.contains(noted)), "{script}: {notes:?}");
                assert_eq!(ground.git(&["rev-parse", "main", "release", "v1"]).lines().count(), 3);
                assert_eq!(ground.git(&["status", "--porcelain"]), "");
            });
        }
    });
}

#[test]
fn row_21_a_moved_or_deleted_ref_needs_a_person() {
    let scripts = [
        ("cd ../../shop && git commit -q --allow-empty -m mine", "refs/heads/main moved from"),
        ("git update-ref refs/heads/main main~1", "refs/heads/main moved from"),
        ("git branch -q -D release", "refs/heads/release was deleted"),
        ("git tag -d v1 >/dev/null", "refs/tags/v1 was deleted"),
        ("cd ../../shop && git checkout -q release", "HEAD moved from refs/heads/main to refs/heads/release"),
        ("git checkout -q release && git commit -q --allow-empty -m mine", "refs/heads/release moved from"),
    ];
    std::thread::scope(|scope| {
        for (script, told) in scripts {
            scope.spawn(move || {
                let ground = grown();
                let script = format!("{GIT}echo 1 >x; {script}");
                let said = ground.run(&["sh", &script, "claim"], &["done", "ok"], &[]).exits(3);
                assert!(said.out.contains(told), "{script}: {}", said.out);
                let ran = ground.ran();
                let (kind, detail) = trouble(&ran).unwrap();
                assert_eq!(kind, Trouble::Repository, "{detail}");
                assert!(detail.contains(told), "{detail}");
                ground.loopdash(&["resume", "--headless", "make-a-note"]).exits(0);
                let ran = ground.ran();
                assert!(ran.state.is_finished() && ran.state.iterations.len() == 1, "it went on where it was");
                ran.assert_gone();
            });
        }
    });
}

#[test]
fn row_21_a_deleted_branch_and_a_dropped_stash_outlive_garbage_collection() {
    let ground = grown();
    // Nothing else leads to either.
    ground.git(&["checkout", "-q", "release"]);
    ground.write("only-here.txt", "of the operator\n");
    ground.commit("only here");
    ground.git(&["checkout", "-q", "main"]);
    for text in ["older", "newer"] {
        ground.write("README.md", text);
        ground.git(&["-c", "user.name=t", "-c", "user.email=t@localhost", "stash", "-q"]);
    }
    let (release, older) = (ground.git(&["rev-parse", "release"]), ground.git(&["rev-parse", "stash@{1}"]));
    let script = format!(
        "{GIT}git branch -q -D release; git stash drop -q stash@{{1}}
        git reflog expire --expire=now --all; git gc -q --prune=now; echo 1 >x"
    );
    let said = ground.run(&["sh", &script, "claim"], &["done", "ok"], &[]).exits(3);
    let ran = ground.ran();
    let (kind, detail) = trouble(&ran).unwrap();
    assert_eq!(kind, Trouble::Repository, "{detail}");
    let changed = ran.events(|event| match event {
        Event::RepositoryTouched(e) => Some(e.changed.clone()),
        _ => None,
    });
    for (name, old, file, text) in [
        ("an entry of refs/stash", &older, "README.md", "older"),
        ("refs/heads/release", &release, "only-here.txt", "of the operator"),
    ] {
        let told = format!("{name} was deleted; it was at {old}, which ");
        assert!(said.out.contains(&told), "{}", said.out);
        let line = changed[0].iter().find(|line| line.starts_with(&told)).unwrap();
        let kept = line.strip_prefix(&told).unwrap().strip_suffix(" keeps").unwrap();
        ground.git(&["reflog", "expire", "--expire=now", "--all"]);
        ground.git(&["gc", "-q", "--prune=now"]);
        assert_eq!(ground.git(&["rev-parse", kept]), *old);
        assert_eq!(ground.git(&["show", &format!("{kept}:{file}")]), text);
    }
    ground.loopdash(&["resume", "--headless", "make-a-note"]).exits(0);
    ground.runs().iter().for_each(Ran::assert_gone);
}

/// Deletes all refs of loopdash's own.
const SWEEP: &str =
    "sweep() { for r in $(git for-each-ref --format='%(refname)' refs/loopdash); do git update-ref -d $r; done; }; ";
/// Destroys what no ref leads to.
const COLLECT: &str = "git reflog expire --expire=now --all; git gc -q --prune=now; ";

#[test]
fn row_21_refs_of_our_own_are_put_back_or_missed_by_name() {
    for collect in [false, true] {
        let ground = grown();
        let before = Before::of(&ground);
        // The second iteration sweeps what the first has left.
        let script = format!(
            "{SWEEP}if [ -e x ]; then sweep; {}echo 2 >y; else echo 1 >x; fi",
            if collect { COLLECT } else { "" }
        );
        ground.run(&["sh", &script, "claim"], &[], &["--gate", "test -e y"]).exits(3);
        let ran = ground.ran();
        let first = ran.state.iterations[0].snapshot.as_ref().unwrap().commit.clone();
        let name = format!("refs/loopdash/{}/1", ran.dir.run());
        let (kind, detail) = trouble(&ran).unwrap();
        assert_eq!(kind, Trouble::Repository, "{detail}");
        let fate = if collect { "and what it was at is gone from the repository" } else { "and it was put back" };
        let told = format!("{name} was deleted; it was at {first}");
        assert!(detail.contains(&told) && detail.contains(fate), "{detail}");
        assert_eq!(ground.git(&["for-each-ref", &name]).is_empty(), collect);
        // The files count, and they are there: retry goes on to the end either way.
        ground.loopdash(&["resume", "--headless", "make-a-note"]).exits(0);
        let ran = ground.ran();
        let last = ran.state.last_snapshot().unwrap();
        assert_eq!((ran.state.iterations.len(), last.files), (2, 2));
        let parent = ground.git(&["rev-parse", &format!("{}^", last.commit)]);
        assert_eq!(parent == first, !collect, "the last that is left, else the base");
        before.holds(&ground);
    }
}

#[test]
fn row_21_what_is_swept_away_while_nothing_runs_is_put_back_or_missed_by_name() {
    for collect in [false, true] {
        let ground = grown();
        let before = Before::of(&ground);
        let script = "if [ -e x ]; then git tag -d v1; echo 2 >y; else echo 1 >x; fi";
        ground.run(&["sh", script, "claim"], &[], &["--gate", "test -e y"]).exits(3);
        ground.git(&["tag", "v1", "release"]);
        let ran = ground.ran();
        let first = ran.state.last_snapshot().unwrap().commit.clone();
        let sweep = format!("{SWEEP}sweep; {}", if collect { COLLECT } else { "" });
        assert!(Command::new("sh").args(["-c", &sweep]).current_dir(ground.repo()).status().unwrap().success());
        let name = format!("refs/loopdash/{}/1", ran.dir.run());
        let told = ground.loopdash(&["resume", "--headless", "make-a-note"]);
        if collect {
            assert!(told.exits(3).out.contains(&format!("{name} is gone, and with it {first}")));
            ground.loopdash(&["resume", "--headless", "make-a-note"]).exits(0);
        } else {
            told.exits(0);
            let notes = ground.ran().events(|event| match event {
                Event::Noted(e) => Some(e.text.contains(&name) && e.text.starts_with("put back")),
                _ => None,
            });
            assert!(notes.contains(&true));
            assert_eq!(ground.git(&["rev-parse", &name]), first);
        }
        assert_eq!(ground.ran().state.last_snapshot().unwrap().files, 2);
        before.holds(&ground);
    }
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
        ground.run(&["sh", script], &["done", "ok"], &[]).exits(3);
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
