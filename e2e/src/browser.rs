//! A reader's browser: a real Chromium, told what to do in a reader's words. Every page that it comes by is inspected
//! (e2e/browser/inspector.mjs): axe, light and dark, a phone's width, weight, the console, requests to elsewhere.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::missing;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

use crate::{Sealock, programs, server::ADMIN_PASSWORD};

/// For one step: the driver itself gives up after 30 s; axe takes a while on a busy machine.
const STEP_PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page, at one server, logged in nowhere. A step that fails ends the test with what the page shows.
/// Names of buttons, links and fields are those that a screen reader says; `GROUP › NAME` is the one in that group,
/// and `NAME …` one that begins so.
#[derive(Debug)]
pub struct Browser {
    driver: Mutex<Driver>,
    _profile: TempDir,
}

#[derive(Debug)]
struct Driver {
    _process: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Browser {
    /// A browser beside `server`; `None` (and "skipped", but a failure in CI) where it is not installed.
    pub fn beside(server: &Sealock) -> Option<Self> {
        Self::at(&server.host)
    }

    /// The same, with JavaScript switched off.
    pub fn without_javascript(server: &Sealock) -> Option<Self> {
        Self::start(&server.host, "plain")
    }

    /// The same as [`Self::beside`], for pages with all on them that the rules allow: each may weigh its 50 KB alone, without
    /// the sheet and the script that come once.
    pub fn among_crowds(server: &Sealock) -> Option<Self> {
        Self::start(&server.host, "crowded")
    }

    /// The same as [`Self::beside`], for the server at `host`.
    pub fn at(host: &str) -> Option<Self> {
        Self::start(host, "scripted")
    }

    fn start(host: &str, kind: &str) -> Option<Self> {
        let (node, chromium) = (programs::need("node")?, programs::need("chromium")?);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        if !folder.join("node_modules/playwright-core").is_dir() {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            missing::skip(&test, "no e2e/browser/node_modules here (./dev/setup installs it)");
            return None;
        }
        // Chromium's profile, and whatever else it leaves: goes with the browser.
        let profile = tempfile::Builder::new().prefix("sealock-browser-").tempdir().expect("a folder");
        let mut command = driver(&node, &folder, profile.path());
        command.arg(chromium).arg(format!("http://{host}")).arg(kind);
        let mut process = command.spawn().expect("node starts");
        let stdin = process.stdin.take().expect("a pipe");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Some(Self { driver: Mutex::new(Driver { _process: process, stdin, lines }), _profile: profile })
    }

    async fn step(&self, step: Value) -> Value {
        self.tries(step).await.unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    async fn tries(&self, step: Value) -> Result<Value, String> {
        let mut driver = self.driver.lock().await;
        let answer = tokio::time::timeout(STEP_PATIENCE, driver.does(&step)).await;
        let mut answer = answer.unwrap_or_else(|_| panic!("{step} takes more than {STEP_PATIENCE:?}"));
        match answer["wrong"].as_str() {
            Some(wrong) => Err(format!("{step}: {wrong}")),
            None => Ok(answer["is"].take()),
        }
    }

    async fn says(&self, step: Value) -> String {
        let said = self.step(step).await;
        said.as_str().unwrap_or_else(|| panic!("no text: {said}")).to_owned()
    }

    async fn is(&self, step: Value) -> bool {
        self.step(step).await.as_bool().expect("yes or no")
    }

    /// Types an address of this server.
    pub async fn open(&self, path: &str) {
        self.step(json!({"do": "open", "path": path})).await;
    }

    /// The same, where the page may have faults: what the inspector has found.
    ///
    /// # Errors
    /// With all of them, where there are any.
    pub async fn tries_to_open(&self, path: &str) -> Result<(), String> {
        self.tries(json!({"do": "open", "path": path})).await.map(drop)
    }

    /// Loads the page again; a form that it came from is sent again.
    pub async fn reload(&self) {
        self.step(json!({"do": "reload"})).await;
    }

    /// Goes back by one page.
    pub async fn back(&self) {
        self.step(json!({"do": "back"})).await;
    }

    /// Logs in as the administrator, from the page that asks for it.
    pub async fn log_in_as_admin(&self) {
        self.open("/login").await;
        self.log_in("admin", ADMIN_PASSWORD).await;
        self.sees("Namespaces").await;
    }

    /// Fills in the page that asks who one is.
    pub async fn log_in(&self, username: &str, password: &str) {
        self.fill("Username", username).await;
        self.fill("Password", password).await;
        self.press("Log in").await;
    }

    /// Opens a page whose script comes late. Fails if anything on it moves after its first paint (CLS).
    pub async fn open_slowly(&self, path: &str) {
        self.step(json!({"do": "open_slowly", "path": path})).await;
    }

    /// Presses a button.
    pub async fn press(&self, name: &str) {
        self.step(json!({"do": "press", "name": name})).await;
    }

    /// Presses the copy button beside `label`, which must keep its width; returns the outcome that the button shows.
    pub async fn copy(&self, label: &str) -> String {
        self.says(json!({"do": "copy", "name": label})).await
    }

    /// Follows a link; to what asks first, until it asks.
    pub async fn follow(&self, name: &str) {
        self.step(json!({"do": "follow", "name": name})).await;
    }

    /// Clicks twice, as fast as it goes, on a link to what asks first; how often its page was fetched until it asked.
    pub async fn follow_twice(&self, name: &str) -> u64 {
        self.step(json!({"do": "follow_twice", "name": name})).await.as_u64().expect("a number")
    }

    /// Whether a dialog asks something.
    pub async fn is_asked(&self) -> bool {
        self.is(json!({"do": "is_asked"})).await
    }

    /// Waits until no dialog asks, nor is left on the page.
    pub async fn is_asked_no_more(&self) {
        self.step(json!({"do": "is_asked_no_more"})).await;
    }

    /// Presses the mouse at one spot of the dialog that asks, and lets go at another: its `title`, its `edge`, or `beside` it.
    pub async fn point(&self, from: &str, to: &str) {
        self.step(json!({"do": "point", "from": from, "to": to})).await;
    }

    /// Opens the ⋮ menu of the row that `row` begins, and chooses `entry`.
    pub async fn menu(&self, row: &str, entry: &str) {
        self.step(json!({"do": "menu", "row": row, "entry": entry})).await;
    }

    /// Opens the menu of whoever is logged in, and chooses `entry`.
    pub async fn user_menu(&self, entry: &str) {
        self.step(json!({"do": "menu", "entry": entry})).await;
    }

    /// Fills a field in, in one go.
    pub async fn fill(&self, name: &str, value: &str) {
        self.step(json!({"do": "fill", "name": name, "value": value})).await;
    }

    /// Fills a field in, key by key.
    pub async fn type_in(&self, name: &str, value: &str) {
        self.step(json!({"do": "type", "name": name, "value": value})).await;
    }

    /// What a field holds.
    pub async fn value(&self, name: &str) -> String {
        self.says(json!({"do": "value", "name": name})).await
    }

    /// Chooses from a list.
    pub async fn select(&self, name: &str, value: &str) {
        self.step(json!({"do": "select", "name": name, "value": value})).await;
    }

    /// Ticks a box, or one of several choices.
    pub async fn tick(&self, name: &str) {
        self.step(json!({"do": "tick", "name": name})).await;
    }

    /// Takes a tick away.
    pub async fn untick(&self, name: &str) {
        self.step(json!({"do": "untick", "name": name})).await;
    }

    /// Whether a box is ticked.
    pub async fn is_ticked(&self, name: &str) -> bool {
        self.is(json!({"do": "is_ticked", "name": name})).await
    }

    /// Whether a field is marked as wrong for screen readers.
    pub async fn is_marked_wrong(&self, name: &str) -> bool {
        self.is(json!({"do": "is_marked_wrong", "name": name})).await
    }

    /// Whether the browser itself would not send what a field holds.
    pub async fn is_refused_by_browser(&self, name: &str) -> bool {
        self.is(json!({"do": "is_refused_by_browser", "name": name})).await
    }

    /// Ticks the box of the row that `row` begins.
    pub async fn tick_row(&self, row: &str) {
        self.step(json!({"do": "tick_row", "name": row})).await;
    }

    /// What the row says that `row` begins.
    pub async fn row(&self, row: &str) -> String {
        self.says(json!({"do": "row", "name": row})).await
    }

    /// The rows of the page's tables, without their heads.
    pub async fn rows(&self) -> u64 {
        self.step(json!({"do": "rows"})).await.as_u64().expect("a number")
    }

    /// The page must say `text`, at once or soon.
    pub async fn sees(&self, text: &str) {
        self.step(json!({"do": "sees", "text": text})).await;
    }

    /// The page must not say `text`.
    pub async fn sees_not(&self, text: &str) {
        self.step(json!({"do": "sees_not", "text": text})).await;
    }

    /// What is there to be copied under `label`.
    pub async fn copied(&self, label: &str) -> String {
        self.says(json!({"do": "copied", "name": label})).await
    }

    /// What the last copy button has copied.
    pub async fn clipboard(&self) -> String {
        self.says(json!({"do": "clipboard"})).await
    }

    /// The page's markup as it stands.
    pub async fn html(&self) -> String {
        self.says(json!({"do": "html"})).await
    }

    /// Where the links of the page lead on this server, those of closed menus too.
    pub async fn links(&self) -> Vec<String> {
        let links = self.step(json!({"do": "links"})).await;
        links.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Path and query of the page.
    pub async fn path(&self) -> String {
        self.says(json!({"do": "path"})).await
    }

    /// The HTTP status that the page came with.
    pub async fn status(&self) -> u64 {
        self.step(json!({"do": "status"})).await.as_u64().expect("a number")
    }

    /// The value of the cookie that the server has set, if it has.
    pub async fn cookie(&self) -> Option<String> {
        self.step(json!({"do": "cookie"})).await.as_str().map(str::to_owned)
    }

    /// Plants a cookie.
    pub async fn set_cookie(&self, name: &str, value: &str) {
        self.step(json!({"do": "set_cookie", "name": name, "value": value})).await;
    }

    /// Presses a key: `Tab`, `Enter`, `Escape`.
    pub async fn key(&self, name: &str) {
        self.step(json!({"do": "key", "name": name})).await;
    }

    /// The name of what has the focus.
    pub async fn focused(&self) -> String {
        self.says(json!({"do": "focused"})).await
    }

    /// Waits until what has this name has the focus.
    pub async fn has_focus(&self, name: &str) {
        self.step(json!({"do": "has_focus", "name": name})).await;
    }

    /// Whether a field may be filled in.
    pub async fn is_offered(&self, name: &str) -> bool {
        self.is(json!({"do": "is_offered", "name": name})).await
    }

    /// Whether a menu is open.
    pub async fn is_menu_open(&self) -> bool {
        self.is(json!({"do": "is_menu_open"})).await
    }
}

fn driver(node: &Path, folder: &Path, profile: &Path) -> Command {
    let mut command = Command::new(node);
    command.arg(folder.join("driver.mjs")).env_clear().env("PATH", programs::path());
    command.env("HOME", profile).env("TMPDIR", profile).current_dir(profile);
    // The driver ends with its input, and Chromium with the driver, however the test ends.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

impl Driver {
    async fn does(&mut self, step: &Value) -> Value {
        let sent = self.stdin.write_all(format!("{step}\n").as_bytes()).await;
        sent.unwrap_or_else(|error| panic!("the browser is gone before {step}: {error}"));
        let line = self.lines.next_line().await.expect("a line of UTF-8");
        let line = line.unwrap_or_else(|| panic!("the browser is gone at {step}"));
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("no answer of the driver ({error}): {line}"))
    }
}
