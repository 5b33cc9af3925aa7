//! The command line: what there is to say, and which command hears it.

use std::ffi::OsString;
use std::io::{self, BufReader, IsTerminal, Write};
use std::process::ExitCode;

use access::visible::escaped_lines;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::client_options::ClientOptions;
use crate::clock::SystemClock;
use crate::commands::{self, Session};
use crate::config::{ServeConfig, ServeFlags};
use crate::credentials::CredentialStore;
use crate::failure::Failure;
use crate::logging;
use crate::operator;
use crate::output;
use crate::randomness::SystemRandomness;

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

/// A container registry whose access tokens are the point of it: the server, and the client of its API.
#[derive(Parser)]
#[command(name = "sealock", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    options: ClientOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server; the settings are flags, SEALOCK_* variables or keys of sealock.toml, in this order
    Serve(ServeFlags),
    /// The keys that sign bearers: for operators, where the server runs
    #[command(subcommand)]
    Keys(operator::keys::Command),
    /// Check whether the database and the blobs agree: for operators, where the server runs
    Fsck(operator::fsck::Fsck),
    #[command(flatten)]
    Client(Client),
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
    /// Settings: what holds for the whole instance
    #[command(subcommand)]
    Settings(commands::settings::Command),
    /// Show who did what, when, from where, with which token; the newest last
    Audit(commands::audit::Audit),
}

/// A client command, and the options that all of them have.
struct Client(Box<ClientCommand>);

impl Subcommand for Client {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let own = ClientCommand::augment_subcommands(clap::Command::new("client"));
        own.get_subcommands().cloned().map(ClientOptions::on).fold(command, clap::Command::subcommand)
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        ClientCommand::has_subcommand(name)
    }
}

impl FromArgMatches for Client {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        ClientCommand::from_arg_matches(matches).map(|command| Self(Box::new(command)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

/// Does what the command line says and answers the exit code of the process.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::said(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to be told where stderr is closed.
            let _ = writeln!(io::stderr(), "error: {}", escaped_lines(&failure.to_string()));
            failure.exit_code()
        }
    }
}

impl Cli {
    /// Understands a command line. What was said of the client's options stands in `options`, wherever it was said:
    /// clap carries a global option up to the root.
    fn said(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(words)?;
        match cli.command {
            Command::Serve(_) => cli.options.refuse_before("serve", &mut Self::command())?,
            Command::Fsck(_) => cli.options.refuse_before("fsck", &mut Self::command())?,
            Command::Keys(_) => cli.options.refuse_before("keys", &mut Self::command())?,
            Command::Completion { .. } => cli.options.refuse_before("completion", &mut Self::command())?,
            Command::Client(_) => {}
        }
        Ok(cli)
    }

    fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Serve(flags) => serve(flags),
            Command::Keys(command) => command.run(),
            Command::Fsck(fsck) => fsck.run(),
            Command::Completion { shell } => {
                // Not straight to stdout: clap_complete panics where that is closed, as by `| head`.
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "sealock", &mut script);
                Ok(output::answer(&mut io::stdout(), &script)?)
            }
            Command::Client(Client(command)) => client(*command, session(self.options)?),
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
            Self::Settings(command) => command.run(session).await,
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
fn session(options: ClientOptions) -> Result<Session, Failure> {
    let (format, server) = options.into_parts();
    Ok(Session {
        format,
        server,
        credentials: CredentialStore::locate(|name| std::env::var_os(name), Box::new(SystemRandomness))?,
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
    match Cli::said(std::iter::once("sealock").chain(said)).map(|cli| cli.command) {
        Ok(Command::Client(Client(command))) => command.run(session).await,
        Ok(_) => Err(Failure::Usage("no client command".to_owned())),
        Err(error) => Err(Failure::Usage(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::{ValueEnum, error::ErrorKind};

    use super::*;
    use crate::output::Format;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// What every command says behind its help, from the root down.
    fn helps(command: &clap::Command) -> Vec<(String, String)> {
        let own = command.get_after_help().map(|help| (command.get_name().to_owned(), help.to_string()));
        own.into_iter().chain(command.get_subcommands().flat_map(helps)).collect()
    }

    /// The words of a line as a shell reads it: quotes hold together, a comment, a pipe or a file ends it.
    fn words(line: &str) -> Vec<&str> {
        let line = line.trim_start();
        let end = ["    ", " | ", " < "].iter().filter_map(|mark| line.find(mark)).min();
        let parts = line[..end.unwrap_or(line.len())].split('\'').enumerate();
        parts
            .flat_map(|(i, part)| if i % 2 == 1 { vec![part] } else { part.split_whitespace().collect() })
            .collect()
    }

    #[test]
    fn every_command_says_what_it_is_about_and_no_two_say_the_same() {
        let command = Cli::command();
        let mut abouts: Vec<_> =
            command.get_subcommands().map(|command| command.get_about().unwrap().to_string()).collect();
        let all = abouts.len();
        abouts.sort();
        abouts.dedup();
        assert_eq!(abouts.len(), all, "{abouts:#?}");
    }

    #[test]
    fn what_stands_behind_a_help_fits_the_width_that_clap_wraps_it_to() {
        const WIDTH: usize = 100;
        for (name, help) in helps(&Cli::command()) {
            let long: Vec<_> = help.lines().filter(|line| line.chars().count() > WIDTH).collect();
            assert!(long.is_empty(), "{name}: {long:#?}");
        }
    }

    #[test]
    fn every_example_of_every_help_is_a_command() {
        for (name, help) in helps(&Cli::command()) {
            let examples: Vec<_> = help.lines().filter(|line| line.starts_with("  sealock ")).collect();
            assert!(!examples.is_empty(), "{name} shows no example");
            for example in examples {
                let said = Cli::said(words(example));
                assert!(said.is_ok(), "{name}: {example}: {}", said.err().unwrap());
            }
        }
    }

    #[test]
    fn every_family_of_commands_shows_examples() {
        let command = Cli::command();
        let silent = command
            .get_subcommands()
            .flat_map(|family| std::iter::once(family).chain(family.get_subcommands()))
            .filter(|family| family.has_subcommands() && family.get_after_help().is_none());
        assert_eq!(silent.map(clap::Command::get_name).collect::<Vec<_>>(), [""; 0]);
    }

    fn options(said: &str) -> (Format, Option<String>) {
        let (format, server) = Cli::said(said.split(' ')).unwrap().options.into_parts();
        (format, server.map(|server| server.to_string()))
    }

    #[test]
    fn the_options_of_the_client_are_heard_before_and_behind_its_commands() {
        for said in [
            "sealock -o json --server a.example whoami",
            "sealock whoami -o json --server a.example",
            "sealock --server a.example token scope ls acme/ci-bot -o json",
            "sealock token --server a.example scope -o json ls acme/ci-bot",
            "sealock --server b.example -o table settings show -o json --server a.example",
        ] {
            assert_eq!(options(said), (Format::Json, Some("https://a.example".to_owned())), "{said}");
        }
        assert_eq!(options("sealock whoami").0, Format::Table);
    }

    #[test]
    fn the_options_of_the_client_are_refused_with_other_commands() {
        for (said, kind) in [
            ("sealock serve --server a.example", ErrorKind::UnknownArgument),
            ("sealock serve -o json", ErrorKind::UnknownArgument),
            ("sealock completion bash --server a.example", ErrorKind::UnknownArgument),
            ("sealock --server a.example serve", ErrorKind::ArgumentConflict),
            ("sealock -o json serve", ErrorKind::ArgumentConflict),
            ("sealock -o json keys ls", ErrorKind::ArgumentConflict),
            ("sealock -o json fsck", ErrorKind::ArgumentConflict),
            ("sealock keys ls --server a.example", ErrorKind::UnknownArgument),
            ("sealock -o json completion bash", ErrorKind::ArgumentConflict),
        ] {
            let refused = Cli::said(said.split(' ')).err().unwrap();
            assert_eq!((refused.kind(), refused.exit_code()), (kind, 2), "{said}: {refused}");
        }
    }

    #[test]
    fn completion_knows_every_command_and_the_options_of_the_client() {
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "sealock", &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in ["settings", "disable-all", "end-all", "allow-from", "server"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
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
            "sealock token edit acme/ci-bot --allow-from 10.0.0.0/8 --allow-from-anywhere",
            "sealock settings edit",
            "sealock settings edit --own-namespaces maybe",
            "sealock token disable-all",
            "sealock user end-all",
            "sealock audit --since yesterday",
            "sealock audit --until 2026-01-01",
            "sealock audit --limit 0",
            "sealock --server ftp://x whoami",
            "sealock keys",
            "sealock serve --no-such-setting x",
        ] {
            assert!(Cli::try_parse_from(said.split(' ')).is_err(), "{said}");
        }
    }
}
