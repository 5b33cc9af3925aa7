//! The path of a scope: a repository's name with `*` in it (DESIGN §2 rule 4).

use oci::{NamespaceName, RepositoryName};

/// The longest path, in characters: no repository's name is longer (DESIGN §3.1, "names ≤ 255").
pub const MAX_PATH_CHARS: usize = 255;

/// Up to this length a piece is looked for byte by byte. All of it takes time linear in the text, for the length is bounded.
const SHORT_PIECE_BYTES: usize = 8;

/// A path that some repository's name can match. `*` stands for any run of characters, `/` and the empty run included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct PathPattern(String);

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// It is empty.
    #[error(
        "a path names a repository such as acme/api, or several such as acme/*; * alone is every repository that the token may reach"
    )]
    Empty,
    /// It is longer than any repository's name.
    #[error("a path has at most 255 characters, as the names of repositories do")]
    TooLong,
    /// It holds `**`.
    #[error("** is not allowed: * alone already stands for any run of characters, / included")]
    DoubleStar,
    /// It holds a character that no repository's name has.
    #[error(
        "{0:?} is in no repository's name; a path is made of lower-case letters, digits, '.', '_', '-', '/' and '*'"
    )]
    Character(char),
    /// Its characters never stand like this in a repository's name.
    #[error(
        "no repository can have such a name: components are parted by one '/', begin and end with a letter or a digit, \
         and have one '.', one or two '_' or any number of '-' between those"
    )]
    NeverAName,
}

/// The path matches no repository of the namespace, now or ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} can never match a repository of {namespace}; did you mean {hint}?")]
pub struct CannotMatch {
    path: String,
    namespace: String,
    /// A path that would do.
    pub hint: PathPattern,
}

impl PathPattern {
    /// Reads a path. What it promises: at least one legal repository name matches.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let is_known =
            |character: char| matches!(character, 'a'..='z' | '0'..='9' | '.' | '_' | '-' | '/' | '*');
        if text.is_empty() {
            return Err(InvalidPath::Empty);
        }
        if text.len() > MAX_PATH_CHARS {
            return Err(InvalidPath::TooLong);
        }
        if let Some(stranger) = text.chars().find(|character| !is_known(*character)) {
            return Err(InvalidPath::Character(stranger));
        }
        if text.contains("**") {
            return Err(InvalidPath::DoubleStar);
        }
        if !Places::START.after(text).include_an_end() {
            return Err(InvalidPath::NeverAName);
        }
        Ok(Self(text.to_owned()))
    }

    /// `*`: every repository that the token may reach.
    pub fn every() -> Self {
        Self("*".to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `*` alone.
    pub fn is_every(&self) -> bool {
        self.0 == "*"
    }

    /// Whether the full name of `repository` matches. Takes time linear in both lengths, whatever the path: each
    /// piece between two stars is looked for once, to the right of the piece before it.
    pub fn matches(&self, repository: &RepositoryName) -> bool {
        self.matches_text(repository.as_str())
    }

    fn matches_text(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            // The leftmost place leaves the most for the pieces to come, so no other place need ever be tried.
            let Some(at) = find(rest, piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last)
    }

    /// Whether the path can match a repository of `namespace`, which are `NAMESPACE` itself and `NAMESPACE/…`.
    ///
    /// Exact, but for the limit of 255 characters on a whole name: the literal beginning has to agree with
    /// `NAMESPACE/`. A first `*` can then stand for what is missing of that, and the rest is part of some legal name
    /// already, because `parse` says so.
    pub fn can_match_in(&self, namespace: &NamespaceName) -> Result<(), CannotMatch> {
        let home = format!("{namespace}/");
        let can = match self.0.split_once('*') {
            Some((literal, _)) => home.starts_with(literal) || literal.starts_with(&home),
            None => self.0 == namespace.as_str() || self.0.starts_with(&home),
        };
        if can { Ok(()) } else { Err(self.cannot_match(namespace)) }
    }

    fn cannot_match(&self, namespace: &NamespaceName) -> CannotMatch {
        // Most often the namespace was left out (IONOS's paths begin inside the registry).
        let inside = Self::parse(&format!("{namespace}/{}", self.0));
        let all = || Self::parse(&format!("{namespace}/*"));
        // A namespace of 254 characters or more has room for the repository of its own name alone.
        let hint = inside.or_else(|_| all()).unwrap_or_else(|_| Self(namespace.to_string()));
        CannotMatch { path: self.0.clone(), namespace: namespace.to_string(), hint }
    }
}

/// Where `piece` first stands in `text`.
///
/// `str::find` prepares each search, which costs more than the search for a short piece. A path of 255 characters can
/// have 127 pieces, a token 100 such paths, and a request 64 repositories.
fn find(text: &str, piece: &str) -> Option<usize> {
    if piece.len() > SHORT_PIECE_BYTES {
        return text.find(piece);
    }
    let Some((first, others)) = piece.as_bytes().split_first() else { return Some(0) };
    let text = text.as_bytes();
    (0..text.len()).find(|at| text[*at] == *first && text[*at + 1..].starts_with(others))
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of places in the grammar of repository names (OCI distribution 1.1, "Pulling manifests"):
/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`, one bit each.
///
/// It follows every way in which a path could still become a name, all at once, hence in linear time.
#[derive(Clone, Copy)]
struct Places(u8);

impl Places {
    /// Where a component begins: only a letter or a digit may come.
    const START: Places = Places(1);
    /// Behind a letter or a digit: anything may come, and a name may end here.
    const WORD: Places = Places(2);
    const DOT: Places = Places(4);
    const UNDERSCORE: Places = Places(8);
    const TWO_UNDERSCORES: Places = Places(16);
    const HYPHENS: Places = Places(32);
    const NOWHERE: Places = Places(0);
    const ANYWHERE: Places = Places(63);

    fn after(self, path: &str) -> Places {
        path.bytes().fold(self, Self::step)
    }

    fn step(self, byte: u8) -> Places {
        let from = |place: Places, to: Places| if self.0 & place.0 == 0 { Self::NOWHERE.0 } else { to.0 };
        let next = match byte {
            // From each place, letters lead to WORD, and from there some run of characters leads to each place.
            b'*' => from(Self::ANYWHERE, Self::ANYWHERE),
            b'/' => from(Self::WORD, Self::START),
            b'.' => from(Self::WORD, Self::DOT),
            b'_' => from(Self::WORD, Self::UNDERSCORE) | from(Self::UNDERSCORE, Self::TWO_UNDERSCORES),
            b'-' => from(Self::WORD, Self::HYPHENS) | from(Self::HYPHENS, Self::HYPHENS),
            _ => from(Self::ANYWHERE, Self::WORD),
        };
        Places(next)
    }

    const fn include_an_end(self) -> bool {
        self.0 & Self::WORD.0 != 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> PathPattern {
        PathPattern::parse(text).unwrap()
    }

    fn namespace(text: &str) -> NamespaceName {
        NamespaceName::parse(text).unwrap()
    }

    fn matches(pattern: &str, name: &str) -> bool {
        path(pattern).matches(&RepositoryName::parse(name).unwrap())
    }

    #[test]
    fn a_star_is_any_run_of_characters_anywhere() {
        for (pattern, name) in [
            ("acme/api", "acme/api"),
            ("*", "acme"),
            ("*", "acme/api/web"),
            ("acme/*", "acme/api/web"),
            ("acme*", "acme"),
            ("acme*", "acme-too/api"),
            ("*/api", "acme/api"),
            ("*api*", "api"),
            ("acme/*-prod", "acme/a/b-prod"),
            ("a*a", "aa"),
            ("a*b*c", "abbcbc"),
            ("acme/*/*-ci", "acme/x/y-ci"),
            ("*ab*", "aab"),
            ("*a-long-piece*b*", "x-a-long-piece/b"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_not_a_star_stands_for_itself() {
        for (pattern, name) in [
            ("acme/api", "acme/api2"),
            ("acme/api", "acme"),
            ("acme/*", "acme"),
            ("acme/*", "acme2/api"),
            ("*/api", "api"),
            ("a*a", "a"),
            ("ab*ba", "aba"),
            ("a*b*c", "acb"),
            ("a.c", "abc"),
            ("acme/*-prod", "acme/prod"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_path_that_no_repository_can_have_is_refused() {
        let too_long = "a".repeat(256);
        for (text, error) in [
            ("", InvalidPath::Empty),
            (too_long.as_str(), InvalidPath::TooLong),
            ("**", InvalidPath::DoubleStar),
            ("acme/**/api", InvalidPath::DoubleStar),
            ("Acme/*", InvalidPath::Character('A')),
            ("acme/ä", InvalidPath::Character('ä')),
            ("acme/*\0", InvalidPath::Character('\0')),
            ("acme/[ab]", InvalidPath::Character('[')),
            ("acme/?", InvalidPath::Character('?')),
            ("acme:1.0", InvalidPath::Character(':')),
            ("acme %", InvalidPath::Character(' ')),
            ("a/../*", InvalidPath::NeverAName),
            ("../*", InvalidPath::NeverAName),
            ("/acme", InvalidPath::NeverAName),
            ("acme/", InvalidPath::NeverAName),
            ("acme//*", InvalidPath::NeverAName),
            ("*//*", InvalidPath::NeverAName),
            ("*___*", InvalidPath::NeverAName),
            ("*-", InvalidPath::NeverAName),
            ("*.-*", InvalidPath::NeverAName),
        ] {
            assert_eq!(PathPattern::parse(text), Err(error), "{text:?}");
        }
        for text in ["*/", "*_", "/*"] {
            assert_eq!(PathPattern::parse(text), Err(InvalidPath::NeverAName), "{text:?}");
        }
        for text in ["*", "*-*", "*/*", "*.*", "a__*__b", "a*--*", &too_long[..255]] {
            assert!(PathPattern::parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_path_outside_the_namespace_is_refused_with_a_hint() {
        let acme = namespace("acme");
        for text in ["*", "acme", "acme/api", "acme/*", "acme*", "ac*", "*/api", "*-prod", "a*/b", "*acme"] {
            assert_eq!(path(text).can_match_in(&acme), Ok(()), "{text}");
        }
        for (text, hint) in [
            ("app", "acme/app"),
            ("app/*", "acme/app/*"),
            ("acme2/api", "acme/acme2/api"),
            ("acme-*", "acme/acme-*"),
            ("acmes", "acme/acmes"),
            ("b*", "acme/b*"),
        ] {
            assert_eq!(path(text).can_match_in(&acme).unwrap_err().hint, path(hint), "{text}");
        }
        let refusal = path("app").can_match_in(&acme).unwrap_err().to_string();
        assert_eq!(refusal, "app can never match a repository of acme; did you mean acme/app?");
    }

    #[test]
    fn a_hint_that_would_be_too_long_is_the_whole_namespace() {
        let long = path(&"b".repeat(255));
        assert_eq!(long.can_match_in(&namespace("acme")).unwrap_err().hint, path("acme/*"));
        let longest = "a".repeat(255);
        assert_eq!(path("app").can_match_in(&namespace(&longest)).unwrap_err().hint, path(&longest));
    }

    #[test]
    fn no_path_makes_the_matcher_slow() {
        // 127 stars against a name that fits until its last character: with backtracking this would outlast the sun.
        let pattern = path(&format!("{}b", "a*".repeat(127)));
        assert!(!pattern.matches(&RepositoryName::parse(&"a".repeat(255)).unwrap()));
    }

    /// What rule 4 says, word for word, without a thought for speed.
    fn by_the_rule(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, _) => name.is_empty(),
            (Some((b'*', rest)), _) => (0..=name.len()).any(|run| by_the_rule(rest, &name[run..])),
            (Some((character, rest)), Some((first, others))) => {
                character == first && by_the_rule(rest, others)
            }
            (Some(_), None) => false,
        }
    }

    /// Every legal repository name over a small alphabet, of at most 7 characters.
    fn every_short_name() -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut names = Vec::new();
        for _ in 0..7 {
            texts = texts
                .iter()
                .flat_map(|text| "ab/_-".chars().map(move |next| format!("{text}{next}")))
                .collect();
            names.extend(texts.iter().filter(|text| RepositoryName::parse(text).is_ok()).cloned());
        }
        names
    }

    #[test]
    fn whether_a_path_can_match_is_exact() {
        // Paths of up to 4 characters need at most one more for each of their stars and 2 for the namespace.
        let names = every_short_name();
        let acme = namespace("a");
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            texts = texts
                .iter()
                .flat_map(|text| "ab/_-*".chars().map(move |next| format!("{text}{next}")))
                .collect();
            for text in texts.iter().filter(|text| !text.contains("**")) {
                let mut matching =
                    names.iter().filter(|name| by_the_rule(text.as_bytes(), name.as_bytes())).peekable();
                let parsed = PathPattern::parse(text);
                assert_eq!(parsed.is_ok(), matching.peek().is_some(), "{text}");
                let is_inside = matching.any(|name| name == "a" || name.starts_with("a/"));
                assert_eq!(parsed.is_ok_and(|path| path.can_match_in(&acme).is_ok()), is_inside, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_matcher_does_what_the_rule_says(pattern in "[ab*/]{1,8}", name in "[ab/]{1,12}") {
            // Past the parser on purpose: the matcher is right for any text.
            let pattern = PathPattern(pattern);
            prop_assert_eq!(pattern.matches_text(&name), by_the_rule(pattern.0.as_bytes(), name.as_bytes()));
        }

        #[test]
        fn without_a_star_a_path_is_a_repositorys_name(text in "[ab0._/-]{1,10}") {
            prop_assert_eq!(PathPattern::parse(&text).is_ok(), RepositoryName::parse(&text).is_ok(), "{}", text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,300}") {
            let _ = PathPattern::parse(&text);
        }
    }
}
