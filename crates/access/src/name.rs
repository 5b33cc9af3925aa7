//! The names and texts that people give to users, teams and tokens (DESIGN §1, §2 rule 1).
//! Each type is proof that its text fits its grammar. Names of repositories and namespaces live in `oci`.

use serde::Serialize;

use crate::visible;

/// The longest username, team name or service token's name, in characters (DESIGN §1, §2 rule 1).
pub const MAX_NAME_CHARS: usize = 63;
/// The shortest service token's name, in characters (DESIGN §2 rule 1).
pub const MIN_SERVICE_TOKEN_NAME_CHARS: usize = 3;
/// The longest label of a personal token, in characters (DESIGN §2 rule 1).
pub const MAX_LABEL_CHARS: usize = 100;
/// The longest description, in characters (DESIGN §2 rule 1).
pub const MAX_DESCRIPTION_CHARS: usize = 1_000;
/// The longest name of a service that a token stands for, in characters (DESIGN §3.3 `stands_for`).
pub const MAX_SERVICE_NAME_CHARS: usize = 100;

/// The text does not fit the grammar. The message is the rule, and names the character that a reader does not see, if there is
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct InvalidText {
    rule: &'static str,
    hidden: Option<char>,
}

impl InvalidText {
    /// The same with the rule in other words.
    #[must_use]
    pub const fn with_rule(self, rule: &'static str) -> Self {
        Self { rule, ..self }
    }
}

impl std::fmt::Display for InvalidText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rule)?;
        match self.hidden {
            Some(hidden) => {
                write!(
                    f,
                    "; this has U+{:04X}, which readers do not see: type the text anew",
                    u32::from(hidden)
                )
            }
            None => Ok(()),
        }
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $read:expr, $rule:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads `text`; the error tells the rule.
            pub fn parse(text: &str) -> Result<Self, InvalidText> {
                $read(text).map(Self).ok_or_else(|| InvalidText { rule: $rule, hidden: visible::hidden(text.trim()) })
            }

            /// The text as it is kept.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

texts! {
    /// A user's login name: `^[a-z0-9][a-z0-9._-]{0,62}$` (DESIGN §1).
    Username: account_name, "a username is 1 to 63 lower-case letters, digits, dots, underscores and hyphens; it starts with a letter or a digit";

    /// A team's name: the same grammar as a username (DESIGN §1).
    TeamName: account_name, "a team's name is 1 to 63 lower-case letters, digits, dots, underscores and hyphens; it starts with a letter or a digit";

    /// A service token's name, which is its login name: `^[a-z][a-z0-9-]{1,61}[a-z0-9]$` (DESIGN §2 rule 1).
    ServiceTokenName: service_token_name, "a token's name is 3 to 63 lower-case letters, digits and hyphens; it starts with a letter and doesn't end with a hyphen";

    /// A personal token's label: 1 to 100 characters on one line (DESIGN §2 rule 1). White space around it is cut off.
    TokenLabel: |text| line(text, MAX_LABEL_CHARS), "a personal token's name is 1 to 100 characters on one line, without control characters or invisible ones";

    /// The service that a token stands for, in the words of whoever made it: 1 to 100 characters on one line
    /// (DESIGN §3.3 `stands_for`). White space around it is cut off.
    ServiceName: |text| line(text, MAX_SERVICE_NAME_CHARS), "a service's name is 1 to 100 characters on one line, without control characters or invisible ones";
}

/// What a token is for, in free words: 1 to 1,000 characters, several lines allowed (DESIGN §2 rule 1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Description(String);

impl Description {
    /// Reads `text`. White space around it is cut off; what is then empty is no description.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidText> {
        // HTML forms send CRLF (WHATWG HTML §4.10.22), and would let the same text count differently from the API's.
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        let hidden = visible::hidden_in_lines(text);
        if hidden.is_some() || text.chars().count() > MAX_DESCRIPTION_CHARS {
            let rule = "a description is at most 1,000 characters, without control characters other than line breaks and \
                        tabs, and without invisible ones";
            return Err(InvalidText { rule, hidden });
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// The text as it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn account_name(text: &str) -> Option<String> {
    let starts_well = text.bytes().next().is_some_and(is_lower_alphanumeric);
    let fits = text.len() <= MAX_NAME_CHARS
        && text.bytes().all(|byte| is_lower_alphanumeric(byte) || b"._-".contains(&byte));
    (starts_well && fits).then(|| text.to_owned())
}

fn service_token_name(text: &str) -> Option<String> {
    let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let ends_well = text.bytes().next_back().is_some_and(is_lower_alphanumeric);
    let fits = (MIN_SERVICE_TOKEN_NAME_CHARS..=MAX_NAME_CHARS).contains(&text.len())
        && text.bytes().all(|byte| is_lower_alphanumeric(byte) || byte == b'-');
    (starts_well && ends_well && fits).then(|| text.to_owned())
}

fn line(text: &str, max_chars: usize) -> Option<String> {
    let text = text.trim();
    let fits = (1..=max_chars).contains(&text.chars().count()) && visible::hidden(text).is_none();
    fits.then(|| text.to_owned())
}

const fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn usernames_and_team_names_share_their_grammar() {
        let longest = "a".repeat(63);
        for text in ["a", "0", "ann", "ann.lee", "a-", "a_b-c.d", "9..", &longest] {
            assert_eq!(Username::parse(text).unwrap().as_str(), text);
            assert_eq!(TeamName::parse(text).unwrap().to_string(), text);
        }
        let too_long = "a".repeat(64);
        for text in [
            "", "Ann", ".ann", "-ann", "_ann", "ann lee", "ann/lee", "änn", "ann\0", "ann\n", " ann",
            &too_long,
        ] {
            assert!(Username::parse(text).is_err(), "{text:?}");
            assert!(TeamName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_service_tokens_name_is_3_to_63_characters_between_a_letter_and_no_hyphen() {
        let longest = "a".repeat(63);
        for text in ["ci1", "a-b", "a--b", "deploy-prod", &longest] {
            assert_eq!(ServiceTokenName::parse(text).unwrap().as_str(), text);
        }
        let too_long = "a".repeat(64);
        for text in ["", "a", "ci", "1ci", "-ci", "ci-", "c.i", "c_i", "Ci1", "cï1", "ci1\n", &too_long] {
            let refused = ServiceTokenName::parse(text).unwrap_err().to_string();
            assert!(refused.starts_with("a token's name is 3 to 63 lower-case letters"), "{text:?}");
        }
    }

    #[test]
    fn a_label_is_one_line_of_1_to_100_characters_without_the_space_around_it() {
        assert_eq!(TokenLabel::parse("  Ann's läptop 💻 ").unwrap().as_str(), "Ann's läptop 💻");
        assert!(TokenLabel::parse(&"ä".repeat(100)).is_ok());
        for text in [
            "",
            "   ",
            "a\nb",
            "a\tb",
            "a\0b",
            "a\u{1b}[31mb",
            "a\u{202E}b",
            "a\u{200B}b",
            "\u{3164}",
            &"ä".repeat(101),
        ] {
            assert!(TokenLabel::parse(text).is_err(), "{text:?}");
            assert!(ServiceName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_character_that_nobody_sees_is_named() {
        let refused = TokenLabel::parse(" lap\u{200B}top ").unwrap_err().to_string();
        assert!(
            refused.ends_with("; this has U+200B, which readers do not see: type the text anew"),
            "{refused}"
        );
        let refused = ServiceName::parse("").unwrap_err().to_string();
        assert!(refused.ends_with("without control characters or invisible ones"), "{refused}");
        assert!(Description::parse("a\u{E0041}").unwrap_err().to_string().contains("U+E0041"));
    }

    #[test]
    fn a_description_may_have_lines_and_an_empty_one_is_none() {
        assert_eq!(Description::parse(" \r\n ").unwrap(), None);
        assert_eq!(Description::parse("one\r\ntwo\n\tthree").unwrap().unwrap().as_str(), "one\ntwo\n\tthree");
        assert!(Description::parse(&"ä".repeat(1_000)).is_ok());
        for text in ["a\0", "a\rb", "\u{7f}", "a\u{61C}", "\u{AD}", &"ä".repeat(1_001)] {
            assert!(Description::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_are_written_as_plain_json_text() {
        assert_eq!(serde_json::to_string(&Username::parse("ann").unwrap()).unwrap(), "\"ann\"");
    }
}
