//! `sealock login` and `logout`.

use anyhow::Context;
use clap::Args;

use crate::client::Client;
use crate::commands::{Session, whoami};
use crate::credentials;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::password::{InvalidPassword, Password};

/// The server that is meant where nobody has ever named one: `sealock serve` without configuration.
const DEFAULT_SERVER: &str = "127.0.0.1:5000";

/// `sealock login`
#[derive(Args)]
#[command(after_help = "\
A host without a scheme means http on this machine and https everywhere else.

Examples:
  sealock login 127.0.0.1:5000 -u admin
  sealock login registry.example.com -u ann
  sealock login registry.example.com -u ci-bot --password-stdin < secret-file")]
pub(crate) struct Login {
    /// The server, such as 127.0.0.1:5000 or https://registry.example.com
    #[arg(value_name = "SERVER", value_parser = Origin::parse_server)]
    address: Option<Origin>,
    /// Your username, or a service token's name
    #[arg(short, long, value_name = "USER")]
    username: Option<String>,
    /// Read the password or the token's secret from stdin
    #[arg(long)]
    password_stdin: bool,
}

impl Login {
    /// Asks the server whether the credential is good, and keeps it if so.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let server = self.server(session)?;
        if !server.is_https() && !server.is_loopback() {
            session.say(&format!(
                "warning: {server} is not encrypted; whoever is on the way can read the password"
            ));
        }
        let username = match self.username {
            Some(username) => username,
            None if session.has_terminal && !self.password_stdin => session.ask("Username: ")?,
            None => return Err(Failure::Usage("say who logs in: -u USER".to_owned())),
        };
        if username.is_empty() {
            return Err(Failure::Usage("a username is never empty; say who logs in: -u USER".to_owned()));
        }
        let password = if self.password_stdin {
            Password::read(&mut session.input)
        } else if session.has_terminal {
            rpassword::prompt_password(format!("Password or token of {username}: "))
                .map_err(InvalidPassword::from)
                .and_then(Password::new)
        } else {
            return Err(Failure::Usage(
                "there is no terminal to ask for the password; use --password-stdin".to_owned(),
            ));
        };
        let password = password.map_err(|error| Failure::Usage(error.to_string()))?;

        let login = credentials::Login { username, password };
        let me = Client::new(server.clone(), login.clone())?.get(&["me"]).await.map_err(without_way_out)?;
        session.credentials.keep(&server, &login)?;
        if session.is_json() {
            session.answer_json(&me)?;
        }
        session.say(&format!("logged in to {server} as {}", whoami::name(&me).unwrap_or(login.username)));
        session.say(&format!("the login is kept in {}", session.credentials.path().display()));
        Ok(())
    }

    fn server(&self, session: &Session) -> Result<Origin, Failure> {
        if let Some(server) = self.address.as_ref().or(session.server.as_ref()) {
            return Ok(server.clone());
        }
        match session.credentials.current()? {
            Some(server) => Ok(server),
            None => Ok(Origin::parse_server(DEFAULT_SERVER).context("the default server")?),
        }
    }
}

/// "Log in again" is no help to somebody who is doing just that.
fn without_way_out(failure: Failure) -> Failure {
    match failure {
        Failure::LoginRefused { reason, .. } => Failure::NotLoggedIn(reason),
        other => other,
    }
}

/// `sealock logout`
#[derive(Args)]
pub(crate) struct Logout {
    /// The server; by default the one of the last login
    #[arg(value_name = "SERVER", value_parser = Origin::parse_server)]
    address: Option<Origin>,
}

impl Logout {
    /// Forgets the login. The credential itself goes on being valid.
    pub(crate) fn run(self, session: &mut Session) -> Result<(), Failure> {
        let server = self.address.or_else(|| session.server.clone());
        let server = match server {
            Some(server) => server,
            None => session
                .credentials
                .current()?
                .ok_or_else(|| Failure::NotLoggedIn("not logged in".to_owned()))?,
        };
        if !session.credentials.forget(&server)? {
            return Err(Failure::NotLoggedIn(format!("not logged in to {server}")));
        }
        session.say(&format!(
            "logged out of {server}; what was typed there is no longer kept here, but still valid"
        ));
        Ok(())
    }
}
