//! Small real images: a gzip layer, a config, a manifest, the same bytes for the same seed and size.

use std::{io::Write, path::Path};

use flate2::{Compression, GzBuilder};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::randomness::SeededRandomness;

/// OCI image-spec 1.1, "Image Manifest".
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image-spec 1.1, "Image Configuration".
pub const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
/// OCI image-spec 1.1, "Image Layer Filesystem Changeset".
pub const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

const TAR_BLOCK: usize = 512; // bytes; POSIX.1-1988 ustar

/// Bytes with their digest and media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The media type that a descriptor of it names.
    pub media_type: &'static str,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// `bytes` under the digest that they have.
    pub fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        let digest = sha256_digest(&bytes);
        Self { media_type, digest, bytes }
    }

    /// The descriptor of it: media type, digest, size.
    pub fn descriptor(&self) -> serde_json::Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len() })
    }
}

/// `sha256:` and the hexadecimal SHA-256 of `bytes`.
pub fn sha256_digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// An image for linux/amd64 with one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The image configuration.
    pub config: Blob,
    /// The file system, gzipped.
    pub layer: Blob,
    /// The manifest that names both.
    pub manifest: Blob,
}

impl Image {
    /// An image whose layer holds one file of `size` bytes that do not compress. Seeds give different images;
    /// the same seed and size give the same bytes.
    pub fn new(seed: u64, size: usize) -> Self {
        let tar = tar_of_one_file("sealock-test-image", &SeededRandomness::new(seed).bytes(size));
        let layer = Blob::new(LAYER_TYPE, gzip(&tar));
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": [sha256_digest(&tar)] },
            "history": [{ "created": "2026-01-01T00:00:00Z", "created_by": "testkit" }],
        });
        let config = Blob::new(CONFIG_TYPE, config.to_string().into_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.descriptor(),
            "layers": [layer.descriptor()],
        });
        let manifest = Blob::new(MANIFEST_TYPE, manifest.to_string().into_bytes());
        Self { config, layer, manifest }
    }

    /// Writes it as an OCI image layout (image-spec 1.1, "Image Layout") with one `tag`:
    /// `skopeo copy oci:FOLDER:TAG …` reads it.
    pub fn write_layout(&self, folder: &Path, tag: &str) -> std::io::Result<()> {
        let blobs = folder.join("blobs/sha256");
        std::fs::create_dir_all(&blobs)?;
        for blob in [&self.config, &self.layer, &self.manifest] {
            std::fs::write(blobs.join(blob.digest.trim_start_matches("sha256:")), &blob.bytes)?;
        }
        let mut entry = self.manifest.descriptor();
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        let index = json!({ "schemaVersion": 2, "manifests": [entry] });
        std::fs::write(folder.join("index.json"), index.to_string())?;
        std::fs::write(folder.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // No name and no time in the header, so that the bytes are the same on every run.
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory")
}

/// A tar archive of one file owned by root, of the first second of 1970.
fn tar_of_one_file(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0u8; TAR_BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0"); // mode
    put(108, "0000000\0"); // user
    put(116, "0000000\0"); // group
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0"); // time
    put(148, "        "); // the checksum counts itself as spaces
    put(156, "0"); // a regular file
    put(257, "ustar\x0000");
    let checksum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..156].copy_from_slice(format!("{checksum:06o}\0 ").as_bytes());

    let mut tar = header.to_vec();
    tar.extend_from_slice(content);
    // Padded to a whole block, and two empty blocks end the archive.
    tar.resize(tar.len().next_multiple_of(TAR_BLOCK) + 2 * TAR_BLOCK, 0);
    tar
}

#[cfg(test)]
mod tests {
    use std::{io::Read, process::Command};

    use super::*;

    #[test]
    fn a_seed_and_a_size_always_give_the_same_image() {
        assert_eq!(Image::new(1, 1000), Image::new(1, 1000));
        assert_ne!(Image::new(1, 1000).manifest.digest, Image::new(2, 1000).manifest.digest);
        assert_ne!(Image::new(1, 1000).manifest.digest, Image::new(1, 1001).manifest.digest);
    }

    #[test]
    fn the_config_names_the_layer_that_was_packed() {
        let image = Image::new(1, 1000);
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(&image.layer.bytes[..]).read_to_end(&mut tar).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&image.config.bytes).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], sha256_digest(&tar));
    }

    #[test]
    fn a_large_image_stays_large() {
        assert!(Image::new(1, 100_000).layer.bytes.len() >= 100_000);
    }

    #[test]
    fn tar_can_read_the_layer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("layer.tar.gz");
        std::fs::write(&file, Image::new(1, 1000).layer.bytes).unwrap();
        let listed = Command::new("tar").arg("-tvzf").arg(&file).output().unwrap();
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(listed.status.success(), "{listed:?}");
        assert!(text.contains(" 1000 1970-01-01 00:00 sealock-test-image"), "{text}");
    }

    #[test]
    fn skopeo_can_read_the_layout() {
        let Some(skopeo) = crate::missing::need("skopeo") else { return };
        let folder = tempfile::tempdir().unwrap();
        let image = Image::new(1, 1000);
        image.write_layout(folder.path(), "1.0").unwrap();
        let source = format!("oci:{}:1.0", folder.path().display());
        let inspected = Command::new(skopeo).args(["inspect", "--raw", &source]).output().unwrap();
        assert_eq!(inspected.stdout, image.manifest.bytes, "{inspected:?}");
    }
}
