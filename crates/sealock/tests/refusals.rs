//! What a whole process refuses before it touches the store.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// Runs it in `folder`, to its end, which has to be a refusal; what it complained.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealock"));
    let ended = command.env_clear().args(arguments).current_dir(folder).output().unwrap();
    let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {complaint}");
    complaint
}

/// As where the older release still runs beside: it is to go on with the schema that it knows.
#[test]
fn a_start_on_a_taken_address_does_not_open_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for (listen, metrics) in [(taken.as_str(), "127.0.0.1:0"), ("127.0.0.1:0", &taken)] {
        let said = refused(folder.path(), &["serve", "--listen", listen, "--metrics-listen", metrics]);
        assert!(said.contains(&format!("cannot listen on {taken}")), "{said}");
        assert!(!folder.path().join("sealock-data/sealock.db").exists());
    }
}

/// A start that would bring the schema up to date is what beginning anew is the way out of.
#[test]
fn operators_send_an_older_schema_to_a_start_unless_they_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sealock-data")).unwrap();
    fs::write(folder.path().join("sealock-data/sealock.db"), "").unwrap();
    fs::write(folder.path().join("sealock-data/key"), "5e".repeat(32)).unwrap();
    let as_usual = "has schema 0 and this sealock works on";
    for (arguments, why) in [
        (&["keys", "ls"][..], as_usual),
        (&["keys", "rotate"], as_usual),
        (&["keys", "rotate", "--now"], as_usual),
        (&["keys", "rotate", "--now", "--forget-sealed"], "there is no key to retire"),
        (&["fsck", "--repair"], as_usual),
    ] {
        let said = refused(folder.path(), arguments);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
}
