//! From when until when a certificate is valid, and when it is time to speak of its end.

use access::time::{Instant, Length};
use rustls::pki_types::CertificateDer;
use x509_cert::{Certificate, TbsCertificate, der::Decode, time::Time};

/// The part of a lifetime before whose beginning nobody needs to be told: whatever renews certificates does so when two
/// thirds are over, or is late.
const LAST_PART: i64 = 6;
/// The longest time before the end in which it is spoken of.
const LONGEST_NOTICE: Length = Length::days(14);

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub until: Instant,
}

impl Validity {
    /// What a certificate says of itself, to the second.
    pub fn of(certificate: &TbsCertificate) -> Self {
        let validity = &certificate.validity;
        Self { from: instant(validity.not_before), until: instant(validity.not_after) }
    }

    /// What the first of a chain says of itself; `None` where it can't be read.
    pub(super) fn of_first(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let first = Certificate::from_der(chain.first()?).ok()?;
        Some(Self::of(&first.tbs_certificate))
    }

    /// Whether clients refuse it because of its age.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    /// Whether the next one should have been there a while ago.
    pub(super) fn ends_soon(&self, now: Instant) -> bool {
        let lifetime = self.until.as_millis().saturating_sub(self.from.as_millis());
        let notice = (lifetime / LAST_PART).min(LONGEST_NOTICE.as_millis());
        now >= self.until.minus(Length::milliseconds(notice))
    }
}

fn instant(time: Time) -> Instant {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Instant::from_millis(seconds.saturating_mul(1000)).min(Instant::LATEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_spoken_of_in_the_last_sixth_and_two_weeks_before_it_at_most() {
        let day = |number: i64| Instant::from_millis(0).plus(Length::days(number));
        for (days, now, ends_soon, is_over) in [
            (6, 4, false, false),
            (6, 5, true, false),
            (6, 6, true, true),
            (84, 69, false, false),
            (84, 70, true, false),
            // Of a year, a sixth would be two months.
            (365, 350, false, false),
            (365, 351, true, false),
            (365, 400, true, true),
            // Over before it began.
            (-1, 0, true, true),
        ] {
            let validity = Validity { from: day(0), until: day(days) };
            let found = (validity.ends_soon(day(now)), validity.is_over(day(now)));
            assert_eq!(found, (ends_soon, is_over), "{days} {now}");
        }
    }
}
