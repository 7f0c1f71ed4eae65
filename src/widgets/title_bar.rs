//! The top line: product, runs by state, slots, gates, cost, tokens and the time.
//! See [`TitleBar`]; what disappears on narrow screens is ranked in [`LEVELS`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::Widget;

use super::format;
use super::mark::Mark;
use super::pen::Pen;
use super::text;
use super::theme::{Role, Theme};

/// How many runs are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The state.
    pub mark: Mark,
    /// How many; a state with none is left out.
    pub n: u64,
}

/// How much of a cap is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter<'a> {
    /// What is counted, such as `slots`.
    pub label: &'a str,
    /// How many are in use; may exceed the cap while it drains.
    pub used: u32,
    /// The cap.
    pub cap: u32,
}

/// The title bar's props.
#[derive(Debug, Clone, Copy)]
pub struct TitleBar<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The product's name.
    pub product: &'a str,
    /// A word beside it, such as `demo` or a repository's name.
    pub place: Option<&'a str>,
    /// Runs by state, in the order they are shown.
    pub counts: &'a [Count],
    /// Agent slots.
    pub slots: Meter<'a>,
    /// Gate slots.
    pub gates: Option<Meter<'a>>,
    /// Dollars spent, in words, where agents report it.
    pub cost: Option<&'a str>,
    /// Tokens used, in words: each kind first, then less; nothing where no agent reports them.
    pub tokens: &'a [String],
    /// The time of day as it is to be shown.
    pub clock: Option<&'a str>,
}

/// What is shown at one level of room.
#[derive(Clone, Copy)]
struct Level {
    words: bool,
    bars: bool,
    place: bool,
    gates: bool,
    /// Which form of them, by its place; the last one where there are not as many.
    tokens: Option<usize>,
    cost: bool,
    clock: bool,
    slots: bool,
}

const ALL: Level =
    Level { words: true, bars: true, place: true, gates: true, tokens: Some(0), cost: true, clock: true, slots: true };

const LEAN: Level = Level { tokens: None, gates: false, place: false, bars: false, ..ALL };

/// From everything to the bare states; the first that fits is drawn. The words of the states outlive time and money,
/// which come back once the words are gone.
const LEVELS: [Level; 11] = [
    ALL,
    Level { tokens: Some(1), ..ALL },
    Level { tokens: None, ..ALL },
    Level { tokens: None, gates: false, ..ALL },
    Level { tokens: None, gates: false, place: false, ..ALL },
    LEAN,
    Level { clock: false, ..LEAN },
    Level { clock: false, cost: false, ..LEAN },
    Level { words: false, ..LEAN },
    Level { words: false, clock: false, cost: false, ..LEAN },
    Level { words: false, clock: false, cost: false, slots: false, ..LEAN },
];

/// More than this many cells tell less than the figures do.
const WIDEST_BAR: u32 = 10;

type Piece = (String, Role);

impl TitleBar<'_> {
    fn left(&self, level: Level) -> Vec<Piece> {
        let mut pieces = vec![(format!(" {} ", text::clean(self.product)), Role::Badge)];
        if let Some(place) = self.place.filter(|_| level.place) {
            pieces.push((format!(" {}", text::clean(place)), Role::Dim));
        }
        let mut any = false;
        for Count { mark, n } in self.counts.iter().filter(|c| c.n > 0) {
            any = true;
            let number = if level.words { format!("{n} {}", mark.word_for(*n)) } else { format::short(*n) };
            pieces.push((format!("{}{} ", if level.words { "   " } else { "  " }, mark.glyph()), mark.role()));
            let role = match mark {
                m if m.urgent() => mark.role(),
                Mark::Running => Role::Text,
                _ => Role::Dim,
            };
            pieces.push((number, role));
        }
        if !any {
            pieces.push(("   no loops".to_owned(), Role::Dim));
        }
        pieces
    }

    fn right(&self, level: Level) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if level.slots {
            meter(&mut pieces, self.slots, level.bars, Role::Meter);
        }
        if let Some(gates) = self.gates.filter(|_| level.gates) {
            meter(&mut pieces, gates, level.bars, Role::PhaseGates);
        }
        if let Some(cost) = self.cost.filter(|_| level.cost) {
            pieces.push((format!("   {}", text::clean(cost)), Role::Text));
        }
        if let Some(tokens) = level.tokens.and_then(|form| self.tokens.get(form).or(self.tokens.last())) {
            pieces.push((format!("  {}", text::clean(tokens)), Role::Dim));
        }
        if let Some(clock) = self.clock.filter(|_| level.clock) {
            pieces.push((format!("   {}", text::clean(clock)), Role::Dim));
        }
        pieces
    }
}

fn meter(pieces: &mut Vec<Piece>, meter: Meter<'_>, bars: bool, role: Role) {
    pieces.push((format!("  {} ", text::clean(meter.label)), Role::Dim));
    if bars && meter.cap.max(meter.used) <= WIDEST_BAR {
        let cells = |glyph: &str, n: u32| glyph.repeat(usize::try_from(n).unwrap_or_default());
        pieces.push((cells("▮", meter.used.min(meter.cap)), role));
        pieces.push((cells("▮", meter.used.saturating_sub(meter.cap)), Role::Attention));
        pieces.push((cells("▯", meter.cap.saturating_sub(meter.used)), Role::MeterEmpty));
    }
    let figures = format!("{}/{}", meter.used, meter.cap);
    let full = if meter.used > meter.cap { Role::Attention } else { Role::Dim };
    pieces.push(if bars && meter.cap.max(meter.used) <= WIDEST_BAR {
        (format!(" {figures}"), full)
    } else {
        (figures, full)
    });
}

fn wide(pieces: &[Piece]) -> usize {
    pieces.iter().map(|(text, _)| text::width(text)).sum()
}

impl Widget for &TitleBar<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.ground(Role::Bar);
        let room = usize::from(pen.left());
        let mut parts = (Vec::new(), Vec::new());
        for level in LEVELS {
            parts = (self.left(level), self.right(level));
            if wide(&parts.0) + wide(&parts.1) + 2 <= room {
                break;
            }
        }
        let (left, right) = parts;
        for (text, role) in &left {
            let style = self.theme.style(*role);
            let urgent = matches!(role, Role::Attention | Role::Danger);
            pen.styled(text, if urgent { style.add_modifier(Modifier::BOLD) } else { style });
        }
        let used = wide(&right);
        if used > 0 && used < usize::from(pen.left()) {
            let gap = usize::from(pen.left()) - used - 1;
            pen.gap(u16::try_from(gap).unwrap_or_default());
            for (text, role) in &right {
                pen.put(text, *role);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, theme};

    const COUNTS: [Count; 5] = [
        Count { mark: Mark::Running, n: 3 },
        Count { mark: Mark::NeedsYou, n: 1 },
        Count { mark: Mark::Queued, n: 4 },
        Count { mark: Mark::Paused, n: 0 },
        Count { mark: Mark::Done, n: 7 },
    ];

    fn tokens() -> [String; 2] {
        ["1.1M in 400k cached 90k out", "1.2M tok"].map(str::to_owned)
    }

    const COST: &str = "≥$4.18";

    fn bar<'a>(theme: &'a Theme, tokens: &'a [String]) -> TitleBar<'a> {
        TitleBar {
            theme,
            product: "loopdash",
            place: Some("demo"),
            counts: &COUNTS,
            slots: Meter { label: "slots", used: 3, cap: 4 },
            gates: Some(Meter { label: "gates", used: 1, cap: 2 }),
            cost: Some(COST),
            tokens,
            clock: Some("14:03"),
        }
    }

    #[test]
    fn words_and_figures_leave_in_the_order_of_their_rank() {
        let theme = theme();
        let tokens = tokens();
        let bar = bar(&theme, &tokens);
        let shown: Vec<_> =
            [160, 140, 110, 100, 80, 60, 46, 36, 30, 20].into_iter().map(|w| draw(&bar, w, 1).concat()).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        loopdash  demo   ▶ 3 running   ◐ 1 needs you   ○ 4 queued   ✓ 7 done                slots ▮▮▮▯ 3/4  gates ▮▯ 1/2   ≥$4.18  1.1M in 400k cached 90k out   14:03
        loopdash  demo   ▶ 3 running   ◐ 1 needs you   ○ 4 queued   ✓ 7 done               slots ▮▮▮▯ 3/4  gates ▮▯ 1/2   ≥$4.18  1.2M tok   14:03
        loopdash  demo   ▶ 3 running   ◐ 1 needs you   ○ 4 queued   ✓ 7 done         slots ▮▮▮▯ 3/4   ≥$4.18   14:03
        loopdash    ▶ 3 running   ◐ 1 needs you   ○ 4 queued   ✓ 7 done    slots ▮▮▮▯ 3/4   ≥$4.18   14:03
        loopdash    ▶ 3 running   ◐ 1 needs you   ○ 4 queued   ✓ 7 done      slots 3/4
        loopdash   ▶ 3  ◐ 1  ○ 4  ✓ 7   slots 3/4   ≥$4.18   14:03
        loopdash   ▶ 3  ◐ 1  ○ 4  ✓ 7      slots 3/4
        loopdash   ▶ 3  ◐ 1  ○ 4  ✓ 7
        loopdash   ▶ 3  ◐ 1  ○ 4  ✓ 7
        loopdash   ▶ 3  ◐ 1
        ");
    }

    #[test]
    fn a_draining_cap_and_an_empty_fleet_are_said() {
        let theme = theme();
        let tokens = tokens();
        let over = TitleBar { slots: Meter { label: "slots", used: 5, cap: 3 }, counts: &[], ..bar(&theme, &tokens) };
        let buf = paint(&over, 120, 1);
        assert!(draw(&over, 120, 1)[0].contains("no loops"));
        assert!(draw(&over, 120, 1)[0].contains("slots ▮▮▮▮▮ 5/3"));
        assert!(has_role(&buf, "5/3", Role::Attention));
        let many = TitleBar { slots: Meter { label: "slots", used: 31, cap: 32 }, ..over };
        assert!(draw(&many, 120, 1)[0].contains("slots 31/32"));
    }

    #[test]
    fn it_holds_at_every_size() {
        let theme = theme();
        let tokens = tokens();
        hold_at_all_sizes(&bar(&theme, &tokens));
        hold_at_all_sizes(&TitleBar {
            product: "日本語\u{1b}[2J\n", place: Some("\u{202e}x"), ..bar(&theme, &tokens)
        });
    }
}
