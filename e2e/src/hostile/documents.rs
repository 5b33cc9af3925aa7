//! Bodies that cost a server more to read than they cost an attacker to send.

use std::fmt::Write as _;

/// The largest manifest that the server accepts, in bytes.
const MANIFEST_BYTES: usize = 4 * 1024 * 1024;
/// What an anonymous caller sends as a login form, in bytes.
const FORM_BYTES: usize = 256 * 1024;
/// Annotations of a manifest: short names and empty values, as many as fit.
const ANNOTATIONS: usize = 330_000;

/// Manifests of nearly 4 MiB. They live until the process ends, so that a request costs the attacker no copy.
pub(super) fn manifests() -> [&'static [u8]; 3] {
    [many_annotations(), many_values(), many_names()].map(leak)
}

/// A login form with a long password.
pub(super) fn login_form() -> &'static [u8] {
    leak(format!("username=admin&password={}", "a".repeat(FORM_BYTES - 64)))
}

fn many_annotations() -> String {
    let mut annotations = String::new();
    for number in 0..ANNOTATIONS {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(annotations, "{comma}\"{number:x}\":\"\"");
    }
    manifest_with(&format!("\"annotations\":{{{annotations}}}"))
}

/// A member that nobody reads, with as many values as fit.
fn many_values() -> String {
    let values = "0,".repeat((MANIFEST_BYTES - 1024) / 2);
    manifest_with(&format!("\"unread\":[{values}0]"))
}

/// Nested objects, each with a name to be checked for repetition.
fn many_names() -> String {
    let objects = "{\"a\":{\"b\":0}},".repeat((MANIFEST_BYTES - 1024) / 14);
    manifest_with(&format!("\"unread\":[{objects}0]"))
}

fn manifest_with(member: &str) -> String {
    format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[],{member}}}"
    )
}

fn leak(text: String) -> &'static [u8] {
    Box::leak(text.into_bytes().into_boxed_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_is_json_of_nearly_4_mib() {
        for bytes in manifests() {
            assert!((3 * 1024 * 1024..=MANIFEST_BYTES).contains(&bytes.len()), "{}", bytes.len());
            serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
        }
    }
}
