//! `sealock keys …`: the keys that sign bearers.

use access::time::Instant;
use clap::{Args, Subcommand};
use registry::{Db, KeyState, ShownKey};
use serde_json::json;

use super::{Purpose, key_file, open_database};
use crate::config::{ServeConfig, ServeFlags};
use crate::failure::Failure;
use crate::output::{self, Format, when};
use crate::randomness::SystemRandomness;

/// `sealock keys`
#[derive(Subcommand)]
#[command(after_help = "\
A key is next, which every server knows and none signs with; then active, which signs; then retired,
which verifies what it signed until that has expired. `rotate` moves every key one on. Each command
takes the settings of `sealock serve`, and prints the keys as they are then.

Examples:
  sealock keys ls
  sealock keys rotate --config /etc/sealock.toml
  sealock keys rotate --now
  sealock keys rotate --now --forget-sealed")]
pub(crate) enum Command {
    /// List the keys that sign bearers
    #[command(visible_alias = "list")]
    Ls(Ls),
    /// Let the next key sign; no request is refused, and the servers go on running
    Rotate(Rotate),
}

/// `sealock keys ls`
#[derive(Args)]
pub(crate) struct Ls {
    #[command(flatten)]
    shared: Shared,
}

/// `sealock keys rotate`
#[derive(Args)]
pub(crate) struct Rotate {
    /// A key leaked: throw all of them away, so that every bearer made before is refused at once by every
    /// server; clients fetch new ones by themselves
    #[arg(long)]
    now: bool,
    /// The key file is lost, or a stored key is damaged: throw away what the present key file does not open, and begin
    /// anew under it. Certificates that an ACME server issued are ordered again
    #[arg(long, requires = "now")]
    forget_sealed: bool,
    #[command(flatten)]
    shared: Shared,
}

/// What every command here takes.
#[derive(Args)]
struct Shared {
    /// How the keys are written to stdout
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
    #[command(flatten)]
    settings: ServeFlags,
}

impl Command {
    /// Does what was said.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Ls(ls) => ls.shared.run(Purpose::Look, async |_, _, _| Ok(())),
            Self::Rotate(rotate) => rotate.run(),
        }
    }
}

impl Rotate {
    fn run(self) -> Result<(), Failure> {
        let Self { now: at_once, forget_sealed, shared } = self;
        let purpose = if forget_sealed { Purpose::BeginAnew } else { Purpose::Change };
        shared.run(purpose, async |config, db, now| {
            let (key_file, random) = (key_file(config)?, &SystemRandomness);
            Ok(match (at_once, forget_sealed) {
                (_, true) => registry::forget_sealed(db, &key_file, random, now).await,
                (true, false) => registry::replace_keys(db, &key_file, random, now).await,
                (false, false) => registry::rotate_keys(db, &key_file, random, now).await,
            }?)
        })
    }
}

impl Shared {
    /// Does `change` and prints the keys as they are then.
    fn run(
        self,
        purpose: Purpose,
        change: impl AsyncFnOnce(&ServeConfig, &Db, Instant) -> anyhow::Result<()>,
    ) -> Result<(), Failure> {
        let (keys, now) = super::run(self.settings, async |config, now| {
            let db = open_database(config, purpose).await?;
            change(config, &db, now).await?;
            Ok((registry::list_keys(&db).await?, now))
        })?;
        let text = match self.output {
            Format::Json => in_json(&keys),
            Format::Table => in_a_table(&keys, now),
        };
        Ok(output::answer(&mut std::io::stdout(), text.as_bytes())?)
    }
}

fn in_json(keys: &[ShownKey]) -> String {
    let item = |key: &ShownKey| {
        json!({
            "id": key.id,
            "state": key.state.as_str(),
            "created_at": key.created_at,
            "verifies_until": key.verifies_until,
        })
    };
    format!("{:#}\n", json!({ "items": keys.iter().map(item).collect::<Vec<_>>() }))
}

fn in_a_table(keys: &[ShownKey], now: Instant) -> String {
    let does = |key: &ShownKey| match (key.state, key.verifies_until) {
        (KeyState::Next, _) => "signs after the next rotation".to_owned(),
        (KeyState::Active, _) => "signs".to_owned(),
        (KeyState::Retired, None) => "verifies".to_owned(),
        (KeyState::Retired, Some(until)) if until <= now => "nothing any more".to_owned(),
        (KeyState::Retired, Some(until)) => format!("verifies, ends {}", when(until, now)),
    };
    let row = |key: &ShownKey| {
        vec![key.id.clone(), key.state.as_str().to_owned(), when(key.created_at, now), does(key)]
    };
    let rows = keys.iter().map(row).collect();
    output::table(&["ID", "STATE", "CREATED", "DOES"], rows, output::terminal_width())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_with_what_they_do_and_until_when() {
        let at = |minutes: i64| Instant::from_millis(1_767_225_600_000 + minutes * 60_000);
        let key = |id: &str, state, verifies_until| ShownKey {
            id: id.to_owned(),
            state,
            created_at: at(0),
            verifies_until,
        };
        let keys = [
            key("k1", KeyState::Retired, Some(at(9))),
            key("k2", KeyState::Retired, Some(at(15))),
            key("k3", KeyState::Active, None),
            key("k4", KeyState::Next, None),
        ];
        let table = in_a_table(&keys, at(10));
        let lines: Vec<_> =
            table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            [
                "ID STATE CREATED DOES",
                "k1 retired 10 minutes ago (2026-01-01T00:00:00Z) nothing any more",
                "k2 retired 10 minutes ago (2026-01-01T00:00:00Z) verifies, ends in 5 minutes (2026-01-01T00:15:00Z)",
                "k3 active 10 minutes ago (2026-01-01T00:00:00Z) signs",
                "k4 next 10 minutes ago (2026-01-01T00:00:00Z) signs after the next rotation",
            ]
        );
        let json: serde_json::Value = serde_json::from_str(&in_json(&keys)).unwrap_or_default();
        assert_eq!(json["items"][1]["verifies_until"], "2026-01-01T00:15:00Z");
        assert_eq!(
            json["items"][3],
            json!({
                "id": "k4", "state": "next", "created_at": "2026-01-01T00:00:00Z", "verifies_until": null,
            })
        );
    }
}
