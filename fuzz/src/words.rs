//! Names, tags, digests, references and upload sessions: a text is taken exactly where the grammar takes it, and
//! reads back as itself.

use oci::{Digest, DigestError, NamespaceName, Reference, RepositoryName, Tag, UploadRef, digest::Algorithm};

use crate::{grammar, message::is_fit_to_print};

/// Reads the input, where it is UTF-8, as each of the words.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    same(text, RepositoryName::parse(text), grammar::is_name(text));
    same(text, NamespaceName::parse(text), grammar::is_namespace(text));
    same(text, Tag::parse(text), grammar::is_tag(text));
    same(text, Digest::parse(text), grammar::is_digest(text));
    same(text, Reference::parse(text), grammar::is_tag(text) || grammar::is_digest(text));
    same(text, UploadRef::parse(text), grammar::is_upload(text));
    a_name_begins_with_its_namespace(text);
    a_digest_has_the_digits_of_its_hash(text);
}

#[track_caller]
fn same<T: ToString, E: std::fmt::Display>(text: &str, read: Result<T, E>, is_legal: bool) {
    assert_eq!(
        read.is_ok(),
        is_legal,
        "{} by the grammar of {}",
        text.escape_debug(),
        std::any::type_name::<T>()
    );
    match read {
        Ok(word) => assert_eq!(word.to_string(), text),
        Err(error) => is_fit_to_print(&error),
    }
}

fn a_name_begins_with_its_namespace(text: &str) {
    let Ok(name) = RepositoryName::parse(text) else { return };
    let namespace = name.namespace_name();
    assert!(grammar::is_namespace(namespace.as_str()));
    assert!(text == namespace.as_str() || text.starts_with(&format!("{namespace}/")));
}

fn a_digest_has_the_digits_of_its_hash(text: &str) {
    match Digest::parse(text) {
        Ok(digest) => {
            let bytes = hex::decode(digest.hex()).expect("hexadecimal digits");
            let again = match digest.algorithm() {
                Algorithm::Sha256 => Digest::from_sha256(&bytes.try_into().expect("32 bytes")),
                Algorithm::Sha512 => Digest::from_sha512(&bytes.try_into().expect("64 bytes")),
            };
            assert_eq!(again, digest);
        }
        Err(DigestError::UnknownAlgorithm(_)) => assert!(grammar::is_foreign_digest(text), "{text:?}"),
        Err(DigestError::Malformed(_)) => assert!(!grammar::is_foreign_digest(text), "{text:?}"),
    }
}
