//! For which machines an image is: OCI image 1.1, `platform` of an index's entries, `os` and `architecture` of an image's
//! configuration. Only for people to look at; nothing is decided by it, so what is malformed is no platform.

use serde::Deserialize;
use serde_json::Value;

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
        index.manifests.iter().map(|entry| Self::read(&entry.platform)).collect()
    }

    /// The platform of an image, as its configuration says it.
    pub fn of_config(config: &[u8]) -> Option<Self> {
        Self::read(&serde_json::from_slice(config).ok()?)
    }

    /// BuildKit writes `unknown/unknown` for entries that are about others.
    fn read(object: &Value) -> Option<Self> {
        let os = word(&object["os"]).filter(|os| os != "unknown")?;
        Some(Self { os, architecture: word(&object["architecture"])?, variant: word(&object["variant"]) })
    }
}

fn word(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_word = !text.is_empty() && text.chars().count() <= MAX_WORD_CHARACTERS;
    is_word.then(|| text.to_owned())
}

#[derive(Deserialize, Default)]
struct Index {
    #[serde(default)]
    manifests: Vec<Entry>,
}

/// What is kept of an entry while the others are read; the rest of it is skipped.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    platform: Value,
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
