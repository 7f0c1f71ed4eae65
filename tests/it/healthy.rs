//! Journals of healthy runs that loopdash drove for real, with what real test runners printed: none of them may look stuck.
//!
//! They lie in `tests/fixtures/healthy`. `LOOPDASH_BLESS=1 cargo test --test it healthy` drives them anew; it needs
//! `rustc` and `python3`.

use super::ground::{Ground, LOOPDASH, Ran, Told};
use loopdash::loops::core::event::Event;
use loopdash::loops::core::state::RunState;
use loopdash::loops::core::watch::news;
use loopdash::loops::journal::Store;
use std::path::{Path, PathBuf};

/// A loop that goes well, as it was recorded.
struct Scene {
    name: &'static str,
    /// A shell script that knows its iteration as `$n`.
    actor: &'static str,
    critic: &'static str,
    gate: &'static str,
    stuck: &'static str,
    agent: &'static str,
    iterations: u32,
}

const SCENE: Scene = Scene { name: "", actor: "", critic: "", gate: RUST, stuck: "", agent: "", iterations: 12 };

/// Builds and runs the tests of `lib.rs` with rustc's own runner, which ends them in another order each time.
const RUST: &str =
    "t=$(mktemp -d) && rustc --edition 2021 --test -o $t/suite lib.rs && $t/suite; c=$?; rm -rf $t; exit $c";
/// Python's runner, which loopdash reads as plain text.
const PYTHON: &str = "python3 -m unittest -v test_shop";

/// Each test looks for its name in `done`, after a while of its own.
const LIB: &str = r#"
fn done(name: &str) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(u64::from(now.subsec_nanos()) / 1000 % 50));
    std::fs::read_to_string("done").unwrap_or_default().lines().any(|line| line == name)
}
macro_rules! suite { ($($name:ident)*) => { $( #[test] fn $name() { assert!(done(stringify!($name)), "{} at {:p}", stringify!($name), &0); } )* } }
suite! { reads writes seeks closes opens locks case_1 case_2 case_3 }
"#;

const TEST_SHOP: &str = r#"
import os, tempfile, unittest
DONE = open("done").read().split() if os.path.exists("done") else []
NAMES = ["reads", "writes", "seeks", "closes"]
class Shop(unittest.TestCase):
    pass
def make(name):
    def test(self):
        where = tempfile.mkdtemp()
        os.rmdir(where)
        broken = [n for n in NAMES if n not in DONE][:1]
        self.assertNotIn(name, broken, "in " + where)
    return test
for name in NAMES:
    setattr(Shop, "test_" + name, make(name))
"#;

fn scenes() -> Vec<Scene> {
    vec![
        Scene {
            name: "a-refactor-in-many-commits",
            actor: "echo \"part $n\" >> parts; k=$((n * 3 / 4)); \
                    printf 'reads\\nwrites\\nseeks\\ncloses\\nopens\\nlocks\\ncase_1\\ncase_2\\ncase_3\\n' | head -n $k > done; \
                    git add -A; git -c user.name=a -c user.email=a@b commit -qm part-$n; \
                    echo I moved part $n into its own module and committed it; [ $n -lt 12 ] || echo LOOPDASH_DONE",
            ..SCENE
        },
        Scene {
            name: "tests-that-fail-and-then-pass",
            actor: "printf 'reads\\nwrites\\nseeks\\ncloses\\nopens\\nlocks\\ncase_1\\ncase_2\\ncase_3\\n' | head -n $((n * 2 + 1)) > done; \
                    echo $n >> note; [ $n -lt 4 ] || echo LOOPDASH_DONE",
            ..SCENE
        },
        Scene {
            name: "one-test-after-another",
            actor: "printf 'case_3\\ncase_2\\ncase_1\\nlocks\\nopens\\ncloses\\nseeks\\nwrites\\nreads\\n' > all; \
                    grep -v \"$(sed -n ${n}p all)\" all > done; [ $n -lt 8 ] || cp all done; echo $n >> note; \
                    [ $n -lt 8 ] || echo LOOPDASH_DONE",
            ..SCENE
        },
        Scene {
            name: "one-failure-after-another-of-an-unknown-runner",
            actor: "printf 'reads\\nwrites\\nseeks\\ncloses\\n' | head -n $((n - 1)) > done; echo $n >> note; [ $n -lt 5 ] || echo LOOPDASH_DONE",
            gate: PYTHON,
            ..SCENE
        },
        Scene {
            name: "a-flaky-test",
            actor: "printf 'reads\\nwrites\\nseeks\\ncloses\\nopens\\nlocks\\ncase_1\\ncase_2\\ncase_3\\n' > done; \
                    [ $((n % 2)) = 0 ] || touch once; echo $n >> note; [ $n -lt 6 ] || echo LOOPDASH_DONE",
            // The first time that it runs in every other iteration, one of its tests fails.
            gate: "t=$(mktemp -d) && cp done $t/done; [ ! -e once ] || { rm once; grep -v seeks $t/done > done; }; \
                   rustc --edition 2021 --test -o $t/suite lib.rs && $t/suite; c=$?; cp $t/done done; rm -rf $t; exit $c",
            ..SCENE
        },
        Scene {
            name: "a-critic-that-finds-something-new-each-time",
            actor: "echo $n >> note; touch it-$n; echo I met what the last review asked for in part $(echo $n | tr 1-9 a-i); echo LOOPDASH_DONE",
            critic: "2 src/parse.rs:40 an empty header makes the parser index out of bounds\n\
                     3 src/parse.rs:112 the error names no line, so that nobody finds the place\n\
                     4 src/cache.rs:18 entries are never evicted when the limit is lowered\n\
                     5 src/http.rs:9 redirects across hosts keep the authorization header\n\
                     6 src/cli.rs:31 the exit status is 0 although the input was refused\n\
                     7 docs/usage.md:12 the example does not compile with the new signature",
            gate: "true",
            ..SCENE
        },
        Scene {
            name: "a-long-quiet-build",
            actor: "echo begins; end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do i=0; \
                    while [ $i -lt 100000 ]; do i=$((i+1)); done; done; echo $n >> note; [ $n -lt 2 ] || echo LOOPDASH_DONE",
            gate: "end=$(($(date +%s) + 5)); while [ $(date +%s) -lt $end ]; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done",
            stuck: "silence = \"2s\"\ncommand_silence = \"2s\"",
            agent: "watch = { first_byte = \"1s\", silence = \"1s\" }",
            ..SCENE
        },
        Scene {
            name: "tests-first-and-then-the-work",
            actor: "case $n in 1|2|3) ;; 4|5) echo reads > done;; 6) printf 'reads\\nwrites\\nseeks\\n' > done;; \
                    *) printf 'reads\\nwrites\\nseeks\\ncloses\\nopens\\nlocks\\ncase_1\\ncase_2\\ncase_3\\n' > done;; esac; \
                    echo $n >> note; [ $n -lt 7 ] || echo LOOPDASH_DONE",
            ..SCENE
        },
    ]
}

impl Scene {
    /// Drives it.
    fn play(&self) -> (Ground, Ran) {
        let ground = Ground::new();
        let text = |words: &[&str]| toml::Value::from(words.to_vec()).to_string();
        let script = format!("n=$LOOPDASH_ITERATION; {}", self.actor);
        let judge = if self.critic.is_empty() { "none" } else { "judge" };
        let config = format!(
            "[agents.worker]\ncommand = {}\n{}\n[agents.judge]\ncommand = {}\n[stuck]\n{}\n\
             [[loop]]\nname = \"healthy\"\nobjective = \"Get on.\"\nactor = \"worker\"\ncritic = \"{judge}\"\n\
             max_iterations = {}\n[[loop.gate]]\nname = \"tests\"\ncommand = {}\nbaseline = false\n",
            text(&["sh", "-c", &script]),
            self.agent,
            text(&[LOOPDASH, "__agent", "play", "critic.toml"]),
            self.stuck,
            self.iterations,
            toml::Value::from(self.gate),
        );
        for (name, text) in [
            ("lib.rs", LIB),
            ("test_shop.py", TEST_SHOP),
            (".gitignore", "once\n__pycache__\n"),
            ("loopdash.toml", config.as_str()),
        ] {
            ground.write(name, text);
        }
        ground.write("critic.toml", &critic(self.critic));
        ground.commit("configured");
        // Its home is empty, and rustc may be a proxy that looks for its toolchain there.
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        let toolchains = std::env::var_os("RUSTUP_HOME").map_or_else(|| home.join(".rustup"), PathBuf::from);
        let mut command = ground.command(&["run", "--headless", "--loop", "healthy"]);
        let told = Told::from(command.env("RUSTUP_HOME", toolchains).output().unwrap());
        assert_eq!(told.code, Some(0), "{}: {}\n{}", self.name, told.out, told.err);
        let ran = ground.ran();
        (ground, ran)
    }
}

/// A critic's script from lines of `iteration-after place:line text`.
fn critic(lines: &str) -> String {
    let scene = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (until, place, text) = (words.next()?, words.next()?, words.next()?);
        let (file, line) = place.split_once(':')?;
        Some(format!(
            "[[scene]]\nwhen = {{ missing = [\"it-{until}\"] }}\nsteps = [{{ verdict = {{ verdict = \"continue\", findings = \
             [{{ id = \"f1\", file = \"{file}\", line = {line}, text = \"{text}\" }}] }} }}]\n"
        ))
    };
    let scenes: String = lines.lines().filter_map(scene).collect();
    format!("{scenes}[[scene]]\nsteps = [{{ verdict = {{ verdict = \"done\", summary = \"all is well\" }} }}]\n")
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/healthy")
}

/// The signals that today's watch raises over a recorded run, and whether it ended well.
fn watched(journal: &Path) -> (Vec<Event>, bool, u32) {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    let text = std::fs::read_to_string(journal).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let dir = store.run_dir(serde_json::from_value(first["run"].clone()).unwrap());
    std::fs::create_dir_all(dir.journal().parent().unwrap()).unwrap();
    std::fs::write(dir.journal(), text).unwrap();
    let ran = Ran::read(dir);
    let mut run = RunState::new(ran.state.id);
    let mut raised = Vec::new();
    for record in &ran.records {
        // What the watch said then is not what it says now.
        if !matches!(record.event, Event::SignalRaised(_) | Event::SignalCleared(_) | Event::RemedyTaken(_)) {
            run.apply(record);
        }
        raised.extend(news(&run).into_iter().filter(|event| match event {
            Event::SignalRaised(e) => e.sighting.pattern.stuck(),
            _ => false,
        }));
    }
    let done = run.iterations.last().is_some_and(|iteration| iteration.passed);
    (raised, done, u32::try_from(run.iterations.len()).unwrap())
}

#[test]
fn recorded_healthy_runs_raise_nothing() {
    if std::env::var_os("LOOPDASH_BLESS").is_some() {
        record();
    }
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        let (raised, done, iterations) = watched(&path);
        assert_eq!(raised, [], "{}", path.display());
        assert!(done && iterations >= 2, "{} is no healthy run of some length", path.display());
        names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    let mut expected: Vec<String> = scenes().iter().map(|scene| scene.name.to_owned()).collect();
    expected.sort();
    assert_eq!(names, expected);
}

/// Drives the runs anew and writes the fixtures.
fn record() {
    std::fs::create_dir_all(fixtures()).unwrap();
    for scene in scenes() {
        let (_ground, ran) = scene.play();
        std::fs::copy(ran.dir.journal(), fixtures().join(format!("{}.jsonl", scene.name))).unwrap();
    }
}
