//! Media types of manifests and layers: OCI image 1.1, "Media Types"; Docker image manifest version 2, schema 2.

/// An OCI image manifest; artifacts are pushed as these too.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// A Docker image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// A Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Every media type under which a manifest may be pushed.
pub const MANIFESTS: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/// What an image's configuration is, where it says for which machine the image is: OCI image 1.1, "Media Types", and
/// Docker's.
pub const IMAGE_CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// Longest media type in characters: RFC 6838 §4.2 gives 127 to each side of the slash.
pub const MAX_MEDIA_TYPE_CHARACTERS: usize = 255;

/// Layers whose licence forbids to upload them: OCI image 1.1, "Non-Distributable Layers", and Docker's foreign ones.
const NON_DISTRIBUTABLE: [&str; 5] = [
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
];

/// Whether layers of this type may stay where their `urls` say.
pub fn is_non_distributable(media_type: &str) -> bool {
    NON_DISTRIBUTABLE.contains(&media_type)
}

/// The type that a Content-Type names: parameters such as `; charset=utf-8` cut off, lower case (RFC 9110 §8.3.1).
pub fn essence(content_type: &str) -> String {
    let (essence, _parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    essence.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_count() {
        for content_type in [OCI_INDEX, " Application/vnd.OCI.image.index.v1+json ; charset=utf-8;x=y"] {
            assert_eq!(essence(content_type), OCI_INDEX);
        }
        assert_eq!(essence(""), "");
        assert_eq!(essence("; charset=utf-8"), "");
    }

    #[test]
    fn only_layers_marked_so_may_be_absent() {
        assert!(is_non_distributable("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"));
        assert!(is_non_distributable("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"));
        assert!(!is_non_distributable("application/vnd.oci.image.layer.v1.tar+gzip"));
        assert!(!is_non_distributable("application/vnd.oci.image.layer.nondistributable.v1.tar+lzma"));
    }
}
