//! Numbers as the screen writes them, one place for each format.
//! Durations take milliseconds, money takes dollars.

/// A count with thousands separated: `1,284`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count in at most four characters and a unit: `950`, `41k`, `1.2M`.
#[must_use]
pub fn short(n: u64) -> String {
    scaled(n, 1000, &["", "k", "M", "G", "T", "P", "E"])
}

/// A size in bytes: `950 B`, `41 KB`, `1.2 MB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    scaled(n, 1000, &[" B", " KB", " MB", " GB", " TB", " PB", " EB"])
}

fn scaled(n: u64, step: u64, units: &[&str]) -> String {
    let mut unit = 1u64;
    let mut index = 0;
    // Rounded before it is compared: 999,500 is "1.0M", not "1000k".
    while index + 1 < units.len() && (u128::from(n) + u128::from(unit) / 2) / u128::from(unit) >= u128::from(step) {
        unit = unit.saturating_mul(step);
        index += 1;
    }
    let suffix = units.get(index).copied().unwrap_or_default();
    if index == 0 {
        return format!("{n}{suffix}");
    }
    let tenths = (u128::from(n) * 10 + u128::from(unit) / 2) / u128::from(unit);
    if tenths < 100 {
        format!("{}.{}{suffix}", tenths / 10, tenths % 10)
    } else {
        format!("{}{suffix}", (u128::from(n) + u128::from(unit) / 2) / u128::from(unit))
    }
}

/// How long something took, from milliseconds: `0.1s`, `38s`, `2m41s`, `1h02m`, `3d4h`.
#[must_use]
pub fn duration(ms: u64) -> String {
    if ms < 9_950 {
        let tenths = (ms + 50) / 100;
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    let seconds = ms.saturating_add(500) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

/// How long ago, from milliseconds, in one unit: `3s`, `18m`, `2h`, `3d`.
#[must_use]
pub fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Money: `$4.18`, `<$0.01`, `$1,284`.
#[must_use]
pub fn dollars(amount: f64) -> String {
    if !amount.is_finite() || amount <= 0.0 {
        "$0.00".to_owned()
    } else if amount < 0.01 {
        "<$0.01".to_owned()
    } else if amount < 999.995 {
        format!("${amount:.2}")
    } else {
        // Beyond 2^64 dollars the cast saturates, which is as good an answer as any.
        format!("${}", count(amount.round() as u64))
    }
}

/// A share as whole percent: `80%`.
#[must_use]
pub fn percent(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    format!("{:.0}%", share * 100.0)
}

/// `1 file`, `3 files`, `1,284 lines`.
#[must_use]
pub fn plural(n: u64, word: &str) -> String {
    format!("{} {word}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_284, "1,284"), (1_234_567, "1,234,567")];
        for (n, text) in cases {
            assert_eq!(count(n), text);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!((plural(1, "file"), plural(1_284, "line")), ("1 file".to_owned(), "1,284 lines".to_owned()));
    }

    #[test]
    fn short_counts_never_show_a_thousand_of_a_unit() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0k"),
            (9_949, "9.9k"),
            (9_950, "10k"),
            (41_000, "41k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (1_200_000, "1.2M"),
            (u64::MAX, "18E"),
        ];
        for (n, text) in cases {
            assert_eq!(short(n), text, "{n}");
        }
        assert_eq!((bytes(512), bytes(52_428_800)), ("512 B".to_owned(), "52 MB".to_owned()));
    }

    #[test]
    fn durations_and_ages() {
        let cases = [
            (0, "0.0s"),
            (140, "0.1s"),
            (6_200, "6.2s"),
            (9_949, "9.9s"),
            (9_950, "10s"),
            (38_000, "38s"),
            (59_600, "1m00s"),
            (161_000, "2m41s"),
            (3_599_600, "1h00m"),
            (3_720_000, "1h02m"),
            (273_600_000, "3d4h"),
        ];
        for (ms, text) in cases {
            assert_eq!(duration(ms), text, "{ms}");
        }
        let cases = [(999, "0s"), (18 * 60_000, "18m"), (7_200_000, "2h"), (259_200_000, "3d")];
        for (ms, text) in cases {
            assert_eq!(age(ms), text, "{ms}");
        }
        assert_eq!(
            (duration(u64::MAX - 500), age(u64::MAX)),
            ("213503982334d14h".to_owned(), "213503982334d".to_owned())
        );
    }

    #[test]
    fn money_and_shares() {
        let cases = [
            (0.0, "$0.00"),
            (0.004, "<$0.01"),
            (4.18, "$4.18"),
            (999.994, "$999.99"),
            (1_284.4, "$1,284"),
            (f64::NAN, "$0.00"),
            (-1.0, "$0.00"),
        ];
        for (amount, text) in cases {
            assert_eq!(dollars(amount), text, "{amount}");
        }
        assert_eq!(
            (percent(0.8), percent(7.0), percent(f64::NAN)),
            ("80%".to_owned(), "100%".to_owned(), "0%".to_owned())
        );
    }
}
