//! Presets through the whole program: what they set holds for a run, a loop's own word goes before, mistakes are shown where
//! they stand, and what runs does not change with them.

use super::ground::{Ground, agent};
use loopdash::loops::core::event::{Event, RemedyTaken};
use loopdash::loops::core::ids::Who;
use loopdash::loops::core::watch::{Pattern, Remedy};
use serde_json::Value;

/// Changes something once, and then says something else each time and does nothing.
const IDLE: &str = "n=$LOOPDASH_ITERATION; [ $n -gt 1 ] || echo x > note; \
                    echo nothing more to do here as far as I can see in part $(echo $n | tr 1-9 a-i)";

fn preset(ground: &Ground, name: &str, text: &str) {
    let folder = ground.repo().join(".loopdash/presets").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("preset.toml"), text).unwrap();
}

/// A repository with one loop, `scene`, that is told nothing but this besides.
fn ground(more: &str) -> Ground {
    let ground = Ground::new();
    let command = toml::Value::from(vec!["sh", "-c", IDLE]);
    let config = format!(
        "[agents.worker]\ncommand = {command}\n[[loop]]\nname = \"scene\"\nobjective = \"Get somewhere.\"\n\
         max_iterations = 6\n{more}\n"
    );
    ground.write("loopdash.toml", &config);
    ground
}

/// After how many iterations without a change that was said.
fn said_after(ground: &Ground) -> Vec<u32> {
    ground.ran().events(|event| match event {
        Event::SignalRaised(e) if e.sighting.pattern == Pattern::NoChange => Some(e.sighting.iterations),
        _ => None,
    })
}

#[test]
fn a_threshold_of_a_preset_raises_its_signal_at_that_number() {
    let ground = ground("preset = \"keen\"");
    preset(&ground, "keen", "critic = \"none\"\n[stuck]\nno_change = 2\n");
    ground.loopdash(&["run", "--headless", "--loop", "scene"]).exits(1);
    assert_eq!(said_after(&ground), [2]);
    let shown = ground.loopdash(&["show", "scene"]).exits(0).out;
    assert!(shown.lines().any(|line| line.split_whitespace().eq(["preset", "keen"])), "{shown}");
}

#[test]
fn a_loops_own_threshold_goes_before_its_presets() {
    let ground = ground("preset = \"keen\"\nstuck = { no_change = 4 }");
    preset(&ground, "keen", "critic = \"none\"\n[stuck]\nno_change = 2\n");
    ground.loopdash(&["run", "--headless", "--loop", "scene"]).exits(1);
    assert_eq!(said_after(&ground), [4]);
}

#[test]
fn what_runs_keeps_what_its_preset_said_when_it_began() {
    let ground = ground("preset = \"keen\"");
    preset(&ground, "keen", "critic = \"none\"\n[stuck]\nno_change = 2\nauto_heal = [\"park\"]\n");
    ground.loopdash(&["run", "--headless", "--loop", "scene"]).exits(3);
    let taken = ground.ran().events(|event| match event {
        Event::RemedyTaken(RemedyTaken { remedy, who, .. }) => Some((*remedy, *who)),
        _ => None,
    });
    assert_eq!(taken, [(Remedy::Park, Who::Harness)]);
    let before = ground.ran().state.spec.clone().unwrap();
    assert_eq!((before.preset.as_deref(), before.stuck.no_change), (Some("keen"), Some(2)));
    // Another way of working under the same name.
    preset(&ground, "keen", "max_iterations = 1\n[stuck]\noff = [\"no_change\"]\n");
    ground.loopdash(&["resume", "scene", "--headless"]).exits(1);
    let after = ground.ran();
    assert_eq!(after.state.spec.as_ref(), Some(&before));
    assert_eq!(after.state.counted, 6);
}

#[test]
fn a_prompt_can_be_worked_on_in_the_way_of_a_preset() {
    let ground = Ground::new();
    let actor = agent(&["claim"]);
    let args = ["run", "--headless", "-p", "Say that it is done.", "--preset", "quick", "--actor", &actor];
    ground.loopdash(&args);
    let spec = ground.ran().state.spec.clone().unwrap();
    assert_eq!((spec.preset.as_deref(), spec.limits.max_iterations, spec.priority), (Some("quick"), 4, 7));
    assert_eq!((spec.critic.is_none(), spec.limits.wall_clock_ms), (true, Some(30 * 60_000)));
}

#[test]
fn a_mistake_in_a_preset_is_shown_where_it_stands_and_starts_nothing() {
    let ground = ground("preset = \"keen\"");
    preset(&ground, "keen", "# Keen.\ncritic = \"none\"\n\n[stuck]\nno_chnge = 2\nsilence = \"soon\"\n");
    let told = ground.loopdash(&["run", "--headless", "--loop", "scene"]).exits(65);
    for part in [
        ".loopdash/presets/keen/preset.toml:5:1",
        "did you mean `no_change`?",
        ".loopdash/presets/keen/preset.toml:6:11",
    ] {
        assert!(told.err.contains(part), "{}", told.err);
    }
    assert!(!ground.path("state").join("runs").exists() || ground.runs().is_empty());
    // By its name, whether or not a loop names it; the others are listed all the same.
    let told = ground.loopdash(&["presets", "keen"]).exits(65);
    assert!(told.err.contains("preset.toml:5:1"), "{}", told.err);
    let listed = ground.loopdash(&["presets"]).exits(0).out;
    let line = |name: &str| listed.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("keen").contains("repository") && line("keen").contains("cannot be used"), "{listed}");
    assert!(line("overnight").contains("bundled") && line("overnight").contains("night"), "{listed}");
    let told = ground.loopdash(&["doctor"]).exits(65);
    assert!(told.out.contains("preset.toml:5:1"), "{}", told.out);
}

#[test]
fn an_unknown_preset_names_those_that_there_are() {
    let ground = ground("preset = \"ovrnight\"");
    preset(&ground, "keen", "critic = \"none\"\n");
    let told = ground.loopdash(&["run", "--headless", "--loop", "scene"]).exits(65);
    for part in ["loopdash.toml:7:10", "did you mean `overnight`?", "careful, keen, overnight, quick, refactor"] {
        assert!(told.err.contains(part), "{}", told.err);
    }
    let told = ground.loopdash(&["presets", "../keen"]).exits(65);
    assert!(told.err.contains("cannot name a preset"), "{}", told.err);
}

#[test]
fn presets_are_listed_shown_and_told_of() {
    let ground = ground("preset = \"keen\"");
    let text = "# Why it is keen\u{202e}.\ndescription = \"Calls early.\"\ncritic = \"none\"\nstuck.no_change = 2\n";
    preset(&ground, "keen", text);
    preset(&ground, "quick", "description = \"Ours.\"\n");
    let shown = ground.loopdash(&["presets", "keen"]).exits(0).out;
    assert!(shown.starts_with("# .loopdash/presets/keen/preset.toml (repository)\n"), "{shown}");
    // What is shown is the preset itself, comments and all.
    assert_eq!(shown.parse::<toml::Table>().unwrap()["stuck"]["no_change"].as_integer(), Some(2));
    assert!(shown.contains("# Why it is keen\\u{202e}.") && !shown.contains('\u{202e}'), "{shown}");
    let listed = ground.loopdash(&["presets"]).exits(0).out;
    assert!(listed.lines().any(|line| line.contains("repository, hides the bundled one")), "{listed}");
    let rows: Vec<Value> = ground
        .loopdash(&["presets", "--json"])
        .exits(0)
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["careful", "keen", "overnight", "quick", "refactor"]);
    assert_eq!((rows[1]["from"].as_str(), rows[1]["sets"]["critic"].as_str()), (Some("repository"), Some("none")));
    assert_eq!(rows[3]["hides"], serde_json::json!(["bundled"]));
    let row: Value = serde_json::from_str(&ground.loopdash(&["presets", "overnight", "--json"]).exits(0).out).unwrap();
    assert_eq!((row["file"].as_str(), &row["from"]), (Some("<bundled>/overnight/preset.toml"), &rows[0]["from"]));
    let doctor = ground.loopdash(&["doctor"]).out;
    assert!(
        doctor.lines().any(|line| line.starts_with("ok") && line.contains("keen, repository: of scene")),
        "{doctor}"
    );
    let config = ground.loopdash(&["config"]).exits(0).out;
    let threshold = config.lines().find(|line| line.starts_with("no_change = 2")).unwrap_or_default();
    assert!(threshold.ends_with("# .loopdash/presets/keen/preset.toml:4"), "{config}");
}
