//! The flags of `sealock serve`, made from the table of keys.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::keys::{CONFIG_VARIABLE, KEYS, Key};

/// What was given on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServeFlags {
    /// The configuration file that was named.
    pub(super) config: Option<PathBuf>,
    /// The settings that were given, with their values.
    pub(super) given: Vec<(&'static Key, Vec<String>)>,
}

const CONFIG: &str = "config";

impl clap::Args for ServeFlags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help(format!(
                "The configuration file [default: sealock.toml, where there is one] [env: {CONFIG_VARIABLE}]"
            ));
        KEYS.into_iter().fold(command.arg(config), |command, key| command.arg(flag(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flag(key: &'static Key) -> Arg {
    let action = if key.is_list { ArgAction::Append } else { ArgAction::Set };
    let help = format!("{} [default: {}] [env: {}]", key.help, key.default, key.variable());
    let arg = Arg::new(key.name).long(key.flag()).value_name(key.takes).action(action).help(help);
    if key.is_list { arg.value_delimiter(',') } else { arg }
}

impl clap::FromArgMatches for ServeFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let values =
            |key: &'static Key| matches.get_many::<String>(key.name).map(|all| (key, all.cloned().collect()));
        Ok(Self {
            config: matches.get_one::<PathBuf>(CONFIG).cloned(),
            given: KEYS.into_iter().filter_map(values).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
