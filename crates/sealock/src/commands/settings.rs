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
  sealock settings edit --own-namespaces off --tokens-for-others off")]
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
}

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
    let rows =
        lines(answers::read(shown)?).map(|(field, is_on)| vec![as_typed(field), word(is_on).to_owned()]);
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
        let change: Map<String, Value> = said
            .into_iter()
            .filter_map(|(field, switch)| Some((field.to_owned(), Value::Bool(switch? == Switch::On))))
            .collect();
        let changed = change.keys().cloned().collect::<Vec<_>>();
        let edited = session.client()?.patch(&["settings"], &Value::Object(change)).await?;
        if session.is_json() {
            return session.answer_json(&edited);
        }
        for (field, is_on) in
            lines(answers::read(edited)?).filter(|(field, _)| changed.iter().any(|name| name == field))
        {
            session.say(&format!("{} is {}", as_typed(field), word(is_on)));
        }
        Ok(())
    }
}

/// The settings, by the names that the API has for them.
fn lines(settings: Settings) -> impl Iterator<Item = (&'static str, bool)> {
    [
        ("users_make_namespaces", settings.users_make_namespaces),
        ("own_namespaces", settings.own_namespaces),
        ("tokens_for_others", settings.tokens_for_others),
    ]
    .into_iter()
}

/// A setting's name as the flag that changes it.
fn as_typed(field: &str) -> String {
    field.replace('_', "-")
}

fn word(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
