//! When a token ends by itself (DESIGN §2 rule 2), how long a replaced secret lives on (rule 6), and when people
//! are told (rule 11).

use crate::{
    field_error::FieldError,
    time::{Instant, Length},
};

/// The least time that a token is given when its expiry is set (DESIGN §2 rule 2).
pub const MIN_LIFETIME: Length = Length::hours(1);
/// The longest that an old secret may live on after a reset (DESIGN §2 rule 6).
pub const MAX_GRACE: Length = Length::days(7);
/// How long before the end registry responses begin to carry a warning (DESIGN §2 rule 11).
pub const WARNED_AHEAD: Length = Length::days(7);

/// Until when a token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It does not end by itself.
    Never,
    /// Valid while `now` is before this instant, and not from it on.
    At(Instant),
}

/// What a request says about an expiry. JSON's `null` and an absent field differ for `expires_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpiryInput<'a> {
    /// RFC 3339, or `Some(None)` for never; `None` where the field is absent.
    pub expires_at: Option<Option<&'a str>>,
    /// A length from now, such as `30d`.
    pub expires_in: Option<&'a str>,
}

/// An expiry that rule 2 refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryError {
    /// `expires_at` is no RFC 3339 instant.
    #[error("expires_at is an RFC 3339 instant such as 2027-01-31T12:00:00Z, or null for never")]
    NotAnInstant,
    /// `expires_in` is no length.
    #[error(
        "expires_in is a whole number and one of s, m, h, d, w, such as 30d or 12h; for no expiry, set expires_at to null"
    )]
    NotALength,
    /// Less than an hour ahead.
    #[error(
        "an expiry is at least 1 hour ahead, so {earliest} or later; to end a token now, disable or delete it"
    )]
    TooSoon {
        /// The earliest instant that would do.
        earliest: Instant,
    },
    /// After the year 9999.
    #[error("an expiry is in the year 9999 at the latest; for no expiry, set expires_at to null")]
    TooLate,
    /// Both fields at once.
    #[error("expires_at and expires_in say the same thing in two ways; send one of them")]
    Both,
}

impl Expiry {
    /// Reads what a request asks for; `Ok(None)` where it says nothing about an expiry.
    ///
    /// Whatever is given lies between one hour after `now` and the end of the year 9999 (rule 2).
    pub fn parse(input: ExpiryInput<'_>, now: Instant) -> Result<Option<Self>, ExpiryError> {
        match (input.expires_at, input.expires_in) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(ExpiryError::Both),
            (Some(None), None) => Ok(Some(Self::Never)),
            (Some(Some(text)), None) => {
                let at = Instant::parse_rfc3339(text).ok_or(ExpiryError::NotAnInstant)?;
                Self::at(at, now).map(Some)
            }
            (None, Some(text)) => {
                let length = Length::parse(text).map_err(|_| ExpiryError::NotALength)?;
                Self::at(now.plus(length), now).map(Some)
            }
        }
    }

    fn at(at: Instant, now: Instant) -> Result<Self, ExpiryError> {
        let earliest = now.plus(MIN_LIFETIME);
        if at < earliest {
            return Err(ExpiryError::TooSoon { earliest });
        }
        if at > Instant::LATEST {
            return Err(ExpiryError::TooLate);
        }
        Ok(Self::At(at))
    }

    /// The instant, or `None` for never: the forms of the database and of the API.
    pub const fn instant(self) -> Option<Instant> {
        match self {
            Self::Never => None,
            Self::At(at) => Some(at),
        }
    }

    /// Whether the token is over: valid while `now < expires_at` (rule 2).
    pub fn is_past(self, now: Instant) -> bool {
        self.instant().is_some_and(|at| now >= at)
    }

    /// The text of the `Warning` that a response carries within 7 days of the end (rule 11), such as
    /// `token acme/ci expires on 2026-12-01`; `None` before that and once it is past.
    ///
    /// `token` is put in as it is; whoever writes a header from this quotes it.
    pub fn warning(self, token: impl std::fmt::Display, now: Instant) -> Option<String> {
        let at = self.instant().filter(|at| now < *at && now >= at.minus(WARNED_AHEAD))?;
        Some(format!("{token} expires on {}", at.day()))
    }
}

/// What is in the database: no instant is never. Nothing is checked, an expiry in the past included.
impl From<Option<Instant>> for Expiry {
    fn from(at: Option<Instant>) -> Self {
        at.map_or(Self::Never, Self::At)
    }
}

impl ExpiryError {
    /// The refusal under the name of the field that it is about.
    pub fn at_field(&self, input: ExpiryInput<'_>) -> FieldError {
        let field = if input.expires_in.is_some() { "expires_in" } else { "expires_at" };
        FieldError::new(field, self)
    }
}

/// How long the old secret lives on after a reset: more than nothing, at most 7 days (DESIGN §2 rule 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace(Length);

/// The text is no grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("keep_old_for is a length such as 24h, at most 7d; leave it out to end the old secret at once")]
pub struct InvalidGrace;

impl Grace {
    /// Reads `keep_old_for`, such as `24h`.
    pub fn parse(text: &str) -> Result<Self, InvalidGrace> {
        let length = Length::parse(text).map_err(|_| InvalidGrace)?;
        let fits = length > Length::seconds(0) && length <= MAX_GRACE;
        fits.then_some(Self(length)).ok_or(InvalidGrace)
    }

    /// When the old secret ends, if the reset happens `now`.
    pub const fn ends_at(self, now: Instant) -> Instant {
        now.plus(self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const NOW: &str = "2026-11-23T10:00:00Z";

    fn instant(text: &str) -> Instant {
        Instant::parse_rfc3339(text).unwrap()
    }

    fn at(text: &str) -> Result<Option<Expiry>, ExpiryError> {
        Expiry::parse(ExpiryInput { expires_at: Some(Some(text)), expires_in: None }, instant(NOW))
    }

    fn within(text: &str) -> Result<Option<Expiry>, ExpiryError> {
        Expiry::parse(ExpiryInput { expires_at: None, expires_in: Some(text) }, instant(NOW))
    }

    fn expires(text: &str) -> Result<Option<Expiry>, ExpiryError> {
        Ok(Some(Expiry::At(instant(text))))
    }

    #[test]
    fn an_expiry_is_an_instant_or_a_length_at_least_an_hour_ahead() {
        let too_soon = Err(ExpiryError::TooSoon { earliest: instant("2026-11-23T11:00:00Z") });
        assert_eq!(at("2026-11-23T11:00:00Z"), expires("2026-11-23T11:00:00Z"));
        assert_eq!(at("2026-11-23T13:00:00+02:00"), expires("2026-11-23T11:00:00Z"));
        assert_eq!(at("2026-11-23T10:59:59.999Z"), too_soon);
        assert_eq!(at("1999-01-01T00:00:00Z"), too_soon);
        assert_eq!(within("1h"), expires("2026-11-23T11:00:00Z"));
        assert_eq!(within("30d"), expires("2026-12-23T10:00:00Z"));
        assert_eq!(within("59m"), too_soon);
        assert_eq!(within("0s"), too_soon);
    }

    #[test]
    fn an_expiry_beyond_the_year_9999_is_refused() {
        assert_eq!(within("9999999w"), Err(ExpiryError::TooLate));
        let ends = Expiry::at(Instant::LATEST, instant(NOW));
        assert_eq!(ends, Ok(Expiry::At(Instant::LATEST)));
        assert_eq!(
            Expiry::at(Instant::LATEST.plus(Length::milliseconds(1)), instant(NOW)),
            Err(ExpiryError::TooLate)
        );
    }

    #[test]
    fn null_is_never_and_silence_is_neither() {
        let now = instant(NOW);
        assert_eq!(
            Expiry::parse(ExpiryInput { expires_at: Some(None), expires_in: None }, now),
            Ok(Some(Expiry::Never))
        );
        assert_eq!(Expiry::parse(ExpiryInput::default(), now), Ok(None));
    }

    #[test]
    fn what_is_no_instant_or_no_length_is_refused_under_its_field() {
        for text in ["", "30d", "tomorrow", "2026-12-01", "null"] {
            assert_eq!(at(text), Err(ExpiryError::NotAnInstant), "{text:?}");
        }
        for text in ["", "30", "2026-12-01T00:00:00Z", "-1d", "never"] {
            assert_eq!(within(text), Err(ExpiryError::NotALength), "{text:?}");
        }
        let both = ExpiryInput { expires_at: Some(None), expires_in: Some("1d") };
        assert_eq!(Expiry::parse(both, instant(NOW)), Err(ExpiryError::Both));
        let input = ExpiryInput { expires_at: None, expires_in: Some("x") };
        assert_eq!(ExpiryError::NotALength.at_field(input).field, "expires_in");
        assert_eq!(ExpiryError::NotAnInstant.at_field(ExpiryInput::default()).field, "expires_at");
    }

    #[test]
    fn a_token_is_valid_before_its_expiry_and_not_at_it() {
        let expiry = Expiry::At(instant(NOW));
        assert!(!expiry.is_past(instant(NOW).minus(Length::milliseconds(1))));
        assert!(expiry.is_past(instant(NOW)));
        assert!(!Expiry::Never.is_past(Instant::LATEST));
    }

    #[test]
    fn the_last_7_days_carry_a_warning() {
        let expiry = Expiry::At(instant("2026-12-01T00:00:00Z"));
        let warning = |now: &str| expiry.warning("token acme/ci", instant(now));
        assert_eq!(warning("2026-11-23T23:59:59Z"), None);
        assert_eq!(warning("2026-11-24T00:00:00Z").as_deref(), Some("token acme/ci expires on 2026-12-01"));
        assert!(warning("2026-11-30T23:59:59Z").is_some());
        assert_eq!(warning("2026-12-01T00:00:00Z"), None);
        assert_eq!(Expiry::Never.warning("token acme/ci", instant(NOW)), None);
    }

    #[test]
    fn a_grace_is_more_than_nothing_and_at_most_7_days() {
        let now = instant(NOW);
        assert_eq!(Grace::parse("24h").map(|grace| grace.ends_at(now)), Ok(instant("2026-11-24T10:00:00Z")));
        assert!(Grace::parse("7d").is_ok());
        for text in ["0s", "604801s", "8d", "", "1", "9999999w"] {
            assert_eq!(Grace::parse(text), Err(InvalidGrace), "{text:?}");
        }
    }
}
