//! What a whole process refuses before it touches the store.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

/// How often is looked whether a server has come so far.
const LOOK_EVERY: Duration = Duration::from_millis(10);

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

#[test]
fn a_start_with_a_root_that_is_none_does_not_open_the_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty.pem"), "").unwrap();
    for (root, why) in [("absent.pem", "can't be read"), ("empty.pem", "holds no certificate in PEM")] {
        let acme = ["--acme-domains", "registry.example.com", "--acme-ca-file", root];
        let said = refused(folder.path(), &[&["serve", "--listen", "127.0.0.1:0"][..], &acme].concat());
        assert!(said.contains(root) && said.contains(why), "{said}");
        assert!(!folder.path().join("sealock-data").exists());
    }
}

/// As while the schema changes, which may take long: who connects would wait, and a look at the port call it fine.
#[test]
fn nobody_can_connect_before_the_store_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_sealock"))
        .env_clear()
        .current_dir(folder.path())
        .args(["serve", "--key-file", "key", "--listen", &address.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // There is a reader when the server has its address and no store.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let open = || File::options().write(true).custom_flags(nonblocking).open(&key).ok();
    let mut key = loop {
        assert_eq!(server.try_wait().unwrap(), None, "ended");
        match open() {
            Some(key) => break key,
            None => thread::sleep(LOOK_EVERY),
        }
    };
    let before = TcpStream::connect(address).map(drop).map_err(|error| error.kind());
    key.write_all("5e".repeat(32).as_bytes()).unwrap();
    drop(key);
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    let is_ready = lines.any(|line| line.starts_with("Sealock is ready"));
    let after = TcpStream::connect(address).map(drop);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(before, Err(ErrorKind::ConnectionRefused));
    assert!(is_ready);
    after.unwrap();
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
