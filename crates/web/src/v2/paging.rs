//! `n` and `last` of lists (OCI distribution 1.1, "Listing Tags"; the catalog and our referrers do the same).

use oci::ErrorCode;

use super::errors::V2Error;
use crate::query::Query;

/// The longest page (DESIGN §6).
const MAX_PAGE: u32 = 1000;

/// Which page is asked for.
pub(crate) struct WantedPage {
    /// How many entries at most.
    pub(crate) limit: u32,
    /// Behind which entry; empty for the first page.
    pub(crate) last: String,
}

impl WantedPage {
    /// Reads `n` and `last`. `max_last_bytes` is the length of the longest entry, `what` says what an entry is.
    pub(crate) fn of(query: &Query, max_last_bytes: usize, what: &str) -> Result<Self, V2Error> {
        let limit = match query.one("n") {
            None => MAX_PAGE,
            Some(text) => text
                .parse::<u32>()
                .map_err(|_| malformed("n is a whole number from 0 to 4294967295"))?
                .min(MAX_PAGE),
        };
        let last = query.one("last").unwrap_or_default();
        if last.len() > max_last_bytes || last.contains('\0') {
            return Err(malformed(&format!("last is {what}, as a page before this one ended with")));
        }
        Ok(Self { limit, last: last.to_owned() })
    }
}

pub(crate) fn malformed(reason: &str) -> V2Error {
    V2Error::Malformed(ErrorCode::PaginationNumberInvalid, reason.to_owned())
}
