//! Rule 5: a secret is shown once and kept nowhere; who holds a dead or misnamed one is told why, who has none is
//! told nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod log;
mod planted;

use access::{
    secret::{Secret, SecretKind},
    time::Length,
};
use log::{is_logged, log_everything};
use reqwest::Method;
use serde_json::json;
use testkit::{
    Actor, Answer, ServiceToken, TestServer, both_engines, image::Image, randomness::SeededRandomness,
    server::ADMIN_PASSWORD,
};

const TYPO: &str = "this is not a whole token secret";
const UNKNOWN: &str = "no token has this secret";
const WRONG_PASSWORD: &str = "the username or the password is wrong";

/// What a face says to a login name and a password: the reason, and the whole body without what differs each time.
struct Told {
    door: &'static str,
    answer: Answer,
    reason: String,
}

/// Knocks at every door that takes Basic, in a minute of its own: of wrong passwords five are heard out in each.
async fn knock(t: &TestServer, name: &str, password: &str) -> Vec<Told> {
    t.clock.advance(Length::seconds(60));
    let mut told = Vec::new();
    for (door, path, reason) in [
        ("/v2/", "/v2/", "/errors/0/message"),
        ("a repository", "/v2/acme/api/tags/list", "/errors/0/message"),
        (
            "the token endpoint",
            "/auth/token?service=sealock&scope=repository:acme/api:pull",
            "/error_description",
        ),
        ("the API", "/api/v1/me", "/detail"),
    ] {
        let answer = t.basic(name, password).get(path).await;
        let reason =
            answer.json().pointer(reason).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
        told.push(Told { door, answer, reason });
    }
    told
}

#[track_caller]
fn all_refuse(told: &[Told], reason: &str) {
    for Told { door, answer, reason: told } in told {
        assert!(answer.status == 401 && told.contains(reason), "{door}: not {reason:?}\n{answer:?}");
    }
}

async fn ci(t: &TestServer) -> ServiceToken {
    t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await
}

/// A secret with a right checksum that no token ever had.
fn foreign(seed: u64) -> String {
    Secret::mint(SecretKind::Service, &SeededRandomness::new(seed)).expose().to_owned()
}

#[both_engines]
async fn a_secret_that_was_copied_badly_is_called_that(t: TestServer) {
    let ci = ci(&t).await;
    let secret = &ci.secret;
    let swapped: String = secret
        .char_indices()
        .map(|(at, letter)| match letter {
            letter if at < "slks_".len() => letter,
            letter if letter.is_ascii_lowercase() => letter.to_ascii_uppercase(),
            letter => letter.to_ascii_lowercase(),
        })
        .collect();
    let other = if secret.ends_with('x') { 'y' } else { 'x' };
    let one_off = format!("{}{other}", &secret[..secret.len() - 1]);
    for typo in [
        swapped,
        one_off,
        secret[..secret.len() - 1].to_owned(),
        format!("{secret}0"),
        format!("{secret} "),
        format!("{secret}\n"),
        secret.replacen("slks_", "slkp_", 1),
        "slks_".to_owned(),
        "slks_é".to_owned(),
    ] {
        let told = knock(&t, "ci-bot", &typo).await;
        all_refuse(&told, TYPO);
        // Nor is the bad copy said back: it is nearly the secret.
        let nearly = typo.len() > "slks_".len() + 2;
        assert!(!nearly || told.iter().all(|told| !told.answer.text().contains(&typo[5..])), "{typo:?}");
    }
    // What does not even begin like a secret is taken for a person's password.
    for password in [format!(" {secret}"), secret.to_uppercase()] {
        all_refuse(&knock(&t, "ci-bot", &password).await, WRONG_PASSWORD);
    }
    let misplaced = knock(&t, secret, "x").await;
    all_refuse(&misplaced, "the secret of a token is in the place of the username");
    assert!(misplaced.iter().all(|told| !told.answer.text().contains(&secret[5..])));
}

#[both_engines]
async fn a_secret_under_another_login_name_says_its_own(t: TestServer) {
    let ci = ci(&t).await;
    t.service_token("acme", "other", json!({ "permission": "pull" })).await;
    for name in ["CI-BOT", "ci-bot ", "acme/ci-bot", "other", "admin", "", "slks_", ci.id.as_str()] {
        all_refuse(&knock(&t, name, &ci.secret).await, "this secret's login name is ci-bot");
    }
    // Said before anything else is, to the holder of a dead one too.
    t.admin().set_status(&ci, "disabled").await.is(200);
    all_refuse(&knock(&t, "other", &ci.secret).await, "this secret's login name is ci-bot");
    all_refuse(&knock(&t, "ci-bot", &ci.secret).await, "token acme/ci-bot is disabled");
}

#[both_engines]
async fn equal_names_in_two_namespaces_are_told_apart_by_their_secrets(t: TestServer) {
    let (acme, umbrella) =
        (ci(&t).await, t.service_token("umbrella", "ci-bot", json!({ "permission": "pull" })).await);
    for (token, namespace) in [(&acme, "acme"), (&umbrella, "umbrella")] {
        let me = t.with(token).get("/api/v1/me").await.is(200).json();
        assert_eq!(me["token"]["namespace"], namespace);
        assert_eq!(me["token"]["id"], token.id);
    }
}

#[both_engines]
async fn whoever_has_no_secret_of_ours_is_told_nothing_about_tokens(t: TestServer) {
    let ci = ci(&t).await;
    let living = knock(&t, "ci-bot", &foreign(1001)).await;
    let nobody = knock(&t, "nobody", &foreign(1002)).await;
    t.admin().delete(&format!("/api/v1/tokens/{}", ci.id)).await.is(204);
    let deleted = knock(&t, "ci-bot", &foreign(1003)).await;
    for told in [&living, &nobody, &deleted] {
        all_refuse(told, UNKNOWN);
    }
    for ((living, nobody), deleted) in living.iter().zip(&nobody).zip(&deleted) {
        assert_eq!(living.reason, nobody.reason, "{}", living.door);
        assert_eq!(living.reason, deleted.reason, "{}", living.door);
    }
    // The one who holds the secret is told.
    all_refuse(&knock(&t, "ci-bot", &ci.secret).await, "token acme/ci-bot was deleted on 2026-01-01");
}

#[both_engines]
async fn an_unknown_user_and_a_wrong_password_are_told_the_same(t: TestServer) {
    ci(&t).await;
    let right_user = knock(&t, "admin", "wrong").await;
    all_refuse(&right_user, WRONG_PASSWORD);
    for (name, password) in
        [("nobody", "wrong"), ("ci-bot", "wrong"), ("ADMIN", ADMIN_PASSWORD), ("", ""), ("admin", "")]
    {
        let told = knock(&t, name, password).await;
        for (one, other) in right_user.iter().zip(&told) {
            assert_eq!(
                (one.answer.status, &one.reason),
                (other.answer.status, &other.reason),
                "{name} at {}",
                one.door
            );
        }
    }
}

#[both_engines]
async fn a_bad_credential_is_never_taken_for_none(t: TestServer) {
    t.admin()
        .post_json("/api/v1/namespaces", &json!({ "name": "open", "visibility": "public" }))
        .await
        .is(201);
    t.admin().push("open/api", "1.0", &Image::new(1, 1000)).await.is(201);
    t.anonymous().pull("open/api", "1.0").await.is(200);
    let ci = ci(&t).await;
    t.with(&ci).pull("open/api", "1.0").await.is(200);
    t.admin().set_status(&ci, "disabled").await.is(200);
    let typo = &ci.secret[..ci.secret.len() - 1];
    for client in [
        t.with(&ci),
        t.basic("ci-bot", typo),
        t.basic("ci-bot", &foreign(1004)),
        t.basic("admin", "wrong"),
        t.bearer(&ci.secret),
        t.bearer("x"),
    ] {
        client.pull("open/api", "1.0").await.refused(401, "UNAUTHORIZED");
    }
}

#[both_engines]
async fn a_secret_by_itself_opens_the_api_and_a_bad_one_does_not(t: TestServer) {
    let ci = ci(&t).await;
    let me = |actor: Actor| async move { actor.get("/api/v1/me").await };
    me(t.bearer(&ci.secret)).await.is(200);
    let typo = &ci.secret[..ci.secret.len() - 1];
    me(t.bearer(typo)).await.refused(401, "bad-credential").says(TYPO);
    me(t.bearer(&foreign(1005))).await.refused(401, "bad-credential").says(UNKNOWN);
    me(t.bearer(ADMIN_PASSWORD)).await.refused(401, "bad-credential");
    t.admin().set_status(&ci, "disabled").await.is(200);
    me(t.bearer(&ci.secret)).await.refused(401, "bad-credential").says("token acme/ci-bot is disabled");
}

// ---- Shown once ----

/// Does everything that can be done with the token, and gives all that came back.
async fn use_everywhere(t: &TestServer, ci: &ServiceToken) -> Vec<Answer> {
    let (admin, client, token) = (t.admin(), t.with(ci), format!("/api/v1/tokens/{}", ci.id));
    let scope = "/auth/token?service=sealock&scope=repository:acme/api:pull,push";
    let form = [("grant_type", "password"), ("username", ci.name.as_str()), ("password", ci.secret.as_str())];
    let body: String = form.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    let form = t.anonymous().request(Method::POST, "/auth/token").body(format!("{body}service=sealock"));
    vec![
        client.push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201),
        client.get(scope).await.is(200),
        client.send(form.header("content-type", "application/x-www-form-urlencoded")).await.is(200),
        client.get("/api/v1/me").await.is(200),
        t.bearer(&ci.secret).get("/api/v1/me").await.is(200),
        client.get("/api/v1/namespaces").await.is(403),
        t.bearer(&ci.secret).get("/v2/").await.is(401),
        t.basic("other", &ci.secret).get("/v2/").await.is(401),
        admin.get("/api/v1/namespaces/acme/tokens").await.is(200),
        admin.get(&token).await.is(200),
        admin.patch_json(&token, &json!({ "description": "used everywhere" })).await.is(200),
        admin.set_status(ci, "disabled").await.is(200),
        client.get("/v2/").await.is(401),
        client.get(scope).await.is(401),
        client.get("/api/v1/me").await.is(401),
        admin.set_status(ci, "enabled").await.is(200),
    ]
}

#[both_engines]
async fn a_secret_is_in_the_one_answer_that_shows_it_and_nowhere_else(t: TestServer) {
    log_everything();
    t.namespace("acme").await;
    let body = json!({ "name": "ci-bot", "permission": "pull-push" });
    let made = t.admin().post_json("/api/v1/namespaces/acme/tokens", &body).await.is(201);
    let mut token = shown_once(&made);
    for _ in 0..2 {
        let mut answers = use_everywhere(&t, &token).await;
        let reset = t.admin().post(&format!("/api/v1/tokens/{}/reset", token.id)).await.is(200);
        let renewed = shown_once(&reset);
        assert_ne!(renewed.secret, token.secret);
        assert!(!reset.text().contains(&token.secret), "the old secret comes along with the new one");
        answers.push(t.with(&token).get("/v2/").await.is(401));
        for answer in &answers {
            let headers = format!("{:?}", answer.headers);
            let shows = answer.text().contains(&token.secret) || headers.contains(&token.secret);
            assert!(!shows, "the secret is shown once more\n{answer:?}");
        }
        kept_nowhere(&t, &token.secret).await;
        token = renewed;
    }
}

/// Reads a token out of the answer that shows its secret.
#[track_caller]
fn shown_once(answer: &Answer) -> ServiceToken {
    assert!(answer.header("cache-control").contains("no-store"), "{answer:?}");
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    let token = ServiceToken {
        id: text("id"),
        namespace: text("namespace"),
        name: text("name"),
        secret: text("secret"),
    };
    assert!(token.secret.starts_with("slks_"), "{answer:?}");
    let location = format!("{:?}", answer.headers);
    assert!(!location.contains(&token.secret), "{answer:?}");
    token
}

/// Neither in a log nor in anything that lasts, the audit included; what is looked for is known to be findable.
async fn kept_nowhere(t: &TestServer, secret: &str) {
    assert!(is_logged("answered") && !is_logged(secret));
    assert!(t.keeps("used everywhere").await && t.keeps("token.reset").await);
    assert!(!t.keeps(secret).await);
    // Nor the part that makes it secret, nor as it travels in a Basic header.
    let heart = &secret["slks_".len() + 3..];
    let travelling = testkit::actor::basic("ci-bot", secret).replace("Basic ", "");
    for trace in [heart, travelling.as_str()] {
        assert!(!is_logged(trace) && !t.keeps(trace).await, "{trace}");
    }
}
