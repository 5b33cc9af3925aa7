//! The logins that the client keeps, one for each server, in a file that only its owner can read. What was typed is
//! kept as it is (a password or a token's secret); nothing is minted.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;

use access::randomness::Randomness;
use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::config::keys::CONFIG_DIR_VARIABLE;
use crate::origin::Origin;
use crate::password::Password;
use crate::private_file;

/// Who logs in, and with what.
#[derive(Clone)]
pub(crate) struct Login {
    /// The username, or a service token's name.
    pub(crate) username: String,
    /// The password or the token's secret.
    pub(crate) password: Password,
}

/// The file with the logins.
pub(crate) struct CredentialStore {
    path: PathBuf,
    random: Box<dyn Randomness>,
}

/// The file's content. Servers are kept under their address, so that a secret is never sent to another host, nor in
/// the clear to one that it was given over https.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// The server of the last login: the one that commands talk to where none is named.
    current: Option<String>,
    servers: BTreeMap<String, KeptLogin>,
}

#[derive(Serialize, Deserialize)]
struct KeptLogin {
    username: String,
    secret: String,
}

impl CredentialStore {
    /// Finds the folder: `$SEALOCK_CONFIG_DIR`, else `$XDG_CONFIG_HOME/sealock`, else `~/.config/sealock`.
    /// `random` names the drafts of the file.
    pub(crate) fn locate(
        variable: impl Fn(&str) -> Option<OsString>,
        random: Box<dyn Randomness>,
    ) -> anyhow::Result<Self> {
        let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = folder(CONFIG_DIR_VARIABLE)
            .or_else(|| folder("XDG_CONFIG_HOME").map(|config| config.join("sealock")))
            .or_else(|| folder("HOME").map(|home| home.join(".config/sealock")))
            .with_context(|| {
                format!("there is no HOME to keep a login in; set {CONFIG_DIR_VARIABLE} to a folder")
            })?;
        Ok(Self { path: folder.join("credentials.json"), random })
    }

    /// Where the logins are kept; for messages.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The login for `server`, or for the current one where none is named.
    pub(crate) fn login(&self, server: Option<&Origin>) -> anyhow::Result<Option<(Origin, Login)>> {
        let mut kept = self.read()?;
        let Some(name) = server.map(Origin::to_string).or(kept.current) else { return Ok(None) };
        let Some(KeptLogin { username, secret }) = kept.servers.remove(&name) else { return Ok(None) };
        let origin = Origin::parse(&name).with_context(|| self.damaged())?;
        let password = Password::new(secret).with_context(|| self.damaged())?;
        Ok(Some((origin, Login { username, password })))
    }

    /// The current server, logged in to or not.
    pub(crate) fn current(&self) -> anyhow::Result<Option<Origin>> {
        let current = self.read()?.current;
        current.map(|name| Origin::parse(&name).with_context(|| self.damaged())).transpose()
    }

    /// Keeps a login and makes its server the current one.
    pub(crate) fn keep(&self, server: &Origin, login: &Login) -> anyhow::Result<()> {
        let _lock = self.lock()?;
        let mut kept = self.read()?;
        kept.current = Some(server.to_string());
        let entry =
            KeptLogin { username: login.username.clone(), secret: login.password.expose().to_owned() };
        kept.servers.insert(server.to_string(), entry);
        self.write(&kept)
    }

    /// Forgets the login for `server`; `false` if there was none.
    pub(crate) fn forget(&self, server: &Origin) -> anyhow::Result<bool> {
        if matches!(self.path.try_exists(), Ok(false)) {
            // Whoever never logged in need not get a folder by logging out.
            return Ok(false);
        }
        let _lock = self.lock()?;
        let mut kept = self.read()?;
        if kept.servers.remove(&server.to_string()).is_none() {
            return Ok(false);
        }
        if kept.current.as_ref() == Some(&server.to_string()) {
            // With one login left there is no doubt which is meant; with several, guessing would surprise.
            kept.current = match kept.servers.len() {
                1 => kept.servers.keys().next().cloned(),
                _ => None,
            };
        }
        self.write(&kept)?;
        Ok(true)
    }

    /// Held while the file is read, changed and written: of two logins at once none is lost.
    fn lock(&self) -> anyhow::Result<File> {
        private_file::lock(&self.path).with_context(|| {
            format!(
                "{} can't be changed: its folder has to be writable, on a file system that has locks; SEALOCK_CONFIG_DIR \
                 names another one",
                self.path.display()
            )
        })
    }

    fn read(&self) -> anyhow::Result<Kept> {
        match std::fs::read(&self.path) {
            // The parser's own message quotes what it met, which here may be a secret.
            Ok(text) => serde_json::from_slice(&text).map_err(|_| anyhow::anyhow!(self.damaged())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(error).with_context(|| format!("{} could not be read", self.path.display())),
        }
    }

    fn write(&self, kept: &Kept) -> anyhow::Result<()> {
        let text = zeroize::Zeroizing::new(serde_json::to_vec_pretty(kept)?);
        private_file::replace(&self.path, &text, self.random.as_ref())
            .with_context(|| format!("{} could not be written", self.path.display()))
    }

    fn damaged(&self) -> String {
        format!("{} is damaged; remove it and log in again", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;

    use super::*;
    use crate::randomness::SystemRandomness;

    fn store() -> (tempfile::TempDir, CredentialStore) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealock/credentials.json");
        (folder, CredentialStore { path, random: Box::new(SystemRandomness) })
    }

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    fn login(username: &str, secret: &str) -> Login {
        Login { username: username.into(), password: Password::new(secret.into()).unwrap() }
    }

    #[test]
    fn what_was_typed_is_kept_for_its_server_alone() {
        let (_folder, store) = store();
        let (http, https) = (origin("http://a.example"), origin("https://a.example"));
        store.keep(&https, &login("admin", "s3cret")).unwrap();

        let (server, kept) = store.login(None).unwrap().unwrap();
        assert_eq!(
            (server, kept.username.as_str(), kept.password.expose()),
            (https.clone(), "admin", "s3cret")
        );
        assert!(store.login(Some(&https)).unwrap().is_some());
        assert!(
            store.login(Some(&http)).unwrap().is_none(),
            "a secret given over https is not sent in the clear"
        );
    }

    #[test]
    fn the_file_belongs_to_its_owner_alone() {
        let (_folder, store) = store();
        store.keep(&origin("https://a.example"), &login("admin", "s3cret")).unwrap();
        assert_eq!(std::fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_last_login_is_the_current_one_until_it_is_forgotten() {
        let (_folder, store) = store();
        let (a, b) = (origin("https://a.example"), origin("https://b.example"));
        store.keep(&a, &login("ann", "1")).unwrap();
        store.keep(&b, &login("bob", "2")).unwrap();
        assert_eq!(store.current().unwrap(), Some(b.clone()));
        assert!(store.forget(&b).unwrap());
        assert!(!store.forget(&b).unwrap());
        assert_eq!(store.current().unwrap(), Some(a.clone()), "one is left: it is the one");
        assert!(store.forget(&a).unwrap());
        assert_eq!(store.current().unwrap(), None);
    }

    #[test]
    fn of_eight_logins_at_once_none_is_lost() {
        const ROUNDS: usize = 3;
        for _ in 0..ROUNDS {
            let (_folder, store) = store();
            let servers: Vec<Origin> =
                (1..=8).map(|port| origin(&format!("http://a.example:{port}"))).collect();
            let ready = Barrier::new(servers.len());
            std::thread::scope(|scope| {
                for server in &servers {
                    scope.spawn(|| {
                        ready.wait();
                        store.keep(server, &login("ann", "1")).unwrap();
                    });
                }
            });
            for server in &servers {
                assert!(store.login(Some(server)).unwrap().is_some(), "{server} is lost");
            }
        }
    }

    #[test]
    fn who_never_logged_in_logs_out_without_leaving_a_folder() {
        let (_folder, store) = store();
        assert!(!store.forget(&origin("https://a.example")).unwrap());
        assert!(!store.path().parent().unwrap().exists());
    }

    #[test]
    fn a_damaged_file_is_named_and_not_quoted() {
        let (_folder, store) = store();
        for text in ["{\"servers\": \"hunter2\"}", "hunter2"] {
            private_file::replace(store.path(), text.as_bytes(), &SystemRandomness).unwrap();
            let message = format!("{:#}", store.login(None).err().unwrap());
            assert!(
                message.contains("credentials.json is damaged") && !message.contains("hunter2"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_folder_is_the_named_one_then_xdg_then_home() {
        let all = [(CONFIG_DIR_VARIABLE, "/c"), ("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")];
        let locate = |variable: &dyn Fn(&str) -> Option<OsString>| {
            CredentialStore::locate(variable, Box::new(SystemRandomness))
        };
        let expect =
            ["/c/credentials.json", "/x/sealock/credentials.json", "/h/.config/sealock/credentials.json"];
        for (first, expect) in expect.iter().enumerate() {
            let variable = |name: &str| {
                all[first..].iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            assert_eq!(locate(&variable).unwrap().path().to_str(), Some(*expect));
        }
        assert!(locate(&|_| None).is_err());
    }
}
