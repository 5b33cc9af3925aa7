//! Which tokens of a list are looked at: its address says it, and whatever is done to one of them leads back there.

use std::convert::Infallible;

use access::time::{Instant, Length};
use axum::extract::FromRequestParts;
use http::{Uri, header, request::Parts};
use maud::{Markup, html};
use registry::{TokenFilter, TokensAsked};

use super::wording::StatusWords;
use crate::{
    app::App,
    console::{address, error::ConsoleError},
    query::Query,
};

/// Tokens on one page, which keeps below 50 KB with them; an act on several takes all of them.
const PAGE: u32 = 20;
/// The longest text that is looked for, in characters: no description is longer.
const MAX_SEARCHED_CHARS: usize = 1_000;
/// What "expiring soon" and "unused" mean.
const SOON: Length = Length::days(7);
const UNUSED: Length = Length::days(30);
/// The parameters of a list's address, and the fields of the forms that lead back to it.
const CONTAINING: &str = "q";
const SHOW: &str = "show";
const AFTER: &str = "after";
/// The parameter of a page below a list that says which part of it leads back: the query of the list's address, whole,
/// for the page may have an `after` of its own.
const LIST: &str = "list";

/// Which tokens are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Show {
    #[default]
    All,
    Enabled,
    Disabled,
    Expiring,
    Unused,
}

impl Show {
    /// Each, and its word in an address.
    pub(super) const EACH: [(Self, &str); 5] = [
        (Self::All, ""),
        (Self::Enabled, "enabled"),
        (Self::Disabled, "disabled"),
        (Self::Expiring, "expiring"),
        (Self::Unused, "unused"),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|(_, known)| *known == word).map(|(show, _)| show)
    }

    fn word(self) -> &'static str {
        Self::EACH.into_iter().find(|(show, _)| *show == self).map_or("", |(_, word)| word)
    }

    /// What a person reads.
    pub(super) fn name(self, words: &StatusWords) -> &'static str {
        match self {
            Self::All => "All",
            Self::Enabled => words.enabled,
            Self::Disabled => words.disabled,
            Self::Expiring => "Expiring within 7 days",
            Self::Unused => "Unused for 30 days",
        }
    }
}

/// Which part of a list is looked at; all of it where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) show: Show,
    pub(super) containing: String,
    pub(super) after: String,
}

impl Asked {
    /// What an address asks for, or the form that leads back to it.
    pub(super) fn of(query: &Query) -> Result<Self, ConsoleError> {
        let text = |name: &str| query.one(name).unwrap_or_default().trim().to_owned();
        let (containing, after) = (text(CONTAINING), address::after(query)?);
        if containing.chars().count() > MAX_SEARCHED_CHARS {
            return Err(malformed("what is searched for is at most 1,000 characters"));
        }
        let show = Show::parse(&text(SHOW));
        let show = show.ok_or_else(|| malformed("there is no such filter; choose one of the list"))?;
        Ok(Self { show, containing, after })
    }

    /// The same of a query that some address holds; whatever it may say is read by the rules of any address, and leads
    /// nowhere but to a list. Nothing where no list has such a part.
    fn parse(query: &str) -> Option<Self> {
        let query = Some(query).filter(|text| !text.contains("%00")).and_then(|text| Query::parse(text).ok());
        query.and_then(|query| Self::of(&query).ok())
    }

    /// The same, of the list.
    pub(super) fn tokens(&self, now: Instant) -> TokensAsked {
        let mut filter = TokenFilter { containing: self.containing.clone(), ..TokenFilter::default() };
        match self.show {
            Show::All => {}
            Show::Enabled => filter.is_enabled = Some(true),
            Show::Disabled => filter.is_enabled = Some(false),
            Show::Expiring => filter.expires_by = Some(now.plus(SOON)),
            Show::Unused => filter.unused_since = Some(now.minus(UNUSED)),
        }
        TokensAsked { after: self.after.clone(), limit: PAGE, filter }
    }

    /// Whether nothing is left out: neither by a filter nor because it is on another page.
    pub(super) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// The same filter, from its first page on.
    pub(super) fn without_after(&self) -> Self {
        Self { after: String::new(), ..self.clone() }
    }

    /// What is said of it, parameter by parameter; empty where nothing is.
    fn said(&self) -> [(&'static str, &str); 3] {
        [(CONTAINING, &self.containing), (SHOW, self.show.word()), (AFTER, &self.after)]
    }

    /// The hidden fields of a form that lead back to it.
    pub(super) fn fields(&self) -> Markup {
        html! {
            @for (name, value) in self.said() {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
        }
    }

    /// The address of it, of the list at `path`.
    pub(super) fn address(&self, path: &str) -> String {
        address::with(path, &self.said())
    }

    /// The address of a page below the list, at `path`, which says what leads back.
    pub(super) fn kept_at(&self, path: &str) -> String {
        let address = self.address("");
        address::with(path, &[(LIST, address.strip_prefix('?').unwrap_or_default())])
    }
}

fn malformed(reason: &str) -> ConsoleError {
    ConsoleError::Malformed(reason.to_owned())
}

/// How a page below a list came to be opened: its own address says it, or else the browser names the page before
/// (`Referer`; the console's pages let it, among themselves). Twenty rows with six links each have no room for a filter
/// in every link.
pub(super) struct CameFrom {
    said: Option<Asked>,
    page: Option<Uri>,
}

impl FromRequestParts<App> for CameFrom {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let page = parts.headers.get(header::REFERER).and_then(|value| value.to_str().ok());
        Ok(Self { said: kept(&parts.uri), page: page.and_then(|address| address.parse().ok()) })
    }
}

/// What the address of a page below a list says of it.
fn kept(address: &Uri) -> Option<Asked> {
    let query = Query::parse(address.query()?).ok()?;
    Asked::parse(query.one(LIST)?)
}

impl CameFrom {
    /// What the page's own address says of the list.
    pub(super) fn said(&self) -> Option<Asked> {
        self.said.clone()
    }

    /// How the list at `path` was looked at; all of it, where one comes from elsewhere.
    pub(super) fn asked(&self, path: &str) -> Asked {
        let before = || match self.page.as_ref()? {
            list if list.path() == path => Asked::parse(list.query()?),
            below => kept(below),
        };
        self.said().or_else(before).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Instant = Instant::from_millis(1_800_000_000_000);

    fn asked(query: &str) -> Option<Asked> {
        Asked::of(&Query::parse(query).unwrap()).ok()
    }

    #[test]
    fn each_filter_asks_for_what_it_says() {
        let filter = |query| asked(query).unwrap().tokens(NOW).filter;
        assert!(asked("").unwrap().is_everything());
        assert_eq!(filter("show=enabled").is_enabled, Some(true));
        assert_eq!(filter("show=disabled").is_enabled, Some(false));
        assert_eq!(filter("show=expiring").expires_by, Some(NOW.plus(SOON)));
        assert_eq!(filter("show=unused").unused_since, Some(NOW.minus(UNUSED)));
        assert_eq!(filter("show=&q=+CI+").containing, "CI");
    }

    #[test]
    fn what_can_t_be_meant_is_refused() {
        let long = format!("q={}", "x".repeat(1001));
        for query in ["show=broken", "after=%00", &long] {
            assert!(asked(query).is_none(), "{query}");
        }
    }

    #[test]
    fn what_was_asked_for_is_found_again_at_its_address_and_by_its_fields() {
        for (query, address) in [
            ("", "/tokens"),
            ("q=&show=&after=", "/tokens"),
            ("q=a%26b+%22c", "/tokens?q=a%26b%20%22c"),
            ("after=ci-bot&show=unused&q=x", "/tokens?q=x&show=unused&after=ci-bot"),
        ] {
            let once = asked(query).unwrap();
            assert_eq!(once.address("/tokens"), address);
            let again = address.split_once('?').map_or("", |(_, query)| query);
            assert_eq!(asked(again).as_ref(), Some(&once), "{query}");
        }
        let fields = asked("q=%22%3Cb%3E&after=x").unwrap().fields().into_string();
        let expect = "<input type=\"hidden\" name=\"q\" value=\"&quot;&lt;b&gt;\"><input type=\"hidden\" name=\"after\" value=\"x\">";
        assert_eq!(fields, expect);
    }

    #[test]
    fn only_the_list_itself_says_how_it_was_looked_at() {
        let of = |from: &str| CameFrom { said: None, page: from.parse().ok() }.asked("/tokens").address("");
        assert_eq!(of("http://localhost:5000/tokens?q=ci&show=disabled&done=deleted"), "?q=ci&show=disabled");
        for elsewhere in [
            "",
            "http://localhost:5000/tokens",
            "http://localhost:5000/profile/tokens?q=ci",
            "http://localhost:5000/tokens?show=broken&q=ci",
            "http://localhost:5000/tokens?q=%00",
            "http://localhost:5000/tokens?q=%ff",
            "/tokens/",
        ] {
            assert_eq!(of(elsewhere), "", "{elsewhere}");
        }
    }

    #[test]
    fn a_page_below_the_list_says_which_part_of_it_leads_back_and_so_does_the_page_behind_it() {
        for query in ["", "q=a%26b+%22c", "after=30&show=unused&q=%25+%C3%A9"] {
            let list = asked(query).unwrap();
            let address = list.kept_at("/tokens/1/scopes?after=60");
            let page: Uri = address.parse().unwrap();
            let own = CameFrom { said: kept(&page), page: None };
            assert_eq!(own.asked("/tokens"), list, "{address}");
            assert_eq!(CameFrom { said: None, page: Some(page) }.asked("/tokens"), list, "{address}");
        }
        assert_eq!(Asked::default().kept_at("/tokens/1/scopes"), "/tokens/1/scopes");
        for forged in ["list", "list=show=broken", "list=q%3D%2500", "list=q%3D%25ff", "list=%ff"] {
            let page: Uri = format!("/tokens/1/scopes?{forged}").parse().unwrap();
            assert_eq!(kept(&page).unwrap_or_default(), Asked::default(), "{forged}");
        }
    }
}
