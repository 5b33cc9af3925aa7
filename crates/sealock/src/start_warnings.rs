//! What a start warns about: settings with which the server runs, but that let others in. Each warning names the setting and
//! the fix.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use crate::{config::ServeConfig, origin::Origin};

/// The bits of a folder's mode by which others can write to it, and by which they can move only what is theirs.
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Logs the warnings, each once.
pub(crate) fn log(config: &ServeConfig, public_urls: &[Origin]) {
    for warning in warnings(config, public_urls) {
        tracing::warn!("{warning}");
    }
}

fn warnings(config: &ServeConfig, public_urls: &[Origin]) -> Vec<String> {
    let mut warnings = Vec::new();
    match writable_by_others(&config.data_dir) {
        Ok(warning) => warnings.extend(warning),
        Err(error) => tracing::debug!(%error, "the mode of the data folder could not be read"),
    }
    if config.trusted_proxies.are_everybody() {
        warnings.push(
            "trusted_proxies covers every address, so every client can say where it comes from: allowed addresses of tokens \
             and the limit for wrong passwords protect nothing; name the networks of your proxies only"
                .to_owned(),
        );
    }
    for url in public_urls.iter().filter(|url| !url.is_https() && !url.is_loopback()) {
        warnings.push(format!(
            "public_urls has {url}, which is plain HTTP: passwords and tokens can be read on the way; set tls_cert and \
             tls_key or acme_domains, or put a proxy with TLS in front, and write https:// there"
        ));
    }
    if let Some(address) = config.metrics_listen.filter(|address| !address.ip().is_loopback()) {
        warnings.push(format!(
            "metrics_listen is {address}: anybody who reaches that address can read the metrics without a password; use \
             127.0.0.1, or let only your monitoring reach it"
        ));
    }
    warnings
}

/// Returns a warning if others can write to the data folder, or can move it away and put one of theirs in its place.
fn writable_by_others(data_dir: &Path) -> io::Result<Option<String>> {
    let folder = data_dir.canonicalize()?;
    let shown = folder.display();
    if lets_others_write(&folder.metadata()?) {
        return Ok(Some(format!(
            "others can write to the data folder {shown} (data_dir), and so replace the key file and the database; take that \
             right away (chmod go-w {shown})"
        )));
    }
    for parent in folder.ancestors().skip(1) {
        let metadata = parent.metadata()?;
        if lets_others_write(&metadata) && metadata.permissions().mode() & STICKY == 0 {
            let parent = parent.display();
            return Ok(Some(format!(
                "others can write to {parent}, and so put another folder in the place of the data folder {shown} (data_dir); \
                 take that right away (chmod go-w {parent}), or move the data folder"
            )));
        }
    }
    Ok(None)
}

/// A group counts if this process is not in it: volumes are given to a process by a group that it is in (Kubernetes' fsGroup).
fn lets_others_write(metadata: &Metadata) -> bool {
    let mode = metadata.permissions().mode();
    mode & OTHERS_WRITE != 0 || (mode & GROUP_WRITES != 0 && !is_ours(metadata.gid()))
}

fn is_ours(group: u32) -> bool {
    let own = rustix::process::getgroups().unwrap_or_default();
    rustix::process::getegid().as_raw() == group || own.iter().any(|own| own.as_raw() == group)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{Permissions, create_dir_all, set_permissions};

    use super::*;
    use crate::config::tests::given;

    #[test]
    fn each_setting_that_lets_others_in_is_warned_about_once() {
        const BEHIND: [&str; 4] = ["--listen", "0.0.0.0:5000", "--public-urls", "https://a.example"];
        let halves = ["--trusted-proxies", "0.0.0.0/1", "--trusted-proxies", "128.0.0.0/1"];
        let quarters =
            ["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/3"].map(|net| ["--trusted-proxies", net]);
        for (flags, expect) in [
            (vec![], vec![]),
            (BEHIND.to_vec(), vec![]),
            (vec!["--metrics-listen", "127.0.0.1:9100"], vec![]),
            (vec!["--metrics-listen", "0.0.0.0:9100"], vec!["metrics_listen is 0.0.0.0:9100"]),
            (vec!["--metrics-listen", "[::]:9100"], vec!["metrics_listen is [::]:9100"]),
            (vec!["--public-urls", "http://localhost:5000"], vec![]),
            (
                vec!["--public-urls", "http://a.example", "--public-urls", "http://10.0.0.1:5000"],
                vec!["public_urls has http://a.example", "public_urls has http://10.0.0.1:5000"],
            ),
            (vec!["--trusted-proxies", "10.0.0.0/8", "--trusted-proxies", "2001:db8::/32"], vec![]),
            (halves.to_vec(), vec!["trusted_proxies covers every address"]),
            (quarters.concat(), vec!["trusted_proxies covers every address"]),
            (vec!["--trusted-proxies", "2000::/3"], vec!["trusted_proxies covers every address"]),
            (
                vec!["--trusted-proxies", "::/1", "--trusted-proxies", "8000::/1"],
                vec!["trusted_proxies covers every address"],
            ),
            (vec!["--trusted-proxies", "0.0.0.0/1", "--trusted-proxies", "8000::/1"], vec![]),
        ] {
            let config = given().flags(&flags).loads();
            let said = warnings(&config, &config.public_urls(5000).unwrap());
            assert_eq!(said.len(), expect.len(), "{flags:?}: {said:?}");
            for (said, expect) in said.iter().zip(expect) {
                assert!(said.starts_with(expect), "{flags:?}: {said}");
            }
        }
    }

    #[test]
    fn a_data_folder_that_others_can_write_or_move_is_warned_about() {
        let root = tempfile::tempdir().unwrap();
        let (parent, data) = (root.path().join("parent"), root.path().join("parent/data"));
        create_dir_all(&data).unwrap();
        let own = rustix::process::getegid().as_raw();
        for folder in [&parent, &data] {
            std::os::unix::fs::chown(folder, None, Some(own)).unwrap();
        }
        for (above, mode, expect) in [
            (0o755, 0o700, ""),
            (0o755, 0o755, ""),
            (0o755, 0o775, ""),
            (0o755, 0o777, "others can write to the data folder "),
            (0o755, 0o1777, "others can write to the data folder "),
            (0o777, 0o700, "others can write to "),
            (0o1777, 0o700, ""),
        ] {
            set_permissions(&parent, Permissions::from_mode(above)).unwrap();
            set_permissions(&data, Permissions::from_mode(mode)).unwrap();
            let said = writable_by_others(&data).unwrap().unwrap_or_default();
            assert!(
                said.starts_with(expect) && said.is_empty() == expect.is_empty(),
                "{above:o} {mode:o}: {said}"
            );
            assert!(said.is_empty() || said.contains("data_dir") && said.contains("chmod go-w"), "{said}");
        }
        // Only root may give a folder to a group that it is not in.
        set_permissions(&data, Permissions::from_mode(0o770)).unwrap();
        set_permissions(&parent, Permissions::from_mode(0o755)).unwrap();
        if std::os::unix::fs::chown(&data, None, Some(65534)).is_ok() && !is_ours(65534) {
            assert!(writable_by_others(&data).unwrap().is_some());
        }
    }
}
