//! Paths of a token's scopes: which texts are paths, what each matches, and whether it can match in a namespace.

use access::scope::{InvalidPath, MAX_PATH_CHARS, PathPattern};
use oci::{NamespaceName, RepositoryName};

use crate::{grammar, message::is_fit_to_print};

/// Reads the input, where it is UTF-8: a path on its first line, the name of a repository on its second.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (path, name) = text.split_once('\n').unwrap_or((text, "acme/api"));
    let parsed = PathPattern::parse(path);
    assert_eq!(parsed.is_ok(), is_path(path), "{path:?}");
    match parsed {
        Ok(pattern) => {
            assert_eq!(pattern.as_str(), path);
            it_matches_by_the_rule(&pattern, name);
            it_stays_in_its_namespace(&pattern, name);
        }
        Err(InvalidPath::NeverAName) => assert!(RepositoryName::parse(&path.replace('*', "x")).is_err()),
        Err(error) => is_fit_to_print(&error),
    }
}

/// Rule 4: some repository's name matches. With a letter in the place of each star it is one, for a letter may stand
/// anywhere, and behind a letter may stand whatever may stand behind something else.
fn is_path(text: &str) -> bool {
    text.len() <= MAX_PATH_CHARS && !text.contains("**") && grammar::is_name(&text.replace('*', "x"))
}

fn it_matches_by_the_rule(pattern: &PathPattern, name: &str) {
    let one = RepositoryName::parse(&pattern.as_str().replace('*', "x")).expect("by `is_path`");
    assert!(pattern.matches(&one), "{pattern} {one}");
    if let Ok(name) = RepositoryName::parse(name) {
        let expected = matches(pattern.as_str().as_bytes(), name.as_str().as_bytes());
        assert_eq!(pattern.matches(&name), expected, "{pattern} {name}");
    }
}

/// Where the path is said to match nothing in a namespace, it matches nothing there, and the hint does.
fn it_stays_in_its_namespace(pattern: &PathPattern, name: &str) {
    let Ok(name) = RepositoryName::parse(name) else { return };
    let namespace = name.namespace_name();
    match pattern.can_match_in(&namespace) {
        Ok(()) => {}
        Err(error) => {
            is_fit_to_print(&error);
            assert!(!pattern.matches(&name), "{pattern} {name}");
            the_hint_would_do(&error.hint, &namespace);
        }
    }
}

fn the_hint_would_do(hint: &PathPattern, namespace: &NamespaceName) {
    assert!(hint.can_match_in(namespace).is_ok(), "{hint} {namespace}");
    assert_eq!(PathPattern::parse(hint.as_str()).as_ref(), Ok(hint));
}

/// `*` stands for any run of characters, the empty run included: which beginnings of the name each beginning of the
/// pattern can be, all of them, one by one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for byte in pattern {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match byte {
                b'*' => reached[at] || (at > 0 && next[at - 1]),
                _ => at > 0 && reached[at - 1] && name[at - 1] == *byte,
            };
        }
        reached = next;
    }
    reached[name.len()]
}
