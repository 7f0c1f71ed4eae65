//! Every bundled profile, held to what the rest of loopdash expects of one.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn bundled() -> impl Iterator<Item = (&'static str, Profile)> {
    BUNDLED.iter().map(|(name, text)| (*name, toml::from_str(text).unwrap()))
}

/// Every `{word}` in an argument.
fn placeholders(arg: &str) -> Vec<&str> {
    let inner = arg.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    inner.map(|(name, _)| name).filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect()
}

fn only(list: &[String], legal: &[&str]) {
    for arg in list {
        for name in placeholders(arg) {
            assert!(legal.contains(&name), "{{{name}}} in {list:?}");
        }
    }
}

#[test]
fn all_that_are_promised_are_there() {
    let names: Vec<&str> = BUNDLED.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["aider", "claude", "codex", "cursor", "gemini", "generic", "opencode", "qwen"]);
}

#[test]
fn each_resolves_for_both_roles_with_legal_placeholders() {
    for (name, profile) in bundled() {
        let prompt: &[&str] = match profile.prompt {
            PromptRoute::Stdin => &[],
            PromptRoute::File => &["prompt_file"],
            PromptRoute::Argument => &["prompt"],
        };
        only(&profile.command, &[&["role", "model", "resume", "args"], prompt].concat());
        only(&profile.model, &["model"]);
        only(&profile.interactive, &["model"]);
        for list in [&profile.fresh, &profile.resume, &profile.interactive_resume] {
            only(list, &["session"]);
            assert!(list.is_empty() || list.iter().any(|arg| arg.contains("{session}")), "{name}: {list:?}");
        }
        only(&profile.schema, &["schema", "schema_file"]);
        for list in [&profile.actor, &profile.critic, &profile.version, &profile.help] {
            only(list, &[]);
        }
        if name == GENERIC {
            assert!(profile.command.is_empty() && profile.version.is_empty());
            continue;
        }
        assert!(profile.takes_model() && !profile.version.is_empty(), "{name}");
        assert_eq!(profile.command.iter().filter(|word| *word == "{role}").count(), 1, "{name}");
        assert!(profile.resume.is_empty() || profile.command.iter().any(|word| word == "{resume}"), "{name}");
        assert!(prompt.iter().all(|slot| profile.command.iter().any(|word| word.contains(*slot))), "{name}");
        let args = ["--mine".to_owned()];
        let [actor, critic] =
            [Role::Actor, Role::Critic].map(|role| profile.agent(name, name, role, Some("m-1"), &args));
        for spec in [&actor, &critic] {
            only(&spec.command, &[&["resume", "schema", "schema_file"], prompt].concat());
            assert!(spec.command.iter().any(|word| word == "m-1") && spec.command.contains(&args[0]), "{name}");
            assert_eq!(spec.interactive.last().map(String::as_str), Some("m-1"), "{name}");
            assert!(!spec.command.iter().any(|word| word == "{args}"));
            assert!(spec.env_remove.iter().any(|name| name == "CLAUDECODE"));
        }
        assert!((&actor.command, &actor.env) != (&critic.command, &critic.env), "{name}: a critic may write");
        let plain = profile.agent(name, name, Role::Actor, None, &[]);
        only(&plain.command, &[&["resume"], prompt].concat());
        assert!(plain.command.len() < actor.command.len() && plain.model.is_none());
    }
}

#[test]
fn what_is_written_reads_back() {
    for (name, profile) in bundled() {
        let text = toml::to_string(&profile).unwrap();
        assert_eq!(toml::from_str::<Profile>(&text).unwrap(), profile, "{name}");
        let spec = profile.agent(name, name, Role::Critic, Some("m"), &[]);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<AgentSpec>(&json).unwrap(), spec, "{name}");
    }
}

#[test]
fn no_setting_of_the_user_is_taken_for_a_marker() {
    let kept = [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "CLAUDE_CONFIG_DIR",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CODEX_HOME",
        "CODEX_API_KEY",
        "GEMINI_API_KEY",
        "OPENCODE_CONFIG",
        "OPENCODE_API_KEY",
        "QWEN_HOME",
        "CURSOR_API_KEY",
    ];
    for name in kept {
        let dropped = MARKERS.iter().find(|marker| match marker.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => **marker == name,
        });
        assert_eq!(dropped, None, "{name}");
    }
}

#[test]
fn nearer_limits_win() {
    let near: WatchLimits = toml::from_str("silence = \"1m\"").unwrap();
    let far: WatchLimits = toml::from_str("silence = \"2m\"\nmax_retries = 3\nlongest_wait = \"1h\"").unwrap();
    let watch = near.over(&far).watch();
    assert_eq!((watch.silence_ms, watch.max_retries), (Some(60_000), Some(3)));
    assert_eq!((watch.longest_wait_ms, Watch::default().longest_wait_ms), (3_600_000, 300_000));
    assert_eq!(watch.first_byte_ms, Watch::default().first_byte_ms);
}
