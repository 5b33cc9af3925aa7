//! `sealock namespace …`.

use clap::Subcommand;
use serde_json::json;

use crate::client::answers::{self, Namespace};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};

/// `sealock namespace`
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a namespace; you need to be an administrator
    Create {
        /// Its name: the first part of the names of its repositories
        name: String,
        /// Let anyone pull from it, without any credential
        #[arg(long)]
        public: bool,
    },
    /// List the namespaces that you may see
    #[command(visible_alias = "list")]
    Ls,
}

impl Command {
    /// Does what was said.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Create { name, public } => create(session, &name, public).await,
            Self::Ls => list(session).await,
        }
    }
}

async fn create(session: &mut Session, name: &str, is_public: bool) -> Result<(), Failure> {
    let visibility = if is_public { "public" } else { "private" };
    let created =
        session.client()?.post(&["namespaces"], &json!({ "name": name, "visibility": visibility })).await?;
    if session.is_json() {
        return session.answer_json(&created);
    }
    let Namespace { name, visibility, .. } = answers::read(created)?;
    let (name, visibility) = (printable(&name), printable(&visibility));
    session.say(&format!("namespace {name} created ({visibility})"));
    session.say(&format!("next, a token for it: sealock token create {name} ci-bot --permission pull-push"));
    Ok(())
}

async fn list(session: &mut Session) -> Result<(), Failure> {
    let all = session.client()?.list(&["namespaces"]).await?;
    if session.is_json() {
        return session.answer_items(all);
    }
    if all.is_empty() {
        session.say("you see no namespaces yet; make one with `sealock namespace create NAME`");
        return Ok(());
    }
    let now = session.now();
    let mut rows = Vec::with_capacity(all.len());
    for namespace in all {
        let Namespace { name, visibility, created_at } = answers::read(namespace)?;
        rows.push(vec![name, visibility, created_at.map_or("unknown".to_owned(), |at| when(at, now))]);
    }
    session.answer_table(&["NAME", "VISIBILITY", "CREATED"], rows)
}
