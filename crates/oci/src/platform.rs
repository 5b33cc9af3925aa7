//! For which machines an image is: OCI image 1.1, `platform` of an index's entries, `os` and `architecture` of an image's
//! configuration. Only for people to look at; nothing is decided by it, so what is malformed is no platform.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess},
};

/// The longest word of a platform that is kept, in characters; Go's longest is `dragonfly`.
const MAX_WORD_CHARACTERS: usize = 64;

/// An operating system on an architecture. Displays as docker takes it: `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    /// Such as `linux`.
    pub os: String,
    /// Such as `arm64`.
    pub architecture: String,
    /// Such as `v8`.
    pub variant: Option<String>,
}

impl Platform {
    /// The platforms of an index's entries, in their order; `None` where an entry names none.
    pub fn of_entries(index: &[u8]) -> Vec<Option<Self>> {
        let index: Index = serde_json::from_slice(index).unwrap_or_default();
        index.manifests.into_iter().map(|entry| entry.platform.0).collect()
    }

    /// The platform of an image, as its configuration says it.
    pub fn of_config(config: &[u8]) -> Option<Self> {
        serde_json::from_slice::<ReadPlatform>(config).ok()?.0
    }
}

#[derive(Deserialize, Default)]
struct Index {
    #[serde(default)]
    manifests: Vec<Entry>,
}

/// What is kept of an entry while the others are read.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    platform: ReadPlatform,
}

/// The platform that any JSON value is, if it is one. Nothing else of the value is kept: it may be large.
#[derive(Default)]
struct ReadPlatform(Option<Platform>);

/// The word of a platform that any JSON value is, if it is one.
#[derive(Default)]
struct Word(Option<String>);

/// The methods of a visitor for which every value but one kind is nothing.
macro_rules! nothing_of {
    ($($method:ident: $type:ty),*) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        $(fn $method<E: de::Error>(self, _: $type) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        })*
        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
            while array.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

impl<'de> Deserialize<'de> for ReadPlatform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfObject;
        impl<'de> de::Visitor<'de> for OfObject {
            type Value = ReadPlatform;
            nothing_of!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReadPlatform, A::Error> {
                let (mut os, mut architecture, mut variant) = (Word(None), Word(None), Word(None));
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    match name.as_ref() {
                        "os" => os = map.next_value()?,
                        "architecture" => architecture = map.next_value()?,
                        "variant" => variant = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                // BuildKit writes `unknown/unknown` for entries that are about others.
                let os = os.0.filter(|os| os != "unknown");
                Ok(ReadPlatform(os.zip(architecture.0).map(|(os, architecture)| Platform {
                    os,
                    architecture,
                    variant: variant.0,
                })))
            }
        }
        deserializer.deserialize_any(OfObject)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfString;
        impl<'de> de::Visitor<'de> for OfString {
            type Value = Word;
            nothing_of!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
                let is_word = !text.is_empty() && text.chars().count() <= MAX_WORD_CHARACTERS;
                Ok(Word(is_word.then(|| text.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Word(None))
            }
        }
        deserializer.deserialize_any(OfString)
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(platforms: &[Option<Platform>]) -> Vec<String> {
        platforms
            .iter()
            .map(|platform| platform.as_ref().map(Platform::to_string).unwrap_or_default())
            .collect()
    }

    #[test]
    fn an_index_says_for_which_machines_its_entries_are() {
        let index = br#"{"manifests":[
            {"platform":{"os":"linux","architecture":"amd64"}},
            {"platform":{"os":"linux","architecture":"arm","variant":"v7","features":[1]}},
            {"platform":{"os":"unknown","architecture":"unknown"}},
            {"platform":null},
            {}
        ]}"#;
        assert_eq!(said(&Platform::of_entries(index)), ["linux/amd64", "linux/arm/v7", "", "", ""]);
    }

    #[test]
    fn a_configuration_says_for_which_machine_its_image_is() {
        let config =
            br#"{"os":"linux","architecture":"arm64","variant":"v8","created":"2026-01-01T00:00:00Z"}"#;
        assert_eq!(said(&[Platform::of_config(config)]), ["linux/arm64/v8"]);
    }

    #[test]
    fn what_is_malformed_is_no_platform() {
        let long = format!(r#"{{"os":"{}","architecture":"amd64"}}"#, "x".repeat(65));
        for config in ["", "{", "[]", "1", "{}", r#"{"os":"linux"}"#, r#"{"os":1,"architecture":[]}"#, &long]
        {
            assert_eq!(Platform::of_config(config.as_bytes()), None, "{config}");
        }
        for index in ["", "[]", r#"{"manifests":{}}"#, r#"{"manifests":null}"#] {
            assert!(Platform::of_entries(index.as_bytes()).is_empty(), "{index}");
        }
        assert_eq!(said(&Platform::of_entries(br#"{"manifests":[{},{"platform":"linux"}]}"#)), ["", ""]);
    }
}
