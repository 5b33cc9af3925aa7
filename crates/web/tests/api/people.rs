//! The people that tests are about.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Actor, Answer, TestServer, image::Image};

/// The password of everybody that a test makes.
pub(crate) const PASSWORD: &str = "a fine password";

/// Makes a user, and answers the client that logs in as them.
pub(crate) async fn user(t: &TestServer, username: &str) -> Actor {
    let body = json!({ "username": username, "password": PASSWORD });
    t.admin().post_json("/api/v1/users", &body).await.is(201);
    t.basic(username, PASSWORD)
}

/// Makes another instance administrator.
pub(crate) async fn administrator(t: &TestServer, username: &str) -> Actor {
    let body = json!({ "username": username, "password": PASSWORD, "is_admin": true });
    t.admin().post_json("/api/v1/users", &body).await.is(201);
    t.basic(username, PASSWORD)
}

/// Makes a team of one user.
pub(crate) async fn team(t: &TestServer, name: &str, username: &str) {
    t.admin().post_json("/api/v1/teams", &json!({ "name": name })).await.is(201);
    put(&t.admin(), &format!("/api/v1/teams/{name}/members/{username}")).await.is(204);
}

/// Gives somebody (`users/ann`, `teams/crew`) a role in a namespace.
pub(crate) async fn role(t: &TestServer, namespace: &str, member: &str, role: &str) {
    let path = format!("/api/v1/namespaces/{namespace}/members/{member}");
    put_json(&t.admin(), &path, &json!({ "role": role })).await.is(200);
}

/// PUT without a body.
pub(crate) async fn put(actor: &Actor, path: &str) -> Answer {
    actor.send(actor.request(Method::PUT, path)).await
}

/// PUT with a JSON body.
pub(crate) async fn put_json(actor: &Actor, path: &str, body: &Value) -> Answer {
    actor.send(actor.request(Method::PUT, path).json(body)).await
}

/// Changes a user as the administrator.
pub(crate) async fn edit(t: &TestServer, username: &str, change: Value) -> Answer {
    t.admin().patch_json(&format!("/api/v1/users/{username}"), &change).await
}

/// A personal token that mirrors its user, as a client.
pub(crate) async fn account_token(t: &TestServer, username: &str, password: &str) -> Actor {
    let path = format!("/api/v1/users/{username}/tokens");
    let made = t.basic(username, password).post_json(&path, &json!({ "name": "laptop" })).await.is(201);
    t.basic(username, made.json()["secret"].as_str().unwrap())
}

/// Puts an image into a repository, as the administrator.
pub(crate) async fn image(t: &TestServer, repository: &str) {
    t.admin().push(repository, "1.0", &Image::new(1, 1000)).await.is(201);
}

/// The usernames of a page of users.
pub(crate) fn usernames(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["username"].as_str().unwrap()).collect()
}
