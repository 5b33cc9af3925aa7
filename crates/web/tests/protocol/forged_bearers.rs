//! Bearers that somebody made up (RFC 8725): each is refused where it is used, and nothing is done.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use testkit::{Actor, TestServer, both_engines, image::Image};

/// A bearer of the administrator's and its three parts.
struct Genuine {
    header: Value,
    claims: Value,
    parts: [String; 3],
}

async fn genuine(t: &TestServer) -> Genuine {
    let text = t.admin().fetch_bearer("repository:acme/api:pull").await;
    let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    let [header, claims] = [0, 1].map(|at| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&parts[at]).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    });
    Genuine { header, claims, parts: parts.try_into().unwrap() }
}

fn part(json: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
}

fn with(whole: &Value, member: &str, value: Value) -> Value {
    let mut changed = whole.clone();
    changed[member] = value;
    changed
}

/// The claims of somebody who may do everything.
fn widened(claims: &Value) -> Value {
    let all = json!([{ "type": "repository", "name": "acme/api", "actions": ["pull", "push", "delete"] }]);
    with(claims, "access", all)
}

/// Signed with the public key as if it were a password: what libraries fell for that let the header choose.
async fn signed_with_the_public_key(t: &TestServer, genuine: &Genuine) -> Vec<String> {
    let keys = t.anonymous().get("/auth/jwks.json").await.is(200).json();
    let key = &keys["keys"][0];
    let [x, y] = ["x", "y"].map(|at| BASE64_URL_SAFE_NO_PAD.decode(key[at].as_str().unwrap()).unwrap());
    let point = [&[4], x.as_slice(), &y].concat();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = genuine.header["kid"].as_str().map(str::to_owned);
    let passwords = [point, key.to_string().into_bytes(), keys.to_string().into_bytes()];
    let sign = |password: &Vec<u8>| {
        jsonwebtoken::encode(&header, &widened(&genuine.claims), &EncodingKey::from_secret(password)).unwrap()
    };
    passwords.iter().map(sign).collect()
}

fn put_together(genuine: &Genuine) -> Vec<String> {
    let Genuine { header, claims, parts: [head, body, signature] } = genuine;
    let forged = part(&widened(claims));
    let mut made = vec![
        format!("{}.{forged}.", part(&with(header, "alg", json!("none")))),
        format!("{}.{forged}.{signature}", part(&with(header, "alg", json!("none")))),
        format!("{head}.{forged}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}"),
        format!("{head}.{body}.{signature}x"),
        format!("{head}.{body}.{signature}.{signature}"),
        format!("{head}.{body}.{signature}="),
        format!("{}.{}.{}", head.to_uppercase(), body, signature),
        ".".repeat(10_000),
        "a.".repeat(5_000),
    ];
    for kid in ["", "../../../../dev/null", "' OR '1'='1", "x\u{0}", "🔑"] {
        made.push(format!("{}.{forged}.{signature}", part(&with(header, "kid", json!(kid)))));
    }
    for (member, value) in [
        ("jwk", json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" })),
        ("jku", json!("http://127.0.0.1:1/jwks")),
        ("x5c", json!(["MIIB"])),
        ("alg", json!("ES384")),
        ("alg", json!(["ES256"])),
    ] {
        made.push(format!("{}.{forged}.{signature}", part(&with(header, member, value))));
    }
    for (claim, value) in [
        ("exp", json!(253_402_207_200_i64)),
        ("exp", Value::Null),
        ("nbf", json!("0")),
        ("iat", json!(-1)),
        ("iss", json!("elsewhere")),
        ("aud", json!("elsewhere")),
    ] {
        made.push(format!("{head}.{}.{signature}", part(&with(claims, claim, value))));
    }
    made
}

async fn is_refused(actor: &Actor, image: &Image) {
    for answer in [
        actor.get("/v2/").await,
        actor.pull("acme/api", "1.0").await,
        actor.pull("open/api", "1.0").await,
        actor.push_manifest("acme/api", "2.0", &image.manifest.bytes).await,
        actor.delete("/v2/acme/api/manifests/1.0").await,
    ] {
        let refused = answer.refused(401, "UNAUTHORIZED");
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{refused:?}");
    }
    actor.get("/auth/token?scope=repository:acme/api:pull").await.refused(401, "UNAUTHORIZED");
    actor.get("/api/v1/me").await.refused(401, "bad-credential");
}

#[both_engines]
async fn a_bearer_that_somebody_made_up_opens_nothing(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    // Not even what is open to anyone: a bad credential is never taken for none.
    admin.post_json("/api/v1/namespaces", &json!({ "name": "open", "visibility": "public" })).await.is(201);
    for repository in ["acme/api", "open/api"] {
        admin.push(repository, "1.0", &image).await.is(201);
    }
    let genuine = genuine(&t).await;
    t.bearer(&genuine.parts.join(".")).pull("acme/api", "1.0").await.is(200);

    let forged = signed_with_the_public_key(&t, &genuine).await.into_iter().chain(put_together(&genuine));
    for text in forged {
        is_refused(&t.bearer(&text), &image).await;
    }
    let tags = admin.get("/v2/acme/api/tags/list").await.is(200).json();
    assert_eq!(tags["tags"], json!(["1.0"]), "nothing was pushed and nothing deleted");
}

#[both_engines]
async fn a_bearer_of_another_registry_is_none_of_ours(t: TestServer) {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    // Same code, same issuer, same claims; another key.
    let other = TestServer::on(testkit::Engine::Sqlite).await;
    other.clock.advance(access::time::Length::seconds(1));
    let foreign = other.admin().fetch_bearer("repository:acme/api:pull").await;
    other.bearer(&foreign).get("/v2/").await.is(200);
    is_refused(&t.bearer(&foreign), &image).await;
}
