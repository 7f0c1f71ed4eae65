//! Presets: what they give to a loop and what they do not, where they are found, and what is refused about them.

use super::*;
use crate::loops::core::watch::Remedy;
use crate::loops::core::weigh::TestsPolicy;

const PATIENT: &str = "description = \"Waits.\"\ntests_policy = \"block\"\nmax_iterations = 33\ncritic = \"none\"\n\
                       context_files = [\"STYLE.md\"]\nlimits = { tokens = 5, iterations = 9 }\n\
                       [stuck]\nno_change = 7\nundone = 9\nauto_heal = [\"note\"]\n\
                       [[gate]]\nname = \"theirs\"\ncommand = \"make theirs\"\n";

/// A repository with this loop, and `patient` among its presets.
fn place(definition: &str) -> Place {
    let place = Place::with(&format!("[agents.x]\ncommand = \"x\"\n{definition}"));
    place.write(".loopdash/presets/patient/preset.toml", PATIENT);
    place
}

fn user_preset(place: &Place, name: &str, text: &str) {
    let folder = PathBuf::from(&place.env["HOME"]).join(".config/loopdash/presets").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("preset.toml"), text).unwrap();
}

const LOOP: &str = "[[loop]]\nname = \"a\"\nobjective = \"o\"\n";

#[test]
fn a_preset_says_what_the_loop_does_not() {
    let spec = place(&format!("{LOOP}preset = \"patient\"\n")).resolve().unwrap().remove(0);
    assert_eq!((spec.tests_policy, spec.limits.max_iterations), (TestsPolicy::Block, 33));
    assert_eq!((spec.limits.tokens, spec.limits.iterations), (Some(5), Some(9)));
    assert_eq!((spec.stuck.no_change, spec.stuck.undone), (Some(7), Some(9)));
    assert_eq!(spec.stuck.heal.iter().map(|heal| heal.remedy).collect::<Vec<_>>(), [Remedy::Note]);
    assert_eq!((spec.critic.is_none(), spec.gates[0].name.as_str()), (true, "theirs"));
    assert_eq!((spec.context_files, spec.preset.as_deref()), (vec!["STYLE.md".to_owned()], Some("patient")));
}

#[test]
fn the_loop_goes_before_its_preset_and_that_before_what_holds_for_all() {
    let own = "tests_policy = \"allow\"\ncritic = \"x\"\nlimits.tokens = 6\nstuck = { undone = 2, auto_heal = [] }\n\
               [[loop.gate]]\nname = \"mine\"\ncommand = \"make mine\"\n[stuck]\nno_change = 1\nsame_tool = 44\nundone = 1\n";
    let place = place(&format!("{LOOP}preset = \"patient\"\n{own}"));
    let spec = place.resolve().unwrap().remove(0);
    assert_eq!((spec.tests_policy, spec.critic.unwrap().name.as_str()), (TestsPolicy::Allow, "x"));
    // Tables key by key: one from the loop, one from the preset, one for all loops, one as loopdash has it.
    assert_eq!((spec.limits.tokens, spec.limits.iterations), (Some(6), Some(9)));
    let stuck = &spec.stuck;
    assert_eq!(
        (stuck.undone, stuck.no_change, stuck.same_tool, stuck.tree_again),
        (Some(2), Some(7), Some(44), Some(2))
    );
    // All else as a whole.
    assert!(stuck.heal.is_empty());
    assert_eq!(spec.gates.iter().map(|gate| gate.name.as_str()).collect::<Vec<_>>(), ["mine"]);
}

#[test]
fn every_value_knows_that_a_preset_gave_it() {
    let place = place(&format!("{LOOP}preset = \"patient\"\nlimits.tokens = 6\n"));
    let loaded = place.load().unwrap();
    let origin = |path: &str| loaded.origins.get(path).map(ToString::to_string).unwrap_or_default();
    let file = ".loopdash/presets/patient/preset.toml";
    assert_eq!(origin("loop[0].tests_policy"), format!("{file}:2"));
    assert_eq!(origin("loop[0].gate[0].command"), format!("{file}:13"));
    assert_eq!(origin("loop[0].limits.tokens"), "loopdash.toml:7");
    assert_eq!(origin("loop[0].limits.iterations"), format!("{file}:6"));
    let listed = listing(&loaded, 8);
    assert!(listed.lines().any(|line| line.starts_with("no_change = 7") && line.ends_with(&format!("# {file}:8"))));
    // Read back, it says the same.
    let again: Config = toml::from_str(&listed).unwrap();
    assert_eq!(again.loops[0].stuck, loaded.config.loops[0].stuck);
}

#[test]
fn a_repositorys_preset_goes_before_the_users_and_that_before_the_bundled() {
    let place = Place::with(&format!("[agents.x]\ncommand = \"x\"\n{LOOP}preset = \"quick\"\n"));
    let iterations = || place.resolve().unwrap().remove(0).limits.max_iterations;
    assert_eq!(iterations(), 4);
    user_preset(&place, "quick", "max_iterations = 51\n");
    assert_eq!(iterations(), 51);
    place.write(".loopdash/presets/quick/preset.toml", "max_iterations = 52\n");
    assert_eq!(iterations(), 52);
    let shelf = Shelf::new(&place.options());
    let all = shelf.all();
    let names: Vec<&str> = all.iter().map(|shelved| shelved.name.as_str()).collect();
    assert_eq!(names, ["careful", "overnight", "quick", "refactor"]);
    assert_eq!(all[2].from, PresetSource::Repository);
    assert_eq!(all[2].hides, [PresetSource::User, PresetSource::Bundled]);
    assert_eq!(shelf.hidden("quick"), all[2].hides);
}

#[test]
fn the_bundled_presets_say_what_they_are_and_fit_any_loop() {
    let place = Place::with("[agents.x]\ncommand = \"x\"\n");
    let loaded = place.load().unwrap();
    let all = loaded.shelf.all();
    assert_eq!(all.len(), 4);
    for shelved in all {
        let preset = shelved.preset.unwrap();
        assert_eq!(shelved.from, PresetSource::Bundled);
        assert!(preset.description.as_deref().is_some_and(|words| words.len() < 120), "{}", preset.name);
        let json = serde_json::to_value(toml::from_str::<toml::Value>(&preset.source.text).unwrap()).unwrap();
        assert!(jsonschema::validator_for(preset_schema()).unwrap().is_valid(&json), "{}", preset.name);
        loaded.tries(&preset).unwrap();
        // With nothing but a command for an agent, with and without a list of tests.
        for more in ["", "tests = \"test-state.json\"\n"] {
            let name = &preset.name;
            let place = Place::with(&format!("[agents.x]\ncommand = \"x\"\n{LOOP}preset = \"{name}\"\n{more}"));
            place.write("test-state.json", r#"{"version": 1, "tests": [{"id": "T1", "title": "first"}]}"#);
            let spec = place.resolve().unwrap().remove(0);
            assert!(spec.limits.tokens.is_none() && spec.limits.micro_usd.is_none(), "{name}: not every agent tells");
            assert!(spec.limits.max_attempts == if more.is_empty() { spec.limits.max_iterations } else { 3 }, "{name}");
        }
    }
}

#[test]
fn a_run_works_by_the_preset_of_its_flag_and_every_other_flag_goes_before_it() {
    let place = place(&format!("{LOOP}preset = \"quick\"\nbaseline = false\n"));
    let request = |preset: &str| RunRequest { preset: Some(preset.to_owned()), ..RunRequest::default() };
    let named = |preset: &str| RunRequest { name: Some("a".to_owned()), ..request(preset) };
    let spec = place.run(&named("patient")).unwrap();
    // Nothing of the preset that was replaced is left.
    assert_eq!((spec.limits.max_iterations, spec.priority, spec.limits.wall_clock_ms), (33, 5, None));
    assert_eq!((spec.preset.as_deref(), spec.gates[0].baseline), (Some("patient"), false));
    let flags = RunRequest {
        max_iterations: Some(2),
        critic: Some("x".to_owned()),
        gates: vec!["make mine".to_owned()],
        ..named("patient")
    };
    let spec = place.run(&flags).unwrap();
    assert_eq!((spec.limits.max_iterations, spec.critic.is_some()), (2, true));
    assert_eq!(spec.gates.iter().map(|gate| gate.name.as_str()).collect::<Vec<_>>(), ["theirs", "make"]);
    let spec = place.run(&RunRequest { prompt: Some("Do it.".to_owned()), ..request("patient") }).unwrap();
    assert_eq!((spec.name.as_str(), spec.limits.max_iterations, spec.limits.tokens), ("do-it", 33, Some(5)));
    assert_eq!(place.run(&RunRequest { preset: None, ..named("") }).unwrap().limits.max_iterations, 4);
}

#[test]
fn what_a_preset_names_must_be_there_for_a_run_too() {
    let place = place("");
    place.write(
        ".loopdash/presets/odd/preset.toml",
        "critic = \"nobody\"\n[[gate]]\nname = \"verify\"\ncommand = \"x\"\n",
    );
    let request = RunRequest { preset: Some("odd".to_owned()), ..asked("x") };
    let report = place.report(&place.run(&request).unwrap_err());
    assert!(
        report.contains("presets/odd/preset.toml:1:10") && report.contains("presets/odd/preset.toml:3:8"),
        "{report}"
    );
    let request = RunRequest { preset: Some("pateint".to_owned()), ..asked("x") };
    let report = place.report(&place.run(&request).unwrap_err());
    assert!(report.contains("--preset") && report.contains("did you mean `patient`?"), "{report}");
}

#[test]
fn refusals_name_the_presets_file_and_line() {
    let place = Place::with(&format!(
        "[agents.x]\ncommand = \"x\"\n{LOOP}preset = \"broken\"\n{}preset = \"ovrnight\"\n{}preset = \"../up\"\n{}preset = \"gone\"\n\
         {}preset = \"broken\"\n{}preset = \"typed\"\n{}preset = \"syntax\"\n",
        LOOP.replace("\"a\"", "\"b\""),
        LOOP.replace("\"a\"", "\"c\""),
        LOOP.replace("\"a\"", "\"d\""),
        LOOP.replace("\"a\"", "\"e\""),
        LOOP.replace("\"a\"", "\"f\""),
        LOOP.replace("\"a\"", "\"g\""),
    ));
    let broken = "description = 7\nobjective = \"mine\"\nmax_iteration = 3\npriority = 12\n\n[stuck]\nno_chnge = 2\n";
    place.write(".loopdash/presets/broken/preset.toml", broken);
    place.write(".loopdash/presets/typed/preset.toml", "[limits]\ndollars = -1\n");
    place.write(".loopdash/presets/syntax/preset.toml", "max_iterations =\n");
    std::fs::create_dir_all(place.root.join(".loopdash/presets/gone")).unwrap();
    insta::assert_snapshot!("refused_presets", place.report(&place.load().unwrap_err()));
}

#[test]
fn what_a_preset_gives_is_held_to_what_a_loop_may_say() {
    let place = Place::with(&format!("[agents.x]\ncommand = \"x\"\n{LOOP}preset = \"odd\"\n"));
    let odd = "stronger = \"nobody\"\ncontext_files = [\"../out\"]\n\n[[gate]]\nname = \"t\"\ncommand = \"\"\n[[gate]]\nname = \"t\"\ncommand = \"x\"\n";
    place.write(".loopdash/presets/odd/preset.toml", odd);
    let report = place.report(&place.load().unwrap_err());
    for line in [1, 2, 6, 8] {
        assert!(report.contains(&format!(".loopdash/presets/odd/preset.toml:{line}:")), "{line}: {report}");
    }
    // Named by no loop, it is looked at by itself, and what a loop would still say is not missed.
    let place = Place::with("[agents.x]\ncommand = \"x\"\n[agents.y]\ncommand = \"y\"\n");
    place.write(".loopdash/presets/odd/preset.toml", odd);
    place.write(".loopdash/presets/even/preset.toml", "stuck.auto_heal = [\"stronger\"]\n");
    let loaded = place.load().unwrap();
    let report = place.report(&loaded.tries(&loaded.shelf.find("odd", None).unwrap()).unwrap_err());
    assert!(report.contains(".loopdash/presets/odd/preset.toml:8:"), "{report}");
    loaded.tries(&loaded.shelf.find("even", None).unwrap()).unwrap();
}

#[test]
fn no_name_and_no_link_leads_out_of_the_folder() {
    let place = Place::with("");
    let outside = place.root.parent().unwrap().join("outside/evil");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("preset.toml"), "max_iterations = 1\n").unwrap();
    let presets = place.root.join(".loopdash/presets");
    std::fs::create_dir_all(presets.join("file")).unwrap();
    let link = |from: &str, to: PathBuf| std::os::unix::fs::symlink(from, to).unwrap();
    link(outside.to_str().unwrap(), presets.join("link"));
    link(outside.join("preset.toml").to_str().unwrap(), presets.join("file/preset.toml"));
    place.write(".loopdash/presets/real/preset.toml", "max_iterations = 2\n");
    link("real", presets.join("alias"));
    let shelf = Shelf::new(&place.options());
    let refused = |name: &str| shelf.find(name, None).unwrap_err().to_string();
    for name in ["link", "file"] {
        assert!(refused(name).contains("a link leads out of .loopdash/presets"), "{}", refused(name));
    }
    for name in ["..", ".", "", "a/b", "../../outside/evil", "/etc", "a\\b", "a\0b", "\u{1b}[2J", &"a".repeat(65)] {
        assert!(refused(name).contains("cannot name a preset"), "{name:?}: {}", refused(name));
    }
    assert_eq!(shelf.find("alias", None).unwrap().sets["max_iterations"].as_integer(), Some(2));
    // The whole folder, too, must lie in the repository.
    let place = Place::with("");
    place.write(".loopdash/x", "");
    link(outside.parent().unwrap().to_str().unwrap(), place.root.join(".loopdash/presets"));
    let report = Shelf::new(&place.options()).find("evil", None).unwrap_err().to_string();
    assert!(report.contains("leads out of the repository"), "{report}");
    // What is the user's own may be kept elsewhere, as config.toml may.
    let home = PathBuf::from(&place.env["HOME"]).join(".config/loopdash");
    std::fs::create_dir_all(&home).unwrap();
    link(outside.parent().unwrap().to_str().unwrap(), home.join("presets"));
    std::fs::remove_file(place.root.join(".loopdash/presets")).unwrap();
    assert_eq!(Shelf::new(&place.options()).find("evil", None).unwrap().from, PresetSource::User);
}

#[test]
fn a_preset_is_of_bounded_size_and_a_regular_file() {
    let place = Place::with("");
    place.write(".loopdash/presets/large/preset.toml", &"#".repeat((256 << 10) + 1));
    std::fs::create_dir_all(place.root.join(".loopdash/presets/folder/preset.toml")).unwrap();
    let shelf = Shelf::new(&place.options());
    assert!(shelf.find("large", None).unwrap_err().to_string().contains("larger than 256 KiB"));
    assert!(shelf.find("folder", None).unwrap_err().to_string().contains("not a regular file"));
    // Listed with what is wrong, so that whoever asks for the list finds out.
    let wrong: Vec<String> =
        shelf.all().into_iter().filter(|shelved| shelved.preset.is_err()).map(|shelved| shelved.name).collect();
    assert_eq!(wrong, ["folder", "large"]);
}

#[test]
fn a_preset_may_set_every_key_of_a_loop_but_its_own() {
    let keys = |schema: &serde_json::Value| -> Vec<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let preset = keys(preset_schema());
    let own = ["base", "branch", "isolation", "name", "objective", "objective_file", "preset", "tests"];
    let expected: Vec<String> = keys(&schema_of::<Loop>())
        .into_iter()
        .filter(|key| !own.contains(&key.as_str()))
        .chain(["description".to_owned()])
        .collect();
    assert!(expected.iter().all(|key| preset.contains(key)) && expected.len() == preset.len(), "{preset:?}");
}
