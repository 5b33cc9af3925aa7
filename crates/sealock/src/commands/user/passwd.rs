//! `sealock user passwd`: one's own password.

use clap::Args;
use serde_json::json;

use super::typed_twice;
use crate::commands::Session;
use crate::credentials::Login;
use crate::failure::Failure;
use crate::output::printable;
use crate::password::{InvalidPassword, Password};

/// `sealock user passwd`
#[derive(Args)]
#[command(after_help = "\
Whoever logged in with the old password has to log in again, but for this login, which is kept with
the new one. Tokens live on.

Examples:
  sealock user passwd
  printf '%s\\n' \"$OLD\" \"$NEW\" | sealock user passwd --password-stdin")]
pub(crate) struct Passwd {
    /// Read the password that you have now and the new one from stdin, a line each
    #[arg(long)]
    password_stdin: bool,
}

impl Passwd {
    /// Changes the password of whoever is logged in, and keeps the login with the new one.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let me = client.get(&["me"]).await?;
        let username = me.get("username").and_then(serde_json::Value::as_str).map(str::to_owned);
        let username = username.ok_or_else(|| {
            Failure::Refused("a service token has no password; log in as a user".to_owned())
        })?;
        let (current, new) =
            self.passwords(session, &username)?.map_err(|error| Failure::Usage(error.to_string()))?;
        let change = json!({ "current_password": current.expose(), "password": new.expose() });
        let changed = client.patch(&["users", &username], &change).await?;
        session.credentials.keep(client.origin(), &Login { username: username.clone(), password: new })?;
        session.say(&format!("the password of user {} is changed", printable(&username)));
        if session.is_json() { session.answer_json(&changed) } else { Ok(()) }
    }

    /// The one to be replaced, and the one to be.
    fn passwords(
        &self,
        session: &mut Session,
        username: &str,
    ) -> Result<Result<(Password, Password), InvalidPassword>, Failure> {
        if self.password_stdin {
            let mut line = || Password::read_line(&mut session.input);
            return Ok(line().and_then(|current| Ok((current, line()?))));
        }
        if !session.has_terminal {
            return Err(Failure::Usage(
                "there is no terminal to ask for the passwords; use --password-stdin".to_owned(),
            ));
        }
        let username = printable(username);
        let current = rpassword::prompt_password(format!("Password of {username}: "));
        let current = current.map_err(InvalidPassword::from).and_then(Password::new);
        Ok(current.and_then(|current| Ok((current, typed_twice(&username)?))))
    }
}
