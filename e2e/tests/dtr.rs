//! The life of an access token as Docker Trusted Registry had it (issue 4): it belongs to a user, mirrors what that
//! user may do at the time of use, and works wherever the password works.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{ADMIN_PASSWORD, Answer, Machine, Sealock};
use serde_json::{Value, json};
use testkit::{both_engines, image::Image};

/// What everybody but the administrator has.
const PASSWORD: &str = "staple battery horse";
const ALICES_ROLE: &str = "/api/v1/namespaces/acme/members/users/alice";

/// A machine beside a server with the users alice and bob and the namespace acme, to which alice may push.
async fn laptop(sealock: &Sealock) -> Option<Machine> {
    let laptop = Machine::beside(sealock)?;
    for username in ["alice", "bob"] {
        let user = json!({"username": username, "password": PASSWORD});
        admin(&laptop, "POST /api/v1/users", user).await.is(201);
    }
    admin(&laptop, "POST /api/v1/namespaces", json!({"name": "acme"})).await.is(201);
    admin(&laptop, &format!("PUT {ALICES_ROLE}"), json!({"role": "writer"})).await.is(200);
    Some(laptop)
}

async fn admin(laptop: &Machine, request: &str, body: Value) -> Answer {
    laptop.curl_with(&format!("admin:{ADMIN_PASSWORD}"), request, &body).await
}

/// As `username` with their password.
async fn person(laptop: &Machine, username: &str, request: &str, body: Value) -> Answer {
    laptop.curl_with(&format!("{username}:{PASSWORD}"), request, &body).await
}

/// "New Access Token" on alice's profile, as `[id, value]`.
async fn alices_token(laptop: &Machine, description: &str) -> [String; 2] {
    let made = person(laptop, "alice", "POST /api/v1/users/alice/tokens", json!({"name": description}))
        .await
        .is(201);
    ["id", "secret"].map(|field| made[field].as_str().unwrap().to_owned())
}

/// The values of `field` in a list.
fn each(list: &Value, field: &str) -> Value {
    list["items"].as_array().unwrap().iter().map(|item| item[field].clone()).collect()
}

#[both_engines]
async fn a_token_works_wherever_the_password_works(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [_, token] = alices_token(&laptop, "laptop").await;
    laptop.docker_login_typed("alice", &token).await.succeeded();
    for name in ["acme/api:1.0", "alice/notes:1.0"] {
        laptop.skopeo_push(&Image::new(1, 1000), name).await.succeeded();
        laptop.skopeo_pull(name).await.succeeded();
    }

    for secret in [&token, PASSWORD] {
        let list = laptop.curl(&format!("alice:{secret}"), "GET /api/v0/repositories").await.is(200);
        let seen: Vec<Value> = list["repositories"]
            .as_array()
            .unwrap()
            .iter()
            .map(|repository| {
                ["namespace", "namespaceType", "name", "visibility"]
                    .map(|field| repository[field].clone())
                    .into_iter()
                    .collect()
            })
            .collect();
        let expected = [["acme", "organization", "api", "private"], ["alice", "user", "notes", "private"]];
        assert_eq!(json!(seen), json!(expected));
    }
    laptop
        .curl(&format!("alice:{token}x"), "GET /api/v0/repositories")
        .await
        .refused(401, "NOT_AUTHENTICATED");
    sealock.log_in("alice", &token).await;
    sealock.cli(&["token", "ls", "--mine"]).await.succeeded();
    let whoami = sealock.cli(&["whoami"]).await.succeeded();
    assert_eq!(whoami.stdout, format!("alice with token laptop at http://{}\n", sealock.host));
}

#[both_engines]
async fn a_user_has_many_tokens_and_an_administrator_makes_them_for_others(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    for description in ["laptop", "build server"] {
        alices_token(&laptop, description).await;
    }
    sealock.log_in("alice", PASSWORD).await;
    let made = sealock.cli(&["token", "create", "--mine", "laptop"]).await.succeeded();
    laptop.docker_login("alice", made.stdout.trim_end()).await.succeeded();
    let list = person(&laptop, "alice", "GET /api/v1/users/alice/tokens", Value::Null).await.is(200);
    assert_eq!(each(&list, "name"), json!(["laptop", "build server", "laptop"]));
    assert_eq!(each(&list, "access"), json!(["account", "account", "account"]));

    let for_bob =
        admin(&laptop, "POST /api/v1/users/bob/tokens", json!({"name": "from the admin"})).await.is(201);
    laptop.docker_login("bob", for_bob["secret"].as_str().unwrap()).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "bob/notes:1.0").await.succeeded();
    let list = person(&laptop, "bob", "GET /api/v1/users/bob/tokens", Value::Null).await.is(200);
    assert_eq!(each(&list, "name"), json!(["from the admin"]));

    // Nobody else's: absent and forbidden look alike.
    let of_bob = format!("/api/v1/tokens/{}", for_bob["id"].as_str().unwrap());
    for (request, body) in [
        ("GET /api/v1/users/bob/tokens".to_owned(), Value::Null),
        ("POST /api/v1/users/bob/tokens".to_owned(), json!({"name": "mine"})),
        (format!("GET {of_bob}"), Value::Null),
        (format!("DELETE {of_bob}"), Value::Null),
    ] {
        person(&laptop, "alice", &request, body).await.refused(404, "not-found");
    }
}

#[both_engines]
async fn a_token_mirrors_its_user_at_the_time_of_use(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [_, token] = alices_token(&laptop, "laptop").await;
    laptop.docker_login("alice", &token).await.succeeded();
    let image = Image::new(1, 1000);
    laptop.skopeo_push(&image, "acme/api:1.0").await.succeeded();

    admin(&laptop, &format!("PUT {ALICES_ROLE}"), json!({"role": "reader"})).await.is(200);
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
    laptop
        .skopeo_push(&Image::new(2, 1000), "acme/api:2.0")
        .await
        .refused_with("of user alice has no role that allows push for acme/api");

    admin(&laptop, &format!("DELETE {ALICES_ROLE}"), Value::Null).await.is(204);
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("of user alice has no role that covers it");
    let list = laptop.curl(&format!("alice:{token}"), "GET /api/v0/repositories").await.is(200);
    assert_eq!(list["repositories"], json!([]));

    admin(&laptop, &format!("PUT {ALICES_ROLE}"), json!({"role": "writer"})).await.is(200);
    laptop.skopeo_push(&Image::new(2, 1000), "acme/api:2.0").await.succeeded();

    let deactivate = json!({"is_active": false});
    admin(&laptop, "PATCH /api/v1/users/alice", deactivate).await.is(200);
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("is stopped: its user is deactivated");
    laptop.docker_login("alice", &token).await.refused_with("is stopped: its user is deactivated");
}

#[both_engines]
async fn a_token_is_renamed_looked_at_and_deactivated(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [id, token] = alices_token(&laptop, "laptop").await;
    let of_token = format!("/api/v1/tokens/{id}");
    laptop.docker_login("alice", &token).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();

    let rename = json!({"name": "old laptop"});
    person(&laptop, "alice", &format!("PATCH {of_token}"), rename).await.is(200);
    let details = person(&laptop, "alice", &format!("GET {of_token}"), Value::Null).await.is(200);
    let shown = ["name", "username", "kind", "status", "created_by"].map(|field| details[field].clone());
    assert_eq!(json!(shown), json!(["old laptop", "alice", "personal", "enabled", "alice"]));
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    person(&laptop, "alice", &format!("PATCH {of_token}"), json!({"status": "disabled"})).await.is(200);
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("is disabled");
    laptop.curl(&format!("alice:{token}"), "GET /api/v0/repositories").await.refused(401, "is disabled");
    person(&laptop, "alice", &format!("PATCH {of_token}"), json!({"status": "enabled"})).await.is(200);
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
}

#[both_engines]
async fn tokens_are_deleted_singly_and_several_at_once(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [first, first_secret] = alices_token(&laptop, "first").await;
    let [second, second_secret] = alices_token(&laptop, "second").await;
    let [third, third_secret] = alices_token(&laptop, "third").await;
    let [_, kept] = alices_token(&laptop, "kept").await;
    person(&laptop, "alice", &format!("DELETE /api/v1/tokens/{first}"), Value::Null).await.is(204);
    laptop.docker_login("alice", &first_secret).await.refused_with("was deleted");

    // All or nothing: the first is gone, so nothing happens to the others.
    let batch = |ids: &[&str]| json!({"ids": ids, "do": "delete"});
    let all = batch(&[&first, &second, &third]);
    person(&laptop, "alice", "POST /api/v1/tokens/batch", all).await.refused(404, &first);
    laptop.docker_login("alice", &second_secret).await.succeeded();

    person(&laptop, "bob", "POST /api/v1/tokens/batch", batch(&[&second])).await.refused(404, &second);
    let living = batch(&[&second, &third]);
    person(&laptop, "alice", "POST /api/v1/tokens/batch", living).await.is(200);
    for gone in [second_secret, third_secret] {
        laptop.docker_login("alice", &gone).await.refused_with("was deleted");
    }
    laptop.docker_login("alice", &kept).await.succeeded();
    let list = person(&laptop, "alice", "GET /api/v1/users/alice/tokens", Value::Null).await.is(200);
    assert_eq!(each(&list, "name"), json!(["kept"]));
}

#[both_engines]
async fn a_token_makes_no_tokens(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [id, token] = alices_token(&laptop, "laptop").await;
    let alice = format!("alice:{token}");
    let child = json!({"name": "child"});
    laptop.curl_with(&alice, "POST /api/v1/users/alice/tokens", &child).await.refused(403, "password");
    laptop
        .curl_with(&alice, &format!("POST /api/v1/tokens/{id}/reset"), &json!({}))
        .await
        .refused(403, "password");
    let list = laptop.curl(&alice, "GET /api/v1/users/alice/tokens").await.is(200);
    assert_eq!(each(&list, "name"), json!(["laptop"]));
}
