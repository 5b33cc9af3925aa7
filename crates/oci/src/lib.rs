//! The words of the OCI distribution protocol 1.1 as types: names, tags, digests, manifests, error codes and the
//! calls that a `/v2/` path stands for.
//!
//! Text from outside becomes a type here or is refused; whoever holds the type need not check again. No IO, no HTTP
//! library, no statuses: those are the business of `web`.

pub mod annotations;
pub mod byte_range;
pub mod call;
pub mod descriptor;
pub mod digest;
mod document;
pub mod error;
pub mod json;
pub mod manifest;
pub mod media_type;
pub mod name;
mod object;
pub mod platform;
pub mod range;
pub mod reference;
pub mod route;
pub mod tag;

pub use call::{Call, UploadRef};
pub use descriptor::{Descriptor, DescriptorError};
pub use digest::{Algorithm, Digest, DigestError};
pub use error::ErrorCode;
pub use manifest::{Kind, Link, LinkKind, Manifest, ManifestError};
pub use name::{NameError, NamespaceName, RepositoryName};
pub use platform::Platform;
pub use range::UploadRange;
pub use reference::{Reference, ReferenceError};
pub use route::{Method, RouteError};
pub use tag::{Tag, TagError};
