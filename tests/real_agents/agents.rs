//! The six agent programs: how each is pointed at the stub, what its configuration in loopdash is, and how its model has
//! it do something. Wherever loopdash's own profile says it, nothing is said here.

use crate::script::Act;
use crate::stub::Speech;
use serde_json::json;
use std::path::Path;

/// An agent program.
#[derive(Clone, Copy)]
pub(crate) struct Cli {
    /// Name of its program and of its profile.
    pub(crate) name: &'static str,
    /// The model to ask for, in the agent's own spelling.
    model: &'static str,
    /// Further arguments, in TOML.
    args: &'static str,
    /// Variables for the agent's process; `{URL}` is the stub's address.
    env: &'static [(&'static str, &'static str)],
    /// Files of its private home; `{URL}` is the stub's address.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// How its model has it write a file or run a command.
    speak: fn(&Act, &Path) -> Option<Speech>,
    /// Whether its model has no tools, and edits files by what it says.
    pub(crate) toolless: bool,
}

/// All of them, in the order of the report.
pub(crate) const ALL: [Cli; 6] = [
    Cli {
        name: "claude",
        model: "claude-sonnet-4-5",
        args: "[]",
        env: &[
            ("ANTHROPIC_BASE_URL", "{URL}"),
            ("ANTHROPIC_API_KEY", "dummy"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ],
        files: &[],
        speak: |act, worktree| match act {
            Act::Write { path, text } => call("Write", json!({"file_path": worktree.join(path), "content": text})),
            Act::Shell(command) => call("Bash", json!({"command": command, "description": "Run it"})),
        },
        toolless: false,
    },
    Cli {
        name: "codex",
        model: "stub-model",
        args: "[]",
        env: &[("STUB_KEY", "dummy")],
        files: &[(
            ".codex/config.toml",
            "model_provider = \"stub\"\ncheck_for_update_on_startup = false\n[analytics]\nenabled = false\n\
             [model_providers.stub]\nname = \"stub\"\nbase_url = \"{URL}/v1\"\nenv_key = \"STUB_KEY\"\nwire_api = \"responses\"\n",
        )],
        speak: |act, _| {
            let command = match act {
                // The form in which codex sees a patch in a command.
                Act::Write { path, text } => {
                    let lines: String = text.lines().map(|line| format!("+{line}\n")).collect();
                    format!("apply_patch <<'PATCH'\n*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\nPATCH")
                }
                Act::Shell(command) => (*command).to_owned(),
            };
            call("exec_command", json!({"cmd": command, "yield_time_ms": 30_000}))
        },
        toolless: false,
    },
    Cli {
        name: "opencode",
        model: "stub/stub-model",
        args: "[]",
        env: &[("OPENCODE_DISABLE_MODELS_FETCH", "1"), ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1")],
        files: &[(
            ".config/opencode/opencode.json",
            r#"{"autoupdate": false, "share": "disabled", "provider": {"stub": {
                "npm": "@ai-sdk/openai-compatible", "name": "stub", "options": {"baseURL": "{URL}/v1", "apiKey": "dummy"},
                "models": {"stub-model": {"name": "stub", "tool_call": true, "limit": {"context": 200000, "output": 32000},
                    "cost": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75}}}}}}"#,
        )],
        speak: |act, worktree| match act {
            Act::Write { path, text } => call("write", json!({"filePath": worktree.join(path), "content": text})),
            Act::Shell(command) => call("bash", json!({"command": command, "description": "Run it"})),
        },
        toolless: false,
    },
    Cli {
        name: "gemini",
        model: "gemini-2.5-flash",
        args: "[]",
        env: &[("GEMINI_API_KEY", "dummy"), ("GOOGLE_GEMINI_BASE_URL", "{URL}")],
        files: &[(
            ".gemini/settings.json",
            r#"{"security": {"auth": {"selectedType": "gemini-api-key"}}, "general": {"enableAutoUpdate": false},
                "privacy": {"usageStatisticsEnabled": false}}"#,
        )],
        speak: |act, worktree| match act {
            Act::Write { path, text } => call("write_file", json!({"file_path": worktree.join(path), "content": text})),
            Act::Shell(command) => call("run_shell_command", json!({"command": command, "description": "Run it"})),
        },
        toolless: false,
    },
    Cli {
        name: "qwen",
        model: "stub-model",
        args: r#"["--auth-type", "openai"]"#,
        env: &[("OPENAI_API_KEY", "dummy"), ("OPENAI_BASE_URL", "{URL}/v1")],
        files: &[(
            ".qwen/settings.json",
            r#"{"general": {"disableAutoUpdate": true}, "privacy": {"usageStatisticsEnabled": false},
                "telemetry": {"enabled": false}}"#,
        )],
        speak: |act, worktree| match act {
            Act::Write { path, text } => call("write_file", json!({"file_path": worktree.join(path), "content": text})),
            Act::Shell(command) => {
                call("run_shell_command", json!({"command": command, "description": "Run it", "is_background": false}))
            }
        },
        toolless: false,
    },
    Cli {
        name: "aider",
        model: "openai/stub-model",
        args: "[]",
        env: &[("OPENAI_API_BASE", "{URL}/v1"), ("OPENAI_API_KEY", "dummy"), ("LITELLM_LOCAL_MODEL_COST_MAP", "True")],
        files: &[],
        speak: |act, _| match act {
            Act::Write { path, text } => Some(Speech::Text(format!("{path}\n```\n{text}```"))),
            Act::Shell(_) => None,
        },
        toolless: true,
    },
];

impl Cli {
    /// Its table in `loopdash.toml`, with `more` keys.
    pub(crate) fn table(&self, url: &str, more: &str) -> String {
        let env: String =
            self.env.iter().map(|(name, value)| format!("{name} = \"{}\"\n", value.replace("{URL}", url))).collect();
        let Self { name, model, args, .. } = self;
        format!("[agents.{name}]\nmodel = \"{model}\"\nargs = {args}\n{more}\n[agents.{name}.env]\n{env}\n")
    }

    /// Says an act in the words of its tools; `None` for what it cannot be made to do.
    pub(crate) fn say(&self, act: &Act, worktree: &Path) -> Option<Speech> {
        (self.speak)(act, worktree)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an act may have no words")]
fn call(name: &'static str, arguments: serde_json::Value) -> Option<Speech> {
    Some(Speech::Call(name, arguments))
}
