//! Which files a command runs or takes its settings from: [`of`].
//!
//! A file that a check only looks at, as `grep -q done NOTES.md` does, is what the work is about and decides nothing; so is
//! a program whose output is looked at, by what it is piped into or given to.

/// Programs that run the first file that they are given.
const INTERPRETERS: [&str; 13] =
    ["sh", "bash", "dash", "zsh", "python", "python3", "node", "deno", "bun", "ruby", "perl", "php", "source"];
/// Words that may stand before a program.
const BEFORE: [&str; 10] = ["!", "exec", "time", "env", "if", "then", "while", "do", "nice", "timeout"];

/// The files of a command, given as its arguments; of a shell's script, those of each command in it.
pub(super) fn of(command: &[String]) -> Vec<String> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words.as_slice() {
        [shell, flag, script, ..]
            if INTERPRETERS.contains(&name(shell)) && flag.starts_with('-') && flag.ends_with('c') =>
        {
            let script = without_substitutions(script).replace("||", ";");
            let commands =
                script.split([';', '&', '(', ')', '{', '}', '\n']).filter_map(|line| line.rsplit('|').next());
            let words = commands.map(|one| one.split_whitespace().map(|word| word.trim_matches(['\'', '"'])).collect());
            words.flat_map(|words: Vec<&str>| of_one(&words)).collect()
        }
        words => of_one(words),
    }
}

/// A script without what its commands are given of the output of others, which is looked at, too.
fn without_substitutions(script: &str) -> String {
    let mut kept = String::new();
    let (mut depth, mut quoted, mut before) = (0_usize, false, ' ');
    for c in script.chars() {
        match c {
            '`' => quoted = !quoted,
            '(' if depth > 0 || before == '$' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            _ if depth == 0 && !quoted => kept.push(c),
            _ => {}
        }
        before = c;
    }
    kept
}

fn of_one(words: &[&str]) -> Vec<String> {
    let begins = |word: &&str| !(BEFORE.contains(word) || word.contains('=') || word.parse::<f64>().is_ok());
    let Some(first) = words.iter().position(begins) else { return Vec::new() };
    let (program, rest) = (words[first], &words[first + 1..]);
    let mut files = vec![program];
    if INTERPRETERS.contains(&name(program)) || program == "." {
        files.extend(rest.iter().find(|word| !word.starts_with('-')));
    }
    for (at, word) in rest.iter().enumerate() {
        let (flag, value) = word.split_once('=').map_or((*word, None), |(flag, value)| (flag, Some(value)));
        if flag == "-c" || (flag.starts_with("--") && ["config", "rcfile", "ini"].iter().any(|it| flag.contains(it))) {
            files.extend(value.or_else(|| rest.get(at + 1).copied()));
        }
    }
    files.into_iter().map(|file| file.trim_start_matches("./").to_owned()).collect()
}

fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(command: &str) -> Vec<String> {
        of(&["sh", "-c", command].map(str::to_owned)).into_iter().filter(|file| file.contains(['.', '/'])).collect()
    }

    #[test]
    fn what_is_run_or_configures_counts_and_what_is_looked_at_does_not() {
        for (command, expected) in [
            ("ci/check.sh --all", &["ci/check.sh"][..]),
            ("set -e; sh ./ci/check.sh && python3 -u tools/lint.py src/a.py", &["ci/check.sh", "tools/lint.py"]),
            ("RUST_LOG=1 timeout 60 bash ci/slow.sh", &["ci/slow.sh"]),
            ("mypy --config-file ci/strict.cfg src; pytest -c ci/p.ini", &["ci/strict.cfg", "ci/p.ini"]),
            ("grep -q '^## 1.0' CHANGELOG.md", &[]),
            ("test -e src/a.rs && diff want.txt got.txt", &[]),
            ("test \"$(sh bin/tally $(cat in.txt))\" = '1.0'; test `bin/tally -v` = 2", &[]),
            ("sh bin/tally add 1 | grep -q 1 || sh ci/tell.sh", &["ci/tell.sh"]),
        ] {
            assert_eq!(files(command), expected, "{command}");
        }
        assert_eq!(of(&["sh".to_owned(), "zz/verify.sh".to_owned()]), ["sh", "zz/verify.sh"]);
        assert!(of(&[]).is_empty());
    }
}
