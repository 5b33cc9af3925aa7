//! `/auth/`: the Docker token protocol, and that a bearer never outlives what it was made from.

use access::{
    secret::{Secret, SecretKind},
    time::{Clock, Length},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Actor, Answer, TestServer, both_engines, image::Image, randomness::SeededRandomness};

async fn ask(actor: &Actor, query: &[(&str, &str)]) -> Answer {
    actor.send(actor.request(Method::GET, "/auth/token").query(query)).await
}

async fn post(actor: &Actor, form: &str) -> Answer {
    let request = actor.request(Method::POST, "/auth/token");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    actor.send(request.body(form.to_owned())).await
}

/// A bearer's claims, its signature checked with the keys that the registry publishes.
async fn claims(t: &TestServer, bearer: &str) -> Value {
    let header = jsonwebtoken::decode_header(bearer).unwrap();
    let keys = t.anonymous().get("/auth/jwks.json").await.is(200).json();
    let named = |key: &&Value| key["kid"].as_str() == header.kid.as_deref();
    let key = keys["keys"].as_array().unwrap().iter().find(named).expect("the key of the bearer's kid");
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("EC"), &json!("P-256"), &json!("ES256")));
    assert!(key.get("d").is_none(), "the private half is nobody's");
    let key =
        DecodingKey::from_ec_components(key["x"].as_str().unwrap(), key["y"].as_str().unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&["sealock"]);
    rules.set_issuer(&["sealock"]);
    // The test's clock stands still; jsonwebtoken reads the machine's.
    rules.validate_exp = false;
    jsonwebtoken::decode(bearer, &key, &rules).unwrap().claims
}

async fn access(t: &TestServer, answer: Answer) -> Value {
    let token = answer.is(200).json()["token"].as_str().unwrap().to_owned();
    claims(t, &token).await["access"].clone()
}

#[both_engines]
async fn the_answer_is_what_clients_expect(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await;
    let answer =
        ask(&t.with(&ci), &[("service", "sealock"), ("scope", "repository:acme/api:pull")]).await.is(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(body["token"], body["access_token"]);
    assert_eq!((&body["expires_in"], &body["issued_at"]), (&json!(300), &json!("2026-01-01T00:00:00Z")));
    // docker would store it in the secret's place.
    assert!(body.get("refresh_token").is_none());

    let claims = claims(&t, body["token"].as_str().unwrap()).await;
    assert_eq!(claims["sub"], "ci-bot");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 360);
    assert_eq!(claims["access"], json!([{"type": "repository", "name": "acme/api", "actions": ["pull"]}]));
    assert!(!answer.text().contains(&ci.secret) && !claims.to_string().contains(&ci.secret));
}

#[both_engines]
async fn both_grants_of_a_post_give_a_bearer(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let expected = json!([{"type": "repository", "name": "acme/api", "actions": ["pull"]}]);
    let rest =
        "service=sealock&client_id=docker&access_type=offline&scope=repository%3Aacme%2Fapi%3Apull%2Cpush";
    for credential in [
        format!("grant_type=password&username=ci-bot&password={}", ci.secret),
        format!("grant_type=refresh_token&refresh_token={}", ci.secret),
    ] {
        let answer = post(&t.anonymous(), &format!("{credential}&{rest}")).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(access(&t, answer).await, expected);
    }
    let admin = "grant_type=password&username=admin&password=correct+horse+battery";
    post(&t.anonymous(), admin).await.is(200);
    post(&t.anonymous(), &admin.replace("battery", "staple")).await.refused(401, "UNAUTHORIZED");
}

/// Some clients POST the scopes and send Basic, as they would with GET.
#[both_engines]
async fn a_post_whose_form_names_no_user_takes_the_basic_credential(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let granted = json!([{"type": "repository", "name": "acme/api", "actions": ["pull"]}]);
    let scope = "service=sealock&scope=repository%3Aacme%2Fapi%3Apull";
    for form in ["", "grant_type=password&", "grant_type=client_credentials&"] {
        let form = format!("{form}{scope}");
        assert_eq!(access(&t, post(&t.with(&ci), &form).await).await, granted, "{form}");
        let wrong = t.basic("ci", &ci.secret);
        post(&wrong, &form).await.refused(401, "UNAUTHORIZED").says("login name is ci-bot");
        // Without Basic it is as malformed as before, and Bearer is no credential here.
        post(&t.anonymous(), &form).await.is(400);
        post(&t.bearer("x"), &form).await.refused(401, "UNAUTHORIZED").says("takes no Bearer");
    }
    // What the form says comes first, and half a credential of a form is not completed from the header.
    let other = "grant_type=password&username=admin&password=wrong";
    post(&t.with(&ci), other).await.refused(401, "UNAUTHORIZED");
    for half in
        ["grant_type=password&username=admin", "grant_type=password&password=x", "grant_type=refresh_token"]
    {
        post(&t.with(&ci), half).await.is(400);
    }
}

/// Each message names what the endpoint accepts, and repeats nothing of what was sent.
#[both_engines]
async fn a_credential_in_the_wrong_place_is_explained(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let send = async |path: &str, authorization: &str| {
        let request = t.anonymous().request(Method::GET, path).header("authorization", authorization);
        let answer = t.anonymous().send(request).await.is(401);
        assert!(!answer.text().contains(&ci.secret), "{answer:?}");
        answer
    };
    let (token, v2, api) = ("/auth/token?service=sealock", "/v2/", "/api/v1/me");
    let bearer = format!("Bearer {}", ci.secret);
    send(token, &bearer).await.says("this endpoint takes no Bearer; send Basic: a username");
    for (path, accepted) in [
        (token, "send Basic: a username"),
        (v2, "send Basic, or a Bearer that the token endpoint issued"),
        (api, "send Basic, or Bearer with the secret of a token"),
    ] {
        send(path, "Bearer ").await.says("says Bearer, with nothing behind it").says(accepted);
        send(path, "Digest x").await.says("has a scheme that is not known here").says(accepted);
    }
    let ask = async |username: &str, password: &str| {
        for path in [token, v2, api] {
            let answer = t.basic(username, password).get(path).await.is(401);
            assert!(!answer.text().contains(&ci.secret), "{answer:?}");
            let said = match username.trim() == "ci-bot" {
                true => "this secret's login name is ci-bot, without white space around it",
                false if username.contains("slks_") => {
                    "the secret of a token is in the place of the username"
                }
                false => "the username begins or ends with white space",
            };
            answer.says(said);
        }
    };
    // Nine times each: none of them counts as a guess.
    for _ in 0..3 {
        ask(&ci.secret, "x").await;
        ask(&ci.secret[..30], "").await;
        ask("admin ", "correct horse battery").await;
        ask("\u{a0}admin", "correct horse battery").await;
        ask("ci-bot\t", &ci.secret).await;
    }
    t.admin().get(api).await.is(200);
}

#[both_engines]
async fn what_may_not_be_is_left_out_and_not_refused(t: TestServer) {
    let scopes = json!({"scopes": [{"type": "repository", "path": "acme/api", "actions": ["pull", "push"]}]});
    let ci = t.with(&t.service_token("acme", "ci-bot", scopes).await);
    let api = |actions: &[&str]| json!([{"type": "repository", "name": "acme/api", "actions": actions}]);
    for (asked, granted) in [
        ("repository:acme/api:pull,push,delete", api(&["pull", "push"])),
        ("repository:acme/api:*", api(&["pull", "push"])),
        ("repository:acme/api:pull repository:acme/web:pull repository:other/x:push", api(&["pull"])),
        ("repository:acme/api:pull repository:acme/api:push", api(&["pull", "push"])),
        ("repository:acme/web:pull", json!([])),
        ("registry:catalog:*", json!([])),
        ("plugin:acme/api:pull", json!([])),
        ("repository(plugin):acme/api:pull", json!([])),
        ("repository:acme/api:frobnicate", json!([])),
        ("repository:ACME/api:pull", json!([])),
        ("nonsense", json!([])),
        ("::::", json!([])),
    ] {
        assert_eq!(access(&t, ask(&ci, &[("scope", asked)]).await).await, granted, "{asked}");
    }
    let repeated =
        ask(&ci, &[("scope", "repository:acme/api:pull"), ("scope", "repository:acme/api:push")]).await;
    assert_eq!(access(&t, repeated).await, api(&["pull", "push"]));
}

#[both_engines]
async fn the_catalog_is_for_whoever_may_list(t: TestServer) {
    let catalog = json!([{"type": "registry", "name": "catalog", "actions": ["*"]}]);
    let scopes = json!({"scopes": [{"type": "registry", "actions": ["list"]}]});
    let lister = t.with(&t.service_token("acme", "lister", scopes).await);
    for (actor, granted) in [(t.admin(), &catalog), (lister, &catalog), (t.anonymous(), &json!([]))] {
        assert_eq!(access(&t, ask(&actor, &[("scope", "registry:catalog:*")]).await).await, *granted);
    }
}

#[both_engines]
async fn limits_are_named(t: TestServer) {
    let admin = t.admin();
    let scopes = |count: usize, name: &str| {
        let scopes: Vec<String> =
            (0..count).map(|at| format!("repository:acme/{name}{at}:pull,push,delete")).collect();
        scopes.join(" ")
    };
    ask(&admin, &[("scope", &scopes(30, "api"))]).await.is(200);
    ask(&admin, &[("scope", &["repository:acme/api:pull"; 64].join(" "))]).await.is(200);
    ask(&admin, &[("scope", &scopes(65, "a"))]).await.is(400).says("64 scopes").says("6 KiB");
    ask(&admin, &[("scope", &scopes(64, &"a".repeat(100)))]).await.is(400).says("64 scopes").says("6 KiB");
    let form = format!("grant_type=password&username=admin&password=x&padding={}", "x".repeat(64 * 1024));
    post(&admin, &form).await.is(413);
}

#[both_engines]
async fn without_a_credential_there_is_a_bearer_for_what_anyone_may(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    admin.post_json("/api/v1/namespaces", &json!({"name": "open", "visibility": "public"})).await.is(201);
    admin.push("open/api", "1.0", &image).await.is(201);
    let asked = [("scope", "repository:open/api:pull,push repository:acme/api:pull")];
    let granted = json!([{"type": "repository", "name": "open/api", "actions": ["pull"]}]);
    assert_eq!(access(&t, ask(&t.anonymous(), &asked).await).await, granted);
    // Nothing to say who, nothing to say what for: a login that nobody did.
    let refused = ask(&t.anonymous(), &[("service", "sealock")]).await.refused(401, "UNAUTHORIZED");
    assert_eq!(refused.json()["error"], "invalid_client");
    assert_eq!(refused.header("www-authenticate"), "Basic realm=\"sealock\",charset=\"UTF-8\"");
    ask(&t.with(&t.service_token("acme", "ci-bot", json!({})).await), &[]).await.is(200);
}

#[both_engines]
async fn a_dead_or_wrong_credential_is_told_what_its_holder_may_know(t: TestServer) {
    let body = json!({"permission": "pull", "expires_in": "2h"});
    let ci = t.service_token("acme", "ci-bot", body).await;
    let typo = format!("{}{}", &ci.secret[..40], if ci.secret.ends_with('0') { '1' } else { '0' });
    let unknown = Secret::mint(SecretKind::Service, &SeededRandomness::new(99)).expose().to_owned();
    let check = async |username: &str, password: &str, said: &str| {
        let actor = t.basic(username, password);
        for query in [&[][..], &[("scope", "repository:acme/api:pull")]] {
            let refused = ask(&actor, query).await.refused(401, "UNAUTHORIZED").says(said);
            assert_eq!(refused.header("cache-control"), "no-store");
            assert!(!refused.text().contains(password), "{refused:?}");
        }
        let refused = actor.get("/v2/").await.refused(401, "UNAUTHORIZED").says(said);
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{refused:?}");
    };
    check("ci-bot", &typo, "not a whole token secret").await;
    check("ci-bot", &unknown, "no token has this secret").await;
    check("ci", &ci.secret, "this secret's login name is ci-bot").await;
    check("admin", "hunter22", "the username or the password is wrong").await;
    check("nobody", "hunter22", "the username or the password is wrong").await;
    t.edit(&ci, json!({"status": "disabled"})).await.is(200);
    check("ci-bot", &ci.secret, "token acme/ci-bot is disabled").await;
    t.edit(&ci, json!({"status": "enabled"})).await.is(200);
    ask(&t.with(&ci), &[]).await.is(200);
    t.clock.advance(Length::hours(2));
    check("ci-bot", &ci.secret, "token acme/ci-bot expired on 2026-01-01").await;
}

#[both_engines]
async fn a_bearer_is_dead_when_disable_has_answered(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await;
    let replica = t.replica().await;
    let docker = t.with(&ci).asks("repository:acme/api:pull,push").await;
    docker.push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let session = docker.start_upload("acme/api").await.is(202).header("location").to_owned();
    docker.at(&replica).pull("acme/api", "1.0").await.is(200);

    t.edit(&ci, json!({"status": "disabled"})).await.is(200);
    for docker in [docker.clone(), docker.at(&replica)] {
        for answer in [
            docker.pull("acme/api", "1.0").await,
            docker.start_upload("acme/api").await,
            docker.stream_chunk(&session, b"0").await,
            docker.get("/v2/").await,
        ] {
            let refused = answer.refused(401, "UNAUTHORIZED").says("token acme/ci-bot is disabled");
            assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{refused:?}");
        }
    }
    t.edit(&ci, json!({"status": "enabled"})).await.is(200);
    docker.pull("acme/api", "1.0").await.is(200);
}

#[both_engines]
async fn a_bearer_dies_with_the_scope_that_it_was_made_from(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await;
    let docker = t.with(&ci).asks("repository:acme/api:pull,push").await;
    docker.push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    t.edit(&ci, json!({"permission": "pull"})).await.is(200);
    docker.pull("acme/api", "1.0").await.is(200);
    docker.start_upload("acme/api").await.refused(403, "DENIED").says("no scope with push for acme/api");
    t.edit(&ci, json!({"scopes": []})).await.is(200);
    docker
        .pull("acme/api", "1.0")
        .await
        .refused(404, "NAME_UNKNOWN")
        .says("token acme/ci-bot has no scope that covers it");
}

#[both_engines]
async fn a_bearer_ends_after_six_minutes(t: TestServer) {
    let bearer = t.admin().asks("repository:acme/api:pull,push").await;
    t.clock.advance(Length::seconds(359));
    bearer.start_upload("acme/api").await.is(202);
    t.clock.advance(Length::seconds(1));
    let refused = bearer.start_upload("acme/api").await.refused(401, "UNAUTHORIZED");
    assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{refused:?}");
}

/// RFC 6749 §3.2: which of two counts, somebody in between could see differently.
#[both_engines]
async fn no_parameter_is_taken_twice(t: TestServer) {
    let whole = "service=sealock&grant_type=password&username=admin&password=correct+horse+battery";
    post(&t.anonymous(), whole).await.is(200);
    for again in ["service=sealock", "service=x", "grant_type=refresh_token", "username=x", "password=x"] {
        let name = again.split('=').next().unwrap();
        let refused = post(&t.anonymous(), &format!("{whole}&{again}")).await.is(400);
        refused.says("invalid_request").says(&format!("{name} is there more than once"));
    }
    let twice = "grant_type=refresh_token&refresh_token=x&refresh_token=y";
    post(&t.anonymous(), twice).await.is(400).says("refresh_token is there more than once");
    ask(&t.admin(), &[("service", "sealock"), ("service", "sealock")]).await.is(400).says("service");
    // Scopes may be repeated, and what nobody looks at may be anything.
    ask(&t.admin(), &[("account", "a"), ("account", "b"), ("scope", "a:b:c"), ("scope", "d:e:f")])
        .await
        .is(200);
}

/// Rule 10: the answer tells whoever stole a secret what it opens, so asking is a use.
#[both_engines]
async fn a_bearer_that_is_fetched_is_a_use_of_its_token(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let shown = async || {
        t.write_usage().await;
        t.admin().get(&format!("/api/v1/tokens/{}", ci.id)).await.is(200).json()
    };
    ask(&t.basic("another", &ci.secret), &[]).await.is(401);
    assert_eq!(shown().await["last_used_at"], json!(null));
    for query in [&[][..], &[("scope", "repository:other/api:pull")]] {
        t.clock.advance(Length::hours(1));
        let request = t.with(&ci).request(Method::GET, "/auth/token").query(query);
        t.anonymous().send(request.header("user-agent", "docker/28.2.2 go/1.24")).await.is(200);
        let used = shown().await;
        assert_eq!(used["last_used_at"], json!(t.clock.now()), "{query:?}");
        assert_eq!(
            (&used["last_used_from"], &used["last_used_by"]),
            (&json!("127.0.0.1"), &json!("docker/28.2"))
        );
        assert_eq!((&used["pulls"], &used["pushes"]), (&json!(0), &json!(0)));
    }
}

#[both_engines]
async fn what_nobody_can_mean_is_refused(t: TestServer) {
    let admin = t.admin();
    ask(&admin, &[("service", "elsewhere")]).await.is(400).says("sealock");
    admin.get("/auth/token?scope=%ff").await.is(400);
    t.bearer("x").get("/auth/token").await.refused(401, "UNAUTHORIZED");
    for (form, said) in [
        ("", "grant_type"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("grant_type=password&username=admin", "password"),
        ("grant_type=password&password=x", "username"),
        ("grant_type=password&username=a%00b&password=x", "username"),
        ("grant_type=refresh_token", "refresh_token"),
        ("grant_type=password&username=%ff&password=x", "UTF-8"),
        ("grant_type=password&username=admin&password=x&service=elsewhere", "sealock"),
    ] {
        post(&t.anonymous(), form).await.is(400).says(said);
    }
    let wrong = post(&t.anonymous(), "grant_type=refresh_token&refresh_token=hunter2").await;
    let wrong = wrong.refused(401, "UNAUTHORIZED").says("a token's secret begins with slks_ or slkp_");
    assert_eq!(wrong.json()["error"], "invalid_grant");
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "FROBNICATE"] {
        let refused = admin.raw(method, "/auth/token").await.is(405);
        assert_eq!(refused.header("allow"), "GET, HEAD, POST");
    }
}

/// What a request for many scopes costs: the principal is read once, and all targets in one statement.
#[both_engines]
async fn many_scopes_are_read_in_as_many_statements_as_one(t: TestServer) {
    let scopes: Vec<_> = (0..100)
        .map(|number| json!({ "type": "repository", "path": format!("acme/{number}*"), "actions": ["pull"] }))
        .collect();
    let ci = t.service_token("acme", "ci-bot", json!({ "scopes": scopes })).await;
    let asked = |count: usize| {
        let scopes = (0..count).map(|number| format!("repository:acme/{number}:pull"));
        scopes.collect::<Vec<_>>().join(" ")
    };
    for actor in [t.with(&ci), t.anonymous()] {
        let mut costs = Vec::new();
        for count in [1, 64] {
            let before = t.statements();
            ask(&actor, &[("scope", &asked(count))]).await.is(200);
            costs.push(t.statements() - before);
        }
        assert_eq!(costs[0], costs[1]);
    }
    let granted = access(&t, ask(&t.with(&ci), &[("scope", &asked(64))]).await).await;
    assert_eq!(granted.as_array().unwrap().len(), 64, "{granted:#}");
}
