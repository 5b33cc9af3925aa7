//! Scopes of the Docker token protocol: what is read is what the text says, and never more.

use std::collections::{BTreeMap, BTreeSet};

use access::bearer::{BearerAccess, MAX_REQUESTED_SCOPES, Requested};

use crate::{grammar, message::is_fit_to_print};

/// What was read or expected: actions by repository, and whether the catalog is in it.
type Wanted = (BTreeMap<String, BTreeSet<&'static str>>, bool);

/// Reads each line of the input, where it is UTF-8, as one `scope` parameter.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let words: Vec<&str> = text.split([' ', '\n']).filter(|word| !word.is_empty()).collect();
    match Requested::parse(text.split('\n')) {
        Ok(requested) => {
            assert!(words.len() <= MAX_REQUESTED_SCOPES);
            assert_eq!(requested.is_empty(), words.is_empty());
            assert_eq!(read(requested.access()), expected(&words), "{text:?}");
            the_claim_reads_back(requested.access());
        }
        Err(error) => {
            assert!(words.len() > MAX_REQUESTED_SCOPES);
            is_fit_to_print(&error);
        }
    }
}

fn read(access: &BearerAccess) -> Wanted {
    let repositories = access.repositories().map(|(name, actions)| {
        (name.to_string(), actions.iter().map(access::role::Action::as_str).collect())
    });
    (repositories.collect(), access.covers_catalog())
}

/// Distribution's "Token Scope Documentation", as DESIGN §3.2 narrows it.
fn expected(words: &[&str]) -> Wanted {
    let (mut repositories, mut catalog) = (BTreeMap::<_, BTreeSet<_>>::new(), false);
    for word in words {
        let parts: Vec<&str> = word.split(':').collect();
        let [kind, name @ .., actions] = parts.as_slice() else { continue };
        let (name, actions): (_, Vec<&str>) = (name.join(":"), actions.split(',').collect());
        catalog |= *kind == "registry" && name == "catalog" && actions.contains(&"*");
        let asked = |action: &&str| actions.contains(action) || actions.contains(&"*");
        let actions: Vec<_> = ["pull", "push", "delete"].into_iter().filter(asked).collect();
        if *kind == "repository" && grammar::is_name(&name) && !actions.is_empty() {
            repositories.entry(name).or_default().extend(actions);
        }
    }
    (repositories, catalog)
}

fn the_claim_reads_back(access: &BearerAccess) {
    let claim = serde_json::to_string(access).expect("a claim is JSON");
    assert_eq!(&serde_json::from_str::<BearerAccess>(&claim).expect(&claim), access);
}
