//! The certificate in files: read at the start, read again when the files change or the operator says so.

use std::{future::Future, io, sync::Arc};

use access::time::Clock;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use web::{Certificate, CertificateError, CertificateFiles};

use crate::{acme::Keeper, config::TlsFiles};

/// The certificate in the files, which must hold a pair.
pub(crate) fn load(
    files: &TlsFiles,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<CertificateFiles>, CertificateError> {
    let certificate = CertificateFiles::load(&files.certificate, &files.key, Arc::clone(clock))?;
    if certificate.is_key_open_to_anybody() {
        let key = files.key.display();
        tracing::warn!(
            "every user of this machine may read the TLS key {key}; take that away with chmod o= {key}"
        );
    }
    Ok(certificate)
}

/// What clients are shown, looked after by tasks of `beside`; `None` where plain HTTP is spoken.
pub(crate) fn keep(
    files: Option<Arc<CertificateFiles>>,
    keeper: Option<Keeper>,
    beside: &mut JoinSet<()>,
) -> io::Result<Option<Arc<Certificate>>> {
    beside.spawn(reload_when_told(files.clone())?);
    if let Some(files) = files {
        let shown = files.shown();
        beside.spawn(files.follow());
        return Ok(Some(shown));
    }
    Ok(keeper.map(|keeper| {
        let shown = keeper.shown();
        beside.spawn(keeper.keep());
        shown
    }))
}

/// Reads the files again at each SIGHUP, as `systemctl reload` sends it. Without files there is nothing to read; but what
/// nobody handles ends a process.
fn reload_when_told(
    certificate: Option<Arc<CertificateFiles>>,
) -> io::Result<impl Future<Output = ()> + Send> {
    let mut hangups = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            match &certificate {
                Some(certificate) => certificate.reload_and_tell(),
                None => tracing::info!(
                    "told to reload (SIGHUP), and no certificate is read from files: nothing to do"
                ),
            }
        }
    })
}
