//! Whole commands, from what is typed to what is shown, against a server that says what each test tells it to.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod tokens;

mod people;

use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::process::ExitCode;
use std::rc::Rc;

use access::time::{Clock, Instant};
use serde_json::{Value, json};

use super::*;
use crate::client::tests::{Asked, Canned};
use crate::credentials::{CredentialStore, Login};
use crate::failure::Failure;
use crate::output::Format;
use crate::password::Password;
use crate::randomness::SystemRandomness;

const ID: &str = "0190a5e0-7d4c-7aaa-8bbb-123456789abc";
const SECRET: &str = "slks_0123456789abcdefghijklmnopqrst000000";

struct Fixed;
impl Clock for Fixed {
    fn now(&self) -> Instant {
        Instant::parse_rfc3339("2026-11-23T10:00:00Z").unwrap()
    }
}

#[derive(Clone, Default)]
struct Seen(Rc<RefCell<Vec<u8>>>);

impl Seen {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Where nothing can be written, as in a full disk.
struct Full;
impl Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A person at a terminal, logged in to a canned server.
struct Desk {
    server: Canned,
    folder: tempfile::TempDir,
    session: Session,
    out: Seen,
    err: Seen,
}

/// What came of a command.
struct Outcome {
    result: Result<(), Failure>,
    out: String,
    err: String,
    asked: Vec<Asked>,
    folder: tempfile::TempDir,
}

fn desk(answers: Vec<(u16, Value)>) -> Desk {
    let (server, folder) = (Canned::serve(answers), tempfile::tempdir().unwrap());
    let (out, err) = (Seen::default(), Seen::default());
    let session = Session {
        format: Format::Table,
        server: Some(server.origin.clone()),
        credentials: CredentialStore::locate(
            |_| Some(folder.path().as_os_str().to_owned()),
            Box::new(SystemRandomness),
        )
        .unwrap(),
        clock: Box::new(Fixed),
        out: Box::new(out.clone()),
        err: Box::new(err.clone()),
        input: Box::new(Cursor::new(Vec::new())),
        has_terminal: false,
        width: None,
    };
    Desk { server, folder, session, out, err }
}

impl Desk {
    fn logged_in(self) -> Self {
        let login = Login { username: "admin".into(), password: Password::new("s3cret".into()).unwrap() };
        self.session.credentials.keep(&self.server.origin, &login).unwrap();
        self
    }

    fn json(mut self) -> Self {
        self.session.format = Format::Json;
        self
    }

    fn typing(mut self, text: &str, has_terminal: bool) -> Self {
        self.session.input = Box::new(Cursor::new(text.as_bytes().to_vec()));
        self.session.has_terminal = has_terminal;
        self
    }

    /// Types a command; `{folder}` stands for the test's own.
    async fn run(mut self, said: &str) -> Outcome {
        let said = said.replace("{folder}", self.folder.path().to_str().unwrap());
        let result = crate::cli::run_in(&mut self.session, said.split(' ')).await;
        let (out, err, asked) = (self.out.text(), self.err.text(), self.server.asked());
        Outcome { result, out, err, asked, folder: self.folder }
    }
}

impl Outcome {
    fn succeeded(self) -> Self {
        assert!(self.result.is_ok(), "{:?}\n{}", self.result, self.err);
        self
    }

    fn refused(self, code: u8, says: &str) -> Self {
        let failure = self.result.as_ref().expect_err("this is refused");
        assert_eq!(failure.exit_code(), ExitCode::from(code), "{failure}");
        assert!(failure.to_string().contains(says), "{failure}");
        self
    }

    fn requests(&self) -> Vec<&str> {
        self.asked.iter().map(|asked| asked.line.as_str()).collect()
    }
}

fn token() -> Value {
    json!({
        "id": ID, "kind": "service", "namespace": "acme", "name": "ci-bot", "description": "nightly", "status": "enabled",
        "permission": "pull-push", "scopes": [{"id": ID, "type": "repository", "path": "*", "actions": ["pull", "push"]}],
        "expires_at": "2026-12-23T10:00:00Z", "created_at": "2026-11-22T10:00:00Z", "created_by": {"username": "admin"},
        "last_used_at": "2026-11-23T09:00:00Z", "last_used_from": "10.0.0.7", "pulls": 3, "pushes": 1, "stands_for": null,
    })
}

fn issued() -> Value {
    let mut token = token();
    token["secret"] = json!(SECRET);
    token["login"] = json!({
        "host": "127.0.0.1:5000", "username": "ci-bot", "command": format!("docker login 127.0.0.1:5000 -u ci-bot -p {SECRET}"),
        "command_stdin": "docker login 127.0.0.1:5000 -u ci-bot --password-stdin",
    });
    token
}

fn page(items: Vec<Value>) -> (u16, Value) {
    (200, json!({"items": items, "next": null}))
}

fn refusal(status: u16, detail: &str) -> (u16, Value) {
    (status, json!({"title": "no", "status": status, "detail": detail}))
}

#[tokio::test]
async fn a_login_is_checked_and_then_kept_as_it_was_typed() {
    let me = json!({"kind": "user", "username": "admin"});
    let outcome = desk(vec![(200, me)])
        .typing("s3cret\n", false)
        .run("login -u admin --password-stdin")
        .await
        .succeeded();
    assert_eq!(outcome.requests(), ["GET /api/v1/me"]);
    assert_eq!(outcome.asked[0].authorization.as_deref(), Some("Basic YWRtaW46czNjcmV0"));
    assert!(outcome.err.starts_with("logged in to http://127.0.0.1:"), "{}", outcome.err);
    assert!(outcome.err.contains(" as admin\n") && outcome.out.is_empty(), "{}", outcome.err);
    let kept = std::fs::read_to_string(outcome.folder.path().join("credentials.json")).unwrap();
    assert!(kept.contains("s3cret"), "{kept}");
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_kept() {
    let answers = vec![refusal(401, "wrong username or password")];
    let outcome = desk(answers).typing("wrong", false).run("login -u admin --password-stdin").await;
    let outcome = outcome.refused(3, "wrong username or password");
    assert!(!outcome.result.as_ref().unwrap_err().to_string().contains("log in again"));
    assert!(!outcome.folder.path().join("credentials.json").exists());
}

#[tokio::test]
async fn a_login_without_a_terminal_wants_its_parts() {
    desk(vec![]).run("login -u admin").await.refused(2, "--password-stdin");
    desk(vec![]).typing("x", false).run("login --password-stdin").await.refused(2, "-u USER");
    desk(vec![])
        .typing("", false)
        .run("login -u admin --password-stdin")
        .await
        .refused(2, "the password is empty");
}

#[tokio::test]
async fn whoever_is_not_logged_in_is_told_how_to() {
    for said in
        ["whoami", "namespace ls", "token ls acme", "token create acme ci-bot", "token rm acme/ci-bot --yes"]
    {
        desk(vec![]).run(said).await.refused(3, "log in with `sealock login http://127.0.0.1:");
    }
    desk(vec![]).run("logout").await.refused(3, "not logged in");
}

#[tokio::test]
async fn a_logout_forgets_the_login() {
    let outcome = desk(vec![]).logged_in().run("logout").await.succeeded();
    let kept = std::fs::read_to_string(outcome.folder.path().join("credentials.json")).unwrap();
    assert!(!kept.contains("s3cret"), "{kept}");
}

#[tokio::test]
async fn whoami_answers_on_stdout() {
    let me = json!({"kind": "user", "username": "admin", "is_admin": true});
    let outcome = desk(vec![(200, me)]).logged_in().run("whoami").await.succeeded();
    assert!(outcome.out.starts_with("admin (administrator) at http://127.0.0.1:"), "{}", outcome.out);
}

#[tokio::test]
async fn namespaces_are_made_private_unless_said_otherwise() {
    for (said, visibility) in
        [("namespace create acme", "private"), ("namespace create acme --public", "public")]
    {
        let made = json!({"name": "acme", "visibility": visibility, "created_at": "2026-11-23T10:00:00Z"});
        let outcome = desk(vec![(201, made)]).logged_in().run(said).await.succeeded();
        assert_eq!(outcome.asked[0].body, json!({"name": "acme", "visibility": visibility}));
        assert!(outcome.err.contains(&format!("namespace acme created ({visibility})")), "{}", outcome.err);
    }
}

#[tokio::test]
async fn lists_are_tables_or_say_what_to_do_next() {
    let acme = json!({"name": "acme", "visibility": "private", "created_at": "2026-11-22T10:00:00Z"});
    let namespaces = desk(vec![page(vec![acme])]).logged_in().run("namespace ls").await.succeeded();
    let expect = "NAME  VISIBILITY  CREATED\nacme  private     1 day ago (2026-11-22T10:00:00Z)\n";
    assert_eq!(namespaces.out, expect);

    let tokens = desk(vec![page(vec![token()])]).logged_in().run("token ls acme").await.succeeded();
    let row = tokens.out.lines().nth(1).unwrap();
    let expect = "acme/ci-bot  pull-push   enabled  in 30 days (2026-12-23T10:00:00Z)  1 hour ago (2026-11-23T09:00:00Z) from 10.0.0.7";
    assert_eq!(row, expect, "{}", tokens.out);

    for (said, way_out) in
        [("namespace ls", "sealock namespace create"), ("token ls acme", "sealock token create acme NAME")]
    {
        let empty = desk(vec![page(vec![])]).logged_in().run(said).await.succeeded();
        assert!(empty.out.is_empty() && empty.err.contains(way_out), "{}", empty.err);
    }
}

#[tokio::test]
async fn a_token_is_shown_with_all_that_is_known() {
    let outcome = desk(vec![(200, token())]).logged_in().run(&format!("token show {ID}")).await.succeeded();
    assert_eq!(outcome.requests(), [format!("GET /api/v1/tokens/{ID}")]);
    for fact in ["acme/ci-bot", ID, "repository:*:pull,push", "nightly", "admin", "10.0.0.7", "3, 1"] {
        assert!(outcome.out.contains(fact), "{fact}: {}", outcome.out);
    }
}

#[tokio::test]
async fn a_new_secret_is_all_that_stdout_gets() {
    let said = "token create acme ci-bot --permission pull-push --expires-in 30d";
    let outcome = desk(vec![(201, issued())]).logged_in().run(said).await.succeeded();
    assert_eq!(outcome.out, format!("{SECRET}\n"));
    assert!(!outcome.err.contains(SECRET), "{}", outcome.err);
    assert!(
        outcome.err.contains("docker login 127.0.0.1:5000 -u ci-bot --password-stdin"),
        "{}",
        outcome.err
    );
    assert_eq!(outcome.requests(), ["POST /api/v1/namespaces/acme/tokens"]);
    assert_eq!(
        outcome.asked[0].body,
        json!({"name": "ci-bot", "permission": "pull-push", "expires_in": "30d"})
    );
}

#[tokio::test]
async fn a_new_secret_in_json_is_the_servers_answer() {
    let outcome =
        desk(vec![(201, issued())]).logged_in().json().run("token create acme ci-bot").await.succeeded();
    assert_eq!(serde_json::from_str::<Value>(&outcome.out).unwrap(), issued());
    assert!(!outcome.err.contains(SECRET), "{}", outcome.err);
}

#[tokio::test]
async fn a_secret_file_holds_the_secret_and_nothing_else_does() {
    use std::os::unix::fs::PermissionsExt;
    for desk in [desk(vec![(201, issued())]).logged_in(), desk(vec![(201, issued())]).logged_in().json()] {
        let outcome =
            desk.run("token create acme ci-bot --secret-file {folder}/ci-bot.secret").await.succeeded();
        let file = outcome.folder.path().join("ci-bot.secret");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), SECRET);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(
            !outcome.out.contains(SECRET) && !outcome.err.contains(SECRET),
            "{}{}",
            outcome.out,
            outcome.err
        );
        assert!(outcome.err.contains("--password-stdin < "), "{}", outcome.err);
    }
}

#[tokio::test]
async fn an_existing_secret_file_stops_the_command_before_the_server_is_asked() {
    let desk = desk(vec![]).logged_in();
    std::fs::write(desk.folder.path().join("ci-bot.secret"), "old").unwrap();
    let outcome = desk.run("token create acme ci-bot --secret-file {folder}/ci-bot.secret").await;
    let outcome = outcome.refused(2, "exists and is not overwritten");
    assert_eq!(std::fs::read_to_string(outcome.folder.path().join("ci-bot.secret")).unwrap(), "old");
}

#[tokio::test]
async fn a_refused_creation_leaves_no_file_behind() {
    let answers = vec![refusal(409, "acme has a token ci-bot already")];
    let outcome =
        desk(answers).logged_in().run("token create acme ci-bot --secret-file {folder}/ci-bot.secret").await;
    let outcome = outcome.refused(1, "acme has a token ci-bot already");
    assert!(!outcome.folder.path().join("ci-bot.secret").exists());
}

#[tokio::test]
async fn a_secret_that_could_not_be_written_is_no_success() {
    let mut desk = desk(vec![(201, issued())]).logged_in();
    desk.session.out = Box::new(Full);
    let outcome = desk
        .run("token create acme ci-bot")
        .await
        .refused(1, "`sealock token reset acme/ci-bot` makes another secret");
    assert!(!outcome.err.contains(SECRET));
}

#[tokio::test]
async fn a_token_without_scopes_says_that_it_allows_nothing() {
    let mut nothing = issued();
    nothing["scopes"] = json!([]);
    let outcome = desk(vec![(201, nothing)]).logged_in().run("token create acme ci-bot").await.succeeded();
    assert!(outcome.err.contains("it allows nothing yet"), "{}", outcome.err);
}

#[tokio::test]
async fn disable_and_enable_say_the_new_status_and_do_not_ask() {
    for (said, status) in [("token disable acme/ci-bot", "disabled"), ("token enable acme/ci-bot", "enabled")]
    {
        let mut changed = token();
        changed["status"] = json!(status);
        let done = (200, json!({"items": [changed]}));
        let outcome = desk(vec![page(vec![token()]), done]).logged_in().run(said).await.succeeded();
        assert_eq!(outcome.requests()[1], "POST /api/v1/tokens/batch");
        assert_eq!(outcome.asked[1].body, json!({"ids": [ID], "do": said.split(' ').nth(1)}));
        assert_eq!(outcome.err, format!("token acme/ci-bot is {status}\n"));
    }
}

#[tokio::test]
async fn a_name_that_is_not_there_changes_nothing() {
    let outcome = desk(vec![page(vec![token()]), page(vec![token()])]).logged_in();
    let outcome =
        outcome.run("token disable acme/ci-bot acme/cj").await.refused(1, "there is no token cj in acme");
    assert_eq!(outcome.requests(), ["GET /api/v1/namespaces/acme/tokens?limit=1000"; 2]);
}

#[tokio::test]
async fn deleting_and_resetting_ask_first() {
    for said in ["token rm acme/ci-bot", "token reset acme/ci-bot"] {
        let found = || desk(vec![page(vec![token()])]).logged_in();
        found().run(said).await.refused(2, "add --yes to mean it");
        for answer in ["n\n", "\n", "", "yeah\n"] {
            found().typing(answer, true).run(said).await.refused(1, "nothing was changed");
        }
    }
}

#[tokio::test]
async fn whoever_says_yes_deletes() {
    let answers = || vec![page(vec![token()]), (200, json!({"items": [token()]}))];
    let by_flag = desk(answers()).logged_in().run("token rm acme/ci-bot --yes").await.succeeded();
    assert_eq!(by_flag.requests()[1], "POST /api/v1/tokens/batch");
    assert_eq!(by_flag.asked[1].body, json!({"ids": [ID], "do": "delete"}));
    assert_eq!(by_flag.err, "token acme/ci-bot is deleted\n");

    let asked = desk(answers()).logged_in().typing("y\n", true).run("token rm acme/ci-bot").await.succeeded();
    assert!(asked.err.contains("last used 1 hour ago"), "{}", asked.err);
    assert!(asked.err.contains("delete token acme/ci-bot for good? [y/N] "), "{}", asked.err);
}

#[tokio::test]
async fn a_token_named_twice_is_deleted_once() {
    let answers = vec![page(vec![token()]), (200, token()), (200, json!({"items": [token()]}))];
    let outcome =
        desk(answers).logged_in().json().run(&format!("token rm acme/ci-bot {ID} --yes")).await.succeeded();
    assert_eq!(serde_json::from_str::<Value>(&outcome.out).unwrap()["items"], json!([token()]));
}

#[tokio::test]
async fn a_reset_hands_out_the_new_secret() {
    let answers = vec![page(vec![token()]), (200, issued())];
    let outcome = desk(answers).logged_in().run("token reset acme/ci-bot --yes").await.succeeded();
    assert_eq!(outcome.requests()[1], format!("POST /api/v1/tokens/{ID}/reset"));
    assert_eq!((outcome.asked[1].body.clone(), outcome.out.as_str()), (json!({}), &*format!("{SECRET}\n")));
    assert!(
        outcome.err.starts_with("token acme/ci-bot reset; its secret is shown only this once"),
        "{}",
        outcome.err
    );
}

#[tokio::test]
async fn an_answer_of_another_version_is_named_as_such() {
    let outcome = desk(vec![page(vec![json!({"name": 7})])]).logged_in().run("token ls acme").await;
    outcome.refused(1, "is the server of another version?");
}

#[tokio::test]
async fn repositories_are_listed_of_one_namespace_or_of_all() {
    let repository =
        json!({"name": "acme/api", "visibility": "private", "created_at": "2026-11-22T10:00:00Z"});
    for (said, asked) in [
        ("repo ls", "GET /api/v1/repositories?limit=1000"),
        ("repo ls acme", "GET /api/v1/namespaces/acme/repositories?limit=1000"),
    ] {
        let outcome = desk(vec![page(vec![repository.clone()])]).logged_in().run(said).await.succeeded();
        assert_eq!(outcome.requests(), [asked]);
        assert!(outcome.out.contains("acme/api  private"), "{}", outcome.out);
    }
    let none = desk(vec![page(vec![])]).logged_in().run("repo ls acme").await.succeeded();
    assert!(none.err.contains("/acme/NAME:TAG") && none.out.is_empty(), "{}", none.err);
}

fn audit_row(at: &str, event: &str) -> Value {
    json!({"at": at, "actor": "user admin", "event": event, "target": "token acme/ci-bot", "from": "10.0.0.7"})
}

#[tokio::test]
async fn the_audit_is_asked_with_its_filters_and_shown_with_the_newest_last() {
    let rows = vec![
        audit_row("2026-11-23T09:00:00Z", "token.deleted"),
        audit_row("2026-11-23T08:00:00Z", "token.created"),
    ];
    let said = "audit --namespace acme --token acme/ci-bot --user anna --event token.deleted --since 24h --until 2026-11-23T09:30:00Z";
    let outcome = desk(vec![page(vec![token()]), page(rows)]).logged_in().run(said).await.succeeded();
    let asked = format!(
        "GET /api/v1/audit?limit=100&namespace=acme&token={ID}&user=anna&event=token.deleted&since=2026-11-22T10%3A00%3A00Z&until=2026-11-23T09%3A30%3A00Z"
    );
    assert_eq!(outcome.requests()[1], asked);
    let (created, deleted) = (outcome.out.find("token.created"), outcome.out.find("token.deleted"));
    assert!(created.is_some() && created < deleted, "{}", outcome.out);
}

#[tokio::test]
async fn the_audit_of_a_token_that_has_ended_is_asked_by_its_id_and_no_further_than_the_limit() {
    let rows = vec![audit_row("2026-11-23T09:00:00Z", "token.deleted"); 2];
    let first = (200, json!({"items": rows, "next": "x"}));
    let said = format!("audit --token {ID} --limit 2");
    let outcome = desk(vec![first]).logged_in().json().run(&said).await.succeeded();
    assert_eq!(outcome.requests(), [format!("GET /api/v1/audit?limit=2&token={ID}")]);
    assert_eq!(serde_json::from_str::<Value>(&outcome.out).unwrap()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_activity_of_a_token_shows_the_days_on_which_something_was_done() {
    let days = json!({"days": [
        {"day": "2026-11-21", "pulls": 3, "pushes": 0},
        {"day": "2026-11-22", "pulls": 0, "pushes": 0},
        {"day": "2026-11-23", "pulls": 0, "pushes": 2},
    ]});
    let answers = vec![page(vec![token()]), (200, days)];
    let outcome = desk(answers).logged_in().run("token activity acme/ci-bot --days 3").await.succeeded();
    assert_eq!(outcome.requests()[1], format!("GET /api/v1/tokens/{ID}/activity?days=3"));
    assert!(outcome.out.contains("2026-11-21  3      0"), "{}", outcome.out);
    assert!(outcome.out.contains("2026-11-23") && !outcome.out.contains("2026-11-22"), "{}", outcome.out);
}
