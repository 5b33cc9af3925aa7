//! Lengths of time and numbers of bytes in plain words.

use access::time::Instant;

const UNITS: [(&str, i64); 5] = [
    ("year", 365 * 24 * 3600),
    ("month", 30 * 24 * 3600),
    ("day", 24 * 3600),
    ("hour", 3600),
    ("minute", 60),
];

/// How far `at` is from `now`: `in 3 days`, `2 hours ago`.
pub(super) fn distance(now: Instant, at: Instant) -> String {
    let seconds = (at.as_millis() - now.as_millis()) / 1000;
    let Some((name, size)) = UNITS.into_iter().find(|(_, size)| seconds.abs() >= *size) else {
        return if seconds < 0 { "less than a minute ago" } else { "in less than a minute" }.to_owned();
    };
    let count = seconds.abs() / size;
    let plural = if count == 1 { "" } else { "s" };
    if seconds < 0 { format!("{count} {name}{plural} ago") } else { format!("in {count} {name}{plural}") }
}

/// A number of bytes as people say it: `4.2 MB`, in powers of ten.
pub(super) fn bytes(count: u64) -> String {
    let mut shown = count;
    let mut rest = 0;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if shown < 1000 {
            let tenths = rest / 100;
            return if unit == "B" || shown >= 100 {
                format!("{shown} {unit}")
            } else {
                format!("{shown}.{tenths} {unit}")
            };
        }
        rest = shown % 1000;
        shown /= 1000;
    }
    format!("{shown} PB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_said_in_its_largest_unit() {
        let now = Instant::from_millis(1_700_000_000_000);
        for (seconds, said) in [
            (0, "in less than a minute"),
            (-1, "less than a minute ago"),
            (60, "in 1 minute"),
            (-3 * 3600, "3 hours ago"),
            (3 * 24 * 3600 + 5, "in 3 days"),
            (45 * 24 * 3600, "in 1 month"),
            (-800 * 24 * 3600, "2 years ago"),
        ] {
            let at = Instant::from_millis(1_700_000_000_000 + seconds * 1000);
            assert_eq!(distance(now, at), said);
        }
    }

    #[test]
    fn bytes_are_said_in_powers_of_ten() {
        for (count, said) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (4_250_000, "4.2 MB"),
            (123_456_789, "123 MB"),
            (2_000_000_000_000, "2.0 TB"),
            (7_000_000_000_000_000, "7 PB"),
        ] {
            assert_eq!(bytes(count), said);
        }
    }
}
