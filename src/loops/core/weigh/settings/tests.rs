use super::*;
use proptest::prelude::*;

fn settings() -> Settings {
    let commands: [&[&str]; 5] = [
        &["sh", "-c", "cd web && ./check.sh --all"],
        &["make", "test"],
        &["npm", "run", "verify"],
        &["python", "ci/gate.py"],
        &["just", "lint"],
    ];
    let owned = |command: &&[&str]| command.iter().map(|word| (*word).to_owned()).collect();
    Settings::new(&commands.iter().map(owned).collect::<Vec<_>>())
}

fn told(path: &str, before: &str, after: &str) -> Option<String> {
    let file = ChangedFile { path, before: Side::Text(before), after: Side::Text(after), ..ChangedFile::default() };
    settings().changed(&file, true).map(Option::unwrap_or_default)
}

#[test]
fn files_for_checks_count_as_a_whole() {
    for path in [
        "pytest.ini",
        "tox.ini",
        "sub/conftest.py",
        ".coveragerc",
        "eslint.config.mjs",
        ".eslintrc",
        ".eslintrc.cjs",
        "tsconfig.json",
        "web/tsconfig.build.json",
        "clippy.toml",
        "deny.toml",
        "mypy.ini",
        ".golangci.yml",
        "ruff.toml",
        "jest.config.ts",
        "vitest.config.ts",
        ".config/nextest.toml",
        "phpunit.xml.dist",
        ".github/workflows/test.yml",
        "web/check.sh",
        "ci/gate.py",
    ] {
        assert_eq!(told(path, "a", "b"), Some(String::new()), "{path}");
    }
    for path in [
        "src/clippy.rs",
        "docs/pytest.md",
        "tsconfigs/a.txt",
        "deny.tomlx",
        "src/check.sh.rs",
        "web/src/a.ts",
        "Rakefile",
    ] {
        assert_eq!(told(path, "a", "b"), None, "{path}");
    }
}

#[test]
fn of_others_the_settings_count() {
    let told = |path: &str, before: &str, after: &str| told(path, before, after).unwrap_or_default();
    let cases = [
        (
            "pyproject.toml",
            "[tool.coverage.report]\nfail_under = 90",
            "[tool.coverage.report]\nfail_under = 10",
            "tool.coverage.report.fail_under",
        ),
        ("pyproject.toml", "", "[tool.pytest.ini_options]\naddopts = \"-k fast\"", "tool.pytest.ini_options.addopts"),
        ("pyproject.toml", "[tool.mypy]\nstrict = true", "", "tool.mypy.strict"),
        (
            "setup.cfg",
            "[tool:pytest]\naddopts =\n    -x\n",
            "[tool:pytest]\naddopts =\n    -k a\n",
            "tool:pytest.addopts",
        ),
        ("Cargo.toml", "", "[lib]\ntest = false", "lib.test"),
        ("Cargo.toml", "[lints.rust]\nunused = \"deny\"", "[lints.rust]\nunused = \"allow\"", "lints.rust.unused"),
        ("Cargo.toml", "[[test]]\nname = \"it\"", "[[test]]\nname = \"it\"\nharness = false", "test.it"),
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"a\", \"b\"]",
            "[workspace]\nmembers = [\"a\"]",
            "workspace.members.b",
        ),
        ("package.json", r#"{"scripts":{"test":"jest"}}"#, r#"{"scripts":{"test":"true"}}"#, "scripts.test"),
        (
            "package.json",
            r#"{"scripts":{"verify":"npm run all","all":"jest"}}"#,
            r#"{"scripts":{"verify":"npm run all","all":":"}}"#,
            "scripts.all",
        ),
        (
            "package.json",
            r#"{"scripts":{"test":"jest"}}"#,
            r#"{"scripts":{"test":"jest","pretest":"exit 0"}}"#,
            "scripts.pretest",
        ),
        (
            "package.json",
            r#"{"jest":{"bail":1}}"#,
            r#"{"jest":{"bail":1,"testPathIgnorePatterns":["a"]}}"#,
            "jest.testPathIgnorePatterns",
        ),
        ("Makefile", "test: unit\n\tmake unit\nunit:\n\tpytest\n", "test: unit\n\tmake unit\nunit:\n\ttrue\n", "unit"),
        ("Makefile", "ARGS = -v\ntest:\n\tpytest $(ARGS)\n", "ARGS = -k a\ntest:\n\tpytest $(ARGS)\n", "ARGS"),
        ("justfile", "lint:\n    eslint .\n", "lint:\n    true\n", "lint"),
        (
            "vite.config.ts",
            "a({\n  test: {\n    bail: 1,\n  },\n})",
            "a({\n  test: {\n    exclude: [],\n  },\n})",
            "test",
        ),
        (".cargo/config.toml", "", "[alias]\ntest = \"check\"", "alias.test"),
    ];
    for (path, before, after, what) in cases {
        assert_eq!(told(path, before, after), what, "{path}: {after}");
        let unlike = ChangedFile { path, before: Side::Text(before), ..ChangedFile::default() };
        let gone = settings().changed(&unlike, true);
        assert_eq!(gone.is_some(), !before.is_empty(), "{path} is gone");
    }
}

#[test]
fn ordinary_changes_of_the_same_files_do_not() {
    let cases = [
        ("Cargo.toml", "[dev-dependencies]\n", "[dev-dependencies]\nrstest = \"0.18\"\n"),
        (
            "Cargo.toml",
            "[package]\nversion = \"1.0.0\"",
            "[package]\nversion = \"1.1.0\"\n[profile.dev]\nopt-level = 1",
        ),
        ("Cargo.toml", "[[test]]\nname = \"a\"", "[[test]]\nname = \"a\"\n[[test]]\nname = \"b\""),
        ("Cargo.toml", "[workspace]\nmembers = [\"a\"]", "[workspace]\nmembers = [\"a\", \"b\"]"),
        ("package.json", r#"{"devDependencies":{"vitest":"1.0.0"}}"#, r#"{"devDependencies":{"vitest":"1.6.0"}}"#),
        ("package.json", r#"{"scripts":{"test":"jest","start":"a"}}"#, r#"{"scripts":{"test":"jest","start":"b"}}"#),
        ("package.json", r#"{"scripts":{"test":"jest"}}"#, r#"{"scripts":{"test":"jest","test:watch":"jest -w"}}"#),
        (
            "pyproject.toml",
            "[project]\nname = \"a\"",
            "[project]\nname = \"a\"\n[project.optional-dependencies]\ntest = [\"pytest\"]",
        ),
        ("setup.cfg", "[metadata]\nname = a\n", "[metadata]\nname = a\nversion = 2\n"),
        ("Makefile", "test:\n\tpytest\n", "test:\n\tpytest\n\nrelease:\n\tcurl\n# more\n"),
        ("vite.config.ts", "a({\n  base: 'a',\n  test: {\n  },\n})", "a({\n  base: 'b',\n  test: {\n  },\n})"),
    ];
    for (path, before, after) in cases {
        assert_eq!(told(path, before, after), None, "{path}: {after}");
    }
    let fresh = ChangedFile {
        path: "crates/a/Cargo.toml",
        after: Side::Text("[lints]\nworkspace = true"),
        ..ChangedFile::default()
    };
    assert_eq!(settings().changed(&fresh, true), None);
}

#[test]
fn what_a_command_names_is_told_by_its_old_path_too_and_tests_are_weighed_as_such() {
    let away = ChangedFile {
        path: "attic/gate.py",
        old_path: Some("ci/gate.py"),
        before: Side::Text("a"),
        after: Side::Text("a"),
        ..ChangedFile::default()
    };
    assert_eq!(settings().changed(&away, true), Some(None));
    let tests = ChangedFile { old_path: None, path: "ci/gate.py", ..away };
    assert_eq!(settings().changed(&tests, false), None);
}

proptest! {
    #[test]
    fn any_text_is_read(before in r#"[\[\]{}a-c":=.,\n\t #$()-]{0,80}"#, after in r#"[\[\]{}a-c":=.,\n\t #$()é]{0,80}"#) {
        for path in ["Cargo.toml", "package.json", "pyproject.toml", "setup.cfg", "Makefile", "justfile", "vite.config.ts"] {
            let _ = told(path, &before, &after);
            prop_assert_eq!(told(path, &after, &after), None);
        }
    }
}
