//! The JSON of a manifest, before anybody asks what it means: one object, bounded in depth, known members of the
//! right JSON type and at most once.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, value::MapAccessDeserializer},
};

use crate::descriptor::{RawDescriptor, Text};

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

/// A `T` written as a JSON object. Derived readers also take an array of the fields in order, which no other
/// reader of manifests would understand.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyObject<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for OnlyObject<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(OnlyObject(PhantomData))
    }
}
