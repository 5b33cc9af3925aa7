//! Instants and lengths of time. Nothing here reads a clock.

use jiff::Timestamp;

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z: what the database keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// Where `now` comes from. Production reads the system clock in one file of the binary; tests set it.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Instant;
}

impl Instant {
    /// The latest instant that a person may name: 9999-12-30T22:00:00Z, in the year 9999 whatever the reader's zone,
    /// and the last that `jiff` writes.
    pub const LATEST: Instant = Instant(253_402_207_200_000);

    /// An instant from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down: the NumericDate of RFC 7519 §2.
    pub const fn as_unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved by `length`; stays at the ends of the range instead of wrapping.
    pub const fn plus(self, length: Length) -> Self {
        Self(self.0.saturating_add(length.0))
    }

    /// This instant moved back by `length`.
    pub const fn minus(self, length: Length) -> Self {
        Self(self.0.saturating_sub(length.0))
    }

    /// Reads an RFC 3339 instant with a zone (`Z` or an offset); finer parts than a millisecond are cut off.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        // jiff also takes bracketed zone names and spaces; RFC 3339 §5.6 has only these characters.
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-+:.TtZz".contains(&byte));
        // Without the seconds jiff would still read it, RFC 3339 would not.
        let complete = text.len() >= "2026-01-01T00:00:00Z".len();
        if !(plain && complete) {
            return None;
        }
        text.parse::<Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }

    /// The calendar day in UTC, such as `2026-12-01`, for messages.
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

/// RFC 3339 in UTC; fractions only where there are some.
impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(at) => at.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How far the clocks of two replicas may differ without harm: no request fails because of it, and nothing that was
/// revoked stays valid.
pub const MAX_CLOCK_DIFFERENCE: Length = Length::seconds(30);

/// A length of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(i64);

/// The text is not a length such as `30d`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a length is a whole number and one of s, m, h, d, w, such as 30d or 12h")]
pub struct InvalidLength;

impl Length {
    /// A length of `count` milliseconds.
    pub const fn milliseconds(count: i64) -> Self {
        Self(count)
    }

    /// A length of `count` seconds.
    pub const fn seconds(count: i64) -> Self {
        Self(count * 1000)
    }

    /// A length of `count` hours.
    pub const fn hours(count: i64) -> Self {
        Self::seconds(count * 3600)
    }

    /// A length of `count` days of 86,400 seconds.
    pub const fn days(count: i64) -> Self {
        Self::seconds(count * 86_400)
    }

    /// The length in milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads `90s`, `15m`, `12h`, `30d`, `2w` (DESIGN §2 rule 2: `1d` is 86,400 s); at most seven digits.
    pub fn parse(text: &str) -> Result<Self, InvalidLength> {
        const MAX_DIGITS: usize = 7;
        let unit = text.chars().last().ok_or(InvalidLength)?;
        let digits = &text[..text.len() - unit.len_utf8()];
        if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(InvalidLength);
        }
        let count: i64 = digits.parse().map_err(|_| InvalidLength)?;
        let unit_seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(InvalidLength),
        };
        Ok(Self::seconds(count * unit_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_a_number_and_a_unit() {
        assert_eq!(Length::parse("30d"), Ok(Length::days(30)));
        assert_eq!(Length::parse("12h"), Ok(Length::hours(12)));
        assert_eq!(Length::parse("90s"), Ok(Length::seconds(90)));
        assert_eq!(Length::parse("2w"), Ok(Length::days(14)));
        for text in ["", "d", "30", "-1d", "+1d", "1.5h", "30 d", "30D", "1d12h", "99999999d", "३d", "1é"]
        {
            assert_eq!(Length::parse(text), Err(InvalidLength), "{text}");
        }
    }

    #[test]
    fn instants_are_read_and_written_as_rfc_3339() {
        let at = Instant::parse_rfc3339("2026-12-01T10:00:00+02:00").map(|at| at.to_string());
        assert_eq!(at.as_deref(), Some("2026-12-01T08:00:00Z"));
        assert_eq!(Instant::from_millis(1500).to_string(), "1970-01-01T00:00:01.5Z");
        for text in [
            "",
            "2026-12-01",
            "2026-12-01T10:00:00",
            "2026-12-01 10:00:00Z",
            "1796115600",
            "2026-12-01T10:00Z",
            "2026-13-01T10:00:00Z",
            "2026-12-01T10:00:00+02:00[Europe/Berlin]",
        ] {
            assert_eq!(Instant::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn the_latest_instant_can_be_written() {
        assert_eq!(Instant::LATEST.to_string(), "9999-12-30T22:00:00Z");
    }
}
