//! `sealock user edit`.

use clap::Args;
use serde_json::{Map, Value};

use super::{new_password, standing, status};
use crate::client::answers::{self, User};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;

/// `sealock user edit`
#[derive(Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["password", "password_stdin", "admin", "no_admin", "activate", "deactivate"]))]
#[command(after_help = "\
Examples:
  sealock user edit ann --deactivate      stops their tokens, and their own namespace's, at once
  sealock user edit ann --admin
  sealock user edit ann --password        asks for it; the old one opens nothing any more")]
pub(crate) struct Edit {
    /// The login name
    username: String,
    /// Set a password, and ask for it
    #[arg(long)]
    password: bool,
    /// Set a password, and read it from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Make them an instance administrator
    #[arg(long, conflicts_with = "no_admin")]
    admin: bool,
    /// Make them an instance administrator no longer
    #[arg(long)]
    no_admin: bool,
    /// Let the account be used again
    #[arg(long, conflicts_with = "deactivate")]
    activate: bool,
    /// Stop the account, its tokens and those of its own namespace, until it is activated again
    #[arg(long)]
    deactivate: bool,
}

impl Edit {
    /// Changes the user. Each change can be taken back, so nobody is asked.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let mut change = Map::new();
        if self.password || self.password_stdin {
            let password = new_password(session, &self.username, self.password_stdin)?;
            change.insert("password".to_owned(), password.expose().into());
        }
        for (is_said, field, value) in [
            (self.admin, "is_admin", true),
            (self.no_admin, "is_admin", false),
            (self.activate, "is_active", true),
            (self.deactivate, "is_active", false),
        ] {
            if is_said {
                change.insert(field.to_owned(), value.into());
            }
        }
        let edited = client.patch(&["users", &self.username], &Value::Object(change)).await?;
        if session.is_json() {
            return session.answer_json(&edited);
        }
        let user: User = answers::read(edited)?;
        let name = printable(&user.username);
        session.say(&format!("user {name} is {} ({})", status(&user), standing(&user)));
        if !user.tokens_made_elsewhere.is_empty() {
            session.say(&format!("these service tokens, which {name} made, live on; look at each:"));
        }
        for token in &user.tokens_made_elsewhere {
            let place = token.namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}/"));
            session.say(&format!(
                "  {}{} ({})",
                printable(&place),
                printable(&token.name),
                printable(&token.status)
            ));
        }
        Ok(())
    }
}
