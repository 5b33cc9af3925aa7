//! `sealock user …`: the commands.

mod edit;
mod end_all;
mod passwd;

use clap::Subcommand;
use serde_json::json;

use crate::client::answers::{self, User};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};
use crate::password::{InvalidPassword, Password};

/// `sealock user`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock user create ann
  sealock user edit ann --deactivate
  sealock user end-all ann                  something of theirs has leaked, and nobody knows what
  sealock user passwd")]
pub(crate) enum Command {
    /// List the users; administrators may
    #[command(visible_alias = "list")]
    Ls,
    /// Make a user, with a namespace of their own name where that is free; administrators may
    #[command(after_help = "\
Examples:
  sealock user create ann                                  asks for the password
  sealock user create ann --password-stdin < password-file
  sealock user create root --admin")]
    Create {
        /// The login name
        username: String,
        /// Make an instance administrator
        #[arg(long)]
        admin: bool,
        /// Read the password from stdin
        #[arg(long)]
        password_stdin: bool,
    },
    /// Show a user: yourself, or for administrators anybody
    Show {
        /// The login name
        username: String,
    },
    /// Change a user; administrators may
    Edit(edit::Edit),
    /// Change your own password
    Passwd(passwd::Passwd),
    /// Stop every personal token of a user and every login made with their password, at one stroke
    EndAll(end_all::EndAll),
    /// Delete a user with their personal tokens and roles, and their own namespace unless it holds repositories;
    /// administrators may
    #[command(visible_alias = "delete")]
    Rm {
        /// The login name
        username: String,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
}

impl Command {
    /// Does what was said.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Ls => list(session).await,
            Self::Create { username, admin, password_stdin } => {
                create(session, &username, admin, password_stdin).await
            }
            Self::Show { username } => show(session, &username).await,
            Self::Edit(edit) => edit.run(session).await,
            Self::Passwd(passwd) => passwd.run(session).await,
            Self::EndAll(end_all) => end_all.run(session).await,
            Self::Rm { username, yes } => {
                let shown = printable(&username);
                let what = "their personal tokens, their roles and, unless it holds repositories, their own namespace";
                let question = format!("delete user {shown} with {what} for good");
                session.confirm(&question, yes)?;
                session.client()?.delete(&["users", &username]).await?;
                session.say(&format!("user {shown} is deleted"));
                Ok(())
            }
        }
    }
}

async fn list(session: &mut Session) -> Result<(), Failure> {
    let all = session.client()?.list(&["users"]).await?;
    if session.is_json() {
        return session.answer_items(all);
    }
    let now = session.now();
    let mut rows = Vec::with_capacity(all.len());
    for user in all {
        let user: User = answers::read(user)?;
        let (standing, status) = (standing(&user), status(&user));
        let created = user.created_at.map_or("unknown".to_owned(), |at| when(at, now));
        rows.push(vec![user.username, standing.to_owned(), status.to_owned(), created]);
    }
    session.answer_table(&["USERNAME", "STANDING", "STATUS", "CREATED"], rows)
}

async fn create(
    session: &mut Session,
    username: &str,
    is_admin: bool,
    from_stdin: bool,
) -> Result<(), Failure> {
    let client = session.client()?;
    let password = new_password(session, username, from_stdin)?;
    let body = json!({ "username": username, "password": password.expose(), "is_admin": is_admin });
    let made = client.post(&["users"], &body).await?;
    if session.is_json() {
        return session.answer_json(&made);
    }
    let user: User = answers::read(made)?;
    session.say(&format!("user {} created ({})", printable(&user.username), standing(&user)));
    match &user.own_namespace {
        Some(namespace) => session.say(&format!("namespace {} is theirs", printable(namespace))),
        None => session.say("they have no namespace of their own: the name is taken, or the settings say no"),
    }
    Ok(())
}

async fn show(session: &mut Session, username: &str) -> Result<(), Failure> {
    let shown = session.client()?.get(&["users", username]).await?;
    if session.is_json() {
        return session.answer_json(&shown);
    }
    let now = session.now();
    let user: User = answers::read(shown)?;
    let created = user.created_at.map_or("unknown".to_owned(), |at| when(at, now));
    let facts = [
        ("standing", standing(&user).to_owned()),
        ("status", status(&user).to_owned()),
        ("created", created),
        ("username", user.username),
    ];
    let [standing, status, created, username] = facts.map(|(field, fact)| vec![field.to_owned(), fact]);
    session.answer_table(&["FIELD", "VALUE"], vec![username, standing, status, created])
}

fn standing(user: &User) -> &'static str {
    if user.is_admin { "administrator" } else { "user" }
}

fn status(user: &User) -> &'static str {
    if user.is_active { "active" } else { "deactivated" }
}

/// A password to be: from stdin, or asked for twice.
fn new_password(session: &mut Session, username: &str, from_stdin: bool) -> Result<Password, Failure> {
    let password = if from_stdin {
        Password::read(&mut session.input)
    } else if session.has_terminal {
        typed_twice(&printable(username))
    } else {
        return Err(Failure::Usage(
            "there is no terminal to ask for the password; use --password-stdin".to_owned(),
        ));
    };
    password.map_err(|error| Failure::Usage(error.to_string()))
}

/// Nobody sees what they type.
fn typed_twice(username: &str) -> Result<Password, InvalidPassword> {
    let first = rpassword::prompt_password(format!("New password of {username}: "))?;
    let second = rpassword::prompt_password("The same again: ")?;
    if first != second {
        return Err(InvalidPassword::NotTheSame);
    }
    Password::new(first)
}
