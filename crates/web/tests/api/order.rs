//! Every operation of the document: whoever may not do it hears so before anything is said about the form of what they
//! sent, whoever may hears what is wrong with it, and no answer is one that the document does not name.

use access::time::Length;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Actor, Answer, ServiceToken, TestServer, both_engines};

/// An id that nothing has.
const NOBODYS_ID: &str = "0190a5e0-7d4c-7aaa-8bbb-123456789abc";
/// One more than a body may have.
const TOO_LONG: usize = 1024 * 1024 + 1;

struct Operation {
    id: String,
    method: Method,
    path: String,
    /// With something in the place of each parameter that none can be; `None` where it has none.
    malformed_path: Option<String>,
    is_edit: bool,
    reads_a_body: bool,
    statuses: Vec<String>,
}

async fn operations(t: &TestServer) -> Vec<Operation> {
    let document = t.anonymous().get("/api/openapi.json").await.is(200).json();
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |one| (path, one)));
    all.map(|(path, (method, operation))| Operation::of(path, method, operation)).collect()
}

impl Operation {
    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let mut path = format!("/api/v1{path}");
        let malformed_path = path.contains('{').then(|| {
            let segments =
                path.split('/').map(|segment| if segment.starts_with('{') { "~" } else { segment });
            segments.collect::<Vec<_>>().join("/")
        });
        for (name, value) in [
            ("ns", "acme"),
            ("repository", "api"),
            ("tag", "1.0"),
            ("digest", &format!("sha256:{}", "0".repeat(64))),
            ("kind", "users"),
            ("name", "admin"),
            ("username", "admin"),
            ("team", "crew"),
            ("id", NOBODYS_ID),
            ("scope", NOBODYS_ID),
            ("secret", NOBODYS_ID),
            ("session", NOBODYS_ID),
        ] {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        assert!(!path.contains('{'), "{path} has a parameter that is not known here");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        Self {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase().parse().unwrap(),
            is_edit: parameters.into_iter().any(|parameter| parameter["name"] == "If-Match"),
            reads_a_body: operation["requestBody"].is_object(),
            statuses: operation["responses"].as_object().unwrap().keys().cloned().collect(),
            path,
            malformed_path,
        }
    }

    /// Sends it, and sees that the document knows the answer.
    async fn sent(&self, caller: &Actor, request: reqwest::RequestBuilder) -> Answer {
        let answer = caller.send(request).await;
        assert!(self.statuses.contains(&answer.status.to_string()), "not in the document: {answer:?}");
        answer
    }

    /// Sends it with everything wrong that can be: the query, the header, the body.
    async fn all_wrong(&self, caller: &Actor) -> Answer {
        self.all_wrong_at(&self.path, caller).await
    }

    async fn all_wrong_at(&self, path: &str, caller: &Actor) -> Answer {
        let request = caller.request(self.method.clone(), &format!("{path}?nonsense=1"));
        let request = request.header("if-match", "\"1\", \"2\"").header("content-type", "application/json");
        self.sent(caller, request.body("{")).await
    }
}

#[both_engines]
async fn whoever_is_nobody_hears_nothing_about_what_they_sent(t: TestServer) {
    let dead = t.service_token("acme", "dead", json!({})).await;
    t.admin().set_status(&dead, "disabled").await.is(200);
    for caller in [t.anonymous(), t.basic("admin", "wrong"), t.bearer("x"), t.with(&dead)] {
        for operation in operations(&t).await {
            // Five wrong passwords a minute are heard out, and no more.
            t.clock.advance(Length::seconds(60));
            for path in [Some(&operation.path), operation.malformed_path.as_ref()].into_iter().flatten() {
                operation.all_wrong_at(path, &caller).await.is(401);
            }
        }
    }
}

#[both_engines]
async fn whoever_may_not_hears_that_and_nothing_about_what_they_sent(t: TestServer) {
    let user = json!({"username": "stranger", "password": "a fine password"});
    t.admin().post_json("/api/v1/users", &user).await.is(201);
    let stranger = t.basic("stranger", "a fine password");
    let ours: ServiceToken = t.service_token("acme", "nothing", json!({})).await;
    let other = t.service_token("other", "everything", json!({"permission": "pull-push"})).await;
    let scopes = json!([{"type": "repository", "path": "*", "actions": ["pull", "push", "delete"]}]);
    let own = |name: &str, scopes: Value| json!({"name": name, "scopes": scopes});
    let account = t.personal_token("stranger", json!({"name": "account"})).await;
    let scoped = t.personal_token("stranger", own("scoped", scopes)).await;
    // What being somebody is enough for; and what a person may ask, though not about everything.
    let of_anybody = ["showMe"];
    let of_persons = ["showMe", "listNamespaces", "listRepositories", "actOnTokens", "showAudit"];
    for (caller, may) in [
        (&stranger, of_persons.as_slice()),
        (&t.with(&account), &of_persons),
        (&t.with(&scoped), &of_anybody),
        (&t.with(&ours), &of_anybody),
        (&t.with(&other), &of_anybody),
    ] {
        for operation in operations(&t).await {
            let answer = operation.all_wrong(caller).await;
            let is_refused = [403, 404].contains(&answer.status);
            assert_eq!(is_refused, !may.contains(&operation.id.as_str()), "{answer:?}");
        }
    }
}

/// Rule 9: with a token nobody changes a user, not even their own, makes personal tokens, or makes one stronger.
#[both_engines]
async fn whoever_brings_a_token_hears_what_takes_a_password_before_what_they_sent_is_looked_at(
    t: TestServer,
) {
    t.admin()
        .post_json("/api/v1/users", &json!({"username": "ann", "password": "a fine password"}))
        .await
        .is(201);
    let take_a_password =
        ["createUser", "editUser", "deleteUser", "createPersonalToken", "resetToken", "addScope"];
    for username in ["admin", "ann"] {
        let account = t.with(&t.personal_token(username, json!({"name": "account"})).await);
        let target = t.personal_token(username, json!({"name": "target"})).await;
        for mut operation in operations(&t).await {
            operation.path = operation.path.replacen(NOBODYS_ID, &target.id, 1);
            operation.path = operation.path.replace("/users/admin", &format!("/users/{username}"));
            if take_a_password.contains(&operation.id.as_str()) {
                operation.all_wrong(&account).await.refused(403, "denied");
            }
        }
    }
}

#[both_engines]
async fn strangers_are_refused_before_they_send_a_body(t: TestServer) {
    let ours = t.service_token("acme", "nothing", json!({})).await;
    let head = ["Content-Length: 1000000", "Content-Type: application/json", "Expect: 100-continue"];
    for operation in operations(&t).await.into_iter().filter(|operation| operation.reads_a_body) {
        for (caller, refused) in [(t.anonymous(), [401, 401]), (t.with(&ours), [403, 404])] {
            let wire = caller.wire(operation.method.as_str(), &operation.path, &head).await;
            let answer = wire.answer().await;
            // The first thing that comes is the refusal, not "100 Continue".
            assert!(refused.contains(&answer.status), "{answer:?}");
        }
    }
}

#[both_engines]
async fn whoever_may_hears_what_is_wrong_with_what_they_sent(t: TestServer) {
    let admin = t.admin();
    t.namespace("acme").await;
    for operation in operations(&t).await {
        let request =
            |query: &str| admin.request(operation.method.clone(), &format!("{}{query}", operation.path));
        let json = |body: String| request("").header("content-type", "application/json").body(body);
        let refused = operation.sent(&admin, request("?nonsense=1")).await.refused(422, "invalid");
        assert_eq!(crate::wrong_fields(&refused), ["nonsense"]);
        operation.sent(&admin, request("?a=%ff")).await.refused(400, "malformed");
        if operation.is_edit {
            let several = request("").header("if-match", "\"1\", \"2\"");
            operation.sent(&admin, several).await.refused(400, "malformed").says("If-Match");
        }
        if operation.reads_a_body {
            operation.sent(&admin, json("{".to_owned())).await.refused(400, "malformed");
            operation.sent(&admin, json(" ".repeat(TOO_LONG))).await.refused(413, "too-large");
            operation.sent(&admin, request("").body("{}")).await.refused(415, "not-json");
            let refused =
                operation.sent(&admin, json("{\"nonsense\":1}".to_owned())).await.refused(422, "invalid");
            assert_eq!(crate::wrong_fields(&refused)[0], "nonsense");
        }
    }
}
