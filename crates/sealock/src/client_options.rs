//! The options of the client commands. `serve` and the other commands without a server to talk to have none of them,
//! neither as a flag nor as a variable.

use clap::error::ErrorKind;
use clap::{Args, Command};

use crate::config::keys::SERVER_VARIABLE;
use crate::origin::Origin;
use crate::output::Format;

const HEADING: &str = "Options of every client command";

/// What may be said before or after any client command.
#[derive(Args)]
pub(crate) struct ClientOptions {
    /// How the answer is written to stdout, a table by default; everything else goes to stderr
    #[arg(short, long, value_enum, value_name = "FORMAT", help_heading = HEADING)]
    output: Option<Format>,
    /// The server to talk to; by default the one that SEALOCK_SERVER names, else that of the last login
    #[arg(long, help_heading = HEADING, value_parser = Origin::parse_server)]
    server: Option<Origin>,
}

impl ClientOptions {
    /// Adds them to a client command and to everything below it. Only here the variable counts: one that names no
    /// server is no reason for `serve` to stop.
    pub(crate) fn on(command: Command) -> Command {
        let options = Self::augment_args(Command::new("options"));
        let command = command.args(options.get_arguments().map(|option| option.clone().global(true)));
        // An empty variable is one that is not set, as with SEALOCK_CONFIG_DIR.
        match std::env::var_os(SERVER_VARIABLE).filter(|value| !value.is_empty()) {
            Some(_) => command.mut_arg("server", |server| server.env(SERVER_VARIABLE).hide_env(true)),
            None => command,
        }
    }

    /// How the answer is written, and which server was named.
    pub(crate) fn into_parts(self) -> (Format, Option<Origin>) {
        (self.output.unwrap_or(Format::Table), self.server)
    }

    /// Refuses them in front of a command that is none of the client's, in clap's words; behind it clap does.
    pub(crate) fn refuse_before(&self, subcommand: &str, root: &mut Command) -> Result<(), clap::Error> {
        let said = match self {
            Self { server: Some(_), .. } => "--server <SERVER>",
            Self { output: Some(_), .. } => "--output <FORMAT>",
            Self { .. } => return Ok(()),
        };
        let refusal = format!("the subcommand '{subcommand}' cannot be used with '{said}'");
        Err(root.error(ErrorKind::ArgumentConflict, refusal))
    }
}
