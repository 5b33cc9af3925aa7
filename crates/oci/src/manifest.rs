//! Manifests: OCI image 1.1, "Image Manifest" and "Image Index"; Docker image manifest version 2, schema 2.
//!
//! Reads what the registry must know (what is linked, what it is about) and nothing else: unknown members are let
//! through, and the bytes themselves are kept by the caller, unchanged. Strict where two readers could understand the
//! same bytes differently (CVE-2021-41190: an index to one, an image to another).

use std::collections::BTreeMap;

use crate::{
    descriptor::{Descriptor, DescriptorError, MediaTypeError, optional_media_type},
    document::{Document, Listed, Member},
    error::{Quoted, shortened},
    media_type::{self, DOCKER_LIST, MANIFESTS, OCI_INDEX, OCI_MANIFEST},
};

/// Largest manifest in bytes: OCI distribution 1.1, "Pushing Manifests", wants 4 MiB at least.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;
/// How many layers or entries a manifest may list. Images have a hundred, the largest indexes and caches hundreds.
pub const MAX_LINKS: usize = 4096;
/// How many JSON values a manifest may have: 32 for each of as many descriptors as it may list. The memory that reading
/// takes depends on their number more than on their bytes.
pub const MAX_MANIFEST_VALUES: usize = 32 * MAX_LINKS;

/// What the registry must know of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// One of [`media_type::MANIFESTS`]: what a pull answers as Content-Type.
    pub media_type: String,
    /// An image (or artifact), or a list of manifests, with what it points at.
    pub kind: Kind,
    /// The manifest that this one is about; it may come later or never (OCI image 1.1, `subject`).
    pub subject: Option<Descriptor>,
    /// What a referrers list says: `artifactType`, for an image without one its config's media type
    /// (OCI distribution 1.1, "Listing Referrers").
    pub artifact_type: Option<String>,
    /// The manifest's own annotations.
    pub annotations: BTreeMap<String, String>,
}

/// The two shapes of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One image or artifact.
    Image {
        /// Its configuration.
        config: Descriptor,
        /// Its layers, the lowest first; the same one may stand there twice.
        layers: Vec<Descriptor>,
    },
    /// Several, one for each platform.
    Index {
        /// Manifests, or blobs (BuildKit's caches).
        entries: Vec<Descriptor>,
    },
}

/// One thing that a manifest needs in its repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// What is needed.
    pub descriptor: &'a Descriptor,
    /// In which part.
    pub what: LinkKind,
    /// A non-distributable layer with `urls`: may be absent, is never fetched (DESIGN §3.1).
    pub may_be_absent: bool,
}

/// The part that a link plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// An image's configuration, a blob.
    Config,
    /// An image's layer, a blob.
    Layer,
    /// An index's entry, a manifest or a blob.
    Entry,
}

/// Which rule a manifest breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More than [`MAX_MANIFEST_BYTES`]; holds the number of bytes.
    #[error("the manifest has {0} bytes; at most {MAX_MANIFEST_BYTES} are taken")]
    TooLarge(usize),
    /// The media type is none of the four.
    #[error("manifests of type {} are not taken; push one of {}", Quoted(.0), MANIFESTS.join(", "))]
    UnsupportedMediaType(String),
    /// Not one JSON object in UTF-8 with members of the right type, each at most once; says where.
    #[error("the manifest is not one JSON object as specified: {0}")]
    Json(String),
    /// `schemaVersion` is not 2.
    #[error(
        "schemaVersion is {}; it must be 2 (schema 1 is not taken)",
        .0.map_or("missing".to_owned(), |version| version.to_string())
    )]
    SchemaVersion(Option<u64>),
    /// Content-Type and `mediaType` name two types.
    #[error("Content-Type says {content_type}, mediaType in the manifest says {}; they must agree", Quoted(.body))]
    MediaTypesDisagree {
        /// What the request's header says.
        content_type: String,
        /// What the manifest says of itself.
        body: String,
    },
    /// `manifests` together with `config` or `layers`: an image to one client and an index to another.
    #[error(
        "the manifest has both manifests and {0}; an index has manifests, an image has config and layers"
    )]
    Ambiguous(&'static str),
    /// A member without which it is not what its type says.
    #[error("{member} is missing; {media_type} has {}", members_of(.media_type))]
    Missing {
        /// The member.
        member: &'static str,
        /// The type.
        media_type: &'static str,
    },
    /// No Content-Type, no `mediaType`, and neither the members of an image nor those of an index.
    #[error("the manifest is of no known type; send Content-Type, one of {}", MANIFESTS.join(", "))]
    Untyped,
    /// A descriptor breaks a rule.
    #[error("{place}: {error}")]
    Descriptor {
        /// Which, such as `layers[3]`.
        place: String,
        /// The rule.
        error: DescriptorError,
    },
    /// `artifactType` is too long.
    #[error("artifactType: {0}")]
    ArtifactType(#[from] MediaTypeError),
}

impl Manifest {
    /// Reads a manifest pushed under a Content-Type. Linear in its length.
    ///
    /// Without a Content-Type the manifest's `mediaType` counts, without that its shape: `config` and `layers` make an
    /// OCI manifest, `manifests` an OCI index.
    pub fn parse(content_type: Option<&str>, bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        // Type before content, so that a schema 1 manifest is told what is taken and not which member it lacks.
        let announced = content_type.map(media_type::essence).filter(|announced| !announced.is_empty());
        let announced = announced.as_deref().map(known_type).transpose()?;
        let mut document =
            Document::read(bytes).map_err(|error| ManifestError::Json(shortened(&error).0.to_owned()))?;
        if document.schema_version != Some(2) {
            return Err(ManifestError::SchemaVersion(document.schema_version));
        }
        let media_type = agreed_type(announced, &document)?;
        let kind = read_kind(media_type, &mut document)?;
        let artifact_type = optional_media_type(document.artifact_type)?;
        Ok(Self {
            media_type: media_type.to_owned(),
            artifact_type: artifact_type.or_else(|| fallback_artifact_type(&kind)),
            kind,
            subject: document.subject.map(|subject| at("subject", None, subject)).transpose()?,
            annotations: document.annotations.map(|annotations| annotations.0).unwrap_or_default(),
        })
    }

    /// Everything that must be linked in the manifest's repository before it becomes visible, in the order of the
    /// manifest. `subject` is not among it: that may come later.
    pub fn links(&self) -> impl Iterator<Item = Link<'_>> {
        let (config, layers, entries) = match &self.kind {
            Kind::Image { config, layers } => (Some(config), layers.as_slice(), [].as_slice()),
            Kind::Index { entries } => (None, [].as_slice(), entries.as_slice()),
        };
        let config = config.map(|config| Link::needed(config, LinkKind::Config));
        let entries = entries.iter().map(|entry| Link::needed(entry, LinkKind::Entry));
        config.into_iter().chain(layers.iter().map(Link::layer)).chain(entries)
    }
}

impl<'a> Link<'a> {
    fn needed(descriptor: &'a Descriptor, what: LinkKind) -> Self {
        Self { descriptor, what, may_be_absent: false }
    }

    fn layer(descriptor: &'a Descriptor) -> Self {
        let elsewhere = media_type::is_non_distributable(&descriptor.media_type) && descriptor.has_urls;
        Self { descriptor, what: LinkKind::Layer, may_be_absent: elsewhere }
    }
}

fn known_type(text: &str) -> Result<&'static str, ManifestError> {
    let known = MANIFESTS.into_iter().find(|known| *known == text);
    known.ok_or_else(|| ManifestError::UnsupportedMediaType(text.to_owned()))
}

/// The one type on which header, body and shape agree.
fn agreed_type(announced: Option<&'static str>, document: &Document) -> Result<&'static str, ManifestError> {
    if document.manifests.is_some() {
        if document.layers.is_some() {
            return Err(ManifestError::Ambiguous("layers"));
        }
        if document.config.is_some() {
            return Err(ManifestError::Ambiguous("config"));
        }
    }
    match (announced, document.media_type.as_ref().map(|own| own.0.as_str())) {
        (Some(announced), Some(own)) if announced != own => Err(ManifestError::MediaTypesDisagree {
            content_type: announced.to_owned(),
            body: own.to_owned(),
        }),
        (Some(announced), _) => Ok(announced),
        (None, Some(own)) => known_type(own),
        (None, None) if document.manifests.is_some() => Ok(OCI_INDEX),
        (None, None) if document.config.is_some() && document.layers.is_some() => Ok(OCI_MANIFEST),
        (None, None) => Err(ManifestError::Untyped),
    }
}

fn is_index(media_type: &str) -> bool {
    media_type == OCI_INDEX || media_type == DOCKER_LIST
}

fn members_of(media_type: &str) -> &'static str {
    if is_index(media_type) { "manifests" } else { "config and layers" }
}

fn read_kind(media_type: &'static str, document: &mut Document) -> Result<Kind, ManifestError> {
    let missing = |member| ManifestError::Missing { member, media_type };
    if is_index(media_type) {
        let entries = document.manifests.take().ok_or_else(|| missing("manifests"))?;
        return Ok(Kind::Index { entries: all_at("manifests", entries)? });
    }
    let config = document.config.take().ok_or_else(|| missing("config"))?;
    let layers = document.layers.take().ok_or_else(|| missing("layers"))?;
    Ok(Kind::Image { config: at("config", None, config)?, layers: all_at("layers", layers)? })
}

/// OCI distribution 1.1, "Listing Referrers": only an image falls back to its config, an index has none.
fn fallback_artifact_type(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Image { config, .. } => Some(config.media_type.clone()),
        Kind::Index { .. } => None,
    }
}

fn all_at(member: &str, listed: Listed) -> Result<Vec<Descriptor>, ManifestError> {
    listed.0.into_iter().enumerate().map(|(index, raw)| at(member, Some(index), raw)).collect()
}

fn at(member: &str, index: Option<usize>, raw: Member) -> Result<Descriptor, ManifestError> {
    Descriptor::try_from(raw.0).map_err(|error| {
        let place = index.map_or(member.to_owned(), |index| format!("{member}[{index}]"));
        ManifestError::Descriptor { place, error }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{descriptor::MAX_DESCRIPTOR_BYTES, media_type::DOCKER_MANIFEST};

    fn digest(byte: u8) -> String {
        crate::Digest::from_sha256(&[byte; 32]).to_string()
    }

    fn descriptor(media_type: &str, byte: u8) -> String {
        format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{byte}}}"#, digest(byte))
    }

    /// An image with one layer, `more` members before the rest.
    fn image(more: &str) -> String {
        let (config, layer) = (descriptor("application/c+json", 1), descriptor("application/l", 2));
        format!(r#"{{{more}"schemaVersion":2,"config":{config},"layers":[{layer}]}}"#)
    }

    fn index(more: &str) -> String {
        format!(r#"{{{more}"schemaVersion":2,"manifests":[{}]}}"#, descriptor(OCI_MANIFEST, 3))
    }

    fn own_type(media_type: &str) -> String {
        format!(r#""mediaType":"{media_type}","#)
    }

    fn parse(text: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(None, text.as_bytes())
    }

    /// That the manifest is refused with a message that holds `says`.
    #[track_caller]
    fn refused(text: &str, says: &str) {
        let message = Manifest::parse(None, text.as_bytes()).expect_err(says).to_string();
        assert!(message.contains(says), "{message}");
    }

    #[test]
    fn the_type_comes_from_header_then_body_then_shape() {
        let check = |content_type, text: String, expect: &str| {
            let manifest = Manifest::parse(content_type, text.as_bytes()).unwrap();
            assert_eq!(manifest.media_type, expect, "{text}");
            assert_eq!(matches!(manifest.kind, Kind::Index { .. }), text.contains("manifests"));
        };
        check(Some(OCI_MANIFEST), image(""), OCI_MANIFEST);
        check(Some(DOCKER_MANIFEST), image(""), DOCKER_MANIFEST);
        check(Some(DOCKER_MANIFEST), image(&own_type(DOCKER_MANIFEST)), DOCKER_MANIFEST);
        check(Some("Application/Vnd.OCI.image.manifest.v1+JSON; charset=utf-8"), image(""), OCI_MANIFEST);
        check(Some(DOCKER_LIST), index(&own_type(DOCKER_LIST)), DOCKER_LIST);
        check(None, image(&own_type(DOCKER_MANIFEST)), DOCKER_MANIFEST);
        check(None, index(&own_type(DOCKER_LIST)), DOCKER_LIST);
        check(None, image(""), OCI_MANIFEST);
        check(None, index(""), OCI_INDEX);
        check(Some(""), index(""), OCI_INDEX);
    }

    #[test]
    fn header_body_and_shape_must_agree() {
        let check = |content_type, text: String, expect: ManifestError| {
            assert_eq!(Manifest::parse(Some(content_type), text.as_bytes()), Err(expect), "{text}");
        };
        let disagree = |content_type: &str, body: &str| ManifestError::MediaTypesDisagree {
            content_type: content_type.to_owned(),
            body: body.to_owned(),
        };
        let missing = |member, media_type| ManifestError::Missing { member, media_type };
        check(OCI_MANIFEST, image(&own_type(DOCKER_MANIFEST)), disagree(OCI_MANIFEST, DOCKER_MANIFEST));
        check(OCI_INDEX, index(&own_type("x/y")), disagree(OCI_INDEX, "x/y"));
        check(OCI_INDEX, image(""), missing("manifests", OCI_INDEX));
        check(DOCKER_MANIFEST, index(""), missing("config", DOCKER_MANIFEST));
        check(OCI_MANIFEST, r#"{"schemaVersion":2}"#.to_owned(), missing("config", OCI_MANIFEST));
        let no_layers = image("").replace("layers", "others");
        check(OCI_MANIFEST, no_layers, missing("layers", OCI_MANIFEST));
        check(OCI_MANIFEST, image(r#""manifests":[],"#), ManifestError::Ambiguous("layers"));
        check(OCI_INDEX, index(r#""layers":[],"#), ManifestError::Ambiguous("layers"));
        let with_config = index(&format!(r#""config":{},"#, descriptor("a/b", 1)));
        check(OCI_INDEX, with_config, ManifestError::Ambiguous("config"));
    }

    #[test]
    fn other_types_are_told_what_is_taken() {
        for content_type in ["application/vnd.docker.distribution.manifest.v1+prettyjws", "application/json"]
        {
            let error = Manifest::parse(Some(content_type), b"{}").unwrap_err();
            assert_eq!(error, ManifestError::UnsupportedMediaType(content_type.to_owned()));
            assert!(error.to_string().contains(OCI_MANIFEST), "{error}");
        }
        refused(&image(&own_type("x/y")), r#""x/y" are not taken; push one of application/vnd.oci"#);
        refused(r#"{"schemaVersion":2}"#, "the manifest is of no known type; send Content-Type");
        refused(r#"{"schemaVersion":1,"fsLayers":[]}"#, "schemaVersion is 1; it must be 2");
        refused("{}", "schemaVersion is missing");
    }

    #[test]
    fn unknown_members_are_let_through() {
        let more = r#""x":{"schemaVersion":[1,{"layers":null}]},"y":1,"subject":null,"#;
        assert_eq!(parse(&image(more)), parse(&image("")));
        let deep = image("").replace(r#""size":2"#, r#""size":2,"data":"e30=","platform":{"os":"linux"}"#);
        assert_eq!(parse(&deep), parse(&image("")));
    }

    #[test]
    fn it_is_one_json_object_in_utf_8_with_each_member_once() {
        refused("", "EOF");
        refused("[]", "expected an object");
        refused("null", "expected an object");
        refused("2", "expected an object");
        refused(&format!("{} {{}}", image("")), "trailing characters");
        refused(&format!("\u{feff}{}", image("")), "byte order mark");
        refused(&image(r#""schemaVersion":2,"#), "duplicate field `schemaVersion`");
        refused(&image(r#""layers":[],"#), "duplicate field `layers`");
        refused(&image(r#""\u006cayers":[],"#), "duplicate field `layers`");
        refused(&image("").replace(r#""size":2"#, r#""size":2,"size":3"#), "duplicate field `size`");
        refused(&image("").replace(r#""schemaVersion":2"#, r#""schemaVersion":2.0"#), "floating point");
        refused(&image(r#""annotations":{"a":1},"#), "expected a string");
        refused(&image(r#""annotations":{"a":"\u0000"},"#), "U+0000");
        refused(&image(&own_type("\\u0000")), "U+0000");
        refused(&image(r#""annotations":{"a":"1","a":"2"},"#), r#"an object has "a" twice"#);
        refused(&image(r#""x":1,"\u0078":2,"#), r#"an object has "x" twice"#);
        refused(&image(r#""x":[0,{"os":"linux" , "os" : "windows"}],"#), r#"an object has "os" twice"#);
        refused(&image(r#""x":{"\ud800":1},"#), "half a surrogate pair");
        let not_utf_8 = Manifest::parse(None, b"{\"a\":\"\xff\"}").unwrap_err().to_string();
        assert!(not_utf_8.contains("not UTF-8"), "{not_utf_8}");
    }

    #[test]
    fn a_name_that_go_reads_as_another_is_refused() {
        for (name, field) in [
            ("Layers", "layers"),
            ("MANIFESTS", "manifests"),
            ("manife\u{17f}ts", "manifests"),
            ("\\u004cayers", "layers"),
            ("schemaversion", "schemaVersion"),
        ] {
            refused(&image(&format!(r#""{name}":[],"#)), &format!("as {field}; write {field}"));
        }
        let twice = |name| image("").replace(r#""size":2"#, &format!(r#""size":2,"{name}":3"#));
        refused(&twice("Size"), r#"some clients read "Size" as size; write size"#);
        // Whatever is not a member's name, or not almost a known one, is let through.
        for more in [
            r#""annotations":{"Layers":"a","layers":"a"},"#,
            r#""x":{"Layers":1,"layers":2,"s":["a","a",{"a":"a"},{"a":"a"}]},"#,
            r#""a":"\"","b":"a\\","layer":1,"#,
        ] {
            assert!(parse(&image(more)).is_ok(), "{more}");
        }
        assert!(parse(&twice("sizes")).is_ok());
    }

    #[test]
    fn a_message_stays_short() {
        let message =
            parse(&image(&format!(r#""layers":"{}","#, "x".repeat(100_000)))).unwrap_err().to_string();
        assert!(message.len() < 1000, "{}", message.len());
    }

    #[test]
    fn descriptors_are_checked_and_named() {
        let change = |from: &str, to: &str| image("").replace(from, to);
        refused(&change(&digest(2), "sha256:2"), r#"layers[0]: "sha256:2" is not a digest"#);
        refused(
            &change(&digest(1), "md5:2"),
            r#"config: "md5:2" is a digest of a hash that is not known here"#,
        );
        refused(&change(r#","size":1"#, ""), "config: size is missing");
        refused(&change(r#""mediaType":"application/l","#, ""), "layers[0]: mediaType is missing");
        refused(&change("application/l", ""), "layers[0]: \"\" is not a media type");
        refused(
            &change("application/l", &"x".repeat(256)),
            "is not a media type; one has 1 to 255 characters",
        );
        refused(&index(r#""subject":{},"#), "subject: mediaType is missing");
        refused(&index(r#""subject":[],"#), "expected an object");
        refused(&index(&format!(r#""artifactType":"{}","#, "x".repeat(256))), "artifactType: ");
        refused(&index("").replace(&digest(3), "x"), r#"manifests[0]: "x" is not a digest"#);
        // Derived readers would take the fields in order.
        refused(
            &image("").replace(&descriptor("application/l", 2), r#"["a/b","c",1]"#),
            "expected an object",
        );
    }

    #[test]
    fn a_size_is_a_whole_number_up_to_the_largest_bigint() {
        let size = |text: &str| parse(&image("").replace(r#""size":2"#, &format!(r#""size":{text}"#)));
        for (text, expect) in [("0", 0), ("9223372036854775807", MAX_DESCRIPTOR_BYTES)] {
            assert_eq!(size(text).unwrap().links().last().unwrap().descriptor.size, expect);
        }
        for text in
            ["-1", "-0", "1.0", "1e3", "\"1\"", "true", "[]", "9223372036854775808", "18446744073709551616"]
        {
            let message = size(text).expect_err(text).to_string();
            assert!(message.contains("a size in whole bytes from 0 to 9223372036854775807"), "{message}");
        }
    }

    #[test]
    fn an_image_links_config_and_layers_and_an_index_its_entries() {
        let links = |text: String| {
            let manifest = parse(&text).unwrap();
            manifest
                .links()
                .map(|link| (link.what, link.descriptor.size, link.may_be_absent))
                .collect::<Vec<_>>()
        };
        let subject = format!(r#""subject":{},"#, descriptor(OCI_MANIFEST, 9));
        assert_eq!(links(image(&subject)), [(LinkKind::Config, 1, false), (LinkKind::Layer, 2, false)]);
        assert_eq!(links(index(&subject)), [(LinkKind::Entry, 3, false)]);
        assert_eq!(parse(&image(&subject)).unwrap().subject.map(|subject| subject.size), Some(9));
    }

    #[test]
    fn only_a_non_distributable_layer_with_urls_may_be_absent() {
        let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        let may_be_absent = |media_type: &str, urls: &str| {
            let layer = format!(r#"{{"urls":{urls},{}"#, &descriptor(media_type, 2)[1..]);
            let manifest = parse(&image("").replace(&descriptor("application/l", 2), &layer)).unwrap();
            manifest.links().last().unwrap().may_be_absent
        };
        assert!(may_be_absent(foreign, r#"["https://example.com/l"]"#));
        assert!(!may_be_absent(foreign, "[]"));
        assert!(!may_be_absent(foreign, "null"));
        assert!(!may_be_absent("application/l", r#"["https://example.com/l"]"#));
    }

    #[test]
    fn a_referrer_says_its_artifact_type_or_its_configs_media_type() {
        let artifact_type = |text: String| parse(&text).unwrap().artifact_type;
        assert_eq!(artifact_type(image(r#""artifactType":"a/sbom","#)).as_deref(), Some("a/sbom"));
        assert_eq!(artifact_type(image("")).as_deref(), Some("application/c+json"));
        assert_eq!(artifact_type(image(r#""artifactType":"","#)).as_deref(), Some("application/c+json"));
        assert_eq!(artifact_type(index(r#""artifactType":"a/sbom","#)).as_deref(), Some("a/sbom"));
        assert_eq!(artifact_type(index("")), None);
        let annotations = parse(&image(r#""annotations":{"a":"b"},"#)).unwrap().annotations;
        assert_eq!(annotations, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
    }

    #[test]
    fn nesting_is_bounded_even_where_nobody_reads() {
        let nested = |levels: usize| image(&format!(r#""x":{}{},"#, "[".repeat(levels), "]".repeat(levels)));
        assert!(parse(&nested(127)).is_ok());
        for levels in [128, 10_000, 1_000_000] {
            refused(&nested(levels), "nested deeper than 128 levels");
        }
        assert!(parse(&image(&format!(r#""x":"\"{}","#, "[".repeat(1000)))).is_ok());
    }

    #[test]
    fn a_manifest_has_at_most_4_mib() {
        let mut text = image("");
        text.extend(std::iter::repeat_n(' ', MAX_MANIFEST_BYTES - text.len()));
        assert!(parse(&text).is_ok());
        text.push(' ');
        assert_eq!(parse(&text), Err(ManifestError::TooLarge(MAX_MANIFEST_BYTES + 1)));
    }

    #[test]
    fn a_manifest_lists_at_most_4096_descriptors_each_with_annotations() {
        let annotations = (0..20).map(|number| format!(r#""org.example.note.{number}":"{number}""#));
        let annotations = format!(r#"{{"annotations":{{{}}},"#, annotations.collect::<Vec<_>>().join(","));
        let layer = descriptor("a/b", 2).replacen('{', &annotations, 1);
        let listing = |count: usize| {
            image("").replace(&descriptor("application/l", 2), &vec![layer.as_str(); count].join(","))
        };
        assert_eq!(parse(&listing(MAX_LINKS)).unwrap().links().count(), MAX_LINKS + 1);
        refused(&listing(MAX_LINKS + 1), "at most 4096 are taken");
        refused(
            &index("").replace(&descriptor(OCI_MANIFEST, 3), &vec!["{}"; 4097].join(",")),
            "at most 4096",
        );
    }

    #[test]
    fn an_object_has_at_most_1024_annotations() {
        let notes = |count: usize| {
            let notes: Vec<_> = (0..count).map(|number| format!(r#""{number}":"""#)).collect();
            format!(r#""annotations":{{{}}},"#, notes.join(","))
        };
        assert_eq!(parse(&image(&notes(1024))).unwrap().annotations.len(), 1024);
        refused(&image(&notes(1025)), "an object has more than 1024 annotations");
        let of_a_layer =
            |count| image("").replacen(r#""size":2"#, &format!(r#"{}"size":2"#, notes(count)), 1);
        assert!(parse(&of_a_layer(1024)).is_ok());
        refused(&of_a_layer(1025), "an object has more than 1024 annotations");
    }

    #[test]
    fn a_manifest_has_a_bounded_number_of_values_wherever_they_stand() {
        let more = |count: usize| image(&format!(r#""x":[{}],"#, vec!["0"; count].join(",")));
        assert!(parse(&more(MAX_MANIFEST_VALUES - 100)).is_ok());
        refused(&more(MAX_MANIFEST_VALUES), "it has too many values");
        let members: Vec<_> = (0..MAX_MANIFEST_VALUES).map(|number| format!(r#""{number:x}":0"#)).collect();
        refused(&image(&format!("{},", members.join(","))), "at most 131072 are taken");
    }

    #[test]
    fn what_buildkit_says_of_an_entry_is_kept() {
        let note = r#"{"annotations":{"a":"b","vnd.docker.reference.type":"attestation-manifest"},"#;
        let entry = descriptor(OCI_MANIFEST, 3).replacen('{', note, 1);
        let manifest = parse(&index("").replace(&descriptor(OCI_MANIFEST, 3), &entry)).unwrap();
        let said = manifest.links().next().unwrap().descriptor.reference_type.clone();
        assert_eq!(said.as_deref(), Some("attestation-manifest"));
    }
}
