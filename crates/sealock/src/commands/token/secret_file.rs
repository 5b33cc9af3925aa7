//! Where a new secret goes: to stdout alone, or to a file of its owner's.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::client::answers::{self, Issued, Token};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;
use crate::private_file;

/// The place that was chosen for a secret, open before the server is asked to make it: a secret that can't be written
/// down is lost, since no answer ever holds it again.
pub(super) enum SecretPlace {
    Stdout,
    File { path: PathBuf, file: File },
}

impl SecretPlace {
    /// Opens `--secret-file`, where it was given. An existing file is not overwritten: it may hold the old secret that
    /// something still runs on.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Stdout) };
        match private_file::create_new(path) {
            Ok(file) => Ok(Self::File { path: path.to_owned(), file }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let path = path.display();
                Err(Failure::Usage(format!(
                    "{path} exists and is not overwritten; move it away or name another file"
                )))
            }
            Err(error) => Err(Failure::Usage(format!("{} could not be made: {error}", path.display()))),
        }
    }

    /// Takes the place away again, when the server gave no secret for it.
    pub(super) fn abandon(self) {
        if let Self::File { path, .. } = self {
            // Made empty by us a moment ago; if it stays, the next try says so.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Hands the secret out, in the answer's form, and says how to use it. `did` is what happened, such as "created".
    pub(super) fn deliver(self, session: &mut Session, did: &str, mut answer: Value) -> Result<(), Failure> {
        let Issued { secret, login } = answers::read(answer.clone())?;
        let token: Token = answers::read(answer.clone())?;
        let name = printable(&token.full_name());
        let lost = |what: String, error: std::io::Error| {
            let argument = printable(&token.argument());
            let way_out =
                format!("the token was {did}; `sealock token reset {argument}` makes another secret");
            Failure::Refused(format!("the secret could not be written to {what} ({error}); {way_out}"))
        };
        let mut kept_in = "shown only this once".to_owned();
        let mut shell = String::new();
        if let Self::File { path, mut file } = self {
            let path = path.display().to_string();
            // Without a line end, since what mounts the file (Kubernetes, compose) takes it as it is.
            file.write_all(secret.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(|error| lost(path.clone(), error))?;
            without_secret(&mut answer);
            if session.is_json() {
                session.answer_json(&answer)?;
            }
            kept_in = format!("in {path}");
            shell = format!(" < {path}");
        } else {
            let text = if session.is_json() { format!("{answer:#}\n") } else { format!("{secret}\n") };
            session.answer_all(&text).map_err(|error| lost("stdout".to_owned(), error))?;
        }
        session.say(&format!("token {name} {did}; its secret is {kept_in}, nobody can show it again"));
        let (host, username) = (printable(&login.host), printable(&login.username));
        session.say(&format!("log in with: docker login {host} -u {username} --password-stdin{shell}"));
        Ok(())
    }
}

/// The answer without what holds the secret: the field itself and the ready commands.
fn without_secret(answer: &mut Value) {
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("secret");
        if let Some(login) = answer.get_mut("login").and_then(Value::as_object_mut) {
            login.retain(|field, _| field == "host" || field == "username");
        }
    }
}
