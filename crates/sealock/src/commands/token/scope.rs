//! `sealock token scope …`: the scopes of a token one by one.

use clap::Subcommand;
use serde_json::{Value, json};

use super::scope_argument::ScopeArgument;
use super::{TokenArgument, find};
use crate::client::answers::{self, Scope, Token};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;

/// `sealock token scope`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock token scope add acme/ci-bot 'repository:acme/web/*:pull,push' registry:list
  sealock token scope ls acme/ci-bot
  sealock token scope rm acme/ci-bot 'repository:acme/web/*:pull,push'
  sealock token scope clear acme/ci-bot")]
pub(crate) enum Command {
    /// List the scopes of a token
    #[command(visible_alias = "list")]
    Ls {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
    },
    /// Give a token more scopes; who is logged in with it has them at once
    Add {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
        /// repository:PATH:ACTIONS, where * in PATH stands for any text, or registry:list
        #[arg(required = true, value_name = "SCOPE")]
        scopes: Vec<ScopeArgument>,
    },
    /// Take scopes from a token; what they allowed is refused at once
    Rm {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
        /// The ids of the scopes, or the scopes as `sealock token scope ls` shows them
        #[arg(required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Take every scope from a token: it then allows nothing
    Clear {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
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
            Self::Add { token, scopes } => add(session, &token, &scopes).await,
            Self::Rm { token, scopes, yes } => remove(session, &token, &scopes, yes).await,
            Self::Clear { token, yes } => clear(session, &token, yes).await,
        }
    }
}

async fn list(session: &mut Session, token: &TokenArgument) -> Result<(), Failure> {
    let found = find(&session.client()?, token).await?;
    if session.is_json() {
        let scopes = found.json.get("scopes").and_then(Value::as_array).cloned();
        return session.answer_items(scopes.unwrap_or_default());
    }
    if found.token.scopes.is_empty() {
        session.say(&format!("token {} has no scopes", printable(&found.token.full_name())));
        return Ok(());
    }
    let rows = found.token.scopes.iter().map(|scope| vec![scope.to_string(), scope.id.clone()]);
    session.answer_table(&["SCOPE", "ID"], rows.collect())
}

async fn add(session: &mut Session, token: &TokenArgument, scopes: &[ScopeArgument]) -> Result<(), Failure> {
    let client = session.client()?;
    let token = find(&client, token).await?.token;
    let mut answer = Value::Null;
    for scope in scopes {
        answer = client.post(&["tokens", &token.id, "scopes"], &json!(scope)).await?;
    }
    if session.is_json() {
        return session.answer_json(&answer);
    }
    let after: Token = answers::read(answer)?;
    say_what_is_left(session, &after);
    Ok(())
}

async fn remove(
    session: &mut Session,
    token: &TokenArgument,
    said: &[String],
    is_sure: bool,
) -> Result<(), Failure> {
    let client = session.client()?;
    let token = find(&client, token).await?.token;
    // All of them are looked up before the first goes: a typo in the last one should change nothing.
    let meant: Vec<&Scope> = said.iter().map(|said| meant(&token, said)).collect::<Result<_, _>>()?;
    let shown: Vec<String> = meant.iter().map(|scope| printable(&scope.to_string())).collect();
    let name = printable(&token.full_name());
    session.confirm(&format!("take {} from token {name}", shown.join(" and ")), is_sure)?;
    for scope in &meant {
        client.delete(&["tokens", &token.id, "scopes", &scope.id]).await?;
    }
    answer(session, client.get(&["tokens", &token.id]).await?)
}

async fn clear(session: &mut Session, token: &TokenArgument, is_sure: bool) -> Result<(), Failure> {
    let client = session.client()?;
    let token = find(&client, token).await?.token;
    let name = printable(&token.full_name());
    let count = token.scopes.len();
    session
        .confirm(&format!("take all {count} scopes from token {name}, so that it allows nothing"), is_sure)?;
    client.delete(&["tokens", &token.id, "scopes"]).await?;
    answer(session, client.get(&["tokens", &token.id]).await?)
}

fn meant<'a>(token: &'a Token, said: &str) -> Result<&'a Scope, Failure> {
    let is_meant = |scope: &&Scope| scope.id == said || scope.to_string() == said;
    token.scopes.iter().find(is_meant).ok_or_else(|| {
        let (name, argument) = (printable(&token.full_name()), printable(&token.argument()));
        let said = printable(said);
        Failure::Refused(format!(
            "token {name} has no scope {said}; `sealock token scope ls {argument}` lists those there are"
        ))
    })
}

fn answer(session: &mut Session, after: Value) -> Result<(), Failure> {
    if session.is_json() {
        return session.answer_json(&after);
    }
    say_what_is_left(session, &answers::read(after)?);
    Ok(())
}

fn say_what_is_left(session: &mut Session, token: &Token) {
    let name = printable(&token.full_name());
    let scopes: Vec<String> = token.scopes.iter().map(|scope| printable(&scope.to_string())).collect();
    session.say(&match scopes.as_slice() {
        [] => format!("token {name} allows nothing now, having no scopes"),
        scopes => format!("token {name} allows {} now", scopes.join(" and ")),
    });
}
