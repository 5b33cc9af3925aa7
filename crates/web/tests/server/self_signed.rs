//! Certificates that vouch for themselves, made by `openssl`.

use std::{path::Path, process::Command};

/// Makes a certificate and its key, in PEM, at these two paths; `subject` is what it calls itself, and `extensions` are in
/// the words of `openssl`. It is valid for two days.
pub(crate) fn make(openssl: &Path, subject: &str, extensions: &[&str], certificate: &Path, key: &Path) {
    make_for(2, openssl, subject, extensions, certificate, key);
}

/// The same, valid for so many days.
pub(crate) fn make_for(
    days: u32,
    openssl: &Path,
    subject: &str,
    extensions: &[&str],
    certificate: &Path,
    key: &Path,
) {
    let kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days";
    let made = Command::new(openssl)
        .args(kind.split(' '))
        .arg(days.to_string())
        .args(["-subj", &format!("/CN={subject}")])
        .args(extensions.iter().flat_map(|extension| ["-addext", extension]))
        .arg("-out")
        .arg(certificate)
        .arg("-keyout")
        .arg(key)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}
