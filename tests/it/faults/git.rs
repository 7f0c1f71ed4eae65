//! Faults that agents bring upon a repository: what steers git, branches, tags, the stash, and refs of loopdash's own.

use super::invariants::{Before, assert_told};
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
            "it::faults::git::row_20_each_edit_by_itself_is_named_and_never_run",
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
];

pub(super) fn trouble(ran: &Ran) -> Option<(Trouble, &str)> {
    match &ran.state.park {
        Some(ParkReason::Attention { kind, detail }) => Some((*kind, detail)),
        _ => None,
    }
}

/// Git for a script: with an identity and nothing of the machine's configuration.
pub(super) const GIT: &str = "git() { command git -c user.name=t -c user.email=t@localhost \"$@\"; }; ";

/// A ground whose repository has a second branch, a tag and two commits.
pub(super) fn grown() -> Ground {
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
    let told = ground.run(&["sh", &script], &["done", "fine"], &["--gate", "true"]);
    assert_told(told, 3, "config was edited", "`loopdash resume make-a-note` tries again");
    let ran = ground.ran();
    let (kind, detail) = trouble(&ran).unwrap();
    assert_eq!(kind, Trouble::Repository);
    assert!(detail.contains("config was edited") && detail.ends_with(" more"), "{detail}");
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
fn row_20_each_edit_by_itself_is_named_and_never_run() {
    let keys = [
        "core.fsmonitor",
        "core.hooksPath",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "credential.helper",
        "diff.external",
        "filter.x.clean",
        "filter.x.process",
        "diff.x.textconv",
        "merge.x.driver",
        "submodule.lib.update",
        "include.path",
    ];
    let edits = keys.map(|key| {
        let value = match key {
            "core.hooksPath" => "$d/../hooks-of-mine",
            "submodule.lib.update" => "!$c",
            "include.path" => "$d/../more-config",
            _ => "$c",
        };
        (format!("git config --file \"$d/config\" {key} \"{value}\""), "config was edited")
    });
    let files = [
        ("cp $c $d/hooks/post-checkout", "hooks/post-checkout was made"),
        ("mkdir -p $d/info; echo '* filter=x' >$d/info/attributes", "info/attributes was made"),
        ("echo /nowhere >$d/objects/info/alternates", "objects/info/alternates was made"),
    ];
    let edits: Vec<_> = edits.into_iter().chain(files.map(|(script, told)| (script.to_owned(), told))).collect();
    for edits in edits.chunks(4) {
        std::thread::scope(|scope| {
            for (edit, named) in edits {
                scope.spawn(move || {
                    let ground = grown();
                    let before = Before::of(&ground);
                    let canary = ground.path("canary");
                    let script = format!(
                        r#"
                        printf '#!/bin/sh\necho "$0 $*" >>{canary}\ncat\n' >../canary.sh; chmod +x ../canary.sh
                        c=$(realpath ../canary.sh); d=$(git rev-parse --git-common-dir)
                        mkdir ../hooks-of-mine; cp $c ../hooks-of-mine/post-checkout
                        cp -r ../hooks-of-mine $d/../hooks-of-mine
                        printf '[core]\n\tfsmonitor = %s\n' $c >$d/../more-config
                        echo '* filter=x diff=x merge=x' >.gitattributes; echo 1 >x
                        {edit}
                        "#,
                        canary = canary.display()
                    );
                    ground.run(&["sh", &script, "claim"], &["done", "fine"], &[]).exits(3);
                    let ran = ground.ran();
                    let (kind, detail) = trouble(&ran).unwrap();
                    assert_eq!(kind, Trouble::Repository, "{edit}: {detail}");
                    assert!(detail.ends_with(named), "{edit}: {detail}");
                    ground.loopdash(&["resume", "--headless", "make-a-note"]).exits(0);
                    ground.loopdash(&["diff", "make-a-note"]).exits(0);
                    assert!(!canary.exists(), "{edit}: {}", std::fs::read_to_string(&canary).unwrap());
                    // But for what the agent itself has edited, everything is as it was.
                    for made in ["hooks-of-mine/post-checkout", "more-config"] {
                        std::fs::remove_file(ground.repo().join(made)).unwrap();
                    }
                    std::fs::remove_dir(ground.repo().join("hooks-of-mine")).unwrap();
                    before.undo_config(&ground);
                    before.holds(&ground);
                });
            }
        });
    }
}

#[test]
fn row_21_whatever_is_done_to_branches_the_files_count() {
    // What is done, what is noted of it, and how the operator takes it back: everything else has to be as it was.
    let scripts = [
        (
            "git checkout -q -b feature; echo 1 >x; git add x; git commit -q -m f",
            "refs/heads/feature was made",
            "git worktree remove --force ../shop.loops/make-a-note; git branch -q -D feature",
        ),
        ("echo 1 >x; git add x; git commit -q -m c", "", ""),
        ("echo 1 >x; echo 2 >z; git add .; git commit -q -m c; git reset -q --hard HEAD~1; echo 1 >x", "", ""),
        ("echo 2 >z; git stash -q -u; echo 1 >x", "refs/stash was made", "git stash drop -q"),
        (
            "echo 1 >x; git add x; git commit -q -m c; git reset -q HEAD~1; git reflog expire --expire=now --all; \
          git gc -q --prune=now",
            "",
            "",
        ),
        ("echo 1 >x; git add x; git commit -q -m c; git rebase -q --force-rebase HEAD~1", "", ""),
        ("git checkout -q --detach; git branch -q -D run/make-a-note; echo 1 >x", "", ""),
        ("git checkout -q v1; echo 1 >x; git rm -q --cached README.md", "", ""),
        (
            "echo 1 >x; git tag mine; git update-ref refs/remotes/origin/main HEAD",
            "refs/tags/mine was made",
            "git tag -d mine >/dev/null; git update-ref -d refs/remotes/origin/main",
        ),
    ];
    std::thread::scope(|scope| {
        for (script, noted, taken_back) in scripts {
            scope.spawn(move || {
                let ground = grown();
                let before = Before::of(&ground);
                let base = ground.git(&["rev-parse", "HEAD"]);
                ground.run(&["sh", &format!("{GIT}{script}"), "claim"], &["done", "ok"], &[]).exits(0);
                let ran = ground.ran();
                let names = ground.loopdash(&["diff", "make-a-note"]).exits(0).out;
                assert!(names.contains("+1") && names.contains("b/x"), "{script}: {names}");
                assert_eq!(ran.state.workspace.as_ref().unwrap().base, base);
                let notes = ran.events(|event| match event {
                    Event::Noted(e) => Some(e.text.clone()),
                    _ => None,
                });
                assert!(noted.is_empty() || notes.iter().any(|text| text.contains(noted)), "{script}: {notes:?}");
                shell(&ground, taken_back);
                before.holds(&ground);
            });
        }
    });
}

/// What the operator types in the checkout.
#[track_caller]
fn shell(ground: &Ground, script: &str) {
    let status = Command::new("sh").args(["-ec", script]).current_dir(ground.repo()).status().unwrap();
    assert!(status.success(), "{script}");
}

#[test]
fn row_21_a_moved_or_deleted_ref_needs_a_person() {
    // What is done, what is told of it, and how the operator takes it back: everything else has to be as it was.
    let scripts = [
        (
            "cd ../../shop && git commit -q --allow-empty -m mine",
            "refs/heads/main moved from",
            "git update-ref refs/heads/main main~1",
        ),
        ("git update-ref refs/heads/main main~1", "refs/heads/main moved from", "git update-ref refs/heads/main $KEPT"),
        ("git branch -q -D release", "refs/heads/release was deleted", "git branch release $KEPT"),
        ("git tag -d v1 >/dev/null", "refs/tags/v1 was deleted", "git tag v1 $KEPT"),
        ("cd ../../shop && git checkout -q release", "HEAD moved from refs/heads/main to refs/heads/release", ""),
        ("git checkout -q release && git commit -q --allow-empty -m mine", "refs/heads/release moved from", ""),
    ];
    std::thread::scope(|scope| {
        for (script, told, taken_back) in scripts {
            scope.spawn(move || {
                let ground = grown();
                let before = Before::of(&ground);
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
                if !taken_back.is_empty() {
                    let kept = detail.split("which ").nth(1).and_then(|rest| rest.strip_suffix(" keeps"));
                    shell(&ground, &taken_back.replace("$KEPT", kept.unwrap_or_default()));
                    before.holds(&ground);
                }
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
