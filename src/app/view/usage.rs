//! Tokens and dollars in a few words, wherever the screen tells them. What an agent does not report is left out.

use crate::loops::core::step::Usage;
use crate::widgets::format;

/// Tokens read anew and written, those from a cache, and dollars: `1.2M tok`, `40k cached`, `$4.18`.
pub(super) fn sums(usage: &Usage) -> Vec<String> {
    let tokens = [usage.input, usage.output].into_iter().flatten().sum::<u64>();
    let tokens = (tokens > 0).then(|| format!("{} tok", format::short(tokens)));
    let cached = usage.cached.filter(|cached| *cached > 0);
    let cached = cached.map(|cached| format!("{} cached", format::short(cached)));
    tokens.into_iter().chain(cached).chain(dollars(usage)).collect()
}

/// Each kind of token, and dollars: `12k in`, `40k cached`, `1.9k out`, `$0.03`.
pub(super) fn kinds(usage: &Usage) -> Vec<String> {
    let kinds = [(usage.input, "in"), (usage.cached, "cached"), (usage.output, "out")];
    let tokens = kinds.into_iter().filter_map(|(tokens, kind)| Some(format!("{} {kind}", format::short(tokens?))));
    tokens.chain(dollars(usage)).collect()
}

/// The same in less and less room, the whole first; nothing where nothing is known.
pub(super) fn shrinking(usage: &Usage) -> Vec<String> {
    let whole = kinds(usage).join(" ");
    let tokens = sums(&Usage { cached: None, ..*usage }).join(" ");
    let mut forms = vec![whole, tokens];
    forms.extend(dollars(usage));
    forms.retain(|form| !form.is_empty());
    forms.dedup();
    forms
}

fn dollars(usage: &Usage) -> Option<String> {
    usage.micro_usd.map(|micro| format::dollars(micro as f64 / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reported_is_not_told() {
        let some = Usage { input: Some(12_000), output: Some(1_900), ..Usage::default() };
        assert_eq!(kinds(&some), ["12k in", "1.9k out"]);
        assert_eq!(sums(&some), ["14k tok"]);
        let all = Usage { cached: Some(40_000), micro_usd: Some(30_000), ..some };
        assert_eq!(kinds(&all).join(" "), "12k in 40k cached 1.9k out $0.03");
        assert_eq!(sums(&all).join(" "), "14k tok 40k cached $0.03");
        assert_eq!(kinds(&Usage { micro_usd: Some(0), ..Usage::default() }), ["$0.00"]);
        assert_eq!(shrinking(&all), ["12k in 40k cached 1.9k out $0.03", "14k tok $0.03", "$0.03"]);
        assert_eq!(shrinking(&some), ["12k in 1.9k out", "14k tok"]);
        let nothing = Usage::default();
        assert!(kinds(&nothing).is_empty() && sums(&nothing).is_empty() && shrinking(&nothing).is_empty());
    }
}
