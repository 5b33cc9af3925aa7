//! Query parameters.

use http::request::Parts;
use percent_encoding::percent_decode_str;

/// The longest `after`, in bytes: lists are ordered by names, and no name is longer.
pub(crate) const MAX_AFTER_BYTES: usize = oci::name::MAX_NAME_CHARACTERS;

/// The most parameters that are read: each takes memory beyond its bytes. The form of a token with 100 scopes has a thousand.
const MAX_PARAMETERS: usize = 4096;

/// Whether a text can be what a page of a list begins behind. NUL never passes the door (DESIGN §4).
pub(crate) fn is_after(text: &str) -> bool {
    text.len() <= MAX_AFTER_BYTES && !text.contains('\0')
}

/// The parameters of a query or a form, decoded once, in their order. A form may hold a password, so it can't be
/// printed.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query as `application/x-www-form-urlencoded` has it; the error says what is wrong.
    pub(crate) fn of(parts: &Parts) -> Result<Self, String> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }

    /// Reads the text of a query or of a form.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        if pairs.clone().nth(MAX_PARAMETERS).is_some() {
            return Err(format!("there are more than {MAX_PARAMETERS} parameters"));
        }
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// A form that is filled in here.
    pub(crate) fn of_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The first value of a parameter.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The first of `names` that is there more than once.
    pub(crate) fn repeated<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        names.iter().copied().find(|name| self.all(name).nth(1).is_some())
    }

    /// The names of the parameters, as often as they are there.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Every value of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> Result<String, String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| "a query parameter is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parameters_are_decoded_once_and_may_repeat() {
        let query = Query::parse("scope=a%3Ab+c&scope=%2525&n=&&last").unwrap();
        assert_eq!(query.all("scope").collect::<Vec<_>>(), ["a:b c", "%25"]);
        assert_eq!(query.one("n"), Some(""));
        assert_eq!(query.one("last"), Some(""));
        assert_eq!(query.one("other"), None);
        assert_eq!(query.repeated(&["n", "scope"]), Some("scope"));
        assert_eq!(query.repeated(&["n", "last", "other"]), None);
        assert!(Query::parse("a=%ff").is_err());
    }

    #[test]
    fn there_are_at_most_4096_parameters() {
        assert!(Query::parse(&"a&".repeat(4096)).is_ok());
        let error = Query::parse(&"a&".repeat(4097)).err();
        assert_eq!(error.as_deref(), Some("there are more than 4096 parameters"));
    }
}
