//! `allowed_addresses`: from where a token may be used. The tests' clients come from 127.0.0.1.

use access::{
    secret::{Secret, SecretKind},
    time::Length,
};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Actor, Answer, ServiceToken, TestServer, both_engines, image::Image, randomness::SeededRandomness,
};

const HERE: &str = "127.0.0.0/8";
const ELSEWHERE: &str = "10.0.0.0/8";

fn path(token: &ServiceToken) -> String {
    format!("/api/v1/tokens/{}", token.id)
}

/// One token of each kind that may pull and push `acme/api` and list repositories, made for `addresses`; with what refusals call it.
async fn one_of_each_kind(t: &TestServer, addresses: Value) -> [(ServiceToken, &'static str); 3] {
    t.admin().push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    let scopes = json!([
        {"type": "repository", "path": "acme/*", "actions": ["pull", "push"]},
        {"type": "registry", "actions": ["list"]},
    ]);
    let body = json!({"scopes": scopes, "allowed_addresses": addresses});
    let of_namespace = t.service_token("acme", "ci-bot", body.clone()).await;
    let made = |name: &str| {
        let mut body = body.clone();
        body["name"] = json!(name);
        body
    };
    let of_instance = t.admin().post_json("/api/v1/tokens", &made("mirror")).await.is(201).json();
    let of_instance = ServiceToken {
        id: of_instance["id"].as_str().unwrap().to_owned(),
        namespace: String::new(),
        name: "mirror".to_owned(),
        secret: of_instance["secret"].as_str().unwrap().to_owned(),
    };
    let personal = t.personal_token("admin", made("laptop")).await;
    [
        (of_namespace, "token acme/ci-bot"),
        (of_instance, "token mirror"),
        (personal, "token \"laptop\" of user admin"),
    ]
}

/// The token's clients on every face, with the code by which each refuses a bad credential.
async fn on_every_face(t: &TestServer, token: &ServiceToken, bearer: &Actor) -> Vec<(Answer, &'static str)> {
    let basic = t.with(token);
    let form = |form: String| {
        let request = t.anonymous().request(Method::POST, "/auth/token");
        request.header("content-type", "application/x-www-form-urlencoded").body(form)
    };
    let password = format!("grant_type=password&username={}&password={}", token.name, token.secret);
    let refresh = format!("grant_type=refresh_token&refresh_token={}", token.secret);
    vec![
        (basic.get("/v2/").await, "UNAUTHORIZED"),
        (basic.pull("acme/api", "1.0").await, "UNAUTHORIZED"),
        (bearer.get("/v2/").await, "UNAUTHORIZED"),
        (bearer.pull("acme/api", "1.0").await, "UNAUTHORIZED"),
        (basic.start_upload("acme/api").await, "UNAUTHORIZED"),
        (bearer.start_upload("acme/api").await, "UNAUTHORIZED"),
        (basic.get("/auth/token?scope=repository:acme/api:pull").await, "UNAUTHORIZED"),
        (basic.get("/auth/token").await, "UNAUTHORIZED"),
        (t.anonymous().send(form(password)).await, "UNAUTHORIZED"),
        (t.anonymous().send(form(refresh)).await, "UNAUTHORIZED"),
        (basic.get("/api/v1/me").await, "bad-credential"),
        (t.bearer(&token.secret).get("/api/v1/me").await, "bad-credential"),
        (basic.get("/api/v0/repositories").await, "NOT_AUTHENTICATED"),
    ]
}

#[both_engines]
async fn a_token_works_from_its_allowed_addresses_and_from_nowhere_else(t: TestServer) {
    for (token, called) in one_of_each_kind(&t, json!([HERE])).await {
        let bearer = t.with(&token).asks("repository:acme/api:pull,push").await;
        // Away and back: nothing but the address was wrong with any of them.
        for _ in 0..2 {
            for (answer, _) in on_every_face(&t, &token, &bearer).await {
                assert!([200, 202].contains(&answer.status), "{answer:?}");
            }
            let edited =
                t.edit(&token, json!({"allowed_addresses": ["203.0.113.9/32", ELSEWHERE]})).await.is(200);
            assert_eq!(edited.json()["allowed_addresses"], json!(["203.0.113.9", ELSEWHERE]));
            for (answer, code) in on_every_face(&t, &token, &bearer).await {
                let answer = answer.refused(401, code).says("may not be used from 127.0.0.1");
                // The name of a personal token stands in quotes, which JSON escapes.
                assert!(answer.text().replace('\\', "").contains(called), "{answer:?}");
                answer.says("its allowed addresses are 203.0.113.9, 10.0.0.0/8");
            }
            t.edit(&token, json!({"allowed_addresses": []})).await.is(200);
        }
    }
}

#[both_engines]
async fn a_token_in_the_wrong_place_is_not_even_what_anonymous_is(t: TestServer) {
    let open = json!({"name": "open", "visibility": "public"});
    t.admin().post_json("/api/v1/namespaces", &open).await.is(201);
    t.admin().push("open/api", "1.0", &Image::new(1, 1000)).await.is(201);
    let token = t.service_token("open", "ci-bot", json!({"allowed_addresses": [ELSEWHERE]})).await;
    t.anonymous().pull("open/api", "1.0").await.is(200);
    let refused = t.with(&token).pull("open/api", "1.0").await.refused(401, "UNAUTHORIZED");
    assert!(refused.header("www-authenticate").contains("may not be used from 127.0.0.1"), "{refused:?}");
}

#[both_engines]
async fn whoever_does_not_hold_the_secret_is_told_nothing_of_addresses(t: TestServer) {
    let token = t.service_token("acme", "ci-bot", json!({"allowed_addresses": [ELSEWHERE]})).await;
    let other = t.service_token("acme", "other", json!({"allowed_addresses": [ELSEWHERE]})).await;
    let foreign = Secret::mint(SecretKind::Service, &SeededRandomness::new(999));
    for (name, secret) in [
        ("ci-bot", "slks_guessed"),
        ("ci-bot", foreign.expose()),
        ("ci-bot", &other.secret),
        ("other", &token.secret),
    ] {
        let refused = t.basic(name, secret).get("/v2/").await.refused(401, "UNAUTHORIZED");
        assert!(!refused.text().contains("address"), "{refused:?}");
    }
}

#[both_engines]
async fn addresses_are_shown_as_they_are_now_and_without_any_from_anywhere(t: TestServer) {
    let anywhere = t.service_token("acme", "anywhere", json!({})).await;
    let shown = t.admin().get(&path(&anywhere)).await.is(200).json();
    assert_eq!(shown["allowed_addresses"], json!([]));
    let given = json!(["2001:DB8:0::/32", "::ffff:10.1.0.0/112", "203.0.113.9/32"]);
    let written = json!(["2001:db8::/32", "10.1.0.0/16", "203.0.113.9"]);
    for (token, _) in one_of_each_kind(&t, given).await {
        assert_eq!(t.admin().get(&path(&token)).await.json()["allowed_addresses"], written);
        // An edit of something else leaves them alone, and so does a reset.
        t.edit(&token, json!({"description": "new"})).await.is(200);
        let reset = t.admin().post(&format!("{}/reset", path(&token))).await.is(200).json();
        assert_eq!(reset["allowed_addresses"], written);
        assert_eq!(t.admin().get(&path(&token)).await.json()["allowed_addresses"], written);
    }
    let listed = t.admin().get("/api/v1/namespaces/acme/tokens").await.is(200).json();
    assert_eq!(listed["items"][1]["allowed_addresses"], written, "{listed}");
}

#[both_engines]
async fn the_audit_says_from_where_before_and_after(t: TestServer) {
    let token = t.service_token("acme", "ci-bot", json!({"allowed_addresses": [ELSEWHERE, "::1"]})).await;
    for addresses in [json!(["10.1.0.0/16"]), json!([])] {
        t.clock.advance(Length::seconds(1));
        t.edit(&token, json!({"allowed_addresses": addresses})).await.is(200);
    }
    let rows = t.admin().get(&format!("/api/v1/audit?token={}", token.id)).await.is(200).json();
    let told: Vec<_> = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let side = |side: &str| row[side]["allowed_addresses"].clone();
            (row["event"].clone(), side("before"), side("after"))
        })
        .collect();
    let expect = [
        (json!("token.edited"), json!("10.1.0.0/16"), json!("anywhere")),
        (json!("token.edited"), json!("10.0.0.0/8, ::1"), json!("10.1.0.0/16")),
        (json!("token.created"), json!(null), json!("10.0.0.0/8, ::1")),
    ];
    assert_eq!(told, expect);
}

#[both_engines]
async fn a_personal_token_may_narrow_from_where_it_is_used_and_never_widen_it(t: TestServer) {
    let laptop = t.personal_token("admin", json!({"name": "laptop"})).await;
    let target = t.personal_token("admin", json!({"name": "target"})).await;
    let by_token = t.with(&laptop);
    for (addresses, status) in [
        (json!(["127.0.0.0/8", "10.0.0.0/8"]), 200),
        (json!(["127.0.0.1"]), 200),
        (json!(["127.0.0.1", "10.0.0.0/8"]), 403),
        (json!([HERE]), 403),
        (json!([]), 403),
    ] {
        let change = json!({"allowed_addresses": addresses});
        for token in [&target, &laptop] {
            let answer = by_token.patch_json(&path(token), &change).await;
            assert_eq!(answer.status, status, "{change}: {answer:?}");
        }
    }
    // Who gives the password may; and so may a personal token with a service token, which belongs to its namespace.
    t.edit(&target, json!({"allowed_addresses": []})).await.is(200);
    let ci = t.service_token("acme", "ci-bot", json!({"allowed_addresses": [HERE]})).await;
    by_token.patch_json(&path(&ci), &json!({"allowed_addresses": []})).await.is(200);
}

#[both_engines]
async fn a_token_is_explained_for_the_address_that_is_asked_about(t: TestServer) {
    let addresses = json!({"permission": "pull", "allowed_addresses": ["10.1.0.0/16", "2001:db8::/32"]});
    let ci = t.service_token("acme", "ci-bot", addresses).await;
    let explain = async |more: Value| {
        let mut body = json!({"action": "pull", "repository": "acme/api"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        t.admin().post_json(&format!("{}/explain", path(&ci)), &body).await
    };
    let scope = "its scope: pull on every repository";
    let open = explain(json!({})).await.is(200).json();
    assert_eq!(
        open["rule"],
        json!(format!("{scope}, from its allowed addresses: 10.1.0.0/16, 2001:db8::/32"))
    );
    for from in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"] {
        assert_eq!(explain(json!({"from": from})).await.is(200).json()["rule"], json!(scope), "{from}");
    }
    let refused = explain(json!({"from": "203.0.113.9"})).await.is(200).json();
    assert_eq!(refused["allowed"], json!(false));
    assert!(refused["reason"].as_str().unwrap().contains("may not be used from 203.0.113.9"), "{refused}");
    let denied = explain(json!({"action": "push"})).await.is(200).json();
    assert!(denied["reason"].as_str().unwrap().contains("no scope with push"), "{denied}");
    for from in [json!(null), json!("here"), json!("10.1.0.0/16"), json!(10)] {
        let refused = explain(json!({"from": from})).await.refused(422, "invalid");
        assert_eq!(crate::wrong_fields(&refused), ["from"]);
    }
}
