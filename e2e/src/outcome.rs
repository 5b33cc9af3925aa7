//! What a client said and how it ended.

use std::{process::Stdio, time::Duration};

use tokio::{io::AsyncWriteExt, process::Command};

/// A client that takes longer hangs; it is killed and the test fails.
const CLIENT_PATIENCE: Duration = Duration::from_secs(180);

/// How a client's run ended, with everything that it said.
#[derive(Debug)]
pub struct Outcome {
    command: String,
    pub(crate) success: bool,
    code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
}

impl Outcome {
    /// Runs `command` with `input` on its standard input.
    pub(crate) async fn of(mut command: Command, input: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let shown = format!("{:?}", command.as_std());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown} does not start: {error}"));
        let mut stdin = child.stdin.take().expect("a pipe");
        // A client that ends without reading its input is not this line's business.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = tokio::time::timeout(CLIENT_PATIENCE, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("{shown} hangs for more than {CLIENT_PATIENCE:?}"));
        let output = output.expect("its output");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let success = output.status.success();
        let code = output.status.code();
        Self { command: shown, success, code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The client must have ended well.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert!(self.success, "refused: {self}");
        self
    }

    /// The client must have failed, and said `text` (case counts) on either output.
    #[track_caller]
    pub fn refused_with(self, text: &str) -> Self {
        assert!(!self.success, "went through, though it should say {text:?}: {self}");
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "does not say {text:?}: {self}");
        self
    }

    /// The client must have ended with this exit code; chain a check of its words.
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// What it printed, read as JSON, after it has ended well.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let outcome = self.succeeded();
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {outcome}"))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, input: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Outcome::of(command, input).await
    }

    #[tokio::test]
    async fn what_a_client_said_is_kept() {
        let outcome = sh("cat; echo complaint >&2", "{\"a\":1}").await.succeeded();
        assert_eq!(outcome.stderr, "complaint\n");
        assert_eq!(outcome.json()["a"], 1);
    }

    #[tokio::test]
    async fn a_refusal_is_known_by_its_words() {
        sh("echo denied: no push >&2; exit 1", "").await.refused_with("no push");
    }

    #[tokio::test]
    #[should_panic(expected = "does not say")]
    async fn a_refusal_for_another_reason_is_a_failure() {
        sh("echo connection refused >&2; exit 1", "").await.refused_with("no push");
    }

    #[tokio::test]
    #[should_panic(expected = "went through")]
    async fn a_refusal_that_ends_well_is_a_failure() {
        sh("echo no push", "").await.refused_with("no push");
    }

    #[tokio::test]
    #[should_panic(expected = "denied: no push")]
    async fn a_failure_shows_what_was_said() {
        sh("echo denied: no push >&2; exit 1", "").await.succeeded();
    }
}
