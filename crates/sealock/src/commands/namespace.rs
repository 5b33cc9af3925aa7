//! `sealock namespace …`.

mod member;

use access::role::Role;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::Client;
use crate::client::answers::{self, Namespace};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};

/// `sealock namespace`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock namespace create acme
  sealock namespace edit acme --public      anyone may pull from it
  sealock namespace member set acme user:ann writer
  sealock namespace rm acme --force         with the repositories in it")]
pub(crate) enum Command {
    /// Make a namespace; administrators may, and every user where the settings say so
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
    /// Show a namespace, with your role in it
    Show {
        /// Which
        name: String,
    },
    /// Change who may pull from a namespace; its admins may
    Edit {
        /// Which
        name: String,
        /// Let anyone pull from it, without any credential
        #[arg(long, required_unless_present = "private", conflicts_with = "private")]
        public: bool,
        /// Let members and tokens pull from it, and nobody else
        #[arg(long)]
        private: bool,
    },
    /// Delete a namespace with its tokens and members; its admins may
    #[command(visible_alias = "delete")]
    Rm {
        /// Which
        name: String,
        /// Delete the repositories in it too
        #[arg(long)]
        force: bool,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Who has which role in a namespace
    #[command(subcommand)]
    Member(member::Command),
}

impl Command {
    /// Does what was said.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Create { name, public } => create(session, &name, public).await,
            Self::Ls => list(session).await,
            Self::Show { name } => show(session, &name).await,
            Self::Edit { name, public, private: _ } => edit(session, &name, public).await,
            Self::Rm { name, force, yes } => delete(session, &name, force, yes).await,
            Self::Member(command) => command.run(session).await,
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
        let Namespace { name, visibility, created_at, .. } = answers::read(namespace)?;
        rows.push(vec![name, visibility, created_at.map_or("unknown".to_owned(), |at| when(at, now))]);
    }
    session.answer_table(&["NAME", "VISIBILITY", "CREATED"], rows)
}

async fn show(session: &mut Session, name: &str) -> Result<(), Failure> {
    let client = session.client()?;
    let shown = client.get(&["namespaces", name]).await?;
    if session.is_json() {
        return session.answer_json(&shown);
    }
    let now = session.now();
    let namespace: Namespace = answers::read(shown)?;
    let role = role(&client, namespace.role).await?;
    let facts = [
        ("namespace", Some(namespace.name)),
        ("visibility", Some(namespace.visibility)),
        ("your role", Some(role)),
        ("own namespace of", namespace.owner),
        ("created", namespace.created_at.map(|at| when(at, now))),
        ("created by", namespace.created_by),
    ];
    let rows = facts.into_iter().filter_map(|(field, fact)| Some(vec![field.to_owned(), fact?]));
    session.answer_table(&["FIELD", "VALUE"], rows.collect())
}

/// The caller's role. Who has none of their own and sees the namespace all the same is an instance administrator, and
/// those count as `admin` whatever role they have as a member (DESIGN §1).
async fn role(client: &Client, own: Option<String>) -> Result<String, Failure> {
    const ADMINISTRATOR: &str = "admin (as an instance administrator)";
    match own {
        None => Ok(ADMINISTRATOR.to_owned()),
        Some(role) if role == Role::Admin.as_str() => Ok(role),
        Some(role) => {
            let is_administrator = client.get(&["me"]).await?.get("is_admin") == Some(&Value::Bool(true));
            Ok(if is_administrator { ADMINISTRATOR.to_owned() } else { role })
        }
    }
}

async fn edit(session: &mut Session, name: &str, is_public: bool) -> Result<(), Failure> {
    let visibility = if is_public { "public" } else { "private" };
    let edited = session.client()?.patch(&["namespaces", name], &json!({ "visibility": visibility })).await?;
    if session.is_json() {
        return session.answer_json(&edited);
    }
    let Namespace { name, visibility, .. } = answers::read(edited)?;
    session.say(&format!("namespace {} is {}", printable(&name), printable(&visibility)));
    Ok(())
}

async fn delete(
    session: &mut Session,
    name: &str,
    with_repositories: bool,
    is_sure: bool,
) -> Result<(), Failure> {
    let what =
        if with_repositories { "its repositories, tokens and members" } else { "its tokens and members" };
    session.confirm(&format!("delete namespace {} with {what} for good", printable(name)), is_sure)?;
    let query: &[(&str, &str)] = if with_repositories { &[("force", "true")] } else { &[] };
    session.client()?.delete_with(&["namespaces", name], query).await?;
    session.say(&format!("namespace {} is deleted", printable(name)));
    Ok(())
}
