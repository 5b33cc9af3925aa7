//! `sealock token secrets …`: which secrets of a token live, and the end of one.

use clap::Subcommand;

use super::{TokenArgument, find};
use crate::client::answers::{self, Secret};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};

/// `sealock token secrets`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock token reset acme/ci-bot --keep-old-for 24h
  sealock token secrets ls acme/ci-bot      who still uses the old one?
  sealock token secrets rm acme/ci-bot 0190a5e0-7d4c-7aaa-8bbb-123456789abc")]
pub(crate) enum Command {
    /// List the living secrets of a token: who still uses an old one is seen by its last use
    #[command(visible_alias = "list")]
    Ls {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
    },
    /// End one secret of a token now, with every login made from it
    Rm {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
        /// The secret's id, as `sealock token secrets ls` shows it
        secret: String,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
}

impl Command {
    /// Does what was said.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Ls { token } => list(session, &token).await,
            Self::Rm { token, secret, yes } => end(session, &token, &secret, yes).await,
        }
    }
}

async fn list(session: &mut Session, token: &TokenArgument) -> Result<(), Failure> {
    let client = session.client()?;
    let token = find(&client, token).await?.token;
    // They fit on one page, and the server takes no parameters of pages here.
    let living = client.get(&["tokens", &token.id, "secrets"]).await?;
    if session.is_json() {
        return session.answer_json(&living);
    }
    let answers::Page { items, .. } = answers::read(living)?;
    let now = session.now();
    let mut rows = Vec::with_capacity(items.len());
    for secret in items {
        let secret: Secret = answers::read(secret)?;
        let used = match (secret.last_used_at, secret.last_used_from, secret.last_used_by) {
            (None, ..) => "never".to_owned(),
            (Some(at), from, by) => {
                let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
                let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
                format!("{}{from}{by}", when(at, now))
            }
        };
        let created = secret.created_at.map_or("unknown".to_owned(), |at| when(at, now));
        let ends = secret.ends_at.map_or("never".to_owned(), |at| when(at, now));
        rows.push(vec![secret.hint, created, ends, used, secret.id]);
    }
    session.answer_table(&["SECRET", "CREATED", "ENDS", "LAST USED", "ID"], rows)
}

async fn end(
    session: &mut Session,
    token: &TokenArgument,
    secret: &str,
    is_sure: bool,
) -> Result<(), Failure> {
    let client = session.client()?;
    let token = find(&client, token).await?.token;
    let (name, shown) = (printable(&token.full_name()), printable(secret));
    session.confirm(&format!("end secret {shown} of token {name} for good"), is_sure)?;
    client.delete(&["tokens", &token.id, "secrets", secret]).await?;
    session.say(&format!("secret {shown} of token {name} is ended"));
    Ok(())
}
