//! Tokens and dollars in a few words, wherever the screen tells them. What an agent does not report is left out.
//!
//! Tokens that were read anew, that came from a cache and that were written cost differently, and are told apart where
//! there is room. A sum of which a part is unknown is at least as much: `≥$4.18`.

use crate::loops::core::step::Usage;
use crate::loops::core::usage::Total;
use crate::widgets::format;

/// What one step used: `12k in`, `40k cached`, `1.9k out`, `$0.03`.
pub(super) fn of_step(usage: &Usage) -> Vec<String> {
    kinds(&Total::from(*usage))
}

/// Each kind of token, and dollars.
pub(super) fn kinds(total: &Total) -> Vec<String> {
    by_kind(total).into_iter().chain(dollars(total)).collect()
}

/// The same in less and less room, the whole first; nothing where nothing is known.
pub(super) fn shrinking(total: &Total) -> Vec<String> {
    let whole = kinds(total).join(" ");
    let merged = sum(total).into_iter().chain(dollars(total)).collect::<Vec<_>>().join(" ");
    let mut forms = vec![whole, merged];
    forms.extend(dollars(total));
    forms.retain(|form| !form.is_empty());
    forms.dedup();
    forms
}

/// Tokens alone, each kind first, then fresh and written ones as one.
pub(super) fn tokens(total: &Total) -> Vec<String> {
    let whole = Some(by_kind(total).join(" ")).filter(|whole| !whole.is_empty());
    whole.into_iter().chain(sum(total)).collect()
}

/// Dollars alone.
pub(super) fn dollars(total: &Total) -> Option<String> {
    let known = total.known.micro_usd?;
    Some(format!("{}{}", at_least(total.partial_dollars), format::dollars(known as f64 / 1e6)))
}

/// What is unknown is unknown of all of them, so that it is said once.
fn by_kind(total: &Total) -> Vec<String> {
    let Total { known, partial_tokens, .. } = *total;
    let kinds = [(known.input, "in"), (known.cached, "cached"), (known.output, "out")];
    let told = |(tokens, kind): (Option<u64>, &str)| Some(format!("{} {kind}", format::short(tokens?)));
    let mut told: Vec<String> = kinds.into_iter().filter_map(told).collect();
    if let Some(first) = told.first_mut() {
        first.insert_str(0, at_least(partial_tokens));
    }
    told
}

fn sum(total: &Total) -> Option<String> {
    let tokens = total.known.tokens().filter(|tokens| *tokens > 0)?;
    Some(format!("{}{} tok", at_least(total.partial_tokens), format::short(tokens)))
}

const fn at_least(partial: bool) -> &'static str {
    if partial { "≥" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reported_is_not_told() {
        let some = Usage { input: Some(12_000), output: Some(1_900), ..Usage::default() };
        assert_eq!(of_step(&some), ["12k in", "1.9k out"]);
        let all = Usage { cached: Some(40_000), micro_usd: Some(30_000), ..some };
        assert_eq!(of_step(&all).join(" "), "12k in 40k cached 1.9k out $0.03");
        assert_eq!(of_step(&Usage { micro_usd: Some(0), ..Usage::default() }), ["$0.00"]);
        let all = Total::from(all);
        assert_eq!(tokens(&all), ["12k in 40k cached 1.9k out", "14k tok"]);
        assert_eq!(shrinking(&all), ["12k in 40k cached 1.9k out $0.03", "14k tok $0.03", "$0.03"]);
        assert_eq!(shrinking(&Total::from(some)), ["12k in 1.9k out", "14k tok"]);
        let nothing = Total::default();
        assert!(kinds(&nothing).is_empty() && tokens(&nothing).is_empty() && shrinking(&nothing).is_empty());
    }

    #[test]
    fn a_sum_of_which_a_part_is_unknown_is_at_least_what_is_known() {
        let mut total = Total::from(Usage { input: Some(12_000), micro_usd: Some(4_180_000), ..Usage::default() });
        total.add_step(Some(&Usage { input: Some(1_000), output: Some(10), ..Usage::default() }));
        assert_eq!(shrinking(&total), ["13k in 10 out ≥$4.18", "13k tok ≥$4.18", "≥$4.18"]);
        total.add_step(None);
        assert_eq!(tokens(&total), ["≥13k in 10 out", "≥13k tok"]);
    }
}
