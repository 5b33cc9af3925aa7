//! The command line: what there is to say, and which command hears it.

use std::io::{self, BufReader, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::clock::SystemClock;
use crate::commands::{self, Session};
use crate::config::{ServeConfig, ServeFlags, keys::SERVER_VARIABLE};
use crate::credentials::CredentialStore;
use crate::failure::Failure;
use crate::logging;
use crate::origin::Origin;
use crate::output::{self, Format};

const EXAMPLES: &str = "\
Examples:
  sealock serve                                        a registry on 127.0.0.1:5000
  sealock login 127.0.0.1:5000 -u admin                asks for the password
  sealock namespace create acme
  sealock namespace member set acme user:ann writer
  sealock user create ann                              asks for their password
  sealock token create acme ci-bot --permission pull-push --expires-in 30d
  sealock token create acme ci-bot -p pull | docker login 127.0.0.1:5000 -u ci-bot --password-stdin
  sealock token ls acme
  sealock token disable acme/ci-bot

Exit codes:
  0  done
  1  the server refused, failed or could not be reached
  2  the command or the configuration is wrong
  3  not logged in, or the login is not valid (any more)";

const GLOBAL: &str = "Options of every command";

/// A container registry whose access tokens are the point of it: the server, and the client of its API.
#[derive(Parser)]
#[command(name = "sealock", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// How answers are written to stdout; everything else goes to stderr
    #[arg(short, long, global = true, value_enum, default_value = "table", value_name = "FORMAT", help_heading = GLOBAL)]
    output: Format,
    /// The server to talk to; by default the one of the last login
    #[arg(long, global = true, env = SERVER_VARIABLE, hide_env_values = true, help_heading = GLOBAL, value_parser = Origin::parse_server)]
    server: Option<Origin>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server; the settings are flags, SEALOCK_* variables or keys of sealock.toml, in this order
    Serve(ServeFlags),
    #[command(flatten)]
    Client(ClientCommand),
    /// Write a completion script for your shell to stdout
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// What talks to a server's API.
#[derive(Subcommand)]
enum ClientCommand {
    /// Log in to a server and keep what was typed, a password or a token's secret, in a file of mode 0600
    Login(commands::login::Login),
    /// Forget the login for a server
    Logout(commands::login::Logout),
    /// Show who is logged in, and with which credential
    Whoami,
    /// Namespaces: the first part of a repository's name, the owner of its tokens
    #[command(subcommand, visible_alias = "ns")]
    Namespace(commands::namespace::Command),
    /// Access tokens
    #[command(subcommand)]
    Token(commands::token::Command),
    /// Users: people with a username and a password
    #[command(subcommand)]
    User(commands::user::Command),
    /// Teams: named sets of users, members wherever a user is
    #[command(subcommand)]
    Team(commands::team::Command),
    /// Repositories: what was pushed
    #[command(subcommand)]
    Repo(commands::repo::Command),
    /// Show who did what, when, from where, with which token; the newest last
    Audit(commands::audit::Audit),
}

/// Does what the command line says and answers the exit code of the process.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.run(cli.output, cli.server) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to be told where stderr is closed.
            let _ = writeln!(io::stderr(), "error: {failure}");
            failure.exit_code()
        }
    }
}

impl Command {
    fn run(self, format: Format, server: Option<Origin>) -> Result<(), Failure> {
        match self {
            Self::Serve(flags) => serve(flags),
            Self::Completion { shell } => {
                // Not straight to stdout: clap_complete panics where that is closed, as by `| head`.
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "sealock", &mut script);
                Ok(output::answer(&mut io::stdout(), &script)?)
            }
            Self::Client(command) => client(command, session(format, server)?),
        }
    }
}

impl ClientCommand {
    async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Login(login) => login.run(session).await,
            Self::Logout(logout) => logout.run(session),
            Self::Whoami => commands::whoami::run(session).await,
            Self::Namespace(command) => command.run(session).await,
            Self::Token(command) => command.run(session).await,
            Self::User(command) => command.run(session).await,
            Self::Team(command) => command.run(session).await,
            Self::Repo(command) => command.run(session).await,
            Self::Audit(audit) => audit.run(session).await,
        }
    }
}

fn serve(flags: ServeFlags) -> Result<(), Failure> {
    let folder = std::env::current_dir().map_err(|error| Failure::Other(error.into()))?;
    let config = ServeConfig::load(flags, std::env::vars_os(), &folder)
        .map_err(|error| Failure::Usage(format!("the server was not started: {error}")))?;
    logging::start(config.log, &config.log_level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Other(error.into()))?;
    Ok(runtime.block_on(crate::serve::run(config))?)
}

fn client(command: ClientCommand, mut session: Session) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Other(error.into()))?;
    runtime.block_on(command.run(&mut session))
}

/// The surroundings of this process.
fn session(format: Format, server: Option<Origin>) -> Result<Session, Failure> {
    Ok(Session {
        format,
        server,
        credentials: CredentialStore::locate(|name| std::env::var_os(name))?,
        clock: Box::new(SystemClock),
        out: Box::new(io::stdout()),
        err: Box::new(io::stderr()),
        input: Box::new(BufReader::new(io::stdin())),
        has_terminal: io::stdin().is_terminal(),
        width: output::terminal_width(),
    })
}

/// Runs a client command as a test types it.
#[cfg(test)]
pub(crate) async fn run_in(session: &mut Session, said: impl Iterator<Item = &str>) -> Result<(), Failure> {
    match Cli::try_parse_from(std::iter::once("sealock").chain(said)).map(|cli| cli.command) {
        Ok(Command::Client(command)) => command.run(session).await,
        Ok(_) => Err(Failure::Usage("no client command".to_owned())),
        Err(error) => Err(Failure::Usage(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_of_the_help_is_a_command() {
        let examples = EXAMPLES.lines().filter_map(|line| line.strip_prefix("  sealock "));
        let mut seen = 0;
        for example in examples {
            let said = example.split("    ").next().and_then(|line| line.split(" | ").next()).unwrap();
            let words = std::iter::once("sealock").chain(said.split_whitespace());
            assert!(Cli::try_parse_from(words).is_ok(), "{example}");
            seen += 1;
        }
        assert_eq!(seen, 9);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for said in [
            "sealock",
            "sealock token create acme",
            "sealock token create acme ci-bot --permission push",
            "sealock token create acme ci-bot --permission pull --scope registry:list",
            "sealock token create acme ci-bot --expires-in 30",
            "sealock token create acme ci-bot --expires-in 30d --never-expires",
            "sealock token create acme ci-bot --expires-at tomorrow",
            "sealock token create acme ci-bot --scope repository:acme/api",
            "sealock token rm",
            "sealock user edit ann --admin --no-admin",
            "sealock user edit ann --activate --deactivate",
            "sealock user edit ann",
            "sealock namespace edit acme",
            "sealock namespace edit acme --public --private",
            "sealock namespace member set acme ann writer",
            "sealock namespace member set acme user:ann owner",
            "sealock token activity acme/ci-bot --days 0",
            "sealock audit --since yesterday",
            "sealock audit --until 2026-01-01",
            "sealock audit --limit 0",
            "sealock --server ftp://x whoami",
            "sealock serve --tls-cert x",
        ] {
            assert!(Cli::try_parse_from(said.split(' ')).is_err(), "{said}");
        }
    }
}
