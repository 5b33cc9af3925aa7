//! `sealock settings …`: what holds for the whole instance.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value};

use crate::client::answers::{self, Settings};
use crate::commands::Session;
use crate::failure::Failure;

/// `sealock settings`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock settings show
  sealock settings edit --users-make-namespaces on")]
pub(crate) enum Command {
    /// Show the settings; administrators may
    Show,
    /// Change settings; administrators may
    Edit(Edit),
}

/// `sealock settings edit`
#[derive(Args)]
#[group(required = true, multiple = true)]
#[command(after_help = "\
What is not named stays as it is.

Examples:
  sealock settings edit --users-make-namespaces on
  sealock settings edit --own-namespaces off --tokens-for-others off
  sealock settings edit --max-tokens-per-namespace 5000")]
pub(crate) struct Edit {
    /// Whether every user may make namespaces, and becomes the admin of what they made
    #[arg(long, value_name = "SWITCH")]
    users_make_namespaces: Option<Switch>,
    /// Whether a new user gets a namespace of their own name, where that is free and legal
    #[arg(long, value_name = "SWITCH")]
    own_namespaces: Option<Switch>,
    /// Whether administrators may make tokens for other users with a personal token; by password they always may
    #[arg(long, value_name = "SWITCH")]
    tokens_for_others: Option<Switch>,
    /// Open uploads of one user or token. Each layer of a push is one. The most that there may be
    #[arg(long, value_name = "NUMBER")]
    max_uploads_per_principal: Option<u32>,
    /// Open uploads of one namespace. The most that there may be
    #[arg(long, value_name = "NUMBER")]
    max_uploads_per_namespace: Option<u32>,
    /// Service tokens of one namespace. The most that there may be
    #[arg(long, value_name = "NUMBER")]
    max_tokens_per_namespace: Option<u32>,
    /// Personal tokens of one user. The most that there may be
    #[arg(long, value_name = "NUMBER")]
    max_tokens_per_user: Option<u32>,
    /// Service tokens of the instance. The most that there may be
    #[arg(long, value_name = "NUMBER")]
    max_instance_tokens: Option<u32>,
    /// Namespaces that one user created, where users may create them. The most that there may be
    #[arg(long, value_name = "NUMBER")]
    max_namespaces_per_user: Option<u32>,
    /// Namespaces of the whole instance. The most that there may be
    #[arg(long, value_name = "NUMBER")]
    max_namespaces: Option<u32>,
}

/// The limits, by the names that the API has for them.
const LIMITS: [&str; 7] = [
    "max_uploads_per_principal",
    "max_uploads_per_namespace",
    "max_tokens_per_namespace",
    "max_tokens_per_user",
    "max_instance_tokens",
    "max_namespaces_per_user",
    "max_namespaces",
];

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Command {
    /// Does what was said.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Show => show(session).await,
            Self::Edit(edit) => edit.run(session).await,
        }
    }
}

async fn show(session: &mut Session) -> Result<(), Failure> {
    let shown = session.client()?.get(&["settings"]).await?;
    if session.is_json() {
        return session.answer_json(&shown);
    }
    let settings = answers::read(shown)?;
    let rows = lines(&settings).map(|(field, value)| vec![as_typed(field), value]);
    session.answer_table(&["SETTING", "VALUE"], rows.collect())
}

impl Edit {
    /// Changes what was named. Each change can be taken back, so nobody is asked.
    async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let said = [
            ("users_make_namespaces", self.users_make_namespaces),
            ("own_namespaces", self.own_namespaces),
            ("tokens_for_others", self.tokens_for_others),
        ];
        let counts = [
            self.max_uploads_per_principal,
            self.max_uploads_per_namespace,
            self.max_tokens_per_namespace,
            self.max_tokens_per_user,
            self.max_instance_tokens,
            self.max_namespaces_per_user,
            self.max_namespaces,
        ];
        let switches = said
            .into_iter()
            .filter_map(|(field, switch)| Some((field.to_owned(), Value::Bool(switch? == Switch::On))));
        let counts = LIMITS
            .into_iter()
            .zip(counts)
            .filter_map(|(field, count)| Some((field.to_owned(), Value::from(count?))));
        let change: Map<String, Value> = switches.chain(counts).collect();
        let changed = change.keys().cloned().collect::<Vec<_>>();
        let edited = session.client()?.patch(&["settings"], &Value::Object(change)).await?;
        if session.is_json() {
            return session.answer_json(&edited);
        }
        for (field, value) in
            lines(&answers::read(edited)?).filter(|(field, _)| changed.iter().any(|name| name == field))
        {
            session.say(&format!("{} is {value}", as_typed(field)));
        }
        Ok(())
    }
}

/// The settings with their values, by the names that the API has for them. An older server has no limits.
fn lines(settings: &Settings) -> impl Iterator<Item = (&'static str, String)> {
    let counts = |field| Some((field, settings.others.get(field)?.as_i64()?.to_string()));
    let switches = [
        ("users_make_namespaces", settings.users_make_namespaces),
        ("own_namespaces", settings.own_namespaces),
        ("tokens_for_others", settings.tokens_for_others),
    ];
    let switches = switches.into_iter().map(|(field, is_on)| (field, word(is_on).to_owned()));
    switches.chain(LIMITS.into_iter().filter_map(counts))
}

/// A setting's name as the flag that changes it.
fn as_typed(field: &str) -> String {
    field.replace('_', "-")
}

fn word(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
