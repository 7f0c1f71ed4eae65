//! Decoding agents' streams, Claude's beside serde_json reading the same bytes into typed structs of the same shape.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use loopdash::loops::agent::dialect::Decoder;
use loopdash::loops::agent::transcript::Stream;
use loopdash::loops::core::agent::DialectName;
use serde::Deserialize;
use std::borrow::Cow;
use std::path::Path;

const BYTES: usize = 16 * 1024 * 1024;
/// What the pump reads at once.
const CHUNK: usize = 256 * 1024;

fn main() {
    divan::main();
}

fn recorded(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents").join(name)).unwrap_or_default()
}

fn repeated(lines: &[u8]) -> Vec<u8> {
    lines.repeat(BYTES / lines.len().max(1) + 1)
}

/// A tool that printed so many lines of code, as Claude tells it: the result, and the same again for its own screen.
fn result(lines: usize) -> Vec<u8> {
    let code: String = (0..lines).map(|i| format!("    let value_{i} = self.table.get(\"key {i}\")?;\n")).collect();
    let text = serde_json::to_string(&code).unwrap_or_default();
    format!(
        r#"{{"type":"user","message":{{"role":"user","content":[{{"tool_use_id":"toolu_49df51305ea04f978e6af213","type":"tool_result","content":{text},"is_error":false}}]}},"parent_tool_use_id":null,"session_id":"a6467150-7277-4615-9948-b2756f015109","uuid":"4a97906c-a127-4b0b-a654-6ee1222b97ba","tool_use_result":{{"stdout":{text},"stderr":"","interrupted":false,"isImage":false}}}}"#
    )
    .into_bytes()
    .into_iter()
    .chain([b'\n'])
    .collect()
}

/// `small`: a session of short messages. `work`: the same with tools that print a few KB each. `large`: lines of 10 MB.
fn claude(kind: &str) -> Vec<u8> {
    let session = recorded("claude-2.1.197/edit.stdout");
    match kind {
        "small" => repeated(&session),
        "work" => repeated(&[session, result(40), result(80), result(160)].concat()),
        _ => result(100_000).repeat(2),
    }
}

fn decode(bencher: Bencher<'_, '_>, dialect: DialectName, bytes: &[u8]) {
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let mut decoder = Decoder::new(dialect);
        let mut count = 0_usize;
        for chunk in black_box(bytes).chunks(CHUNK) {
            decoder.push(Stream::Stdout, chunk, &mut |activity| {
                black_box(activity);
                count += 1;
            });
        }
        (decoder.finish(&mut |_| {}).events, count)
    });
}

#[divan::bench(args = ["small", "work", "large"])]
fn claude_decoded(bencher: Bencher<'_, '_>, kind: &str) {
    decode(bencher, DialectName::Claude, &claude(kind));
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is not looked at")]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    session_id: Cow<'a, str>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(borrow)]
    result: Option<Cow<'a, str>>,
    is_error: Option<bool>,
    total_cost_usd: Option<f64>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is not looked at")]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is not looked at")]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    input: Option<Input<'a>>,
    #[serde(borrow)]
    tool_use_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    is_error: Option<bool>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is not looked at")]
struct Input<'a> {
    #[serde(borrow)]
    command: Option<Cow<'a, str>>,
    #[serde(borrow)]
    file_path: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is not looked at")]
struct Tokens {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[divan::bench(args = ["small", "work", "large"])]
fn claude_typed(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = claude(kind);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let lines = black_box(&bytes).split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.filter(|line| black_box(serde_json::from_slice::<Line<'_>>(line)).is_ok()).count()
    });
}

#[divan::bench(args = ["codex-0.169.0", "opencode-1.18.33", "gemini-0.61.0", "qwen-0.15.10", "aider-0.86.2"])]
fn others_decoded(bencher: Bencher<'_, '_>, agent: &str) {
    let dialect = match agent.split_once('-').map_or(agent, |(name, _)| name) {
        "codex" => DialectName::Codex,
        "opencode" => DialectName::Opencode,
        "gemini" => DialectName::Gemini,
        "qwen" => DialectName::Qwen,
        _ => DialectName::Aider,
    };
    decode(bencher, dialect, &repeated(&recorded(&format!("{agent}/edit.stdout"))));
}
