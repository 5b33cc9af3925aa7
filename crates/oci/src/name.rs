//! Names of repositories and namespaces: OCI distribution 1.1, "Pulling manifests", `<name>`.

/// Longest name in characters: OCI distribution 1.1, "Pulling manifests" (many clients can't hold more than 255).
pub const MAX_NAME_CHARACTERS: usize = 255;

/// Which rule a name breaks, and where; positions count characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is no character at all.
    #[error("it is empty; a name has at least one lower-case letter or digit")]
    Empty,
    /// More than [`MAX_NAME_CHARACTERS`].
    #[error("it has {0} characters; a name has at most {MAX_NAME_CHARACTERS}")]
    TooLong(usize),
    /// Two slashes in a row, or one at either end.
    #[error(
        "there is nothing between slashes at position {0}; each part of a name has at least one letter or digit"
    )]
    EmptyComponent(usize),
    /// A character that no name may hold.
    #[error(
        "{character:?} at position {position} is not allowed; use a-z and 0-9, with . _ __ or - between them"
    )]
    Character {
        /// The character.
        character: char,
        /// Where it stands.
        position: usize,
    },
    /// A separator at either end of a component, or one that is not `.`, `_`, `__` or a run of `-`.
    #[error(
        "the separator at position {0} is not allowed; one of . _ __ or a run of - stands between letters or digits"
    )]
    Separator(usize),
}

/// The full name of a repository, such as `acme/api/web`: at most 255 characters of
/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, components parted by `/` (OCI distribution 1.1, "Pulling manifests").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// Reads a name; linear in the length of the text.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let mut position = 1;
        for component in text.split('/') {
            check_component(component, position)?;
            position += component.len() + 1; // only ASCII passed, so bytes are characters
        }
        check_length(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first component, as text: the unit of tenancy (DESIGN §1).
    pub fn namespace(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(namespace, _)| namespace)
    }

    /// The first component.
    pub fn namespace_name(&self) -> NamespaceName {
        NamespaceName(self.namespace().to_owned())
    }
}

impl std::fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a namespace: any legal first component of a repository's name (DESIGN §1), at most 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceName(String);

impl NamespaceName {
    /// Reads a name; linear in the length of the text. A slash is refused like any other foreign character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        check_component(text, 1)?;
        check_length(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_length(text: &str) -> Result<(), NameError> {
    if text.len() > MAX_NAME_CHARACTERS { Err(NameError::TooLong(text.len())) } else { Ok(()) }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, by one walk; `first` is the position of its first character in the whole name.
fn check_component(component: &str, first: usize) -> Result<(), NameError> {
    if component.is_empty() {
        return Err(NameError::EmptyComponent(first));
    }
    let mut separator: Option<(usize, usize)> = None; // its first and last byte
    for (at, character) in component.char_indices() {
        match character {
            'a'..='z' | '0'..='9' => {
                if let Some((from, to)) = separator.take() {
                    check_separator(&component[from..=to], first + from)?;
                }
                continue;
            }
            '.' | '_' | '-' if at == 0 => return Err(NameError::Separator(first)),
            '.' | '_' | '-' => separator = Some((separator.map_or(at, |(from, _)| from), at)),
            _ => return Err(NameError::Character { character, position: first + at }),
        }
    }
    match separator {
        Some((from, _)) => Err(NameError::Separator(first + from)),
        None => Ok(()),
    }
}

fn check_separator(separator: &str, position: usize) -> Result<(), NameError> {
    let legal = matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-');
    if legal { Ok(()) } else { Err(NameError::Separator(position)) }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    /// Any legal name of up to four components.
    pub(crate) fn any_name() -> impl Strategy<Value = String> {
        "[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}){0,3}"
    }

    #[test]
    fn legal_names_are_taken_as_they_are() {
        let longest = "a".repeat(255);
        for text in
            ["a", "0", "acme/api/web", "a.b_c__d---e/f", "a/manifests/b", "a/blobs/uploads", "v2", &longest]
        {
            assert_eq!(RepositoryName::parse(text).map(|name| name.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn each_broken_rule_is_named_with_its_place() {
        let character = |character, position| NameError::Character { character, position };
        let check = |text: &str, expect| assert_eq!(RepositoryName::parse(text), Err(expect), "{text:?}");
        check("", NameError::Empty);
        check(&"a".repeat(256), NameError::TooLong(256));
        check(&"a/".repeat(10_000), NameError::EmptyComponent(20_001));
        check("/", NameError::EmptyComponent(1));
        check("/a", NameError::EmptyComponent(1));
        check("a/", NameError::EmptyComponent(3));
        check("a//b", NameError::EmptyComponent(3));
        check("Acme/api", character('A', 1));
        check("acme/Api", character('A', 6));
        check("acme/é", character('é', 6));
        check("acme/a\0", character('\0', 7));
        check("a b", character(' ', 2));
        check("a%2fb", character('%', 2));
        check("..", NameError::Separator(1));
        check("a/../b", NameError::Separator(3));
        check("a/.", NameError::Separator(3));
        check("a..b", NameError::Separator(2));
        check("a___b", NameError::Separator(2));
        check("a._b", NameError::Separator(2));
        check("a-.b", NameError::Separator(2));
        check("-a", NameError::Separator(1));
        check("acme/a-", NameError::Separator(7));
    }

    #[test]
    fn the_namespace_is_the_first_component() {
        for (text, namespace) in [("acme/api/web", "acme"), ("hello", "hello")] {
            let name = RepositoryName::parse(text).unwrap();
            assert_eq!(name.namespace(), namespace);
            assert_eq!(NamespaceName::parse(namespace), Ok(name.namespace_name()));
        }
    }

    #[test]
    fn a_namespace_has_one_component() {
        assert_eq!(NamespaceName::parse("a/b"), Err(NameError::Character { character: '/', position: 2 }));
        assert_eq!(NamespaceName::parse(""), Err(NameError::Empty));
        assert_eq!(NamespaceName::parse("a-"), Err(NameError::Separator(2)));
        assert_eq!(NamespaceName::parse(&"a".repeat(256)), Err(NameError::TooLong(256)));
    }

    #[test]
    fn a_message_says_what_is_allowed() {
        let message = RepositoryName::parse("Acme").unwrap_err().to_string();
        assert_eq!(
            message,
            "'A' at position 1 is not allowed; use a-z and 0-9, with . _ __ or - between them"
        );
    }

    proptest! {
        #[test]
        fn a_legal_name_reads_back(text in any_name()) {
            let name = RepositoryName::parse(&text).unwrap();
            prop_assert_eq!(RepositoryName::parse(&name.to_string()), Ok(name));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,40}") {
            if let Ok(name) = RepositoryName::parse(&text) {
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
