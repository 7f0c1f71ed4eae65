//! What programs print of a child that was killed: a compiler under its driver, a test binary under its runner.
//!
//! A line like these says that something died by KILL, and not why; whoever asks knows more.

/// What stands somewhere in such a line.
const WITHIN: [&str; 11] = [
    // cargo and rustc, of a compiler and of a test binary
    "(signal: 9, SIGKILL",
    // go
    "signal: killed",
    // gcc
    "Killed signal terminated program",
    "terminated with signal 9",
    // clang
    "unable to execute command: Killed",
    // jest, vitest, npm
    "signal=SIGKILL",
    "npm error signal SIGKILL",
    "npm ERR! signal SIGKILL",
    // Python
    "Signals.SIGKILL",
    // gradle, docker
    "exit value 137",
    "exited with code 137",
];

/// Whether a line says that a child was killed.
pub fn tells_of_a_kill(line: &str) -> bool {
    let line = line.trim();
    let made = line.starts_with("make") && line.contains("*** [") && line.ends_with("Killed");
    // Shells: `sh: line 1: 4242 Killed   tail -n 1`, `Killed`.
    let number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let before = line.split_once(" Killed").and_then(|(before, _)| before.split_whitespace().last());
    let shell = line == "Killed" || before.is_some_and(number);
    let nextest = line.starts_with("SIGKILL [");
    made || shell || nextest || WITHIN.iter().any(|mark| line.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_tell_of_killed_children_in_their_ways() {
        for line in [
            "  process didn't exit successfully: `rustc --crate-name a` (signal: 9, SIGKILL: kill)",
            "error: test failed, to rerun pass `--lib` (signal: 9, SIGKILL: kill)",
            "signal: killed",
            "FAIL\texample.com/a\tsignal: killed",
            "g++: fatal error: Killed signal terminated program cc1plus",
            "collect2: fatal error: ld terminated with signal 9 [Killed]",
            "make: *** [Makefile:3: test] Killed",
            "./check.sh: line 3:  4242 Killed                  ./greedy",
            "Killed",
            "A jest worker process (pid=9) was terminated by another process: signal=SIGKILL, exitCode=null.",
            "subprocess.CalledProcessError: Command '['x']' died with <Signals.SIGKILL: 9>.",
            "     SIGKILL [   0.104s] shop cart::adds",
        ] {
            assert!(tells_of_a_kill(line), "{line}");
        }
        for line in [
            "test killed_children_are_told ... FAILED",
            "process didn't exit successfully: `a` (signal: 6, SIGABRT: process abort signal)",
            "Killed 3 mutants",
            "the agent is Killed by nobody",
            "exit status: 101",
            "",
        ] {
            assert!(!tells_of_a_kill(line), "{line}");
        }
    }
}
