//! `./dev/soak`: long runs against the released binary, for a person who reads the result.
#![allow(clippy::print_stdout)] // It is a program for people.

use std::{hash::BuildHasher, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, ValueEnum};
use e2e::{
    hostile::{self, Attack},
    soak::{self, Until},
};
use testkit::{Engine, postgres::Postgres};

/// Puts the released binary through what a lifetime brings, and checks what was acknowledged.
#[derive(Parser)]
enum Soak {
    /// Kills the server (SIGKILL) at random instants while clients push, mount, move tags, delete and reset tokens.
    Kill {
        #[command(flatten)]
        length: Length,
        /// Repeats the decisions of an earlier run.
        #[arg(long)]
        seed: Option<u64>,
        /// On PostgreSQL (a throw-away cluster) instead of SQLite.
        #[arg(long)]
        postgres: bool,
    },
    /// Attacks a server that may use 512 MiB of memory, while honest clients log in, push and pull.
    Hostile {
        /// How long to attack.
        #[arg(long, default_value_t = 180)]
        seconds: u64,
        /// Another release's program: it is attacked first, in the same way, and both results are printed.
        #[arg(long, value_name = "PROGRAM")]
        compare: Option<PathBuf>,
        /// Only this attack, instead of all at once; may be repeated.
        #[arg(long, value_name = "ATTACK")]
        only: Vec<Attack>,
    },
}

#[derive(Args)]
#[group(multiple = false)]
struct Length {
    /// How many kills to survive.
    #[arg(long, default_value_t = 1000)]
    cycles: u64,
    /// How long to go on, instead.
    #[arg(long)]
    seconds: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Soak::parse() {
        Soak::Kill { length, seed, postgres } => kill(&length, seed, postgres).await,
        Soak::Hostile { seconds, compare, only } => {
            let attacks = if only.is_empty() { Attack::value_variants().to_vec() } else { only };
            attack(&attacks, Duration::from_secs(seconds), compare).await
        }
    }
}

async fn kill(length: &Length, seed: Option<u64>, postgres: bool) -> ExitCode {
    if postgres && Postgres::shared().is_none() {
        println!("there is no PostgreSQL on this machine; ./dev/setup installs one");
        return ExitCode::FAILURE;
    }
    let engine = if postgres { Engine::Postgres } else { Engine::Sqlite };
    let until = match length.seconds {
        Some(seconds) => Until::Time(Duration::from_secs(seconds)),
        None => Until::Cycles(length.cycles),
    };
    // Another one each time: the standard library's hashes are seeded by the system.
    let seed = seed.unwrap_or_else(|| std::hash::RandomState::new().hash_one("soak"));
    println!("on {engine}, with --seed {seed}");
    let report = soak::kill(engine, seed, until, &|said| println!("{said}")).await;
    println!("{report}");
    if report.defects.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The result of the other program is only printed; this workspace's decides the exit code.
async fn attack(attacks: &[Attack], length: Duration, compare: Option<PathBuf>) -> ExitCode {
    let say = |said: &str| println!("{said}");
    if let Some(other) = compare {
        println!("{}", hostile::attack(&other, attacks, length, &say).await);
    }
    let report = hostile::attack(&hostile::program(), attacks, length, &say).await;
    println!("{report}");
    if report.defects().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
