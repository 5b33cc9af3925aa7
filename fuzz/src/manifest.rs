//! Manifests: what is taken has one reading, and that is what the JSON says.

use std::collections::HashSet;

use oci::{
    Descriptor, Kind, Manifest,
    descriptor::MAX_DESCRIPTOR_BYTES,
    manifest::MAX_MANIFEST_BYTES,
    media_type::{DOCKER_LIST, MANIFESTS, OCI_INDEX},
};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;

use crate::{grammar, message::is_fit_to_print};

/// Reads the input as a manifest without a Content-Type, and with each that there is.
pub fn check(input: &[u8]) {
    for content_type in MANIFESTS.into_iter().map(Some).chain([None, Some("application/json")]) {
        match Manifest::parse(content_type, input) {
            Ok(manifest) => is_what_the_json_says(content_type, &manifest, input),
            Err(error) => is_fit_to_print(&error),
        }
    }
}

fn is_what_the_json_says(content_type: Option<&str>, manifest: &Manifest, input: &[u8]) {
    assert!(input.len() <= MAX_MANIFEST_BYTES && !input.starts_with(b"\xef\xbb\xbf"));
    let text = std::str::from_utf8(input).expect("a manifest in UTF-8");
    assert!(!has_a_member_twice(text), "a member stands there twice: {text}");
    // `from_str` refuses trailing bytes. What it refuses beside (numbers beyond a float, lone surrogates) stands in
    // members that nobody reads.
    let Ok(json) = serde_json::from_str::<Value>(text) else { return };
    assert_eq!(json["schemaVersion"], Value::from(2));
    assert!(MANIFESTS.contains(&manifest.media_type.as_str()));
    assert!(content_type.is_none_or(|announced| announced == manifest.media_type));
    assert!(json["mediaType"].is_null() || json["mediaType"] == manifest.media_type.as_str());
    let has = |member: &str| !json[member].is_null();
    match &manifest.kind {
        Kind::Image { config, layers } => {
            assert!(!is_index(&manifest.media_type) && !has("manifests"), "{json}");
            says(&json["config"], config);
            all_say(&json["layers"], layers);
        }
        Kind::Index { entries } => {
            assert!(is_index(&manifest.media_type) && !has("config") && !has("layers"), "{json}");
            all_say(&json["manifests"], entries);
        }
    }
    assert_eq!(manifest.subject.is_some(), has("subject"));
    manifest.subject.iter().for_each(|subject| says(&json["subject"], subject));
    annotations_say(&json["annotations"], &manifest.annotations);
    no_other_case_is_read(
        &json,
        &[
            "schemaVersion",
            "mediaType",
            "artifactType",
            "config",
            "layers",
            "manifests",
            "subject",
            "annotations",
        ],
    );
    // Reading is a function of type and bytes: what was found to be the type leads to the same again.
    assert_eq!(Manifest::parse(Some(&manifest.media_type), input).as_ref(), Ok(manifest));
}

fn is_index(media_type: &str) -> bool {
    media_type == OCI_INDEX || media_type == DOCKER_LIST
}

fn all_say(json: &Value, read: &[Descriptor]) {
    let json = json.as_array().expect("an array");
    assert_eq!(json.len(), read.len());
    json.iter().zip(read).for_each(|(json, read)| says(json, read));
}

fn says(json: &Value, read: &Descriptor) {
    assert_eq!(json["mediaType"], read.media_type.as_str());
    assert_eq!(json["digest"], read.digest.as_str());
    assert_eq!(json["size"], Value::from(read.size));
    assert!(read.size <= MAX_DESCRIPTOR_BYTES && grammar::is_digest(read.digest.as_str()));
    assert!((1..=255).contains(&read.media_type.chars().count()));
    let texts = [&read.media_type].into_iter().chain(&read.reference_type).chain(&read.artifact_type);
    texts.for_each(|text| assert!(!text.contains('\0'), "{text:?}"));
    let urls = json["urls"].as_array().map_or(0, Vec::len);
    assert_eq!(read.has_urls, urls > 0);
    assert_eq!(json["annotations"]["vnd.docker.reference.type"].as_str(), read.reference_type.as_deref());
    no_other_case_is_read(json, &["mediaType", "digest", "size", "urls", "annotations", "artifactType"]);
}

fn annotations_say(json: &Value, read: &std::collections::BTreeMap<String, String>) {
    assert_eq!(json.as_object().map_or(0, serde_json::Map::len), read.len());
    for (name, note) in read {
        assert_eq!(json[name], note.as_str());
        assert!(!name.contains('\0') && !note.contains('\0'), "{name:?}");
    }
}

/// Go's encoding/json, and with it every client, reads `Layers` as `layers`, and U+017F as an s.
fn no_other_case_is_read(json: &Value, members: &[&str]) {
    for name in json.as_object().expect("an object").keys() {
        let folded: String = name.to_lowercase().replace('\u{17f}', "s");
        let same = members.iter().find(|member| member.to_lowercase() == folded);
        assert!(same.is_none_or(|member| member == name), "a Go client reads {name:?} as {same:?}");
    }
}

fn has_a_member_twice(text: &str) -> bool {
    match serde_json::from_str::<EachOnce>(text) {
        Ok(EachOnce) => false,
        Err(error) => error.to_string().starts_with(TWICE),
    }
}

const TWICE: &str = "a member twice";

/// Any JSON without an object that has a member twice.
struct EachOnce;

impl<'de> Deserialize<'de> for EachOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EachOnce)
    }
}

impl<'de> de::Visitor<'de> for EachOnce {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, Self)) = members.next_entry::<String, Self>()? {
            if !names.insert(name) {
                return Err(de::Error::custom(TWICE));
            }
        }
        Ok(self)
    }
}
