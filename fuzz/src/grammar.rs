//! The grammars as the specifications print them.

use std::sync::LazyLock;

use regex::Regex;

/// OCI distribution 1.1, "Pulling manifests", `<name>`; at most 255 characters.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| whole(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"));
/// The same, `<reference>` as a tag.
static TAG: LazyLock<Regex> = LazyLock::new(|| whole(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"));
/// OCI image 1.1, "Registered Algorithms", the two that are computed here.
static DIGEST: LazyLock<Regex> = LazyLock::new(|| whole(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}"));
/// OCI image 1.1, "Digests": any digest, ours or not.
static ANY_DIGEST: LazyLock<Regex> = LazyLock::new(|| whole(r"[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+"));
/// What a session's id may look like (`oci::UploadRef`).
static UPLOAD: LazyLock<Regex> = LazyLock::new(|| whole("[A-Za-z0-9_=-]{1,128}"));

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!(r"\A(?:{pattern})\z")).expect(pattern)
}

pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 255 && NAME.is_match(text)
}

pub(crate) fn is_namespace(text: &str) -> bool {
    is_name(text) && !text.contains('/')
}

pub(crate) fn is_tag(text: &str) -> bool {
    TAG.is_match(text)
}

pub(crate) fn is_digest(text: &str) -> bool {
    DIGEST.is_match(text)
}

pub(crate) fn is_foreign_digest(text: &str) -> bool {
    ANY_DIGEST.is_match(text) && !text.starts_with("sha256:") && !text.starts_with("sha512:")
}

pub(crate) fn is_upload(text: &str) -> bool {
    UPLOAD.is_match(text)
}
