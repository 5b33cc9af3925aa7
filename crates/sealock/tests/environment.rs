//! What the variables of the environment do to a whole process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// No address of a server.
const NO_SERVER: &str = "a/b";

fn sealock(home: &Path, server: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealock"));
    command.env_clear().env("HOME", home).env("SEALOCK_SERVER", server).current_dir(home);
    command
}

#[test]
fn serve_does_not_mind_which_server_the_client_talks_to() {
    let home = tempfile::tempdir().unwrap();
    let mut serve = sealock(home.path(), NO_SERVER);
    let mut running =
        serve.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(running.stdout.take().unwrap()).lines();
    let is_ready = said.map_while(Result::ok).any(|line| line.starts_with("Sealock is ready at "));
    running.kill().unwrap();
    running.wait().unwrap();
    assert!(is_ready);
    let completion = sealock(home.path(), NO_SERVER).args(["completion", "bash"]).output().unwrap();
    assert!(completion.status.success());
}

#[test]
fn the_client_talks_to_the_server_that_the_variable_names() {
    let home = tempfile::tempdir().unwrap();
    for (server, arguments, code, says) in [
        ("", &["whoami"][..], 3, "not logged in; log in with"),
        (NO_SERVER, &["whoami"], 2, "invalid value 'a/b' for '--server <SERVER>'"),
        ("a.example", &["whoami"], 3, "not logged in to https://a.example"),
        ("a.example", &["token", "scope", "ls", "acme/ci-bot"], 3, "not logged in to https://a.example"),
        ("a.example", &["whoami", "--server", "b.example"], 3, "not logged in to https://b.example"),
        ("a.example", &["--server", "b.example", "whoami"], 3, "not logged in to https://b.example"),
    ] {
        let ended = sealock(home.path(), server).args(arguments).output().unwrap();
        let complaint = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {complaint}");
        assert!(complaint.contains(says), "{arguments:?}: {complaint}");
    }
}
