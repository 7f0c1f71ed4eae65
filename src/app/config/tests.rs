//! Tests of the configuration as a whole: layers, provenance, refusals, resolution.
#![expect(clippy::unwrap_used, reason = "tests")]

mod presets;

use super::*;
use crate::loops::core::agent::{AgentSpec, Role};
use crate::loops::core::gate::CommandLine;
use crate::loops::core::spec::{CriticWhen, DialectName, Isolation, LoopSpec, PromptRoute};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A repository with a home beside it, both in a directory that goes away.
struct Place {
    _guard: tempfile::TempDir,
    root: PathBuf,
    env: BTreeMap<String, String>,
}

impl Place {
    fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        let base = guard.path().canonicalize().unwrap();
        let root = base.join("shop");
        std::fs::create_dir_all(root.join(".git")).unwrap();
        std::fs::create_dir_all(base.join("home")).unwrap();
        let env = BTreeMap::from([("HOME".to_owned(), base.join("home").display().to_string())]);
        Self { _guard: guard, root, env }
    }

    fn with(text: &str) -> Self {
        let place = Self::new();
        place.write("loopdash.toml", text);
        place
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn options(&self) -> LoadOptions {
        LoadOptions { cwd: self.root.clone(), config_file: None, set: Vec::new(), env: self.env.clone() }
    }

    fn load(&self) -> Result<Loaded, Problems> {
        load(&self.options())
    }

    fn resolve(&self) -> Result<Vec<LoopSpec>, Problems> {
        self.load().and_then(|loaded| resolve(&loaded, &self.root))
    }

    fn run(&self, request: &RunRequest) -> Result<LoopSpec, Problems> {
        let loaded = self.load()?;
        for_run(&loaded, Standing { repo: &self.root, cwd: &self.root, path: "/usr/bin:/bin" }, request)
    }

    /// The report without what differs between boxes.
    fn report(&self, problems: &Problems) -> String {
        problems.render(false).replace(&self.root.display().to_string(), "[repo]")
    }
}

/// The smallest real configuration: what a benchmark writes for two agents.
const SMALLEST: &str = r#"[engine]
cap = 2

[agents.a00]
command = ["/bin/flood", "1"]

[agents.a01]
command = ["/bin/flood", "2"]

[[loop]]
name = "p00"
objective = "run"
actor = "a00"
critic = "none"
isolation = "none"
max_iterations = 1

[[loop]]
name = "p01"
objective = "run"
actor = "a01"
critic = "none"
isolation = "none"
max_iterations = 1
"#;

fn fits_schema(text: &str) {
    let value: toml::Value = toml::from_str(text).unwrap();
    let json = serde_json::to_value(value).unwrap();
    let validator = jsonschema::validator_for(config_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn the_smallest_configuration_loads_and_resolves() {
    fits_schema(SMALLEST);
    let specs = Place::with(SMALLEST).resolve().unwrap();
    assert_eq!(specs.len(), 2);
    let spec = &specs[1];
    assert_eq!((spec.name.as_str(), spec.objective.as_str()), ("p01", "run"));
    assert_eq!(spec.actor.command, ["/bin/flood", "2"]);
    assert_eq!(spec.critic, None);
    assert_eq!(spec.isolation, Isolation::None);
    assert_eq!((spec.limits.max_iterations, spec.limits.max_attempts), (1, 1));
}

#[test]
fn everything_can_be_said() {
    let place = Place::with(
        r#"
        [agents.fast]
        command = "tools/agent --say 'two words'"
        prompt = "file"
        timeout = "90s"
        env = { KEY = "${KEY}" }
        [agents.strict]
        command = ["strict"]
        [[loop]]
        name = "all"
        objective_file = "docs/goal.md"
        tests = "test-state.json"
        actor = "fast"
        critic = "strict"
        critic_when = "claimed"
        base = "main"
        branch = "work/all"
        priority = 9
        max_iterations = 7
        context_files = ["docs/goal.md", "later.md"]
        setup = ["make", "deps"]
        limits.wall_clock = "2h"
        [[loop.gate]]
        name = "tests"
        command = "make test | tee log"
        timeout = "1m"
        [[loop.gate]]
        name = "lint"
        command = ["make", "lint"]
        required = false
        "#,
    );
    place.write("docs/goal.md", "Reach it.\n");
    place.write("test-state.json", r#"{"version": 1, "tests": [{"id": "T1", "title": "first"}]}"#);
    let spec = place.resolve().unwrap().remove(0);
    assert_eq!(spec.objective, "Reach it.\n");
    assert_eq!(spec.tests[0].id, "T1");
    assert_eq!(spec.tests_file, Some(place.root.join("test-state.json").display().to_string()));
    let program = place.root.join("tools/agent").display().to_string();
    assert_eq!(spec.actor.command, [program.as_str(), "--say", "two words"]);
    assert_eq!((spec.actor.prompt, spec.actor.timeout_ms), (PromptRoute::File, 90_000));
    let critic = spec.critic.unwrap();
    assert_eq!((critic.name.as_str(), critic.timeout_ms), ("strict", 3_600_000));
    assert_eq!(spec.critic_when, CriticWhen::Claimed);
    assert_eq!((spec.limits.max_attempts, spec.limits.wall_clock_ms), (3, Some(7_200_000)));
    assert_eq!(spec.setup, Some(CommandLine::Argv(vec!["make".to_owned(), "deps".to_owned()])));
    assert_eq!(spec.gates[0].command, CommandLine::Shell("make test | tee log".to_owned()));
    assert_eq!((spec.gates[0].timeout_ms, spec.gates[0].required), (60_000, true));
    assert_eq!((spec.gates[1].timeout_ms, spec.gates[1].required), (600_000, false));
    assert_eq!(spec.worktree_path.as_deref(), Some("{{ repo_parent }}/{{ repo }}.loops/{{ slug }}"));
}

#[test]
fn a_file_that_init_writes_loads_and_fits_its_schema() {
    let place = Place::new();
    let path = write_init(&place.root).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), INIT_TEXT);
    fits_schema(INIT_TEXT);
    let spec = place.resolve().unwrap().remove(0);
    assert_eq!((spec.name.as_str(), spec.actor.name.as_str()), ("first", "worker"));
    assert_eq!((spec.actor.profile.as_str(), spec.actor.command[0].as_str()), ("claude", "claude"));
    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(write_init(&place.root), Err(InitError::Exists(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

/// All keys of the schema, as `section key`.
fn every_key(schema: &serde_json::Value) -> Vec<String> {
    let tables = schema["$defs"].as_object().unwrap().iter();
    tables
        .filter_map(|(name, definition)| Some((name, definition.get("properties")?.as_object()?)))
        .flat_map(|(name, keys)| keys.keys().map(move |key| format!("{name} {key}")))
        .collect()
}

#[test]
fn init_shows_every_key_and_all_of_it_loads() {
    // Profiles are for programs that loopdash does not know; the reference has their keys.
    for key in every_key(config_schema()).iter().filter(|key| !key.starts_with("Profile ")) {
        let name = key.split(' ').next_back().unwrap();
        let shown = INIT_TEXT.lines().any(|line| {
            let line = line.trim_start_matches("# ");
            line.starts_with(&format!("{name} = "))
                || line.contains(&format!("or {name} = "))
                || line.contains(&format!("{{ {name} = "))
                || line.contains(&format!(", {name} = "))
                || line == format!("[[loop.{name}]]")
        });
        assert!(shown, "init says nothing of {key}");
    }
    // A line is a commented key when it reads as TOML; prose does not.
    let all: String = INIT_TEXT
        .lines()
        .map(|line| {
            let plain = line.strip_prefix("# ").unwrap_or(line);
            let is_key = plain.starts_with("[[") || (plain.contains(" = ") && plain.parse::<toml::Table>().is_ok());
            format!("{}\n", if is_key { plain } else { line })
        })
        .collect();
    assert!(all.contains("\nwall_clock") || all.contains("\nlimits = "), "{all}");
    fits_schema(&all);
    let place = Place::with(&all);
    let loaded = place.load().unwrap();
    assert_eq!(loaded.config.loops[0].gates[0].name, "tests");
    assert_eq!(loaded.config.engine.repo_cap, Some(2));
}

#[test]
fn later_layers_win_and_every_value_knows_its_origin() {
    let mut place = Place::with("[engine]\ncap = 4\non_start = \"leave\"\n\n[agents.x]\ntimeout = \"5m\"\n");
    let home = PathBuf::from(&place.env["HOME"]);
    std::fs::create_dir_all(home.join(".config/loopdash")).unwrap();
    let user = "[engine]\ncap = 1\nrepo_cap = 2\n[ui]\ntheme = \"light\"\n[agents.x]\ncommand = \"x --yes\"\nenv = { TOKEN = \"hunter2\", KEY = \"${KEY}\" }\n";
    std::fs::write(home.join(".config/loopdash/config.toml"), user).unwrap();
    place.env.insert("LOOPDASH_UI_THEME".to_owned(), "mono".to_owned());
    place.env.insert("LOOPDASH_ENGINE_GATE_CAP".to_owned(), " 7 ".to_owned());
    place.env.insert("LOOPDASH_STATE_DIR".to_owned(), "/elsewhere".to_owned());
    let mut options = place.options();
    options.set = vec!["engine.on_start=resume".to_owned()];
    let loaded = load(&options).unwrap();
    let engine = &loaded.config.engine;
    assert_eq!((engine.cap, engine.gate_cap, engine.repo_cap), (4, Some(7), Some(2)));
    assert_eq!(engine.on_start, OnStart::Resume);
    assert_eq!(loaded.config.ui.theme, "mono");
    assert_eq!(loaded.config.agents["x"].timeout.millis(), 300_000);
    let origin = |path: &str| loaded.origins.get(path).map(ToString::to_string);
    assert_eq!(origin("engine.cap").as_deref(), Some("loopdash.toml:2"));
    assert_eq!(origin("engine.repo_cap").as_deref(), Some("~/.config/loopdash/config.toml:3"));
    assert_eq!(origin("engine.on_start").as_deref(), Some("flag --set"));
    assert_eq!(origin("ui.theme").as_deref(), Some("env LOOPDASH_UI_THEME"));
    assert_eq!(origin("engine.worktree_path"), None);
    let text = listing(&loaded, 8);
    let shown =
        text.replace(&home.display().to_string(), "[home]").replace(&place.root.display().to_string(), "[repo]");
    insta::assert_snapshot!("listing", shown);
    assert!(!text.contains("hunter2"));
    let again: Config = toml::from_str(&text).unwrap();
    assert_eq!(again.engine.cap, 4);
}

#[test]
fn an_array_of_a_later_layer_replaces_the_whole_one() {
    let place = Place::with("[agents.x]\ncommand = [\"b\"]\n");
    let mut options = place.options();
    options.set = vec!["agents.x.command=[\"c\", \"d\"]".to_owned()];
    let loaded = load(&options).unwrap();
    assert_eq!(loaded.origins.get("agents.x.command[0]").unwrap().layer, Layer::Flag);
    assert_eq!(loaded.origins.get("agents.x.command[1]").unwrap().layer, Layer::Flag);
    options.set = vec!["agents.x.command=c".to_owned()];
    assert!(load(&options).unwrap().origins.get("agents.x.command[0]").is_none());
}

#[test]
fn the_project_file_is_found_upward_but_not_above_the_repository() {
    let place = Place::with("[engine]\ncap = 9\n");
    place.write("a/b/c", "");
    assert_eq!(project_file(&place.root.join("a/b")), Some(place.root.join("loopdash.toml")));
    place.write("a/b/.git", "gitdir: elsewhere");
    assert_eq!(project_file(&place.root.join("a/b")), None);
    let outside = place.root.parent().unwrap();
    std::fs::write(outside.join("loopdash.toml"), "").unwrap();
    assert_eq!(project_file(outside), Some(outside.join("loopdash.toml")));
    // Where the temporary directory itself is in a repository, so is everything below it.
    if outside.ancestors().all(|above| !above.join(".git").exists()) {
        assert_eq!(project_file(&outside.join("home")), None);
    }
}

/// Configurations that are refused, each with the report that the user sees.
const REFUSED: &[(&str, &str)] = &[
    ("unknown_key", "[engine]\ncpa = 3\n\n[[loop]]\nname = \"a\"\nobjectve = \"x\"\nactor = \"b\"\n"),
    ("unknown_section", "[agent.x]\ncommand = \"x\"\n[colours]\n"),
    (
        "wrong_types",
        "loop = 3\n[engine]\ncap = \"3\"\non_start = 1\n[ui]\ntheme = [\"dark\"]\n[agents.x]\ncommand = 7\ntimeout = 90\nenv = { A = 1 }\n",
    ),
    (
        "out_of_range",
        "[engine]\ncap = 0\ngate_cap = 99999999999999999999\nrepo_cap = -1\n[ui]\ntheme = \"\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\npriority = 10\nmax_iterations = 0\n",
    ),
    (
        "words",
        "[engine]\non_start = \"asks\"\n[agents.x]\ncommand = \"x\"\nprompt = \"argv\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\nisolation = \"worktre\"\n",
    ),
    (
        "durations",
        "[agents.x]\ncommand = \"x\"\ntimeout = \"90\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\nlimits.wall_clock = \"soon\"\n",
    ),
    ("syntax", "[engine]\ncap = \n[ui\ntheme = \"dark\"\n"),
    ("duplicate_key", "[engine]\ncap = 1\ncap = 2\n"),
    ("missing", "[agents.x]\ntimeout = \"1s\"\n[[loop]]\nobjective = \"x\"\n[[loop.gate]]\ncommand = \"x\"\n"),
    (
        "names",
        "[agents.claude]\ncommand = \"c\"\n[agents.codex]\ncommand = \"c\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\nactor = \"cluade\"\ncritic = \"gpt\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\n",
    ),
    (
        "objectives",
        "[agents.x]\ncommand = \"x\"\n[[loop]]\nname = \"none\"\n[[loop]]\nname = \"two\"\nobjective = \"x\"\nobjective_file = \"x\"\n[[loop]]\nname = \"empty\"\nobjective = \"  \"\n",
    ),
    (
        "commands",
        "[agents.a]\ncommand = \"\"\n[agents.b]\ncommand = []\n[agents.c]\ncommand = \"c 'open\"\n[agents.none]\ncommand = \"x\"\n[agents.\"a\\nb\"]\ncommand = \"x\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\nactor = \"a\"\nsetup = []\n[[loop.gate]]\nname = \"g\"\ncommand = \" \"\n",
    ),
    (
        "gates",
        "[agents.x]\ncommand = \"x\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\n[[loop.gate]]\nname = \"t\"\ncommand = \"x\"\n[[loop.gate]]\nname = \"t\"\ncommand = \"x\"\n[[loop.gate]]\nname = \"verify\"\ncommand = \"x\"\n",
    ),
    (
        "gate_checks",
        "[agents.x]\ncommand = \"x\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\n[[loop.gate]]\nname = \"a\"\ncommand = \"x\"\nkind = \"type\"\n[[loop.gate]]\nname = \"b\"\ncommand = \"x\"\ncoverage_floor = 101\n",
    ),
    (
        "decimals",
        "[agents.x]\ncommand = \"x\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\n[[loop.gate]]\nname = \"a\"\ncommand = \"x\"\ncoverage_floor = 80.125\n",
    ),
    (
        "reports",
        "[agents.x]\ncommand = \"x\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\n[[loop.gate]]\nname = \"a\"\ncommand = \"x\"\ncoverage_floor = 80\ncoverage_report = \"../lcov.info\"\n[[loop.gate]]\nname = \"b\"\ncommand = \"x\"\ncoverage_report = \"lcov.info\"\n",
    ),
    (
        "paths",
        "[agents.x]\ncommand = \"x\"\n[[loop]]\nname = \"a\"\nobjective_file = \"/etc/passwd\"\ntests = \"../tests.json\"\ncontext_files = [\"a/../../b\", \"a/../b\", \".git/config\", \"\"]\nbase = \"--help\"\nbranch = \"\"\n",
    ),
    (
        "agents",
        "[agents.a]\nprofile = \"cluade\"\n[agents.b]\nprofile = \"aider\"\nsession = \"resume\"\n[agents.c]\ncommand = \"c\"\nmodel = \"m\"\nprompt = \"argument\"\n[agents.d]\nprofile = \"claude\"\nenv_remove = [\"*\"]\nargs = \"'\"\n[agents.e]\nprofile = \"generic\"\n",
    ),
    (
        "prices",
        "[agents.a]\ncommand = \"a\"\nprice = { input = -1, output = \"2\" }\nwatch = { silence = \"soon\", max_evnts = 1 }\n[prices.m]\ninput = 2000000\n",
    ),
    (
        "profiles",
        "[profiles.mine]\ncommand = []\nresume = [\"--resume\"]\nmodel = [\"-m\"]\nminimum = \"new\"\n[profiles.yours]\nresume = [\"--resume\"]\nmodel = [\"-m\"]\ncommand = [\"\"]\n",
    ),
    ("template", "[engine]\nworktree_path = \"{{ nope }}/{{ slug }}\"\n"),
    ("escapes", "[agents.x]\ncommand = \"x\"\n\"\\u001b]0;owned\\u0007\" = 1\n"),
];

#[test]
fn every_refusal_shows_place_and_remedy() {
    for (name, text) in REFUSED {
        let place = Place::with(text);
        let problems = place.load().unwrap_err();
        insta::assert_snapshot!(format!("refused_{name}"), place.report(&problems));
    }
}

#[test]
fn refusals_of_variables_and_flags_name_them() {
    let mut place = Place::new();
    place.env.insert("LOOPDASH_ENGINE_CAP".to_owned(), "many".to_owned());
    place.env.insert("LOOPDASH_ENGINE_CAPS".to_owned(), "3".to_owned());
    place.env.insert("LOOPDASH_ENGINE_ON_START".to_owned(), "no".to_owned());
    let mut options = place.options();
    options.set = ["engine.cap=0", "ui.them=dark", "engine", "=1"].map(str::to_owned).to_vec();
    insta::assert_snapshot!("refused_outside_files", place.report(&load(&options).unwrap_err()));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let place = Place::new();
    std::fs::write(place.root.join("loopdash.toml"), b"[engine]\n# \xff\n").unwrap();
    insta::assert_snapshot!("unreadable_utf8", place.report(&place.load().unwrap_err()));
    std::fs::write(place.root.join("loopdash.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    insta::assert_snapshot!("unreadable_large", place.report(&place.load().unwrap_err()));
    let mut options = place.options();
    options.config_file = Some(place.root.join("missing.toml"));
    insta::assert_snapshot!("unreadable_missing", place.report(&load(&options).unwrap_err()));
    options.config_file = Some(place.root.clone());
    assert!(load(&options).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn files_that_loops_name_must_lie_inside_and_be_right() {
    let place = Place::with(
        "[agents.x]\ncommand = \"x\"\n[[loop]]\nname = \"gone\"\nobjective_file = \"gone.md\"\n[[loop]]\nname = \"out\"\nobjective_file = \"link.md\"\n\
         [[loop]]\nname = \"empty\"\nobjective_file = \"empty.md\"\n[[loop]]\nname = \"bad\"\nobjective = \"x\"\ntests = \"bad.json\"\n\
         [[loop]]\nname = \"cycle\"\nobjective = \"x\"\ntests = \"cycle.json\"\n[[loop]]\nname = \"context\"\nobjective = \"x\"\ncontext_files = [\"link.md\", \"not-yet.md\"]\n",
    );
    std::fs::write(place.root.parent().unwrap().join("secret.md"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret.md", place.root.join("link.md")).unwrap();
    place.write("empty.md", " \n");
    place.write("bad.json", "{\n  \"version\": 1,\n  \"tests\": [{\"id\": \"a\", \"titel\": \"x\"}]\n}\n");
    let cycle = r#"{"version": 1, "tests": [{"id": "ä", "title": "x", "depends_on": ["b", "c"]}, {"id": "b", "title": "x", "depends_on": ["ä"]}]}"#;
    place.write("cycle.json", cycle);
    insta::assert_snapshot!("refused_files", place.report(&place.resolve().unwrap_err()));
}

fn asked(text: &str) -> RunRequest {
    RunRequest { prompt: Some(text.to_owned()), ..RunRequest::default() }
}

#[test]
fn a_run_needs_nothing_but_a_prompt_and_a_program() {
    let place = Place::new();
    let request = RunRequest {
        actor: Some("sh -c 'exit 0'".to_owned()),
        critic: Some("none".to_owned()),
        gates: vec!["make test".to_owned(), "/usr/bin/make lint".to_owned(), "verify".to_owned()],
        priority: Some(8),
        max_iterations: Some(4),
        in_place: true,
        ..asked("# Fix the flaky login test, please, and do it well\n")
    };
    let spec = place.run(&request).unwrap();
    assert_eq!(spec.name, "fix-the-flaky-login-test");
    assert_eq!((spec.actor.name.as_str(), spec.actor.command.len()), ("sh", 3));
    assert_eq!(spec.critic, None);
    let gates: Vec<&str> = spec.gates.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!(gates, ["make", "make-2", "verify-2"]);
    assert_eq!((spec.priority, spec.limits.max_iterations, spec.limits.max_attempts), (8, 4, 4));
    assert_eq!(spec.isolation, Isolation::None);
}

#[test]
fn a_run_can_start_from_a_configured_loop() {
    let place = Place::with(SMALLEST);
    let request = RunRequest { name: Some("p01".to_owned()), critic: Some("a00".to_owned()), ..RunRequest::default() };
    let spec = place.run(&request).unwrap();
    assert_eq!((spec.name.as_str(), spec.objective.as_str(), spec.actor.name.as_str()), ("p01", "run", "a01"));
    assert_eq!(spec.critic.unwrap().name, "a00");
    let spec = place.run(&RunRequest { prompt: Some("other".to_owned()), ..request }).unwrap();
    assert_eq!((spec.name.as_str(), spec.objective.as_str()), ("p01", "other"));
}

#[test]
fn the_default_prompt_file_is_read() {
    let place = Place::with("[agents.x]\ncommand = \"x\"\n");
    place.write("prompt.md", "Do it.");
    let spec = place.run(&RunRequest::default()).unwrap();
    assert_eq!((spec.objective.as_str(), spec.actor.name.as_str()), ("Do it.", "x"));
    assert_eq!(spec.critic.unwrap().name, "x");
    // A critic from the command line does not make the only configured agent one of two.
    let spec = place.run(&RunRequest { critic: Some("sh".to_owned()), ..RunRequest::default() }).unwrap();
    assert_eq!((spec.actor.name.as_str(), spec.critic.unwrap().name.as_str()), ("x", "sh"));
}

#[test]
fn two_agents_of_one_program_stay_apart() {
    let place = Place::new();
    let request = RunRequest {
        actor: Some("sh -c 'exit 0'".to_owned()),
        critic: Some("sh -c 'exit 1'".to_owned()),
        ..asked("x")
    };
    let spec = place.run(&request).unwrap();
    assert_eq!(spec.actor.command[2], "exit 0");
    let critic = spec.critic.unwrap();
    assert_eq!((critic.name.as_str(), critic.command[2].as_str()), ("sh (critic)", "exit 1"));
}

#[test]
fn refused_requests_say_what_to_do() {
    let place = Place::with(SMALLEST);
    let requests = [
        RunRequest::default(),
        asked("x"),
        RunRequest { actor: Some("a0".to_owned()), ..asked("x") },
        RunRequest { actor: Some("a00 'open".to_owned()), ..asked("x") },
        RunRequest { name: Some("p00x".to_owned()), ..RunRequest::default() },
        RunRequest { prompt_file: Some("gone.md".into()), ..RunRequest::default() },
        RunRequest { prompt_file: Some("gone.md".into()), ..asked("x") },
        RunRequest { actor: Some("a00".to_owned()), ..asked(" ") },
        RunRequest { actor: Some("a00".to_owned()), gates: vec![" ".to_owned()], ..asked("x") },
        RunRequest { actor: Some("a00".to_owned()), tests: Some("/etc/hostname".into()), ..asked("x") },
    ];
    let reports: Vec<String> = requests.iter().map(|request| place.report(&place.run(request).unwrap_err())).collect();
    insta::assert_snapshot!("refused_requests", reports.join("\n"));
    assert!(Place::new().run(&asked("x")).unwrap_err().to_string().contains("[agents.NAME]"));
}

#[test]
fn no_text_makes_the_loader_panic() {
    use proptest::prelude::*;
    let piece = prop_oneof![
        Just("[engine]\n"),
        Just("[[loop]]\n"),
        Just("[[loop.gate]]\n"),
        Just("name = \"a\"\n"),
        Just("cap = "),
        Just("3\n"),
        Just("\"\u{1b}[31m\"\n"),
        Just("[agents.x]\n"),
        Just("command = [\"x\", 1]\n"),
        Just("env = { A = \"\" }\n"),
        Just("\u{feff}"),
        Just("1979-05-27\n"),
        Just("objective = '''"),
        Just("é.β = {}\n"),
        Just("\n"),
    ];
    let texts = proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let place = Place::new();
    proptest!(ProptestConfig::with_cases(200), |(text in texts)| {
        place.write("loopdash.toml", &text);
        if let Err(problems) = place.load() {
            prop_assert!(!problems.render(true).is_empty());
        }
    });
}

/// The agents of a configuration with one loop, as actor and critic.
fn agents(text: &str) -> (AgentSpec, AgentSpec) {
    let place =
        Place::with(&format!("{text}\n[[loop]]\nname = \"a\"\nobjective = \"x\"\nactor = \"x\"\ncritic = \"x\"\n"));
    let spec = place.resolve().unwrap().remove(0);
    (spec.actor, spec.critic.unwrap())
}

#[test]
fn a_known_program_needs_no_table_and_each_role_has_its_arguments() {
    let place = Place::with(
        "[[loop]]\nname = \"a\"\nobjective = \"x\"\nactor = \"claude\"\n[[loop]]\nname = \"b\"\nobjective = \"x\"\nactor = \"codex\"\ncritic = \"gemini\"\n",
    );
    let specs = place.resolve().unwrap();
    let (actor, critic) = (&specs[0].actor, specs[0].critic.as_ref().unwrap());
    assert_eq!((actor.name.as_str(), actor.profile.as_str(), actor.dialect), ("claude", "claude", DialectName::Claude));
    assert!(actor.command.iter().any(|word| word == "acceptEdits"));
    assert!(critic.command.iter().any(|word| word == "Read,Grep,Glob") && critic.command != actor.command);
    assert_eq!(specs[1].critic.as_ref().unwrap().dialect, DialectName::Gemini);
    assert_eq!(specs[1].actor.command.last().map(String::as_str), Some("-"));
    // On the command line, too.
    let spec = Place::new().run(&RunRequest { actor: Some("qwen".to_owned()), ..asked("x") }).unwrap();
    assert_eq!((spec.actor.dialect, spec.critic.unwrap().name.as_str()), (DialectName::Qwen, "qwen"));
}

#[test]
fn an_agent_says_what_is_different_about_its_profile() {
    let (actor, critic) = agents(
        "[agents.x]\nprofile = \"claude\"\nmodel = \"opus\"\nargs = \"--max-budget-usd 5\"\nenv = { A = \"1\", CLAUDE_CODE_MAX_RETRIES = \"9\" }\n\
         env_remove = [\"B_*\"]\nsession = \"resume\"\nprovider = \"mine\"\ninteractive = \"bin/mine --here\"\n\
         watch = { silence = \"1m\", max_retries = 2 }\nprice = { input = 3, output = 15.5 }\ntimeout = \"5m\"\n",
    );
    for spec in [&actor, &critic] {
        let words: Vec<&str> = spec.command.iter().map(String::as_str).collect();
        assert!(
            words.windows(2).any(|pair| pair == ["--model", "opus"]) && words.ends_with(&["--max-budget-usd", "5"])
        );
        assert_eq!((spec.env["A"].as_str(), spec.env["CLAUDE_CODE_MAX_RETRIES"].as_str()), ("1", "9"));
        assert!(spec.env.contains_key("DISABLE_AUTOUPDATER") && spec.env_remove.iter().any(|name| name == "B_*"));
        assert_eq!((spec.provider(), spec.timeout_ms), ("mine", 300_000));
        assert_eq!((spec.watch.silence_ms, spec.watch.max_retries), (Some(60_000), Some(2)));
        assert!(spec.interactive[0].starts_with('/') && spec.interactive[1] == "--here");
        let price = spec.price.unwrap();
        assert_eq!((price.input, price.cached, price.output), (3_000_000, None, 15_500_000));
    }
}

#[test]
fn a_model_has_its_own_price() {
    let prices = "[prices.\"m-1\"]\ninput = 1\ncached = 0.125\noutput = 2\n";
    let agent = "[agents.x]\nprofile = \"codex\"\nprice = { input = 7, output = 7 }\n";
    let price = |text: String| agents(&text).0.price.unwrap();
    assert_eq!(price(format!("{agent}model = \"m-1\"\n{prices}")).cached, Some(125_000));
    assert_eq!(price(format!("{agent}model = \"m-2\"\n{prices}")).input, 7_000_000);
    assert_eq!(agents("[agents.x]\nprofile = \"codex\"\n").0.price, None);
    // Without a model that was asked for, its stream says which one it is.
    let (actor, _) = agents(&format!("{agent}{prices}"));
    assert_eq!(actor.price_of(Some("m-1")).unwrap().cached, Some(125_000));
    assert_eq!(actor.price_of(Some("m-2")).or(actor.price_of(None)).unwrap().input, 7_000_000);
    assert!(agents(&format!("{agent}model = \"m-2\"\n{prices}")).0.prices.is_empty());
}

#[test]
fn a_command_says_for_itself_how_it_is_driven() {
    // As people wrote it before there were profiles: the name alone does not make it one.
    let place = Place::with("[agents.claude]\ncommand = \"claude -p\"\n[[loop]]\nname = \"a\"\nobjective = \"x\"\n");
    let spec = place.resolve().unwrap().remove(0);
    assert_eq!(spec.actor.command, ["claude", "-p"]);
    assert_eq!((spec.actor.dialect, spec.actor.profile.as_str()), (DialectName::Text, "generic"));
    assert_eq!(spec.critic.unwrap().command, ["claude", "-p"]);
    // With a profile, its words may be used, and what has no place is left out.
    let (actor, critic) =
        agents("[agents.x]\nprofile = \"codex\"\ncommand = \"wrapped {role} {model} -\"\nmodel = \"m\"\n");
    assert_eq!(actor.command, ["wrapped", "-s", "workspace-write", "-m", "m", "-"]);
    assert_eq!((critic.command[2].as_str(), critic.dialect), ("read-only", DialectName::Codex));
    assert!(actor.resume.is_empty() && actor.fresh.is_empty());
    let (actor, _) = agents("[agents.x]\ncommand = \"mine\"\nresume = \"--on {session}\"\nsession = \"resume\"\n");
    assert_eq!(
        (actor.command.as_slice(), actor.resume[1].as_str()),
        (["mine", "{resume}"].map(str::to_owned).as_slice(), "{session}")
    );
}

#[test]
fn profiles_can_be_added_and_changed() {
    let text = "[profiles.mine]\ncommand = [\"mine\", \"{role}\", \"{args}\", \"--end\"]\nactor = [\"--act\"]\ncritic = [\"--look\"]\ndialect = \"claude\"\n\
                [profiles.codex]\nactor = [\"-s\", \"danger-full-access\"]\n\
                [agents.x]\nprofile = \"mine\"\nargs = [\"a b\"]\n";
    let (actor, critic) = agents(text);
    assert_eq!(
        (actor.command.join("|"), critic.command.join("|")),
        ("mine|--act|a b|--end".into(), "mine|--look|a b|--end".into())
    );
    let place = Place::with(text);
    let loaded = place.load().unwrap();
    let codex = loaded.config.agent_spec("codex", Role::Actor, &place.root).unwrap();
    assert!(codex.command.contains(&"danger-full-access".to_owned()) && codex.command[0] == "codex");
    let shown = listing(&loaded, 8);
    assert!(shown.contains("[profiles.codex]") && !shown.contains("[profiles.gemini]"), "{shown}");
    assert!(toml::from_str::<Config>(&shown).is_ok());
    assert!(loaded.config.agent_names().contains(&"mine"));
}
