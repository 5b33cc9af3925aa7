//! `sealock repo …`.

use clap::Subcommand;

use crate::client::answers::{self, Repository};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};

/// `sealock repo`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock repo ls
  sealock repo ls acme")]
pub(crate) enum Command {
    /// List the repositories that you may pull
    #[command(visible_alias = "list")]
    Ls {
        /// Only those of this namespace
        namespace: Option<String>,
    },
}

impl Command {
    /// Does what was said.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Ls { namespace } => list(session, namespace.as_deref()).await,
        }
    }
}

async fn list(session: &mut Session, namespace: Option<&str>) -> Result<(), Failure> {
    let client = session.client()?;
    let all = match namespace {
        Some(namespace) => client.list(&["namespaces", namespace, "repositories"]).await?,
        None => client.list(&["repositories"]).await?,
    };
    if session.is_json() {
        return session.answer_items(all);
    }
    if all.is_empty() {
        let host = printable(client.origin().authority());
        let namespace = namespace.map_or("NAMESPACE".to_owned(), printable);
        session.say(&format!(
            "no repositories yet; the first push makes one: docker push {host}/{namespace}/NAME:TAG"
        ));
        return Ok(());
    }
    let now = session.now();
    let mut rows = Vec::with_capacity(all.len());
    for repository in all {
        let Repository { name, visibility, created_at } = answers::read(repository)?;
        rows.push(vec![name, visibility, created_at.map_or("unknown".to_owned(), |at| when(at, now))]);
    }
    session.answer_table(&["NAME", "VISIBILITY", "CREATED"], rows)
}
