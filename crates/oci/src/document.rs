//! The JSON of a manifest, before anybody asks what it means: one object, bounded in depth, members of the right JSON
//! type, and each at most once.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use crate::{
    descriptor::{RawDescriptor, Text},
    error::Quoted,
    object::{Name, Object},
};

/// Deepest nesting that is taken. Real manifests have five levels; serde_json itself stops at 128, but not inside
/// members that it skips, and those bytes go on to clients that may recurse.
const MAX_DEPTH: usize = 128;

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
    pub(crate) layers: Option<Vec<Member>>,
    pub(crate) manifests: Option<Vec<Member>>,
    pub(crate) subject: Option<Member>,
    pub(crate) annotations: Option<BTreeMap<Text, Text>>,
}

impl Document {
    /// Reads the object, or says what is wrong and where.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
        if text.starts_with('\u{feff}') {
            // RFC 8259 §8.1: a byte order mark must not be added, and readers differ in whether they skip one.
            return Err("it begins with a byte order mark; send it without".to_owned());
        }
        check_depth(bytes)?;
        let document: Object<Self> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check_names(text)?;
        Ok(document.0)
    }
}

/// Counts brackets outside strings. Whether they match is for the parser to say.
fn check_depth(bytes: &[u8]) -> Result<(), String> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
    }
    Ok(())
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
        if let Some(Some(names)) = open.last_mut().filter(|_| may_be_name) {
            let name = serde_json::from_str::<Name<'_>>(&json[at..end]);
            let name = name.map_err(|_| "the name of a member has half a surrogate pair".to_owned())?;
            if let Some(Name(name)) = names.replace(name) {
                return Err(format!("an object has {} twice", Quoted(&name)));
            }
        }
        may_be_name = false;
        at = end;
    }
    Ok(())
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
