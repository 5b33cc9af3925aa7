//! Which tokens are listed: the parameters that the three lists of tokens share.

use access::{
    id::TokenId,
    time::{Instant, Length},
};
use axum::extract::FromRequestParts;
use http::request::Parts;
use registry::{TokenFilter, TokensAsked};
use serde::{Deserialize, de::IntoDeserializer};
use utoipa::IntoParams;

use super::{
    fields::FieldErrors,
    page::{PageQuery, check_names, read},
    problem::Problem,
    stands_for::StandsForBody,
    words::TokenStatus,
};
use crate::app::App;

/// The longest text that is looked for, in characters: no description is longer.
const MAX_SEARCHED_CHARS: usize = 1_000;
const PARAMETERS: [&str; 8] =
    ["limit", "after", "status", "unused", "expiring", "stands_for", "created_with", "q"];

/// Which tokens are asked for.
pub(super) struct TokenList(pub(super) TokensAsked);

/// For the document only: what the query of such a list may hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "utoipa reads the fields' names and docs, nobody reads the fields")]
pub(super) struct TokenListParameters {
    /// The most items to answer with.
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// The `next` of the page before; left out for the first page.
    #[param(required = false, max_length = 255)]
    after: String,
    /// Enabled ones, or disabled ones.
    #[param(required = false, inline)]
    status: TokenStatus,
    /// Those that nobody used for so long, such as `30d`; one never used counts from when it was made.
    #[param(required = false, example = "30d")]
    unused: String,
    /// Those that expire within this time, such as `7d`.
    #[param(required = false, example = "7d")]
    expiring: String,
    /// Those that are for somebody: `user:NAME` or `service:NAME`.
    #[param(required = false, example = "user:anna")]
    stands_for: String,
    /// Those that were created with the token of this id, also after that token ended.
    #[param(required = false, format = "uuid")]
    created_with: String,
    /// Those whose name or description has this in it; ASCII letters count the same in either case.
    #[param(required = false, max_length = 1000)]
    q: String,
}

impl FromRequestParts<App> for TokenList {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(parts, app.now())
    }
}

impl TokenList {
    fn of(parts: &Parts, now: Instant) -> Result<Self, Problem> {
        let query = read(parts)?;
        let mut errors = FieldErrors::default();
        check_names(&query, &PARAMETERS, &mut errors);
        let page = PageQuery::of(&query, &mut errors);
        let mut length =
            |name: &str| query.one(name).and_then(|text| errors.check(name, Length::parse(text)));
        let (unused, expiring) = (length("unused"), length("expiring"));
        let status = query.one("status").and_then(|word| errors.check("status", status(word)));
        let is_enabled = status.map(TokenStatus::is_enabled);
        let stands_for = query
            .one("stands_for")
            .and_then(|text| errors.check("stands_for", StandsForBody::parse_parameter(text)));
        let created_with =
            query.one("created_with").and_then(|text| errors.check("created_with", TokenId::parse(text)));
        let containing = query.one("q").and_then(|text| errors.check("q", searched(text)));
        errors.refuse_any()?;
        let filter = TokenFilter {
            is_enabled,
            unused_since: unused.map(|length| now.minus(length)),
            expires_by: expiring.map(|length| now.plus(length)),
            stands_for,
            created_with,
            containing: containing.unwrap_or_default(),
        };
        Ok(Self(TokensAsked { after: page.after, limit: page.limit, filter }))
    }
}

fn status(word: &str) -> Result<TokenStatus, serde::de::value::Error> {
    TokenStatus::deserialize(word.into_deserializer())
}

fn searched(text: &str) -> Result<String, &'static str> {
    // NUL never passes the door (DESIGN §4).
    let fits = text.chars().count() <= MAX_SEARCHED_CHARS && !text.contains('\0');
    fits.then(|| text.to_owned()).ok_or("q is at most 1,000 characters of text")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use registry::StandsFor;

    use super::*;

    const NOW: Instant = Instant::from_millis(1_800_000_000_000);

    fn list(query: &str) -> Result<TokensAsked, Vec<String>> {
        let (parts, ()) = http::Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        TokenList::of(&parts, NOW).map(|TokenList(asked)| asked).map_err(Problem::fields)
    }

    #[test]
    fn nothing_said_asks_for_every_token() {
        let asked = list("").unwrap();
        let TokenFilter { is_enabled, unused_since, expires_by, stands_for, created_with, containing } =
            asked.filter;
        assert_eq!((asked.limit, asked.after.as_str(), containing.as_str()), (100, "", ""));
        assert!(
            is_enabled.is_none() && unused_since.is_none() && expires_by.is_none() && stands_for.is_none()
        );
        assert_eq!(created_with, None);
    }

    #[test]
    fn everything_may_be_asked_for_at_once() {
        let said =
            "status=disabled&unused=30d&expiring=12h&stands_for=service%3Anightly&q=CI&limit=5&after=a";
        let asked = list(said).unwrap();
        assert_eq!((asked.limit, asked.after.as_str()), (5, "a"));
        assert_eq!((asked.filter.is_enabled, asked.filter.containing.as_str()), (Some(false), "CI"));
        assert_eq!(asked.filter.unused_since, Some(NOW.minus(Length::days(30))));
        assert_eq!(asked.filter.expires_by, Some(NOW.plus(Length::hours(12))));
        assert_eq!(asked.filter.stands_for, Some(StandsFor::Service("nightly".into())));
    }

    #[test]
    fn what_can_t_be_meant_is_refused_by_name() {
        for (query, field) in [
            ("status=off", "status"),
            ("status=", "status"),
            ("unused=30", "unused"),
            ("unused=-1d", "unused"),
            ("expiring=soon", "expiring"),
            ("stands_for=anna", "stands_for"),
            ("created_with=anna", "created_with"),
            ("created_with=", "created_with"),
            ("q=a%00", "q"),
            ("limit=0", "limit"),
            ("unused=1d&unused=2d", "unused"),
            ("owner=x", "owner"),
        ] {
            assert_eq!(list(query).unwrap_err(), [field], "{query}");
        }
    }
}
