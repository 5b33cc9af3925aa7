//! What the API answered to a script.

use serde_json::Value;

use crate::Outcome;

/// An answer of the API, as `curl` brought it.
#[derive(Debug)]
pub struct Answer {
    asked: String,
    /// The HTTP status.
    pub status: u16,
    /// The body; empty where there is none.
    pub body: String,
}

impl Answer {
    /// What `curl --write-out '\n%{http_code}'` printed for `asked`.
    pub(crate) fn of(asked: String, outcome: Outcome) -> Self {
        let outcome = outcome.succeeded();
        let (body, status) = outcome.stdout.rsplit_once('\n').expect("curl ends with the status");
        Self { asked, status: status.parse().expect("a status"), body: body.to_owned() }
    }

    /// The body as JSON (null where it is empty), after a check that the request went through with `status`.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// The request must have been refused with `status` and a body with `text` in it (case counts).
    #[track_caller]
    pub fn refused(self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{self}");
        assert!(self.body.contains(text), "does not say {text:?}: {self}");
    }

    /// The request must have been refused as invalid (422), and `field` named as what is wrong.
    #[track_caller]
    pub fn refused_for(self, field: &str) {
        let shown = self.to_string();
        let problem = self.is(422);
        let fields = problem["errors"].as_array().into_iter().flatten().map(|error| &error["field"]);
        assert_eq!(fields.collect::<Vec<_>>(), [field], "{shown}");
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{} {}", self.asked, self.status, self.body)
    }
}
