//! Lengths of time, numbers and names of the house in plain words.

use std::{borrow::Cow, fmt::Display};

use access::time::Instant;

const UNITS: [(&str, i64); 5] = [
    ("year", 365 * 24 * 3600),
    ("month", 30 * 24 * 3600),
    ("day", 24 * 3600),
    ("hour", 3600),
    ("minute", 60),
];

/// How far `at` is from `now`: `in 3 days`, `2 hours ago`. What was set to 3 days a moment ago is still in 3 days: a
/// length ahead counts up to a tenth of its unit more.
pub(super) fn distance(now: Instant, at: Instant) -> String {
    let seconds = (at.as_millis() - now.as_millis()) / 1000;
    let is_ahead = seconds >= 0;
    let reached = |size: i64| seconds.abs() + if is_ahead { size / 10 } else { 0 };
    let Some((name, size)) = UNITS.into_iter().find(|(_, size)| reached(*size) >= *size) else {
        return if is_ahead { "in less than a minute" } else { "less than a minute ago" }.to_owned();
    };
    let count = reached(size) / size;
    let plural = if count == 1 { "" } else { "s" };
    if is_ahead { format!("in {count} {name}{plural}") } else { format!("{count} {name}{plural} ago") }
}

/// A number of bytes as people say it: `4.2 MB`, in powers of ten.
pub(super) fn bytes(count: u64) -> String {
    let mut shown = count;
    let mut rest = 0;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if shown < 1000 {
            let tenths = rest / 100;
            return if unit == "B" || shown >= 100 {
                format!("{shown} {unit}")
            } else {
                format!("{shown}.{tenths} {unit}")
            };
        }
        rest = shown % 1000;
        shown /= 1000;
    }
    format!("{shown} PB")
}

/// A number with what it counts: `1 pull`, `312 pulls`.
pub(super) fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, several: &str) -> String {
    let counted = if count == N::from(1) { one } else { several };
    format!("{count} {counted}")
}

/// A reason as a sentence of its own, where a page says nothing else. A name that it begins with stays as it is.
pub(super) fn sentence(reason: &str) -> String {
    let (first, rest) = reason.split_once(' ').unwrap_or((reason, ""));
    // A repository may be called hello, and then it is that which does not exist.
    let is_name = rest.starts_with("does not exist");
    let mut characters = reason.chars();
    let begin = match characters.next() {
        Some(letter) if !is_name && first.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            letter.to_ascii_uppercase().to_string()
        }
        letter => letter.map(String::from).unwrap_or_default(),
    };
    let end = if reason.ends_with('.') { "" } else { "." };
    format!("{begin}{}{end}", characters.as_str())
}

/// An event or a field of the audit in words: `token.scope-added` is `token scope added`.
pub(super) fn in_words(name: &str) -> String {
    name.strip_prefix("is_").unwrap_or(name).replace(['.', '-', '_'], " ")
}

/// The first characters of a text, and a sign that there are more.
pub(super) fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// The first of several names, and how many more there are.
pub(super) fn first_of<N: Display>(names: &[N], shown: usize) -> String {
    let rest = names.len().saturating_sub(shown);
    let named = names.iter().take(shown).map(N::to_string).collect::<Vec<_>>().join(", ");
    if rest > 0 { format!("{named} and {rest} more") } else { named }
}

/// What browsers are called by the signs in their `User-Agent`; the first that is there, since each names its rivals.
const BROWSERS: [(&str, &str); 5] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 6] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// The longest word that is shown of what a client calls itself, in characters: a line of a phone.
const CLIENT_CHARS: usize = 40;

/// What a client calls itself, in short: `Chrome on Linux` for a browser, `docker/24.0.7` for anything else.
pub(super) fn client(text: &str) -> String {
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| text.contains(sign)).map(|(_, name)| *name)
    };
    match (text.starts_with("Mozilla/"), named(&BROWSERS), named(&SYSTEMS)) {
        (true, Some(browser), Some(system)) => format!("{browser} on {system}"),
        (true, Some(browser), None) => browser.to_owned(),
        _ => cut(text.split_whitespace().next().unwrap_or_default(), CLIENT_CHARS).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_called_by_what_people_know_it_as() {
        const WEBKIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (text, said) in [
            (format!("Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36"), "Chrome on Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"), "Edge on Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604".to_owned(), "Safari on iPhone"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0".to_owned(), "Firefox on macOS"),
            ("Mozilla/5.0 (Plan 9) Firefox/1".to_owned(), "Firefox"),
            ("docker/24.0.7 go/go1.20.10 kernel/6.1 os/linux arch/amd64".to_owned(), "docker/24.0.7"),
            ("Mozilla/5.0".to_owned(), "Mozilla/5.0"),
            (String::new(), ""),
            ("x".repeat(41), &format!("{}…", "x".repeat(40))),
        ] {
            assert_eq!(client(&text), said);
        }
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!(counted(1_i64, "push", "pushes"), "1 push");
        for count in [0_usize, 2, 1000] {
            assert_eq!(counted(count, "push", "pushes"), format!("{count} pushes"));
        }
    }

    #[test]
    fn a_reason_that_stands_alone_is_a_sentence_and_names_stay_as_they_are() {
        for (reason, said) in [
            ("namespace acme does not exist", "Namespace acme does not exist."),
            ("There is no such page.", "There is no such page."),
            ("acme/api does not exist", "acme/api does not exist."),
            ("hello does not exist, or you may not", "hello does not exist, or you may not."),
            ("6 are too many", "6 are too many."),
        ] {
            assert_eq!(sentence(reason), said);
        }
    }

    #[test]
    fn the_names_of_the_house_are_read_as_words() {
        for (name, words) in
            [("token.scope-added", "token scope added"), ("is_admin", "admin"), ("expires_at", "expires at")]
        {
            assert_eq!(in_words(name), words);
        }
    }

    #[test]
    fn a_text_is_cut_by_characters_and_says_so() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(cut("", 2), "");
    }

    #[test]
    fn of_many_names_the_first_are_said() {
        assert_eq!(first_of(&["1.0", "latest"], 2), "1.0, latest");
        assert_eq!(first_of(&["1.0", "latest", "2.0"], 2), "1.0, latest and 1 more");
        assert_eq!(first_of::<&str>(&[], 2), "");
    }

    #[test]
    fn a_distance_is_said_in_its_largest_unit() {
        let now = Instant::from_millis(1_700_000_000_000);
        for (seconds, said) in [
            (0, "in less than a minute"),
            (-1, "less than a minute ago"),
            (60, "in 1 minute"),
            (-3 * 3600, "3 hours ago"),
            (3 * 24 * 3600 + 5, "in 3 days"),
            (3 * 24 * 3600 - 5, "in 3 days"),
            (-3 * 24 * 3600 + 5, "2 days ago"),
            (3 * 24 * 3600 - 5, "in 3 days"),
            (24 * 3600 - 5, "in 1 day"),
            (90 * 24 * 3600 - 5, "in 3 months"),
            (-3 * 24 * 3600 + 5, "2 days ago"),
            (45 * 24 * 3600, "in 1 month"),
            (-800 * 24 * 3600, "2 years ago"),
        ] {
            let at = Instant::from_millis(1_700_000_000_000 + seconds * 1000);
            assert_eq!(distance(now, at), said);
        }
    }

    #[test]
    fn bytes_are_said_in_powers_of_ten() {
        for (count, said) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (4_250_000, "4.2 MB"),
            (123_456_789, "123 MB"),
            (2_000_000_000_000, "2.0 TB"),
            (7_000_000_000_000_000, "7 PB"),
        ] {
            assert_eq!(bytes(count), said);
        }
    }
}
