//! Whole screens from fixtures, at the sizes people have: what the widgets look like together.
//! `LOOPDASH_SHOTS=DIR cargo test composite` also writes each as `DIR/NAME.ans`, to look at with `cat`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Widget;

use super::detail_header::DetailHeader;
use super::dialog::{Choice, Dialog};
use super::diff_view::{DiffFinding, DiffLine, DiffRow, DiffSpan, DiffView, FileRow, Scope, Sign};
use super::footer::{Footer, Hint};
use super::gate_table::{GateCell, GateRow, GateTable};
use super::help::{Help, HelpGroup, HelpKey};
use super::layout::{Arrangement, Detail, Screen, Side, Wish};
use super::loop_list::{Bar, ListRow, LoopList, LoopRow};
use super::mark::Mark;
use super::notice::{Backdrop, Toast, Toasts, TooSmall};
use super::pane::{Pane, Rule};
use super::phase_strip::{Phase, PhaseKind};
use super::scrollbar::Extent;
use super::tabs::{PANES, Tabs};
use super::test_table::{TestDetail, TestRow, TestTable};
use super::testing::text_of;
use super::theme::{Ink, Role, Theme, ThemeLibrary, Tier};
use super::timeline::{Entry, Timeline};
use super::title_bar::{Count, Meter, TitleBar};
use super::transcript::{Anchor, Follow, Stream, StyledLine, Transcript};
use super::verdict_view::{Change, FindingRow, Severity, VerdictBlock, VerdictView};

const fn bars<const N: usize>(levels: [u8; N], last: Role) -> [Bar; N] {
    let mut out = [Bar { level: 0, role: Role::Attention, shape: None }; N];
    let mut i = 0;
    while i < N {
        out[i] = Bar { level: levels[i], role: if i + 1 == N { last } else { Role::Attention }, shape: None };
        i += 1;
    }
    out
}

const LOOP: LoopRow<'static> = LoopRow {
    mark: Mark::Running,
    name: "",
    progress: None,
    word: None,
    strip: &[],
    iteration: None,
    age: None,
    cost: None,
    priority: None,
    selected: false,
    marked: false,
};

fn list_rows() -> Vec<ListRow<'static>> {
    const A: [Bar; 3] = bars([6, 6, 3], Role::Attention);
    const B: [Bar; 5] = bars([6, 4, 6, 4, 7], Role::Danger);
    const C: [Bar; 4] = bars([8, 5, 3, 2], Role::Running);
    const D: [Bar; 2] = bars([8, 2], Role::Running);
    const E: [Bar; 3] = bars([8, 3, 1], Role::Ok);
    let row = |mark, name, progress, word, strip, iteration, age, cost, priority, selected| {
        let named = LoopRow { mark, name, progress, word, strip, iteration, age, cost, priority, selected, ..LOOP };
        ListRow::Loop(named)
    };
    let head = |title, n| ListRow::Section(title, n);
    vec![
        head("NEEDS YOU", 2),
        row(
            Mark::NeedsYou,
            "docs-site",
            Some((2, 5)),
            Some("question"),
            &A,
            Some(3),
            Some("18m"),
            Some("$0.31"),
            None,
            false,
        ),
        row(
            Mark::Stuck,
            "perf-index",
            None,
            Some("not converging"),
            &B,
            Some(5),
            Some("41m"),
            Some("$3.10"),
            None,
            false,
        ),
        ListRow::Gap,
        head("RUNNING", 3),
        row(
            Mark::Running,
            "auth-refactor",
            Some((12, 45)),
            None,
            &C,
            Some(4),
            Some("3m"),
            Some("$0.42"),
            Some(9),
            true,
        ),
        row(Mark::Running, "fix-ci", Some((3, 3)), None, &D, Some(2), Some("1m"), Some("$0.08"), Some(7), false),
        row(Mark::Running, "billing-api", Some((7, 12)), None, &C, Some(4), Some("22m"), Some("$0.97"), Some(5), false),
        ListRow::Gap,
        head("QUEUED", 2),
        row(Mark::Queued, "search-facets", None, None, &[], None, None, None, Some(5), false),
        row(Mark::Held, "e2e-flakes", None, Some("till 14:40"), &[], Some(1), None, Some("$0.05"), Some(3), false),
        ListRow::Gap,
        head("DONE", 2),
        row(Mark::Done, "rate-limiter", Some((9, 9)), None, &E, Some(3), Some("11m"), Some("$0.66"), None, false),
        row(Mark::Stopped, "css-grid", None, None, &[], Some(2), Some("6m"), Some("$0.20"), None, false),
    ]
}

fn line(stream: Stream, spans: &[(&str, Ink)]) -> StyledLine {
    StyledLine { stream, spans: spans.iter().map(|(t, i)| ((*t).to_owned(), *i)).collect() }
}

fn output() -> Vec<StyledLine> {
    use Stream::{Err, Meta, Note, Out, Rule, Tool};
    let plain = Ink::default();
    let strong = Ink { bold: true, ..plain };
    let path = Ink::role(Role::Path);
    let (ok, bad, warn, dim) =
        (Ink::role(Role::Ok), Ink::role(Role::Danger), Ink::role(Role::Attention), Ink::role(Role::Dim));
    vec![
        line(Rule, &[("iteration 4 ", strong), ("actor claude, attempt 2 of 3", dim)]),
        line(
            Out,
            &[
                ("I will move expiry into ", plain),
                ("Session::is_live", path),
                (" so that both callers share the clock.", plain),
            ],
        ),
        line(Out, &[]),
        line(
            Out,
            &[
                ("Edit  ", strong),
                ("src/auth/session.rs", path),
                ("  +18 ", Ink::role(Role::Added)),
                ("−7", Ink::role(Role::Removed)),
            ],
        ),
        line(Out, &[("Bash  ", strong), ("cargo check -p auth", path)]),
        line(Tool, &[("warning: unused import: `chrono::Utc`", warn)]),
        line(Tool, &[("  --> src/auth/session.rs:3:5", dim)]),
        line(Err, &[("npm warn deprecated inflight@1.0.6: this module is not supported", plain)]),
        line(Note, &[("use the clock you are given, do not read a second one", plain)]),
        line(Out, &[("Bash  ", strong), ("cargo test -p auth expiry", path)]),
        line(Tool, &[("test session::expiry_is_inclusive ... ", plain), ("FAILED", bad)]),
        line(
            Out,
            &[
                ("Off by one: a token must die ", plain),
                ("at", Ink { italic: true, ..plain }),
                (" its expiry, not after it.", plain),
            ],
        ),
        line(Out, &[("All 41 tests pass. DONE", plain)]),
        line(
            Rule,
            &[
                ("snapshot ", dim),
                ("3 files ", plain),
                ("+23", Ink::role(Role::Added)),
                (" −17", Ink::role(Role::Removed)),
                ("  a41f9c2", dim),
            ],
        ),
        line(
            Rule,
            &[("gates ", dim), ("tests ✓ 41", ok), ("   lint ✓", ok), ("   types ◉ 12s", Ink::role(Role::Running))],
        ),
        line(Tool, &[("Checking auth v0.4.0", plain)]),
        line(Meta, &[("the gate `types` has run for 12s of at most 5m", plain)]),
    ]
}

fn draw_output(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = output();
    let follow = Follow {
        following: true,
        live: true,
        total: 1_284,
        fresh: 0,
        facts: &["41k tok", "$0.42"],
        used: &[],
        search: None,
    };
    let extent = Extent { total: 1_284, offset: 1_284 - usize::from(area.height), visible: area.height.into() };
    Transcript {
        theme,
        lines: &lines,
        anchor: Anchor::Bottom,
        wrap: true,
        column: 0,
        hits: &[],
        extent,
        follow: Some(follow),
        empty: "",
    }
    .render_to(area, buf);
}

/// Drawing a temporary: the widgets implement `Widget` for references.
trait RenderTo {
    fn render_to(&self, area: Rect, buf: &mut Buffer);
}

impl<W> RenderTo for W
where
    for<'a> &'a W: Widget,
{
    fn render_to(&self, area: Rect, buf: &mut Buffer) {
        self.render(area, buf);
    }
}

fn diff_files() -> [FileRow<'static>; 3] {
    let file = FileRow {
        status: 'M',
        path: "src/auth/session.rs",
        from: None,
        added: 19,
        removed: 8,
        binary: false,
        findings: Some((Severity::Blocking, 1)),
        warning: None,
        selected: true,
    };
    [
        file,
        FileRow {
            path: "src/auth/middleware.rs",
            added: 4,
            removed: 9,
            findings: Some((Severity::Nit, 2)),
            selected: false,
            ..file
        },
        FileRow {
            path: "tests/expiry.rs",
            added: 0,
            removed: 3,
            findings: None,
            warning: Some("−1 assertion"),
            selected: false,
            ..file
        },
    ]
}

fn draw_diff(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let files = diff_files();
    let s = |text, syntax, changed| DiffSpan { text, syntax, changed };
    let (kw, ty, fun, com) =
        (Some(Role::SyntaxKeyword), Some(Role::SyntaxType), Some(Role::SyntaxFunction), Some(Role::SyntaxComment));
    let doc = [s("    /// Whether the session may still be used at `now`.", com, false)];
    let old = [
        s("    ", None, false),
        s("pub fn ", kw, false),
        s("is_live", fun, false),
        s("(&self, now: ", None, false),
        s("u64", ty, true),
        s(") -> ", None, false),
        s("bool", ty, false),
        s(" {", None, false),
    ];
    let new = [
        s("    ", None, false),
        s("pub fn ", kw, false),
        s("is_live", fun, false),
        s("(&self, now: ", None, false),
        s("Instant", ty, true),
        s(") -> ", None, false),
        s("bool", ty, false),
        s(" {", None, false),
    ];
    let was = [s("        now ", None, false), s("<=", None, true), s(" self.expires", None, false)];
    let is =
        [s("        now ", None, false), s("<", None, true), s(" self.", None, false), s("expires_at()", fun, true)];
    let end = [s("    }", None, false)];
    let blank = [s("", None, false)];
    let at = |old, new, sign, spans, finding| DiffRow::Line(DiffLine { old, new, sign, spans, finding });
    let rows = [
        DiffRow::Hunk { ranges: "-61,7 +61,9", within: "impl Session" },
        at(Some(61), Some(61), Sign::Context, &doc, None),
        at(Some(62), None, Sign::Removed, &old, None),
        at(None, Some(62), Sign::Added, &new, None),
        at(Some(63), None, Sign::Removed, &was, Some((Severity::Blocking, 1))),
        at(None, Some(63), Sign::Added, &is, None),
        at(Some(64), Some(64), Sign::Context, &end, None),
        at(None, Some(65), Sign::Added, &blank, None),
        DiffRow::Gap(38),
        DiffRow::Hunk { ranges: "-112,4 +116,5", within: "impl Session" },
        at(Some(112), Some(116), Sign::Context, &end, None),
    ];
    let findings = [
        DiffFinding {
            severity: Severity::Blocking,
            number: 1,
            place: "session.rs:63",
            text: "A token whose expiry is exactly now must be refused; `<=` lets it live on.",
        },
        DiffFinding {
            severity: Severity::Nit,
            number: 2,
            place: "middleware.rs:40",
            text: "Two clocks are read in one request; pass one `now` down.",
        },
    ];
    DiffView {
        theme,
        scopes: &[Scope { word: "last iteration", open: true }, Scope { word: "base", open: false }],
        totals: (3, 23, 20),
        files: &files,
        file_extent: Extent { total: 3, offset: 0, visible: 3 },
        rows: &rows,
        extent: Extent { total: 80, offset: 0, visible: 24 },
        cursor: Some(5),
        wrap: false,
        column: 0,
        findings: &findings,
        empty: "",
    }
    .render_to(area, buf);
}

fn draw_verdicts(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let finding = FindingRow {
        severity: Severity::Blocking,
        number: Some(2),
        facts: &[],
        place: Some("src/auth/session.rs:63"),
        text: "A token whose expiry is exactly now must be refused; `<=` lets it live on.",
        change: Change::StillThere,
        selected: true,
    };
    let now = [
        finding,
        FindingRow {
            severity: Severity::Nit,
            number: Some(3),
            facts: &[],
            place: Some("src/auth/middleware.rs:40"),
            text: "Two clocks are read in one request; pass one `now` down.",
            change: Change::New,
            selected: false,
        },
        FindingRow {
            place: Some("tests/expiry.rs:9"),
            text: "No test covers a clock that goes back.",
            change: Change::Gone,
            selected: false,
            ..finding
        },
    ];
    let block = VerdictBlock {
        iteration: 3,
        mark: Mark::Held,
        word: "continue",
        confidence: Some(0.8),
        critic: "codex",
        when: "13:58",
        summary: "The shape is right. One boundary is still wrong, and the tests do not pin it.",
        findings: &now,
        selected: false,
    };
    let blocks = [
        block,
        VerdictBlock {
            iteration: 2,
            mark: Mark::Failed,
            word: "gates failed: tests",
            confidence: None,
            critic: "skipped",
            when: "13:49",
            summary: "The failing tail went to the actor instead.",
            findings: &[],
            selected: false,
        },
        VerdictBlock { iteration: 1, confidence: Some(0.9), when: "13:31", findings: &now[2..], ..block },
    ];
    VerdictView { theme, blocks: &blocks, scroll: 0, empty: "" }.render_to(area, buf);
}

fn draw_tests(theme: &Theme, area: Rect, buf: &mut Buffer) {
    use Mark::{Active as R, Failed as X, Nothing as N, Passed as P};
    let test = |id, title, mark, cells, tries, needs| TestRow {
        id,
        title,
        mark,
        word: None,
        cells,
        tries,
        needs,
        selected: mark == Mark::Blocked,
    };
    let rows = [
        test("CP-SPEC-001", "sessions are created", Mark::Passed, &[N, P, P, P, P], (1, 3), ""),
        test("CP-SPEC-002", "sessions are refreshed", Mark::Passed, &[N, X, P, P, P], (2, 3), "001"),
        test("CP-SPEC-004", "two devices", Mark::Passed, &[X, X, X, P, P], (3, 3), "002"),
        test("CP-SPEC-005", "session tokens expire", Mark::Active, &[N, N, X, X, R], (2, 3), "002"),
        test("CP-SPEC-008", "admin can revoke", Mark::Blocked, &[N, N, X, X, X], (3, 3), "003"),
        test("CP-SPEC-009", "revocation is instant", Mark::Waits, &[N; 5], (0, 3), "008"),
        test("CP-SPEC-010", "metrics", Mark::Skipped, &[N; 5], (0, 3), ""),
    ];
    TestTable {
        theme,
        iterations: &["base", "i1", "i2", "i3", "i4"],
        rows: &rows,
        extent: Extent { total: 7, offset: 0, visible: 7 },
        detail: Some(TestDetail {
            id: "CP-SPEC-008",
            title: "admin can revoke",
            state: (Mark::Blocked, "blocked after 3 attempts"),
            criteria: &[
                "An admin ends any session from the console; the user sees the login page on the next request.",
                "The audit log names both.",
            ],
            verify: Some("cargo test -p auth admin"),
            last_error: Some("admin::revoke_is_audited: expected 2 audit rows, found 1"),
            dependents: "CP-SPEC-009",
        }),
        empty: "",
    }
    .render_to(area, buf);
}

fn draw_gates(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let c = |mark, failures| GateCell { mark, failures, doubtful: false };
    let tests = [c(Mark::Failed, Some(12)), c(Mark::Failed, Some(4)), c(Mark::Failed, Some(2)), c(Mark::Passed, None)];
    let types = [c(Mark::Passed, None), c(Mark::Passed, None), c(Mark::Flaky, None), c(Mark::Active, None)];
    let gate = GateRow {
        name: "tests",
        kind: "",
        command: "cargo test -p auth",
        required: true,
        cells: &tests,
        duration: Some("14s"),
        last: (Mark::Passed, "exit 0"),
        doubtful: false,
        selected: true,
    };
    let rows = [
        gate,
        GateRow {
            name: "types",
            kind: "",
            command: "tsc --noEmit",
            cells: &types,
            duration: Some("12s"),
            last: (Mark::Active, "running"),
            selected: false,
            ..gate
        },
        GateRow {
            name: "audit",
            kind: "",
            command: "cargo deny check",
            required: false,
            cells: &tests,
            duration: Some("2.1s"),
            last: (Mark::Failed, "exit 1"),
            doubtful: false,
            selected: false,
        },
    ];
    let tail = [
        StyledLine::plain(Stream::Out, "running 41 tests"),
        StyledLine::plain(Stream::Out, "test result: ok. 41 passed; 0 failed; finished in 13.9s"),
    ];
    GateTable {
        theme,
        iterations: &["base", "i1", "i2", "i3"],
        rows: &rows,
        extent: Extent { total: 3, offset: 0, visible: 3 },
        tail_title: "tests, iteration 3, exit 0",
        tail: &tail,
        empty: "",
    }
    .render_to(area, buf);
}

fn draw_timeline(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let entry = Entry {
        time: "14:03:12",
        who: "loopdash",
        mark: Mark::Info,
        text: "took the second slot",
        chapter: Some("iteration 4 · CP-SPEC-005"),
        selected: false,
    };
    let entries = [
        entry,
        Entry {
            time: "14:03:12",
            who: "claude",
            mark: Mark::Running,
            text: "the actor began, attempt 2 of 3, with 2 findings of iteration 3",
            chapter: None,
            ..entry
        },
        Entry {
            time: "14:04:30",
            who: "you",
            text: "told it: use the clock you are given, do not read a second one",
            chapter: None,
            ..entry
        },
        Entry {
            time: "14:05:53",
            who: "claude",
            mark: Mark::Passed,
            text: "the actor claims to be done after 2m41s",
            chapter: None,
            ..entry
        },
        Entry { time: "14:05:53", text: "snapshot a41f9c2: 3 files, +23 −17", chapter: None, ..entry },
        Entry { time: "14:06:07", mark: Mark::Passed, text: "gate tests passed in 14s", chapter: None, ..entry },
        Entry {
            time: "14:06:09",
            mark: Mark::Failed,
            text: "gate audit failed with exit 1; it is advisory, so the critic is asked all the same",
            chapter: None,
            ..entry
        },
    ];
    Timeline { theme, entries: &entries, follow: false, extent: Extent::default(), empty: "" }.render_to(area, buf);
}

fn screen(theme: &Theme, width: u16, height: u16, open: usize, focus: Side) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let rows = list_rows();
    let at = Screen::of(area, Wish { focus, zoom: false, banner: 0, rows: rows.len() });
    if at.too_small {
        TooSmall { theme, least: super::layout::LEAST }.render_to(area, &mut buf);
        return buf;
    }
    Backdrop { theme }.render_to(area, &mut buf);
    let count = |mark, n| Count { mark, n };
    TitleBar {
        theme,
        product: "loopdash",
        place: None,
        counts: &[count(Mark::Running, 3), count(Mark::NeedsYou, 2), count(Mark::Queued, 2), count(Mark::Done, 2)],
        slots: Meter { label: "slots", used: 3, cap: 4 },
        gates: Some(Meter { label: "gates", used: 1, cap: 2 }),
        cost: Some("$4.18"),
        tokens: &["1.1M in 400k cached 90k out", "1.2M tok"].map(str::to_owned),
        clock: Some("14:03"),
    }
    .render_to(at.title, &mut buf);
    let border = at.arrangement != Arrangement::Stacked;
    let shown = usize::from(super::loop_list::visible_rows(at.list.height, border, false)).min(rows.len());
    LoopList {
        theme,
        rows: &rows[..shown],
        extent: Extent { total: rows.len(), offset: 0, visible: shown },
        count: 9,
        focused: focus == Side::List,
        border,
        filter: None,
        empty: "",
    }
    .render_to(at.list, &mut buf);
    draw_detail(theme, at.detail, border, focus, open, &mut buf);
    let hint = |key, word, enabled, rank| Hint { key, word, enabled, rank };
    let hints = [
        hint("p", "pause", true, 1),
        hint("r", "resume", false, 4),
        hint("s", "skip test", true, 3),
        hint("x", "reset test", true, 3),
        hint("n", "note", true, 2),
        hint("N", "interrupt", true, 4),
        hint("a", "answer", false, 4),
        hint("/", "search", true, 3),
        hint("Enter", "zoom", true, 2),
        hint(":", "palette", true, 1),
        hint("?", "help", true, 0),
    ];
    Footer { theme, hints: &hints, message: None }.render_to(at.footer, &mut buf);
    buf
}

fn draw_detail(theme: &Theme, area: Rect, border: bool, focus: Side, open: usize, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    if border {
        Pane::new(theme, focus == Side::Detail).render_to(area, buf);
    } else {
        let role = if focus == Side::Detail { Role::BorderFocus } else { Role::Border };
        Rule { theme, role }.render_to(area, buf);
    }
    let detail = Detail::of(area, border);
    let phase = |kind, mark, duration| Phase { kind, mark, duration, note: None };
    let phases = [
        phase(PhaseKind::Actor, Mark::Passed, Some("2m41s")),
        phase(PhaseKind::Snapshot, Mark::Passed, Some("0.1s")),
        phase(PhaseKind::Gates, Mark::Active, Some("38s")),
        phase(PhaseKind::Critic, Mark::Waits, None),
    ];
    DetailHeader {
        theme,
        name: "auth-refactor",
        state: None,
        iteration: 4,
        test: Some(("CP-SPEC-005", "session tokens expire")),
        branch: Some("run/auth-refactor"),
        agents: Some(("claude", "codex")),
        used: &[],
        in_place: false,
        read_only: false,
        phases: &phases,
    }
    .render_to(detail.header, buf);
    let inside = Rect { x: detail.tabs.x + 1, width: detail.tabs.width.saturating_sub(1), ..detail.tabs };
    Tabs { theme, tabs: &PANES, open }.render_to(inside, buf);
    if detail.rule.height > 0 {
        Rule { theme, role: Role::Border }.render_to(detail.rule, buf);
    }
    let panes = [draw_output, draw_diff, draw_verdicts, draw_tests, draw_gates, draw_timeline];
    panes[open](theme, detail.body, buf);
}

/// The buffer as bytes a terminal draws it from.
fn ansi(buf: &Buffer) -> String {
    let mut out = String::new();
    let colour = |c: Color, ground: bool| {
        let base = if ground { 48 } else { 38 };
        match c {
            Color::Rgb(r, g, b) => format!(";{base};2;{r};{g};{b}"),
            Color::Indexed(i) => format!(";{base};5;{i}"),
            Color::Reset => String::new(),
            ansi => {
                let names = [
                    Color::Black,
                    Color::Red,
                    Color::Green,
                    Color::Yellow,
                    Color::Blue,
                    Color::Magenta,
                    Color::Cyan,
                    Color::Gray,
                    Color::DarkGray,
                    Color::LightRed,
                    Color::LightGreen,
                    Color::LightYellow,
                    Color::LightBlue,
                    Color::LightMagenta,
                    Color::LightCyan,
                    Color::White,
                ];
                format!(";{base};5;{}", names.iter().position(|n| *n == ansi).unwrap())
            }
        }
    };
    let sgr = |style: Style| {
        let bits = [
            (Modifier::BOLD, 1),
            (Modifier::DIM, 2),
            (Modifier::ITALIC, 3),
            (Modifier::UNDERLINED, 4),
            (Modifier::REVERSED, 7),
            (Modifier::CROSSED_OUT, 9),
        ];
        let on: String =
            bits.iter().filter(|(m, _)| style.add_modifier.contains(*m)).map(|(_, n)| format!(";{n}")).collect();
        format!("\x1b[0{on}{}{}m", colour(style.fg.unwrap(), false), colour(style.bg.unwrap(), true))
    };
    for y in 0..buf.area.height {
        let mut x = 0;
        while x < buf.area.width {
            let cell = buf.cell((x, y)).unwrap();
            out.push_str(&sgr(cell.style()));
            out.push_str(cell.symbol());
            x += u16::try_from(super::text::width(cell.symbol())).unwrap().max(1);
        }
        out.push_str("\x1b[0m");
        if y + 1 < buf.area.height {
            out.push_str("\r\n");
        }
    }
    out
}

fn keep(name: &str, buf: &Buffer) -> String {
    if let Some(dir) = std::env::var_os("LOOPDASH_SHOTS") {
        std::fs::write(std::path::Path::new(&dir).join(format!("{name}.ans")), ansi(buf)).unwrap();
    }
    text_of(buf).iter().map(|row| format!("▏{row}\n")).collect()
}

fn theme(name: &str, tier: Tier) -> Theme {
    ThemeLibrary::bundled().unwrap().theme(name, tier).unwrap()
}

#[test]
fn whole_screens_at_the_sizes_people_have() {
    let theme = theme("dark", Tier::TrueColor);
    for (width, height) in [(40, 12), (60, 20), (80, 24), (160, 45), (200, 60)] {
        for (open, pane) in PANES.iter().enumerate() {
            if width > 100 || open < 2 {
                let name = format!("{}-{width}x{height}", pane.word.to_lowercase());
                let shot = keep(&name, &screen(&theme, width, height, open, Side::Detail));
                if [40, 80, 200].contains(&width) && (open < 2 || width == 200) {
                    insta::assert_snapshot!(name, shot);
                }
            }
        }
    }
    insta::assert_snapshot!("list-40x12", keep("list-40x12", &screen(&theme, 40, 12, 0, Side::List)));
    insta::assert_snapshot!("stacked-60x20", keep("stacked-60x20", &screen(&theme, 60, 20, 0, Side::List)));
}

#[test]
fn overlays_on_a_screen() {
    let dark = theme("dark", Tier::TrueColor);
    let area = Rect::new(0, 0, 120, 32);
    let mut buf = screen(&dark, area.width, area.height, 0, Side::List);
    let key = |key, says, disabled| HelpKey { key, says, disabled };
    let groups = [
        HelpGroup {
            title: "This loop",
            keys: &[
                key("p", "pause after the step", None),
                key("P", "pause now", None),
                key("r", "resume", Some("auth-refactor is running")),
                key("n", "note for the next iteration", None),
                key("a", "answer", Some("it asks nothing")),
            ],
        },
        HelpGroup { title: "Its tests", keys: &[key("s", "skip the test", None), key("x", "reset the test", None)] },
        HelpGroup { title: "The fleet", keys: &[key("< >", "fewer or more slots", None), key("q", "quit", None)] },
    ];
    Help { theme: &dark, place: "Loops", groups: &groups, scroll: 0 }.render_to(area, &mut buf);
    insta::assert_snapshot!("help-120x32", keep("help-120x32", &buf));
    let mut buf = screen(&dark, area.width, area.height, 3, Side::Detail);
    let choice = |key, word, danger| Choice { key, word, danger, disabled: None };
    let choices = [
        choice("p", "pause them and quit", false),
        choice("s", "stop them and quit", true),
        choice("Esc", "stay", false),
    ];
    let toasts = [Toast { mark: Mark::Done, text: "rate-limiter is done after 3 iterations" }];
    Toasts { theme: &dark, toasts: &toasts }.render_to(Rect { height: 31, ..area }, &mut buf);
    Dialog {
        theme: &dark,
        title: "Quit with 3 live runs?",
        message: "They are at work. Paused runs go on where they stand when you come back.",
        items: &["auth-refactor", "fix-ci", "billing-api"],
        choices: &choices,
        default: Some(2),
        danger: true,
    }
    .render_to(area, &mut buf);
    insta::assert_snapshot!("quit-120x32", keep("quit-120x32", &buf));
}

#[test]
fn every_theme_draws_the_same_words() {
    let words = text_of(&screen(&theme("dark", Tier::TrueColor), 120, 32, 1, Side::Detail));
    for (name, tier) in
        [("light", Tier::TrueColor), ("high-contrast", Tier::Ansi256), ("ansi16", Tier::Ansi16), ("none", Tier::None)]
    {
        for (open, pane) in PANES.iter().enumerate().take(2) {
            let buf = screen(&theme(name, tier), 120, 32, open, Side::Detail);
            keep(&format!("{name}-{}", pane.word.to_lowercase()), &buf);
            assert!(open != 1 || text_of(&buf) == words, "{name}: state must not hang on colour");
        }
    }
}

#[test]
fn a_screen_of_any_size_is_drawn() {
    let theme = theme("dark", Tier::TrueColor);
    for width in (0..60).chain([79, 80, 81, 120, 400]) {
        for height in (0..16).chain([24, 60, 100]) {
            screen(
                &theme,
                width,
                height,
                usize::from((width + height) % 6),
                if height % 2 == 0 { Side::List } else { Side::Detail },
            );
        }
    }
}

#[test]
fn no_widget_names_a_colour_or_another_layer() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/widgets");
    let mut seen = 0;
    let mut todo = vec![root];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.to_string_lossy().replace('\\', "/");
            if !name.ends_with(".rs") {
                continue;
            }
            seen += 1;
            let themed = name.contains("/theme/") || name.ends_with("/composite.rs");
            assert!(themed || !text.contains("Color::"), "{name} names a colour instead of a role");
            for layer in ["tokio", "git2", "crossterm", "crate::loops", "crate::app", "std::fs", "std::process"] {
                let uses = text.lines().any(|l| l.trim_start().starts_with("use ") && l.contains(layer));
                assert!(!uses, "{name} uses {layer}");
            }
        }
    }
    assert!(seen > 25, "the sources were not found");
}
