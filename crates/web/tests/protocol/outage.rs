//! The database goes away and comes back: 503 in between, never "allow", and no answer that a client would take to heart
//! (DESIGN §5, 8).

use std::time::Duration;

use serde_json::json;
use testkit::{Actor, TestServer, postgres::Postgres};

/// How long the server may take to notice that its database is back.
const RECOVERY: Duration = Duration::from_secs(30);

/// Every door that needs the database, with everything that opens it.
fn doors(anonymous: Actor, password: &Actor, token: &Actor, bearer: &Actor) -> Vec<(Actor, &'static str)> {
    const FETCH: &str = "/auth/token?service=sealock&scope=repository:acme/api:pull";
    const TAGS: &str = "/v2/acme/api/tags/list";
    let mut doors = vec![(anonymous, TAGS), (bearer.clone(), "/v2/"), (bearer.clone(), TAGS)];
    for actor in [password, token] {
        for path in ["/v2/", TAGS, FETCH, "/api/v1/me"] {
            doors.push((actor.clone(), path));
        }
    }
    doors
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_server_asks_for_patience_and_goes_on_by_itself() {
    let Some(cluster) = Postgres::own() else { return };
    let t = TestServer::on_cluster(&cluster).await;
    let public = json!({"name": "acme", "visibility": "public"});
    t.admin().post_json("/api/v1/namespaces", &public).await.is(201);
    let token = t.with(&t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await);
    token.push_blob("acme/api", &testkit::image::Image::new(1, 10).config).await.is(201);
    let bearer = token.asks("repository:acme/api:pull").await;
    let doors = doors(t.anonymous(), &t.admin(), &token, &bearer);
    for (actor, path) in &doors {
        actor.get(path).await.is(200);
    }

    tokio::task::block_in_place(|| cluster.stop());
    for (actor, path) in &doors {
        let answer = actor.get(path).await.is(503);
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
        assert_eq!(answer.header("www-authenticate"), "", "{answer:?}");
    }
    t.anonymous().get("/readyz").await.is(503);
    t.anonymous().get("/healthz").await.is(200);

    tokio::task::block_in_place(|| cluster.start());
    let recovered = async {
        while t.anonymous().get("/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(RECOVERY, recovered).await.expect("ready again without a restart");
    for (actor, path) in &doors {
        actor.get(path).await.is(200);
    }
}
