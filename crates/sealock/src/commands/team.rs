//! `sealock team …`.

use clap::Subcommand;
use serde_json::json;

use crate::client::answers::{self, Team};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};

/// `sealock team`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock team create crew
  sealock team add crew ann ben
  sealock namespace member set acme team:crew writer")]
pub(crate) enum Command {
    /// List the teams
    #[command(visible_alias = "list")]
    Ls,
    /// Make a team with nobody in it
    Create {
        /// Its name
        name: String,
    },
    /// Show who is in a team
    Show {
        /// Which
        name: String,
    },
    /// Give a team another name; its users and roles stay
    Rename {
        /// Which
        name: String,
        /// What it is to be called
        new_name: String,
    },
    /// Delete a team: what its users had through it is gone
    #[command(visible_alias = "delete")]
    Rm {
        /// Which
        name: String,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Put users into a team
    Add {
        /// The team
        team: String,
        /// Who
        #[arg(required = true, value_name = "USER")]
        users: Vec<String>,
    },
    /// Take users out of a team
    Remove {
        /// The team
        team: String,
        /// Who
        #[arg(required = true, value_name = "USER")]
        users: Vec<String>,
    },
}

impl Command {
    /// Does what was said.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Ls => list(session).await,
            Self::Create { name } => {
                let made = session.client()?.post(&["teams"], &json!({ "name": name })).await?;
                let name = printable(&name);
                session
                    .say(&format!("team {name} created; next, who is in it: sealock team add {name} USER"));
                if session.is_json() { session.answer_json(&made) } else { Ok(()) }
            }
            Self::Show { name } => show(session, &name).await,
            Self::Rename { name, new_name } => {
                let renamed =
                    session.client()?.patch(&["teams", &name], &json!({ "name": new_name })).await?;
                session.say(&format!("team {} is now team {}", printable(&name), printable(&new_name)));
                if session.is_json() { session.answer_json(&renamed) } else { Ok(()) }
            }
            Self::Rm { name, yes } => {
                session.confirm(&format!("delete team {} with its roles for good", printable(&name)), yes)?;
                session.client()?.delete(&["teams", &name]).await?;
                session.say(&format!("team {} is deleted", printable(&name)));
                Ok(())
            }
            Self::Add { team, users } => change(session, &team, &users, true).await,
            Self::Remove { team, users } => change(session, &team, &users, false).await,
        }
    }
}

async fn list(session: &mut Session) -> Result<(), Failure> {
    let all = session.client()?.list(&["teams"]).await?;
    if session.is_json() {
        return session.answer_items(all);
    }
    if all.is_empty() {
        session.say("there are no teams yet; make one with `sealock team create NAME`");
        return Ok(());
    }
    let now = session.now();
    let mut rows = Vec::with_capacity(all.len());
    for team in all {
        let Team { name, created_at, .. } = answers::read(team)?;
        rows.push(vec![name, created_at.map_or("unknown".to_owned(), |at| when(at, now))]);
    }
    session.answer_table(&["NAME", "CREATED"], rows)
}

async fn show(session: &mut Session, name: &str) -> Result<(), Failure> {
    let shown = session.client()?.get(&["teams", name]).await?;
    if session.is_json() {
        return session.answer_json(&shown);
    }
    let Team { name, users, .. } = answers::read(shown)?;
    if users.is_empty() {
        let name = printable(&name);
        session.say(&format!("nobody is in team {name} yet; `sealock team add {name} USER` changes that"));
        return Ok(());
    }
    session.answer_table(&["USER"], users.into_iter().map(|user| vec![user]).collect())
}

/// One after the other; each is reported when it is done.
async fn change(session: &mut Session, team: &str, users: &[String], is_in: bool) -> Result<(), Failure> {
    let client = session.client()?;
    for user in users {
        let path = ["teams", team, "members", user];
        if is_in {
            client.put(&path, None).await?;
        } else {
            client.delete(&path).await?;
        }
        let is = if is_in { "is" } else { "is no longer" };
        session.say(&format!("user {} {is} in team {}", printable(user), printable(team)));
    }
    Ok(())
}
