//! Descriptors: how a manifest points at content (OCI image 1.1, "Content Descriptors").

use serde::{Deserialize, Deserializer, de};

use crate::{
    annotations::DescriptorAnnotations,
    digest::{Digest, DigestError},
    error::Quoted,
    media_type::MAX_MEDIA_TYPE_CHARACTERS,
};

/// Largest size in bytes that a descriptor may claim: the specification's int64, and the database's BIGINT.
pub const MAX_DESCRIPTOR_BYTES: u64 = i64::MAX.unsigned_abs();

/// What content is pointed at. What nothing here reads (`platform`, `data`, most annotations) stays in the manifest's raw
/// bytes: a manifest may have thousands of descriptors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type of the content, 1 to 255 characters; says nothing about what the content really is.
    pub media_type: String,
    /// Address of the content.
    pub digest: Digest,
    /// Length of the content in bytes, at most 2^63 - 1; a claim until it was compared.
    pub size: u64,
    /// Whether it names URLs where else the content may be fetched. Sealock never does.
    pub has_urls: bool,
    /// The annotation `vnd.docker.reference.type`: what an entry of BuildKit's is to another one.
    pub reference_type: Option<String>,
    /// What kind of artifact the content is, where it is a manifest.
    pub artifact_type: Option<String>,
}

/// Which rule a descriptor breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// A required member is absent or null.
    #[error("{0} is missing; a descriptor has mediaType, digest and size")]
    Missing(&'static str),
    /// `digest` is not one.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// `mediaType` or `artifactType` is empty or too long.
    #[error(transparent)]
    MediaType(#[from] MediaTypeError),
}

/// The text can't be a media type; holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a media type; one has 1 to {MAX_MEDIA_TYPE_CHARACTERS} characters", Quoted(.0))]
pub struct MediaTypeError(String);

/// A descriptor as it stands in JSON, its values of the right JSON type and nothing more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawDescriptor {
    media_type: Option<Text>,
    digest: Option<Text>,
    size: Option<Size>,
    urls: Option<Urls>,
    annotations: Option<DescriptorAnnotations>,
    artifact_type: Option<Text>,
}

impl TryFrom<RawDescriptor> for Descriptor {
    type Error = DescriptorError;

    fn try_from(raw: RawDescriptor) -> Result<Self, DescriptorError> {
        Ok(Self {
            media_type: checked_media_type(raw.media_type.ok_or(DescriptorError::Missing("mediaType"))?)?,
            digest: Digest::parse(&raw.digest.ok_or(DescriptorError::Missing("digest"))?.0)?,
            size: raw.size.ok_or(DescriptorError::Missing("size"))?.0,
            has_urls: raw.urls.is_some_and(|urls| urls.is_any),
            reference_type: raw.annotations.and_then(|annotations| annotations.reference_type),
            artifact_type: optional_media_type(raw.artifact_type)?,
        })
    }
}

/// A media type that is kept: never empty, never longer than an index of the database can hold.
pub(crate) fn checked_media_type(text: Text) -> Result<String, MediaTypeError> {
    if (1..=MAX_MEDIA_TYPE_CHARACTERS).contains(&text.0.chars().count()) {
        Ok(text.0)
    } else {
        Err(MediaTypeError(text.0))
    }
}

/// The same, where an empty text means that there is none (OCI image 1.1, `artifactType`: "empty or missing").
pub(crate) fn optional_media_type(text: Option<Text>) -> Result<Option<String>, MediaTypeError> {
    text.filter(|text| !text.0.is_empty()).map(checked_media_type).transpose()
}

/// An array of strings, of which none is kept.
#[derive(Debug)]
struct Urls {
    is_any: bool,
}

impl<'de> Deserialize<'de> for Urls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> de::Visitor<'de> for Array {
            type Value = Urls;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a sequence")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut array: A) -> Result<Urls, A::Error> {
                let mut is_any = false;
                while array.next_element::<Text>()?.is_some() {
                    is_any = true;
                }
                Ok(Urls { is_any })
            }
        }
        deserializer.deserialize_seq(Array)
    }
}

/// A JSON string without U+0000, which PostgreSQL can't keep (DESIGN §4: NUL never passes the door).
#[derive(Debug)]
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.contains('\0') {
            Err(de::Error::custom("a text holds U+0000, which can't be kept"))
        } else {
            Ok(Self(text))
        }
    }
}

/// A whole number from 0 to [`MAX_DESCRIPTOR_BYTES`]; `5.0`, `"5"` and `-1` are none.
#[derive(Debug)]
struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeNumber;
        impl de::Visitor<'_> for WholeNumber {
            type Value = Size;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a size in whole bytes from 0 to {MAX_DESCRIPTOR_BYTES}")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Size, E> {
                if number <= MAX_DESCRIPTOR_BYTES {
                    Ok(Size(number))
                } else {
                    Err(E::invalid_value(de::Unexpected::Unsigned(number), &self))
                }
            }
        }
        deserializer.deserialize_u64(WholeNumber)
    }
}
