//! The end of a plan, from the agent's stream to the run: the time that the provider names is when the run goes on, and
//! without a screen it is waited for or not.

use crate::ground::{Ground, program};
use loopdash::loops::core::event::{Event, ParkReason};
use loopdash::loops::core::step::StepKind;
use std::time::{SystemTime, UNIX_EPOCH};

/// An actor that meets the limit of its plan once, which ends in so many seconds, as Claude Code tells it.
fn limited(ground: &Ground, seconds: u64) {
    let (met, agent) = (ground.path("met"), ground.path("bin").join("planned"));
    let limit = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":'$T',"rateLimitType":"five_hour"}}"#;
    let synthetic = r#"{"type":"assistant","error":"rate_limit","message":{"model":"<synthetic>","content":[{"type":"text","text":"You have hit your limit"}]}}"#;
    let failed = r#"{"type":"result","subtype":"success","is_error":true,"result":"You have hit your limit"}"#;
    let good = r#"{"type":"result","subtype":"success","is_error":false,"result":"LOOPDASH_DONE"}"#;
    let met = met.display();
    program(
        &agent,
        &format!(
            "#!/bin/sh\ncat >/dev/null\nif [ -e '{met}' ]; then echo x >note.txt; echo '{good}'; exit 0; fi\n\
             T=$(($(date +%s) + {seconds})); echo $T >'{met}'\n\
             echo '{limit}'\necho '{synthetic}'\necho '{failed}'\nexit 1\n"
        ),
    );
    let table = format!("[agents.planned]\ncommand = [{agent:?}]\ndialect = \"claude\"\n");
    ground.write("loopdash.toml", &table);
    ground.commit("configure");
}

/// The moment that the agent named, in milliseconds.
fn named(ground: &Ground) -> u64 {
    std::fs::read_to_string(ground.path("met")).unwrap().trim().parse::<u64>().unwrap() * 1_000
}

/// Until when the run was parked, each time.
fn parks(ground: &Ground) -> Vec<u64> {
    ground.ran().events(|event| match event {
        Event::Parked(parked) => match &parked.reason {
            ParkReason::Limit { until: Some(until), .. } => Some(until.0),
            other => panic!("{other:?}"),
        },
        _ => None,
    })
}

const RUN: &[&str] = &["run", "--headless", "-p", "Make a note.", "--actor", "planned", "--critic", "none"];

#[test]
fn a_limit_that_ends_too_late_ends_a_run_without_a_screen() {
    let ground = Ground::new();
    limited(&ground, 7_200);
    let told = ground.loopdash(&[RUN, &["--max-wait", "1h"]].concat()).exits(3);
    assert_eq!(parks(&ground), [named(&ground)]);
    let ran = ground.ran();
    assert!(ran.state.iterations.iter().all(|iteration| !iteration.counted), "nothing is counted");
    assert!((told.out + &told.err).contains("not waited for here"));
}

#[test]
fn a_limit_that_ends_soon_is_waited_for() {
    let ground = Ground::new();
    limited(&ground, 3);
    ground.loopdash(&[RUN, &["--max-wait", "1h"]].concat()).exits(0);
    let until = named(&ground);
    assert_eq!(parks(&ground), [until]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    assert!(now >= u128::from(until), "it was over before the limit was");
    assert_eq!(ground.ran().prompts(&StepKind::Actor).len(), 2);
}
