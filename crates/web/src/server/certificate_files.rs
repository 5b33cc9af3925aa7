//! A certificate and its key in files, which may change while the server runs.

use std::{
    fs::{File, Metadata},
    io::Read,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use access::time::{Clock, Instant, Length};
use rustls::sign::CertifiedKey;
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    tls::{Certificate, CertificateError, pair},
    validity::Validity,
};

/// How often the files are looked at. Whoever can't wait sends SIGHUP.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The most bytes of a certificate's or a key's file: a chain has some KiB.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// How often it is said that a certificate ends soon, or is over.
const SAY_EVERY: Length = Length::days(1);
/// What everybody but the owner and the group may do with a file.
const ANYBODY: u32 = 0o007;

/// The certificate that the server shows, as its files last were.
pub struct CertificateFiles {
    files: Files,
    shown: Arc<Certificate>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

/// What is known of the files.
struct Known {
    /// How they looked when they were last read.
    look: Option<[Look; 2]>,
    /// How long what is shown is valid, as far as that could be read.
    validity: Option<Validity>,
    /// When its end was last spoken of, and whether that was over.
    said: Option<(Instant, bool)>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What tells a changed file from the one that was read: also one renamed into its place, or a link set to another.
type Look = (u64, u64, i64, i64, u64);

fn look(file: &Metadata) -> Look {
    (file.dev(), file.ino(), file.mtime(), file.mtime_nsec(), file.len())
}

impl CertificateFiles {
    /// Reads the files, which must hold a pair. One that is over is shown all the same, and said in the log and by
    /// `/readyz`, then and later, by `clock`.
    pub fn load(
        certificate: &Path,
        key: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, CertificateError> {
        let files = Files { certificate: certificate.into(), key: key.into() };
        let look = files.look();
        let pair = files.read()?;
        let known = Known { look, validity: Validity::of_first(&pair.cert), said: None };
        let shown = Arc::new(Certificate::of(pair)?);
        let loaded = Self { files, shown, clock, known: Mutex::new(known) };
        loaded.mind_its_end();
        Ok(Arc::new(loaded))
    }

    /// What clients are shown.
    pub fn shown(&self) -> Arc<Certificate> {
        Arc::clone(&self.shown)
    }

    /// Whether users who are neither the key file's owner nor in its group may open it.
    pub fn is_key_open_to_anybody(&self) -> bool {
        self.files.key.metadata().is_ok_and(|file| file.permissions().mode() & ANYBODY != 0)
    }

    /// Shows what the files hold now. Where that is no pair, or is over and what was shown is not, what was shown stays.
    pub fn reload(&self) -> Result<(), CertificateError> {
        // Looked at first: a change while it is read is seen at the next look.
        self.known().look = self.files.look();
        let pair = self.files.read()?;
        let validity = Validity::of_first(&pair.cert);
        self.refuse_worse(validity)?;
        self.shown.replace(pair);
        {
            let mut known = self.known();
            (known.validity, known.said) = (validity, None);
        }
        self.mind_its_end();
        Ok(())
    }

    /// Refuses a certificate that is over in the place of one that clients still take.
    fn refuse_worse(&self, new: Option<Validity>) -> Result<(), CertificateError> {
        let (now, shown) = (self.clock.now(), self.known().validity);
        match new.filter(|new| new.is_over(now)) {
            Some(new) if shown.is_some_and(|shown| !shown.is_over(now)) => {
                Err(CertificateError::Over(self.files.certificate.display().to_string(), new.until))
            }
            _ => Ok(()),
        }
    }

    /// Tells `/readyz` whether what is shown is over, and the log, at first and once a day, that it is or will be soon.
    pub fn mind_its_end(&self) {
        let (now, mut known) = (self.clock.now(), self.known());
        let Some(validity) = known.validity else { return };
        let is_over = validity.is_over(now);
        self.shown.judge(!is_over);
        let is_said =
            known.said.is_some_and(|(at, was_over)| was_over == is_over && now < at.plus(SAY_EVERY));
        if is_said || !validity.ends_soon(now) {
            return;
        }
        known.said = Some((now, is_over));
        let (file, until) = (self.files.certificate.display(), validity.until);
        if is_over {
            tracing::error!(
                "the TLS certificate in {file} is over since {until}; clients refuse it until there is a new one"
            );
        } else {
            tracing::warn!(
                "the TLS certificate in {file} ends on {until}; put a new one and its key in its place"
            );
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what the files hold, and says so in the log.
    pub fn reload_and_tell(&self) {
        match self.reload() {
            Ok(()) => tracing::info!("the TLS certificate was read again; new connections are shown it"),
            Err(error) => tracing::warn!(%error, "the TLS certificate stays the one that it was"),
        }
    }

    /// Looks at the files every few seconds and reads them again when they have changed, until it is dropped.
    pub async fn follow(self: Arc<Self>) {
        loop {
            sleep(LOOK_EVERY).await;
            let certificate = Arc::clone(&self);
            // A file system may take its time. That a look failed is no reason to stop looking.
            let look = move || {
                certificate.reload_if_changed();
                certificate.mind_its_end();
            };
            let _ = spawn_blocking(look).await;
        }
    }

    fn reload_if_changed(&self) {
        let look = self.files.look();
        // Files that are gone for a moment, or that can't be looked at, are not read: nothing better would come of it.
        if look.is_some() && look != self.known().look {
            self.reload_and_tell();
        }
    }
}

impl Files {
    fn look(&self) -> Option<[Look; 2]> {
        let look = |path: &Path| path.metadata().map(|file| look(&file)).ok();
        Some([look(&self.certificate)?, look(&self.key)?])
    }

    fn read(&self) -> Result<CertifiedKey, CertificateError> {
        let (certificate, key) = (read_bounded(&self.certificate)?, read_bounded(&self.key)?);
        let place = |path: &Path| path.display().to_string();
        pair(&certificate, &place(&self.certificate), &key, &place(&self.key))
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| CertificateError::Unreadable(path.display().to_string(), error))?;
    Ok(bytes)
}
