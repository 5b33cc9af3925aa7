//! What an artifact is, in words that people use: said by its types, its tag, or what its layers are.

use std::borrow::Cow;

use maud::{Markup, html};
use oci::{
    Digest, Manifest,
    media_type::{DOCKER_LIST, IMAGE_CONFIGS, OCI_INDEX},
};
use registry::StoredManifest;
use serde_json::Value;

use crate::{console::wording, public_host::PublicHost};

/// What an artifact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Image,
    Index,
    Signature,
    /// Of this standard.
    Sbom(&'static str),
    Attestation,
    HelmChart,
    /// Of a type that says nothing here; empty where it has none.
    Other(String),
}

/// Parts of media and artifact types that say what something is. The first that fits counts: an attestation may be
/// about an SBOM, and then its predicate says so.
const BY_TYPE: [(&str, Kind); 13] = [
    ("cyclonedx", Kind::Sbom("CycloneDX")),
    ("spdx", Kind::Sbom("SPDX")),
    ("vnd.syft", Kind::Sbom("Syft")),
    ("in-toto", Kind::Attestation),
    ("dsse.envelope", Kind::Attestation),
    ("attestation", Kind::Attestation),
    ("slsa", Kind::Attestation),
    ("cosign.artifact.att", Kind::Attestation),
    ("cosign.artifact.sig", Kind::Signature),
    ("cosign.simplesigning", Kind::Signature),
    ("notary.signature", Kind::Signature),
    ("sigstore.bundle", Kind::Signature),
    ("cncf.helm.config", Kind::HelmChart),
];

/// What cosign puts behind the digest in a tag, as long as it uses no referrers.
const BY_TAG: [(&str, Kind); 3] =
    [(".sig", Kind::Signature), (".att", Kind::Attestation), (".sbom", Kind::Sbom("by cosign"))];

/// Characters of a type that says nothing here: the manifest's own page has all of it.
const TYPE_CHARS: usize = 80;

/// What a Sigstore bundle is a proof of; a signature's own says `cosign/sign`.
const BUNDLE_PREDICATE: &str = "dev.sigstore.bundle.predicateType";

impl Kind {
    /// By what is kept beside the manifest.
    pub(super) fn of(stored: &StoredManifest) -> Self {
        if let Some(found) = of_type(&stored.artifact_type) {
            return of_bundle(stored).filter(|_| found == Self::Signature).unwrap_or(found);
        }
        if [OCI_INDEX, DOCKER_LIST].contains(&stored.media_type.as_str()) && stored.artifact_type.is_empty() {
            return Self::Index;
        }
        if IMAGE_CONFIGS.contains(&stored.artifact_type.as_str()) {
            return Self::Image;
        }
        Self::Other(stored.artifact_type.clone())
    }

    /// The same, where the manifest was read: an image whose only layers are signatures is one of those.
    pub(super) fn of_read(stored: &StoredManifest, manifest: &Manifest) -> Self {
        let kind = Self::of(stored);
        match &manifest.kind {
            oci::Kind::Image { layers, .. } if matches!(kind, Self::Image | Self::Other(_)) => {
                layers.first().and_then(|layer| of_type(&layer.media_type)).unwrap_or(kind)
            }
            _ => kind,
        }
    }

    /// By a tag such as `sha256-….sig`, with the digest that it is about.
    pub(super) fn of_tag(tag: &str) -> Option<(Self, Digest)> {
        BY_TAG.into_iter().find_map(|(ending, kind)| {
            let (algorithm, hex) = tag.strip_suffix(ending)?.split_once('-')?;
            Some((kind, Digest::parse(&format!("{algorithm}:{hex}")).ok()?))
        })
    }

    /// The tags under which cosign keeps what is about a digest.
    pub(super) fn tags_about(digest: &Digest) -> impl Iterator<Item = String> {
        let base = digest.as_str().replacen(':', "-", 1);
        BY_TAG.into_iter().map(move |(ending, _)| format!("{base}{ending}"))
    }

    /// In words.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Image => "Image".into(),
            Self::Index => "Image for several platforms".into(),
            Self::Signature => "Signature".into(),
            Self::Sbom(standard) => format!("SBOM ({standard})").into(),
            Self::Attestation => "Attestation".into(),
            Self::HelmChart => "Helm chart".into(),
            Self::Other(artifact_type) if artifact_type.is_empty() => "Artifact".into(),
            Self::Other(artifact_type) => {
                format!("Artifact ({})", wording::cut(artifact_type, TYPE_CHARS)).into()
            }
        }
    }

    /// The command that fetches it; `reference` is `:1.0` or `@sha256:…`.
    pub(super) fn pull_command(&self, host: &PublicHost, repository: &str, reference: &str) -> String {
        let PublicHost { authority: host, is_https } = host;
        // docker has it in its own configuration, and takes it of this machine.
        let flag = if *is_https { "" } else { " --plain-http" };
        match (self, reference.strip_prefix(':')) {
            (Self::Image | Self::Index, _) => format!("docker pull {host}/{repository}{reference}"),
            // Helm writes + as _ in tags, and wants the version.
            (Self::HelmChart, Some(tag)) => {
                format!("helm pull oci://{host}/{repository} --version {}{flag}", tag.replace('_', "+"))
            }
            _ => format!("oras pull{flag} {host}/{repository}{reference}"),
        }
    }

    /// A badge, for whatever is not an image; for how many platforms one is stands beside it.
    pub(super) fn badge(&self) -> Markup {
        html! { @if !matches!(self, Self::Image | Self::Index) { span.badge { (self.name()) } } }
    }
}

fn of_type(text: &str) -> Option<Kind> {
    let text = text.to_ascii_lowercase();
    BY_TYPE.into_iter().find(|(part, _)| text.contains(part)).map(|(_, kind)| kind)
}

/// A bundle holds a signature or an attestation; its annotation says which.
fn of_bundle(stored: &StoredManifest) -> Option<Kind> {
    let annotations: Value = serde_json::from_str(&stored.annotations).ok()?;
    let predicate = annotations[BUNDLE_PREDICATE].as_str()?;
    Some(if predicate.contains("cosign/sign") { Kind::Signature } else { Kind::Attestation })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tag_of_cosign_says_what_it_is_about() {
        let hex = "0123456789abcdef".repeat(4);
        let digest = Digest::parse(&format!("sha256:{hex}")).unwrap();
        for (ending, kind) in BY_TAG {
            let found = Kind::of_tag(&format!("sha256-{hex}{ending}"));
            assert_eq!(found, Some((kind, digest.clone())), "{ending}");
        }
        let tags: Vec<_> = Kind::tags_about(&digest).collect();
        assert_eq!(tags, ["sig", "att", "sbom"].map(|ending| format!("sha256-{hex}.{ending}")));
        for tag in ["1.0.sig", "sha256-00.sig", "latest", &format!("sha256-{hex}"), &format!("md5-{hex}.sig")]
        {
            assert_eq!(Kind::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn each_is_pulled_with_its_own_client() {
        let host = |is_https| PublicHost { authority: "host".to_owned(), is_https };
        let command = |kind: Kind, reference| kind.pull_command(&host(true), "acme/api", reference);
        let in_clear = |kind: Kind, reference| kind.pull_command(&host(false), "acme/api", reference);
        assert_eq!(command(Kind::Index, ":1.0"), "docker pull host/acme/api:1.0");
        assert_eq!(command(Kind::Image, "@sha256:00"), "docker pull host/acme/api@sha256:00");
        assert_eq!(command(Kind::HelmChart, ":1.0_a"), "helm pull oci://host/acme/api --version 1.0+a");
        assert_eq!(command(Kind::HelmChart, "@sha256:00"), "oras pull host/acme/api@sha256:00");
        assert_eq!(command(Kind::Other(String::new()), ":1.0"), "oras pull host/acme/api:1.0");

        assert_eq!(in_clear(Kind::Image, ":1.0"), "docker pull host/acme/api:1.0");
        let helm = "helm pull oci://host/acme/api --version 1.0 --plain-http";
        assert_eq!(in_clear(Kind::HelmChart, ":1.0"), helm);
        assert_eq!(in_clear(Kind::Signature, ":1.0"), "oras pull --plain-http host/acme/api:1.0");
    }
}
