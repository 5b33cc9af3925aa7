//! `sealock`: one binary, the server and the client of its API (DESIGN §3.5). What is said on the command line
//! becomes a command here; the rooms behind know nothing of flags.

mod acme;
mod cli;
mod client;
mod client_options;
mod clock;
mod commands;
mod config;
mod credentials;
mod data_folder;
mod failure;
mod logging;
mod open_files;
mod operator;
mod origin;
mod output;
mod password;
mod private_file;
mod randomness;
mod serve;
mod start_warnings;
mod systemd;
mod tls;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
