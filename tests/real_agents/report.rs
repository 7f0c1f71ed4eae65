//! The table of results in `docs/agents.md`, between its markers.

use crate::agents::Cli;
use crate::ground::Ran;
use crate::judge::judge;
use crate::scenarios::Scenario;
use std::collections::BTreeMap;
use std::path::Path;

const START: &str = "<!-- results:start -->";
const END: &str = "<!-- results:end -->";
/// Characters of what loopdash said that a cell shows.
const CELL: usize = 180;

/// One line of the table.
pub(crate) struct Row {
    title: &'static str,
    said: String,
    tokens: String,
    asked: String,
    seconds: String,
    wrong: Vec<String>,
}

impl Row {
    pub(crate) fn new(cli: &Cli, scenario: &Scenario, ran: &Ran) -> Self {
        let tokens =
            ran.counted().map_or_else(|| "unknown".to_owned(), |sum| format!("{} / {}", sum.input, sum.output));
        let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
        for heard in &ran.heard {
            *asked.entry(if heard.role.is_none() { "aside" } else { &heard.said }).or_default() += 1;
        }
        let asked: Vec<String> = asked.iter().map(|(said, times)| format!("{times} {said}")).collect();
        Self {
            title: scenario.title,
            said: ran.said(),
            tokens,
            asked: asked.join(", "),
            seconds: format!("{:.1}", ran.took.as_secs_f64()),
            wrong: judge(cli, scenario, ran),
        }
    }

    /// For a scenario that an agent cannot go through.
    pub(crate) fn not_for(scenario: &Scenario, why: &str) -> Self {
        let none = || "–".to_owned();
        let said = format!("not run: {why}");
        Self { title: scenario.title, said, tokens: none(), asked: none(), seconds: none(), wrong: Vec::new() }
    }

    pub(crate) fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }

    /// One line for the terminal.
    pub(crate) fn line(&self) -> String {
        let verdict = if self.is_right() { "ok".to_owned() } else { format!("WRONG ({})", self.wrong.join("; ")) };
        format!(
            "{} | {} | tokens {} | asked {} | {} s | {verdict}",
            self.title, self.said, self.tokens, self.asked, self.seconds
        )
    }
}

/// Writes the tables, one for each agent, between the markers of `file`.
pub(crate) fn write(file: &Path, agents: &[(Cli, String, Vec<Row>)]) {
    let mut text = String::new();
    for (cli, version, rows) in agents {
        text.push_str(&format!("\n### {} {version}\n\n", cli.name));
        text.push_str("| what happens | what loopdash said | tokens in / out | model answered | s | as it should |\n");
        text.push_str("|---|---|---|---|---|---|\n");
        for row in rows {
            let verdict = if row.is_right() { "yes".to_owned() } else { format!("**no**: {}", row.wrong.join("; ")) };
            let cells = [row.title, &row.said, &row.tokens, &row.asked, &row.seconds, &verdict];
            let cells: Vec<String> = cells.into_iter().map(cell).collect();
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
    let page = std::fs::read_to_string(file).unwrap();
    let (head, rest) = page.split_once(START).expect("the page has no start marker");
    let (_, tail) = rest.split_once(END).expect("the page has no end marker");
    std::fs::write(file, format!("{head}{START}\n{text}\n{END}{tail}")).unwrap();
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    let mut clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CELL).collect();
    if text.chars().count() > CELL {
        clean.push('…');
    }
    clean.replace('|', "\\|").replace('<', "&lt;")
}
