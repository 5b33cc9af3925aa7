//! What a client knows of the server: everything that was acknowledged to it. Nobody else changes any of it.

use std::{collections::BTreeMap, sync::Arc};

use testkit::image::{Blob, Image};

/// A client's repository and its token, as they are once everything acknowledged has happened.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    /// By digest.
    pub(super) blobs: BTreeMap<String, Arc<Blob>>,
    /// By the digest of the manifest.
    pub(super) images: BTreeMap<String, Arc<Image>>,
    /// From tag to the digest of a manifest.
    pub(super) tags: BTreeMap<String, String>,
    /// By location.
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) token: Token,
}

/// An open upload.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    /// What it is to become.
    pub(super) blob: Arc<Blob>,
    /// How many bytes were acknowledged.
    pub(super) offset: usize,
}

/// A token that is only there to be disabled, enabled and reset.
#[derive(Debug, Clone, Default)]
pub(super) struct Token {
    pub(super) is_disabled: bool,
    /// The one that lives; `None` where the answer with it was lost.
    pub(super) secret: Option<String>,
    /// Those before it, the newest last.
    pub(super) dead: Vec<String>,
}

/// Something that can be looked at from outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    Blob(String),
    Manifest(String),
    Tag(String),
    Tags,
    Upload(String),
    Status,
    Secret(String),
}

/// What is seen there; nothing where there is nothing.
pub(super) type Facts = BTreeMap<Fact, String>;

/// What [`Facts`] say of what is there, whole and as it was sent.
pub(super) const WHOLE: &str = "whole";
pub(super) const OPENS: &str = "opens";
/// Dead secrets that are looked at: those of long ago were looked at often enough.
const DEAD_LOOKED_AT: usize = 3;

impl World {
    /// What has to be seen from outside.
    pub(super) fn facts(&self) -> Facts {
        let whole = |digest: &String| WHOLE.to_owned() + " " + digest;
        let blobs = self.blobs.keys().map(|digest| (Fact::Blob(digest.clone()), whole(digest)));
        let manifests = self.images.keys().map(|digest| (Fact::Manifest(digest.clone()), whole(digest)));
        let tags = self.tags.iter().map(|(tag, digest)| (Fact::Tag(tag.clone()), whole(digest)));
        let uploads = self.uploads.iter();
        let uploads =
            uploads.map(|(location, upload)| (Fact::Upload(location.clone()), offset(upload.offset)));
        let mut facts: Facts = blobs.chain(manifests).chain(tags).chain(uploads).collect();
        let names: Vec<&str> = self.tags.keys().map(String::as_str).collect();
        facts.insert(Fact::Tags, names.join(" "));
        facts.extend(self.token.facts());
        facts
    }

    /// Every image of which nothing is missing here can be pulled; whoever deletes a blob asks this first.
    pub(super) fn is_used(&self, digest: &str) -> bool {
        self.images.values().any(|image| image.config.digest == digest || image.layer.digest == digest)
    }
}

impl Token {
    fn facts(&self) -> Facts {
        let dead = self.dead.iter().rev().take(DEAD_LOOKED_AT);
        let mut facts: Facts = dead.map(|secret| (Fact::Secret(secret.clone()), String::new())).collect();
        if let Some(secret) = &self.secret {
            let opens = if self.is_disabled { "" } else { OPENS };
            facts.insert(Fact::Secret(secret.clone()), opens.to_owned());
        }
        facts.insert(Fact::Status, if self.is_disabled { "disabled" } else { "enabled" }.to_owned());
        facts
    }

    /// Another secret, or one that nobody saw.
    pub(super) fn reset(&mut self, secret: Option<String>) {
        self.dead.extend(std::mem::replace(&mut self.secret, secret));
    }
}

/// How an upload's offset is written in [`Facts`].
pub(super) fn offset(offset: usize) -> String {
    format!("{offset} bytes")
}
