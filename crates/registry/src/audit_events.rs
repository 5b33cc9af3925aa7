//! Every event that the audit tells of, for whoever asks by what happened.

use storage::audit::Events;

/// Each kind of event with its events: the part before the dot is the kind. What an older release or a newer replica
/// calls otherwise is found by its kind.
pub const EVENTS: [(&str, &[&str]); 14] = [
    ("blob", &["blob.deleted", "blob.found-whole", "blob.marked-damaged", "blob.mounted", "blob.pushed"]),
    ("certificate", &["certificate.issued"]),
    ("keys", &["keys.forgotten", "keys.replaced", "keys.rotated"]),
    (
        "manifest",
        &["manifest.deleted", "manifest.payload-dropped", "manifest.pushed", "manifest.size-corrected"],
    ),
    ("member", &["member.removed", "member.set"]),
    ("namespace", &["namespace.created", "namespace.deleted", "namespace.edited"]),
    ("repository", &["repository.created", "repository.deleted"]),
    ("session", &["session.ended", "session.opened"]),
    ("settings", &["settings.edited"]),
    ("tag", &["tag.deleted"]),
    ("team", &["team.created", "team.deleted", "team.renamed", "team.user-added", "team.user-removed"]),
    (
        "token",
        &[
            "token.created",
            "token.deleted",
            "token.disabled",
            "token.edited",
            "token.enabled",
            "token.expired",
            "token.reset",
            "token.scope-added",
            "token.scope-removed",
            "token.secret-ended",
        ],
    ),
    ("upload", &["upload.ended"]),
    (
        "user",
        &[
            "user.activated",
            "user.created",
            "user.deactivated",
            "user.deleted",
            "user.edited",
            "user.logins-ended",
            "user.password-changed",
            "user.password-set",
        ],
    ),
];

/// Why a text names no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownEvent {
    /// It does not begin with a kind.
    #[error(
        "no event is called so; ask for a kind, which is one of {}, or for one of its events, such as token.disabled",
        kinds()
    )]
    Kind,
    /// The kind has no such event.
    #[error("no event is called so; those of its kind are {}", .0.join(", "))]
    OfKind(&'static [&'static str]),
}

fn kinds() -> String {
    EVENTS.map(|(kind, _)| kind).join(", ")
}

/// Reads what somebody asks for: an event, or a kind for all of its events.
pub fn parse_event(text: &str) -> Result<Events, UnknownEvent> {
    let (asked, is_kind) = match text.split_once('.') {
        Some((kind, _)) => (kind, false),
        None => (text, true),
    };
    let (kind, events) = EVENTS.into_iter().find(|(kind, _)| *kind == asked).ok_or(UnknownEvent::Kind)?;
    if is_kind {
        return Ok(Events::Kind(kind));
    }
    let found = events.iter().find(|event| **event == text);
    found.map(|event| Events::One(event)).ok_or(UnknownEvent::OfKind(events))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    /// Whether a literal has the form of an event; what ends like a file's name is one.
    fn is_event(text: &str) -> bool {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let is_file =
            ["rs", "toml", "json", "db", "sql"].iter().any(|end| text.ends_with(&format!(".{end}")));
        !is_file && text.split_once('.').is_some_and(|(kind, what)| is_word(kind) && is_word(what))
    }

    fn written_below(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                written_below(&entry.path(), found);
            } else if entry.file_name() != "audit_events.rs" {
                let source = std::fs::read_to_string(entry.path()).unwrap();
                found.extend(source.split('"').filter(|text| is_event(text)).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_event_that_is_written_can_be_asked_for_and_no_other() {
        let mut written = BTreeSet::new();
        written_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut written);
        let known: BTreeSet<String> =
            EVENTS.iter().flat_map(|(_, events)| *events).map(|event| (*event).to_owned()).collect();
        assert_eq!(known, written);
        for (kind, events) in EVENTS {
            assert_eq!(parse_event(kind), Ok(Events::Kind(kind)));
            for event in events {
                assert!(event.starts_with(&format!("{kind}.")), "{event}");
                assert_eq!(parse_event(event), Ok(Events::One(event)));
            }
        }
    }

    #[test]
    fn what_names_no_event_is_refused_with_what_there_is() {
        for (text, said) in [
            ("", "one of blob, certificate, "),
            ("push", "such as token.disabled"),
            ("Token", "one of blob"),
            ("tok", "one of blob"),
            (".disabled", "one of blob"),
            ("token.", "token.created, token.deleted, token.disabled"),
            ("token.Disabled", "token.created"),
            ("token.disabled ", "token.created"),
            ("member.created", "those of its kind are member.removed, member.set"),
        ] {
            let error = parse_event(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
