//! The JSON of a manifest, before anybody asks what it means: one object, bounded in depth, members of the right JSON
//! type, and each at most once.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess},
};

use crate::{
    annotations::Annotations,
    descriptor::{RawDescriptor, Text},
    error::Quoted,
    json::check_structure,
    manifest::{MAX_LINKS, MAX_MANIFEST_VALUES},
    object::{Name, Object},
};

/// A descriptor that was written as an object.
pub(crate) type Member = Object<RawDescriptor>;

/// The members of a manifest that are read. A null counts as absent, as it does for Go's clients.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    pub(crate) schema_version: Option<u64>,
    pub(crate) media_type: Option<Text>,
    pub(crate) artifact_type: Option<Text>,
    pub(crate) config: Option<Member>,
    pub(crate) layers: Option<Listed>,
    pub(crate) manifests: Option<Listed>,
    pub(crate) subject: Option<Member>,
    pub(crate) annotations: Option<Annotations>,
}

/// The descriptors of `layers` or `manifests`, at most [`MAX_LINKS`]: reading stops at the first one beyond.
#[derive(Debug)]
pub(crate) struct Listed(pub(crate) Vec<Member>);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> de::Visitor<'de> for Array {
            type Value = Listed;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Listed, A::Error> {
                let mut listed = Vec::new();
                while let Some(member) = array.next_element()? {
                    if listed.len() == MAX_LINKS {
                        return Err(de::Error::custom(format_args!(
                            "it lists too many layers or entries; at most {MAX_LINKS} are taken"
                        )));
                    }
                    listed.push(member);
                }
                Ok(Listed(listed))
            }
        }
        deserializer.deserialize_seq(Array)
    }
}

impl Document {
    /// Reads the object, or says what is wrong and where.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
        if text.starts_with('\u{feff}') {
            // RFC 8259 §8.1: a byte order mark must not be added, and readers differ in whether they skip one.
            return Err("it begins with a byte order mark; send it without".to_owned());
        }
        check_structure(bytes, MAX_MANIFEST_VALUES).map_err(|error| error.to_string())?;
        let document: Object<Self> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check_names(text)?;
        Ok(document.0)
    }
}

/// That no object, wherever it stands, has a member twice: one reader takes the first, another the last. Members that
/// nobody reads here are no exception, for clients do (`platform` says which image runs). `json` is JSON already.
fn check_names(json: &str) -> Result<(), String> {
    let bytes = json.as_bytes();
    let mut open: Vec<Option<HashSet<Name<'_>>>> = Vec::new(); // an object's names so far; None for an array
    let (mut at, mut may_be_name) = (0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => open.push(Some(HashSet::new())),
            b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            _ => {}
        }
        if *byte != b'"' {
            may_be_name = matches!(byte, b'{' | b',') || (may_be_name && byte.is_ascii_whitespace());
            at += 1;
            continue;
        }
        let end = end_of_string(bytes, at);
        if let Some(Some(names)) = open.last_mut().filter(|_| may_be_name)
            && let Some(Name(name)) = names.replace(name_in(&json[at..end])?)
        {
            return Err(format!("an object has {} twice", Quoted(&name)));
        }
        may_be_name = false;
        at = end;
    }
    Ok(())
}

/// The name that a JSON string spells, without a copy where nothing in it is escaped.
fn name_in(quoted: &str) -> Result<Name<'_>, String> {
    match quoted.get(1..quoted.len() - 1) {
        Some(plain) if !plain.contains('\\') => Ok(Name(Cow::Borrowed(plain))),
        _ => serde_json::from_str(quoted)
            .map_err(|_| "the name of a member has half a surrogate pair".to_owned()),
    }
}

/// Behind the quotation mark that closes the string which begins at `start`.
fn end_of_string(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}
