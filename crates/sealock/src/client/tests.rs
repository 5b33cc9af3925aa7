//! The client against a server that says what each test tells it to.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::json;

use super::*;
use crate::password::Password;

/// A server that gives its answers in order, one a connection, and remembers what it was asked.
pub(crate) struct Canned {
    pub(crate) origin: Origin,
    asked: JoinHandle<Vec<Asked>>,
}

/// One request, as it came.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Method and target.
    pub(crate) line: String,
    /// The `Authorization` header.
    pub(crate) authorization: Option<String>,
    /// The JSON body; null where there was none.
    pub(crate) body: Value,
}

impl Canned {
    /// Answers with each status and JSON body in turn, then stops.
    pub(crate) fn serve(answers: Vec<(u16, Value)>) -> Self {
        Self::serve_raw(
            answers.into_iter().map(|(status, body)| (format!("{status} X"), body.to_string())).collect(),
        )
    }

    /// The same with any text as the body; more headers may follow the status after a line end.
    fn serve_raw(answers: Vec<(String, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = Origin::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let answer =
            move || answers.into_iter().map(|(head, body)| exchange(&listener, &head, &body)).collect();
        Self { origin, asked: std::thread::spawn(answer) }
    }

    /// What it was asked; every answer must have been fetched.
    pub(crate) fn asked(self) -> Vec<Asked> {
        self.asked.join().expect("the canned server stands")
    }

    fn client(&self) -> Client {
        Client::new(self.origin.clone(), login()).unwrap()
    }
}

fn exchange(listener: &TcpListener, head: &str, body: &str) -> Asked {
    let (mut connection, _) = listener.accept().unwrap();
    let asked = read_request(&connection);
    let length = body.len();
    write!(connection, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .unwrap();
    asked
}

fn read_request(connection: &TcpStream) -> Asked {
    let mut reader = BufReader::new(connection);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let fields = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    Asked {
        line: lines[0].trim_end_matches(" HTTP/1.1").to_owned(),
        authorization: header("authorization"),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

fn login() -> Login {
    Login { username: "admin".into(), password: Password::new("s3cret".into()).unwrap() }
}

fn problem(status: u16, detail: &str) -> (u16, Value) {
    (status, json!({"type": "about:blank", "title": "no", "status": status, "detail": detail, "code": "x"}))
}

#[tokio::test]
async fn a_call_carries_the_login_and_escapes_its_path() {
    let server = Canned::serve(vec![(200, json!({"ok": true}))]);
    let answer =
        server.client().post(&["namespaces", "a/b", "tokens"], &json!({"name": "ci-bot"})).await.unwrap();
    assert_eq!(answer, json!({"ok": true}));
    let asked = server.asked().remove(0);
    assert_eq!(asked.line, "POST /api/v1/namespaces/a%2Fb/tokens");
    assert_eq!(asked.authorization.as_deref(), Some("Basic YWRtaW46czNjcmV0"));
    assert_eq!(asked.body, json!({"name": "ci-bot"}));
}

#[tokio::test]
async fn a_list_is_followed_to_its_end() {
    let server = Canned::serve(vec![
        (200, json!({"items": [1, 2], "next": "a&b"})),
        (200, json!({"items": [3], "next": null})),
    ]);
    assert_eq!(server.client().list(&["namespaces"]).await.unwrap(), [json!(1), json!(2), json!(3)]);
    let lines: Vec<String> = server.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines, ["GET /api/v1/namespaces?limit=1000", "GET /api/v1/namespaces?limit=1000&after=a%26b"]);
}

#[tokio::test]
async fn a_list_that_repeats_itself_ends() {
    let page = || (200, json!({"items": [1], "next": "a"}));
    let server = Canned::serve(vec![page(), page()]);
    assert_eq!(server.client().list(&["namespaces"]).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words() {
    let errors = json!([{"field": "name", "message": "begins with a letter"}, {"field": "expires_in", "message": "at least 1h"}]);
    let (status, mut body) = problem(422, "the token was not made");
    body["errors"] = errors;
    for (answer, code, expect) in [
        (problem(403, "token acme/ci-bot manages nothing"), 1, "token acme/ci-bot manages nothing"),
        (problem(404, "there is no namespace acme"), 1, "there is no namespace acme"),
        (problem(500, "failed; id 42"), 1, "failed; id 42"),
        (
            (status, body),
            1,
            "the token was not made\n  name: begins with a letter\n  expires_in: at least 1h",
        ),
        ((400, json!({"title": "Malformed JSON"})), 1, "Malformed JSON"),
        (problem(403, "a\u{1b}[2Jb"), 1, r"a\u{1b}[2Jb"),
    ] {
        let server = Canned::serve(vec![answer]);
        let failure = server.client().get(&["me"]).await.unwrap_err();
        assert_eq!(
            (failure.to_string().as_str(), failure.exit_code()),
            (expect, std::process::ExitCode::from(code))
        );
    }
}

#[tokio::test]
async fn a_refused_login_says_why_and_how_to_log_in_again() {
    let server = Canned::serve(vec![problem(401, "token acme/ci-bot expired on 2026-12-01")]);
    let failure = server.client().get(&["me"]).await.unwrap_err();
    let message = failure.to_string();
    assert!(
        message.starts_with("token acme/ci-bot expired on 2026-12-01; log in again with `sealock login "),
        "{message}"
    );
    assert_eq!(failure.exit_code(), std::process::ExitCode::from(3));
}

#[tokio::test]
async fn too_many_wrong_passwords_say_when_to_try_again() {
    let body = problem(429, "too many wrong passwords").1.to_string();
    let server = Canned::serve_raw(vec![("429 X\r\nRetry-After: 37".into(), body)]);
    let failure = server.client().get(&["me"]).await.unwrap_err();
    assert_eq!(failure.to_string(), "too many wrong passwords; try again in 37 s");
}

#[tokio::test]
async fn another_kind_of_server_is_recognised() {
    for (head, body) in [
        ("200 OK", "<html>hello</html>"),
        ("502 Bad Gateway", "<html>nginx</html>"),
        ("404 Not Found", "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"x\"}]}"),
        ("301 Moved\r\nLocation: http://127.0.0.1:1/elsewhere", ""),
    ] {
        let server = Canned::serve_raw(vec![(head.into(), body.into())]);
        let message = server.client().get(&["me"]).await.unwrap_err().to_string();
        assert!(
            message.contains("not as a Sealock server does; is it the right address?"),
            "{head}: {message}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_a_way_out() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("http://{free}");
    let client = Client::new(Origin::parse(&address).unwrap(), login()).unwrap();
    let message = client.get(&["me"]).await.unwrap_err().to_string();
    assert!(message.starts_with(&format!("{address} could not be reached (")), "{message}");
    assert!(message.ends_with("is `sealock serve` running there?"), "{message}");
}

#[test]
fn the_other_scheme_is_the_way_out_for_another_machine() {
    for (address, expect) in [
        ("https://a.example:5000", "if that server speaks plain http, write http://a.example:5000"),
        ("http://a.example", "if that server speaks https, write https://a.example"),
    ] {
        assert_eq!(way_out(&Origin::parse(address).unwrap()), expect);
    }
}

#[tokio::test]
async fn a_name_that_would_change_the_path_is_not_sent() {
    let nowhere = Client::new(Origin::parse("http://127.0.0.1:9").unwrap(), login()).unwrap();
    for name in ["", ".", ".."] {
        let failure = nowhere.delete(&["namespaces", name]).await.unwrap_err();
        assert_eq!(failure.to_string(), format!("nothing can have the name \"{name}\""));
    }
}

#[test]
fn a_username_with_a_colon_is_not_sent() {
    let login = Login { username: "a:b".into(), ..login() };
    let refused = Client::new(Origin::parse("http://127.0.0.1:9").unwrap(), login).err().unwrap();
    assert_eq!(refused.exit_code(), std::process::ExitCode::from(2));
}
