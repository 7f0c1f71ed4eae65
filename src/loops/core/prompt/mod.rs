//! What agents are told: [`actor`] and [`critic`] build the prompts from plain facts, within a budget of bytes.
//!
//! The texts are in `prompts/*.md`. What others wrote is fenced or indented, so that it cannot pass for our words.

mod actor;
mod budget;
mod critic;
mod fence;

pub use actor::{ActorPrompt, actor};
pub use critic::{CriticPrompt, critic};

use super::coverage::Percent;
use super::gate::{GateKind, gate_marks};
use super::verdict::{Finding, Severity};
use budget::{Block, Keep, fit};
use fence::{LineEnds, code, fence, item, one_line, visible};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};
use std::collections::BTreeMap;

/// Bytes of a prompt, unless configured: far below the context of today's agents, with room for their work.
pub const DEFAULT_BUDGET: usize = 200 * 1024;

/// Instructions that a template may take; the largest takes a few hundred.
const FUEL: u64 = 100_000;

/// A prompt, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The whole text. It is longer than its budget only when the parts that are never cut are.
    pub text: String,
    /// What it is made of, in its order; the last is what stands around the others. The sizes add up to the text's.
    pub parts: Vec<PartSize>,
}

/// The size of one part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSize {
    /// Such as `objective`, `gate lint`, `file docs/api.md`.
    pub name: String,
    /// Bytes in the prompt.
    pub bytes: usize,
    /// Lines of it that were cut.
    pub cut_lines: usize,
    /// Bytes of it that were cut.
    pub cut_bytes: usize,
}

/// Why a prompt could not be built.
#[derive(Debug, thiserror::Error)]
#[error("fill in the {name} prompt: {source}")]
pub struct PromptError {
    /// Which.
    name: &'static str,
    /// What its template lacks.
    source: minijinja::Error,
}

/// The test that a prompt is about.
#[derive(Clone, Copy, Debug)]
pub struct TestBrief<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// What must hold.
    pub criteria: &'a [String],
}

/// A gate that will be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What it checks, if that is said.
    pub kind: Option<GateKind>,
    /// Its command, as shown to a person.
    pub command: String,
    /// The coverage that it asks for.
    pub floor: Option<Percent>,
}

impl Check {
    fn line(&self) -> String {
        let floor = self.floor.map(|floor| format!(", and at least {floor} coverage")).unwrap_or_default();
        format!("- {}{}: {}{floor}", code(&self.name), gate_marks(&self.name, self.kind, true), code(&self.command))
    }
}

/// A gate's result.
#[derive(Clone, Copy, Debug)]
pub struct GateTail<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it checks, if that is said.
    pub kind: Option<GateKind>,
    /// Its result in a word, such as `exit 1`.
    pub word: &'a str,
    /// Whether it let the iteration through.
    pub passed: bool,
    /// Whether the iteration needs it.
    pub required: bool,
    /// The end of its output; empty if there is nothing to show.
    pub tail: &'a str,
}

/// What the operator said.
#[derive(Clone, Copy, Debug)]
pub struct OperatorNote<'a> {
    /// Its number in the run.
    pub id: u32,
    /// The question that it answers; `None` for a note.
    pub question: Option<&'a str>,
    /// What was said.
    pub text: &'a str,
}

/// Fills a template with `values` and its blocks' bodies, cutting blocks to stay within `limit` bytes.
struct Draft {
    name: &'static str,
    template: &'static str,
    values: BTreeMap<&'static str, Value>,
    /// In the prompt's order.
    blocks: Vec<Block>,
    /// Indices of `blocks` that may be cut, those that give way first first.
    first: Vec<usize>,
    limit: usize,
}

impl Draft {
    /// `place` puts the blocks' bodies, by name, where the template wants them.
    fn finish(mut self, place: impl Fn(&[Block]) -> BTreeMap<&'static str, Value>) -> Result<Prompt, PromptError> {
        let mut text = self.render(place(&self.blocks))?;
        if text.len() > self.limit {
            fit(&mut self.blocks, &self.first, text.len() - self.limit);
            text = self.render(place(&self.blocks))?;
        }
        let mut parts: Vec<PartSize> = self
            .blocks
            .into_iter()
            .map(|block| PartSize {
                name: block.name,
                bytes: block.body.len(),
                cut_lines: block.cut.0,
                cut_bytes: block.cut.1,
            })
            .collect();
        let data: usize = parts.iter().map(|part| part.bytes).sum();
        parts.push(PartSize {
            name: "instructions".to_owned(),
            bytes: text.len().saturating_sub(data),
            cut_lines: 0,
            cut_bytes: 0,
        });
        parts.retain(|part| part.bytes > 0);
        Ok(Prompt { text, parts })
    }

    fn render(&self, placed: BTreeMap<&'static str, Value>) -> Result<String, PromptError> {
        let mut all = self.values.clone();
        all.extend(placed);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let fail = |source| PromptError { name: self.name, source };
        let mut syntax = SyntaxConfig::builder();
        syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
        environment.set_syntax(syntax.build().map_err(fail)?);
        environment.render_named_str(self.name, self.template, all).map_err(fail)
    }
}

/// The values of a prompt's test; empty ones for the objective alone.
fn test_values(test: Option<TestBrief<'_>>) -> [(&'static str, Value); 2] {
    let text = |text: Option<&str>| Value::from(text.map(one_line).unwrap_or_default());
    [("test_id", text(test.map(|test| test.id))), ("test_title", text(test.map(|test| test.title)))]
}

fn criteria_block(test: Option<TestBrief<'_>>) -> Block {
    let criteria = test.map_or(&[][..], |test| test.criteria);
    let items: Vec<String> = criteria.iter().filter(|text| !text.trim().is_empty()).map(|text| item(text)).collect();
    Block::whole("criteria", items.join("\n"))
}

fn notes_block(notes: &[OperatorNote<'_>]) -> Block {
    let items: Vec<String> = notes
        .iter()
        .map(|note| match note.question {
            Some(question) => {
                item(&format!("Answer {}, to the question: {}\n\n{}", note.id, one_line(question), note.text.trim()))
            }
            None => item(&format!("Note {}: {}", note.id, note.text.trim())),
        })
        .collect();
    Block::whole("notes", items.join("\n"))
}

fn objective_block(objective: &str) -> Block {
    Block::whole("objective", visible(objective.trim(), LineEnds::Plain))
}

/// Findings as a list, blocking ones first, so that a cut takes nits before them.
fn findings_block(findings: &[Finding], floor: usize) -> Block {
    let line = |finding: &Finding| {
        let weight = match finding.severity {
            Severity::Blocking => "blocking",
            Severity::Nit => "nit",
        };
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!(", {}", code(&format!("{file}:{line}"))),
            (Some(file), None) => format!(", {}", code(file)),
            _ => String::new(),
        };
        item(&format!("{} ({weight}{place}): {}", one_line(&finding.id), finding.text))
    };
    let of = |severity: Severity| findings.iter().filter(move |finding| finding.severity == severity).map(line);
    let items: Vec<String> = of(Severity::Blocking).chain(of(Severity::Nit)).collect();
    Block::new("findings", items.join("\n"), Keep::Head, floor)
}

/// Bytes that a failed gate's tail keeps while others can give way.
const GATE_FLOOR: usize = 4 * 1024;

fn gate_blocks<'a>(gates: &'a [GateTail<'_>]) -> impl Iterator<Item = Block> + 'a {
    gates.iter().map(|gate| {
        let floor = if gate.passed { 0 } else { GATE_FLOOR };
        let tail = visible(gate.tail.trim_matches('\n'), LineEnds::Plain);
        Block::new(format!("gate {}", one_line(gate.name)), tail, Keep::Tail, floor)
    })
}

/// The gates' results, each with its block's body, if any, in a fence.
fn gates_text(gates: &[GateTail<'_>], blocks: &[Block]) -> String {
    let lines: Vec<String> = gates
        .iter()
        .zip(blocks)
        .map(|(gate, block)| {
            let marks = gate_marks(gate.name, gate.kind, gate.required);
            let tail = if block.body.is_empty() { String::new() } else { format!("\n\n{}\n", fence("", &block.body)) };
            format!("- {}{marks}: {}{tail}", code(gate.name), one_line(gate.word))
        })
        .collect();
    lines.join("\n").trim_end().to_owned()
}

/// The body of the block with this name, or nothing.
fn body<'a>(blocks: &'a [Block], name: &str) -> &'a str {
    blocks.iter().find(|block| block.name == name).map_or("", |block| block.body.as_str())
}

#[cfg(test)]
mod tests;
