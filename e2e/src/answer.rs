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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { asked: "curl".to_owned(), status, body: body.to_owned() }
    }

    #[test]
    fn an_answer_is_read_or_known_by_its_refusal() {
        assert_eq!(answer(200, r#"{"a":1}"#).is(200)["a"], 1);
        assert_eq!(answer(204, "").is(204), Value::Null);
        answer(404, "no such token").refused(404, "no such token");
        answer(422, r#"{"errors":[{"field":"name","message":"too short"}]}"#).refused_for("name");
    }

    #[test]
    #[should_panic(expected = "no rights here")]
    fn another_status_is_a_failure_that_shows_the_body() {
        answer(403, "no rights here").is(200);
    }

    #[test]
    #[should_panic(expected = "does not say")]
    fn a_refusal_for_another_reason_is_a_failure() {
        answer(404, "no such token").refused(404, "no such user");
    }

    #[test]
    #[should_panic(expected = "expires_in")]
    fn a_refusal_for_another_field_is_a_failure() {
        answer(422, r#"{"errors":[{"field":"name"},{"field":"expires_in"}]}"#).refused_for("name");
    }
}
