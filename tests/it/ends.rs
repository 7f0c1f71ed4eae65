//! How loopdash ends: each documented exit status, by a run that earns it.

use crate::ground::{Ground, Live, Told, program};
use rustix::process::Signal;
use std::fs::File;
use std::process::Stdio;

const WORKS: [&str; 3] = ["touch", "x", "claim"];

#[test]
fn each_status_is_earned_by_a_run() {
    let ends = |actor: &[&str], critic: &[&str], more: &[&str], code: i32| {
        let ground = Ground::new();
        ground.run(actor, critic, more).exits(code)
    };
    ends(&WORKS, &["done", "fine"], &[], 0);
    let told = ends(&WORKS, &["continue", "Not yet."], &["--max-iterations", "1"], 1);
    assert!(told.out.contains("exhausted"), "{}", told.out);
    let told = ends(&["touch", "x", "ask", "Red or blue?"], &[], &[], 3);
    assert!(told.out.contains("Red or blue?"), "{}", told.out);
    ends(&WORKS, &[], &["--priority", "11"], 64);
    ends(&WORKS, &[], &["--tests", "no-such-file.json"], 65);
    let ground = Ground::new();
    let mut live = Live::start(ground.run_command(&["say", "at work", "hang"], &[], &["--output"]));
    live.until("at work");
    live.signal(Signal::INT);
    live.end().exits(130);
}

#[test]
fn the_demo_fails_when_its_loops_do_not_end_as_they_should() {
    // Its gates and its agents need a shell.
    let ground = Ground::new();
    let tmp = ground.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    program(&ground.path("bin").join("sh"), "#!/bin/false\n");
    let mut command = ground.command(&["demo", "--headless", "--speed", "1000"]);
    let told = Told::from(command.env("TMPDIR", &tmp).output().unwrap()).exits(2);
    assert!(told.out.contains("loops did not end as they should"), "{}", told.out);
    assert_eq!(std::fs::read_dir(&tmp).unwrap().count(), 0, "it cleaned up all the same");
}

#[cfg(target_os = "linux")]
#[test]
fn lines_that_cannot_be_written_are_told_and_end_no_run() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let ground = Ground::new();
    let mut run = ground.run_command(&WORKS, &[], &[]);
    let told = Told::from(run.stdout(full()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap());
    let told = told.exits(0);
    assert!(told.err.contains("lines can be written no more") && told.err.lines().count() == 1, "{}", told.err);
    let list = ground.command(&["list"]).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
    let told = Told::from(list.wait_with_output().unwrap()).exits(2);
    assert!(told.err.contains("cannot write the output"), "{}", told.err);
}
