//! Scripts as words on the command line, so that a test can put an agent together: `say hi touch a exit 3`.
//!
//! Each verb takes a fixed number of words, and the whole is one scene; [`parse`] reads it.

use super::script::{Action, Scene, Script, ScriptError, Used, Verdict};

/// Every verb with the words it takes and what it does, as the documentation lists them.
pub const VERBS: &[(&str, &[&str], &str)] = &[
    ("script", &["NAME"], "plays one of the demo's agents; nothing may follow"),
    ("play", &["FILE"], "plays a script file; nothing may follow"),
    ("ignore-term", &[], "ignores HUP, INT and TERM from the start"),
    ("no-stdin", &[], "leaves standard input unread"),
    ("stream", &[], "prints events as Claude Code does, not text; ends with a result unless `exit` ends it"),
    ("say", &["TEXT"], "prints text, a line at a time"),
    ("complain", &["TEXT"], "prints a line on standard error"),
    ("think", &["TEXT"], "prints a thought, dim"),
    ("print", &["TEXT"], "prints text at once and ends no line"),
    ("bytes", &["HEX"], "prints these bytes"),
    ("sleep", &["MS"], "waits, scaled by LOOPDASH_DEMO_SPEED"),
    ("touch", &["FILE"], "makes an empty file"),
    ("write", &["FILE", "TEXT"], "writes a file"),
    ("append", &["FILE", "TEXT"], "adds to a file"),
    ("remove", &["FILE"], "removes a file"),
    ("sh", &["TEXT"], "runs `sh -c TEXT` and shows what it prints"),
    ("commit", &["MESSAGE"], "commits everything in the worktree"),
    ("flood", &["MB"], "prints megabytes of lines with colours and junk sequences"),
    ("no-newline", &["MB"], "prints megabytes without a newline"),
    ("stdin-id", &[], "prints the prompt's length and git's blob id of it"),
    ("save-prompt", &["FILE"], "writes the prompt to a file as it came"),
    ("env", &["NAME"], "prints NAME=value of its environment"),
    ("orphan", &[], "leaves a process in its own session behind that holds standard output"),
    ("rm-worktree", &[], "removes the directory it works in"),
    ("retry", &["ATTEMPT", "OF", "MS"], "in a stream: says that a request is tried again, and waits"),
    ("used", &["INPUT", "OUTPUT"], "in a stream: counts tokens, which its end reports"),
    ("hang", &[], "does nothing for ever"),
    ("claim", &[], "claims completion"),
    ("ask", &["QUESTION"], "asks the operator"),
    ("done", &["SUMMARY"], "as a critic: accepts"),
    ("continue", &["FINDING"], "as a critic: refuses with this blocking finding"),
    ("needs-human", &["QUESTION"], "as a critic: asks the operator"),
    ("exit", &["STATUS"], "ends with this status"),
    ("signal", &["NUMBER"], "ends by this signal"),
];

/// Reads verbs.
///
/// # Errors
/// A word that is no verb, a verb without its words or with bad ones, or a script that does not load.
pub fn parse(words: &[String]) -> Result<Script, ScriptError> {
    let mut script = Script::default();
    let mut steps = Vec::new();
    let mut rest = words.iter();
    while let Some(verb) = rest.next() {
        let Some((_, takes, _)) = VERBS.iter().find(|(name, _, _)| name == verb) else {
            let known: Vec<&str> = VERBS.iter().map(|(name, _, _)| *name).collect();
            return Err(ScriptError::Verb(format!("no verb is called {verb:?}; there are: {}", known.join(", "))));
        };
        let given: Vec<&String> = rest.by_ref().take(takes.len()).collect();
        if given.len() < takes.len() {
            return Err(ScriptError::Verb(format!("{verb} needs {}", takes.join(" "))));
        }
        let first = given.first().map(|word| (*word).clone()).unwrap_or_default();
        let second = given.get(1).map(|word| (*word).clone()).unwrap_or_default();
        match verb.as_str() {
            "script" | "play" => {
                if !steps.is_empty() || rest.next().is_some() {
                    return Err(ScriptError::Verb(format!("{verb} stands alone")));
                }
                let loaded = if verb == "play" { Script::load(&first) } else { Script::built_in(&first) }?;
                return Ok(Script {
                    ignore_term: loaded.ignore_term || script.ignore_term,
                    no_stdin: loaded.no_stdin || script.no_stdin,
                    stream: loaded.stream || script.stream,
                    scenes: loaded.scenes,
                });
            }
            "ignore-term" => script.ignore_term = true,
            "no-stdin" => script.no_stdin = true,
            "stream" => script.stream = true,
            "retry" => {
                let third = given.get(2).map(|word| (*word).clone()).unwrap_or_default();
                let (attempt, of, ms) = (number(verb, &first)?, number(verb, &second)?, number(verb, &third)?);
                steps.push(Action::Retry { attempt, of, ms });
            }
            verb => steps.push(action(verb, first, second)?),
        }
    }
    if steps.is_empty() {
        return Err(ScriptError::Verb("nothing to do; see docs/scripted-agents.md".to_owned()));
    }
    script.scenes.push(Scene { steps, ..Scene::default() });
    Ok(script)
}

fn action(verb: &str, first: String, second: String) -> Result<Action, ScriptError> {
    Ok(match verb {
        "say" => Action::Say(first),
        "complain" => Action::Complain(first),
        "think" => Action::Think(first),
        "print" => Action::Print(first),
        "bytes" => Action::Bytes(first),
        "sleep" => Action::Sleep(number(verb, &first)?),
        "touch" => Action::Touch(first),
        "write" => Action::Write { path: first, text: second },
        "append" => Action::Append { path: first, text: second },
        "remove" => Action::Remove(first),
        "sh" => Action::Run(vec!["sh".to_owned(), "-c".to_owned(), first]),
        "commit" => Action::Commit(first),
        "flood" => Action::Flood(number(verb, &first)?),
        "no-newline" => Action::NoNewline(number(verb, &first)?),
        "stdin-id" => Action::StdinId,
        "save-prompt" => Action::SavePrompt(first),
        "env" => Action::Env(first),
        "orphan" => Action::Orphan,
        "rm-worktree" => Action::RmWorktree,
        "used" => {
            let (input, output) = (number(verb, &first)?, number(verb, &second)?);
            Action::Used(Used { input, output, ..Used::default() })
        }
        "hang" => Action::Hang,
        "claim" => Action::Claim,
        "ask" => Action::Ask(first),
        "done" => {
            Action::Verdict(Verdict { verdict: "done".into(), confidence: 0.9, summary: first, ..Verdict::default() })
        }
        "continue" => Action::Verdict(Verdict {
            verdict: "continue".into(),
            confidence: 0.9,
            summary: "not yet".into(),
            findings: vec![super::script::Finding {
                id: "f1".into(),
                severity: "blocking".into(),
                text: first,
                ..super::script::Finding::default()
            }],
        }),
        "needs-human" => Action::Verdict(Verdict {
            verdict: "needs_human".into(),
            confidence: 0.9,
            summary: first,
            ..Verdict::default()
        }),
        "exit" => Action::Exit(number(verb, &first)?),
        "signal" => Action::Signal(number(verb, &first)?),
        other => return Err(ScriptError::Verb(format!("{other} is not a step"))),
    })
}

fn number<T: std::str::FromStr>(verb: &str, word: &str) -> Result<T, ScriptError> {
    word.parse().map_err(|_| ScriptError::Verb(format!("{verb} needs a number, not {word:?}")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        shlex::split(text).unwrap()
    }

    #[test]
    fn verbs_compose_in_order() {
        let script = parse(&words("ignore-term say 'hello there' write a b exit 3")).unwrap();
        assert!(script.ignore_term && !script.no_stdin);
        assert_eq!(
            script.scenes.first().unwrap().steps,
            [Action::Say("hello there".into()), Action::Write { path: "a".into(), text: "b".into() }, Action::Exit(3)]
        );
    }

    #[test]
    fn every_verb_is_read() {
        for (verb, takes, _) in VERBS {
            if matches!(*verb, "script" | "play") {
                continue;
            }
            let mut line = vec![(*verb).to_owned()];
            line.extend(takes.iter().map(|_| "1".to_owned()));
            line.extend(["say".to_owned(), "end".to_owned()]);
            parse(&line).unwrap_or_else(|error| panic!("{verb}: {error}"));
        }
    }

    #[test]
    fn the_documentation_lists_every_verb() {
        let rows: Vec<String> = VERBS
            .iter()
            .map(|(verb, takes, what)| {
                let usage = std::iter::once(*verb).chain(takes.iter().copied()).collect::<Vec<_>>().join(" ");
                format!("| `{usage}` | {what} |\n")
            })
            .collect();
        let document = include_str!("../../../docs/scripted-agents.md");
        let (_, rest) = document.split_once("<!-- verbs:start -->\n").unwrap();
        let (table, _) = rest.split_once("<!-- verbs:end -->").unwrap();
        assert_eq!(table, format!("| verb | what it does |\n|---|---|\n{}", rows.concat()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, part) in [
            ("", "nothing to do"),
            ("ignore-term", "nothing to do"),
            ("dance", "no verb is called \"dance\""),
            ("write a", "write needs FILE TEXT"),
            ("exit soon", "exit needs a number"),
            ("script coder/count say x", "script stands alone"),
            ("say x script coder/count", "script stands alone"),
            ("play /nowhere.toml", "cannot read /nowhere.toml"),
        ] {
            let message = parse(&words(line)).unwrap_err().to_string();
            assert!(message.contains(part), "{line}: {message}");
        }
    }

    #[test]
    fn a_script_keeps_the_flags_before_it() {
        assert!(parse(&words("ignore-term script reviewer/plain")).unwrap().ignore_term);
    }
}
