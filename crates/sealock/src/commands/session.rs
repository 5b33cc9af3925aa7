//! What a command works with: the login, the terminal, the clock.

use std::io::{BufRead, Write};

use access::{
    time::{Clock, Instant},
    visible::{escaped_json, escaped_lines},
};
use anyhow::Context;
use serde_json::Value;

use crate::client::Client;
use crate::credentials::CredentialStore;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::output::{self, Format};

/// The surroundings of one client command.
pub(crate) struct Session {
    /// How the answer is written.
    pub(crate) format: Format,
    /// The server that was named, by flag or variable.
    pub(crate) server: Option<Origin>,
    /// The logins that are kept.
    pub(crate) credentials: CredentialStore,
    /// What time it is.
    pub(crate) clock: Box<dyn Clock>,
    /// The answer, and nothing else.
    pub(crate) out: Box<dyn Write>,
    /// Everything said to a person.
    pub(crate) err: Box<dyn Write>,
    /// What a person or a pipe says.
    pub(crate) input: Box<dyn BufRead>,
    /// Whether a person can be asked.
    pub(crate) has_terminal: bool,
    /// The width of the terminal that the answer goes to, if it is one.
    pub(crate) width: Option<u16>,
}

impl Session {
    /// A client of the server that is meant, with the login that is kept for it.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let login = self.credentials.login(self.server.as_ref())?;
        let (origin, login) = login.ok_or_else(|| {
            Failure::NotLoggedIn(match &self.server {
                Some(server) => {
                    format!("not logged in to {server}; log in with `sealock login {server} -u USER`")
                }
                None => "not logged in; log in with `sealock login SERVER -u USER`".to_owned(),
            })
        })?;
        Client::new(origin, login)
    }

    /// The current instant.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Whether the answer is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Says a line to the person; a closed stderr is no reason to stop.
    pub(crate) fn say(&mut self, line: &str) {
        let _ = writeln!(self.err, "{}", escaped_lines(line));
    }

    /// Writes a part of the answer.
    pub(crate) fn answer(&mut self, text: &str) -> Result<(), Failure> {
        Ok(output::answer(&mut self.out, escaped_lines(text).as_bytes())?)
    }

    /// Writes a part of the answer that must arrive, such as a secret.
    pub(crate) fn answer_all(&mut self, text: &str) -> std::io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Writes JSON as the answer.
    pub(crate) fn answer_json(&mut self, value: &Value) -> Result<(), Failure> {
        self.answer(&escaped_json(&format!("{value:#}\n")))
    }

    /// Writes several things as one JSON answer, in the form of the API's lists.
    pub(crate) fn answer_items(&mut self, items: Vec<Value>) -> Result<(), Failure> {
        self.answer_json(&serde_json::json!({ "items": items, "next": null }))
    }

    /// Writes a table as the answer.
    pub(crate) fn answer_table(&mut self, header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
        let table = output::table(header, rows, self.width);
        self.answer(&table)
    }

    /// Asks before something that can't be undone. Without a terminal only `--yes` says yes.
    pub(crate) fn confirm(&mut self, question: &str, is_sure: bool) -> Result<(), Failure> {
        if is_sure {
            return Ok(());
        }
        if !self.has_terminal {
            return Err(Failure::Usage(format!(
                "{question}: there is no terminal to ask on; add --yes to mean it"
            )));
        }
        match self.ask(&format!("{question}? [y/N] "))?.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::Refused("nothing was changed".to_owned())),
        }
    }

    /// Asks for a line.
    pub(crate) fn ask(&mut self, question: &str) -> Result<String, Failure> {
        let _ = write!(self.err, "{}", escaped_lines(question)).and_then(|()| self.err.flush());
        let mut line = String::new();
        self.input.read_line(&mut line).context("no answer could be read")?;
        Ok(line.trim().to_owned())
    }
}
