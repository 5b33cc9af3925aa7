//! Repositories as the API shows them: who sees which, what is in them, and how they go.

use serde_json::{Value, json};
use testkit::{Actor, TestServer, both_engines, image::Image};

use crate::{
    names,
    people::{self, PASSWORD},
};

const API: &str = "/api/v1/namespaces/acme/repositories/api";

/// `acme/api`, `acme/team/web`, `open/tool` (anyone may pull), `other/secret`.
async fn house(t: &TestServer) {
    let open = json!({ "name": "open", "visibility": "public" });
    t.admin().post_json("/api/v1/namespaces", &open).await.is(201);
    for name in ["acme/api", "acme/team/web", "open/tool", "other/secret"] {
        people::image(t, name).await;
    }
}

async fn seen(actor: &Actor, path: &str) -> Vec<String> {
    let page = actor.get(path).await.is(200).json();
    names(&page).into_iter().map(str::to_owned).collect()
}

async fn personal(t: &TestServer, username: &str, scopes: Value) -> Actor {
    let body = json!({ "name": "script", "access": "scoped", "scopes": scopes });
    let made =
        t.basic(username, PASSWORD).post_json(&format!("/api/v1/users/{username}/tokens"), &body).await;
    t.basic(username, made.is(201).json()["secret"].as_str().unwrap())
}

#[both_engines]
async fn everybody_lists_what_rule_4_says(t: TestServer) {
    house(&t).await;
    let ann = people::user(&t, "ann").await;
    people::role(&t, "acme", "users/ann", "reader").await;
    let list = json!({ "type": "registry", "actions": ["list"] });
    let pull = json!({ "type": "repository", "path": "*", "actions": ["pull"] });
    let lists = t.service_token("acme", "lists", json!({ "scopes": [list] })).await;
    let pulls = t.service_token("acme", "pulls", json!({ "scopes": [pull] })).await;
    let instance =
        t.admin().post_json("/api/v1/tokens", &json!({ "name": "mirror", "scopes": [list] })).await;
    let instance = t.basic("mirror", instance.is(201).json()["secret"].as_str().unwrap());
    let of_acme = ["acme/api", "acme/team/web"].as_slice();
    let of_ann = ["acme/api", "acme/team/web", "open/tool"].as_slice();
    let all = ["acme/api", "acme/team/web", "open/tool", "other/secret"].as_slice();
    for (actor, expected) in [
        (t.admin(), all),
        (ann.clone(), of_ann),
        (people::account_token(&t, "ann", PASSWORD).await, of_ann),
        // The scope says that it may list; what its user may pull says what.
        (personal(&t, "ann", json!([list])).await, of_ann),
        (t.with(&lists), of_acme),
        (instance, all),
    ] {
        assert_eq!(seen(&actor, "/api/v1/repositories").await, expected);
        // The same list through every face.
        let catalog = actor.get("/v2/_catalog").await.is(200).json();
        assert_eq!(catalog["repositories"], json!(expected));
        let dtr = actor.get("/api/v0/repositories").await.is(200).json();
        assert_eq!(dtr["repositories"].as_array().unwrap().len(), expected.len());
    }
    for actor in [t.with(&pulls), personal(&t, "ann", json!([pull])).await] {
        actor.get("/api/v1/repositories").await.refused(403, "denied").says("scope of type registry");
        actor.get("/v2/_catalog").await.refused(403, "DENIED").says("scope of type registry");
        actor.get("/api/v0/repositories").await.refused(403, "NOT_AUTHORIZED");
    }
    t.anonymous().get("/api/v1/repositories").await.refused(401, "log-in-needed");
}

#[both_engines]
async fn one_namespace_is_listed_by_whoever_sees_it(t: TestServer) {
    house(&t).await;
    let ann = people::user(&t, "ann").await;
    people::role(&t, "acme", "users/ann", "reader").await;
    let list = json!({ "scopes": [{ "type": "registry", "actions": ["list"] }] });
    let lists = t.with(&t.service_token("acme", "lists", list).await);
    let path = |namespace: &str| format!("/api/v1/namespaces/{namespace}/repositories");
    for actor in [&t.admin(), &ann, &lists] {
        assert_eq!(seen(actor, &path("acme")).await, ["acme/api", "acme/team/web"]);
        actor.get(&path("absent")).await.refused(404, "not-found");
    }
    // Anyone may pull from there, so a person sees it; the token's scope is for its own namespace.
    assert_eq!(seen(&ann, &path("open")).await, ["open/tool"]);
    lists.get(&path("open")).await.refused(404, "not-found");
    for actor in [&ann, &lists] {
        actor.get(&path("other")).await.refused(404, "not-found");
    }
    let page = ann.get(&format!("{}?limit=1", path("acme"))).await.json();
    assert_eq!((names(&page), &page["next"]), (vec!["acme/api"], &json!("acme/api")));
    assert_eq!(seen(&ann, &format!("{}?limit=1&after=acme/api", path("acme"))).await, ["acme/team/web"]);
}

#[both_engines]
async fn a_role_taken_away_is_felt_by_the_next_list(t: TestServer) {
    house(&t).await;
    let ann = people::user(&t, "ann").await;
    people::role(&t, "acme", "users/ann", "reader").await;
    let bearer = ann.asks("registry:catalog:*").await;
    let catalog = async || bearer.get("/v2/_catalog").await.is(200).json()["repositories"].clone();
    assert_eq!(catalog().await, json!(["acme/api", "acme/team/web", "open/tool"]));
    t.admin().delete("/api/v1/namespaces/acme/members/users/ann").await.is(204);
    assert_eq!(catalog().await, json!(["open/tool"]));
}

#[both_engines]
async fn a_repository_tells_what_is_in_it(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 1000));
    admin.push("acme/api", "1.0", &image).await.is(201);
    admin.push_manifest("acme/api", "2.0", &image.manifest.bytes).await.is(201);
    let bytes = image.layer.bytes.len() + image.config.bytes.len() + image.manifest.bytes.len();
    let shown = admin.get(API).await.is(200).json();
    let expected = json!({
        "id": shown["id"], "name": "acme/api", "namespace": "acme", "visibility": "private",
        "created_at": "2026-01-01T00:00:00Z", "tags": 2, "manifests": 1, "bytes": bytes,
    });
    assert_eq!(shown, expected);

    let digest = &image.manifest.digest;
    let tags = admin.get(&format!("{API}/tags?limit=1")).await.is(200).json();
    let tag = json!({ "name": "1.0", "digest": digest, "updated_at": "2026-01-01T00:00:00Z" });
    assert_eq!(tags, json!({ "items": [tag], "next": "1.0" }));
    let tags = admin.get(&format!("{API}/tags?after=1.0")).await.is(200).json();
    assert_eq!((names(&tags), &tags["next"]), (vec!["2.0"], &json!(null)));

    let manifests = admin.get(&format!("{API}/manifests")).await.is(200).json();
    let manifest = json!({
        "digest": digest, "media_type": testkit::image::MANIFEST_TYPE,
        "artifact_type": testkit::image::CONFIG_TYPE, "size": image.manifest.bytes.len(), "subject": null,
        "created_at": "2026-01-01T00:00:00Z", "created_by": "user admin",
    });
    assert_eq!(manifests, json!({ "items": [manifest], "next": null }));
}

#[both_engines]
async fn names_of_any_depth_have_their_path(t: TestServer) {
    for (name, path) in [
        ("hello", "hello/repositories/-"),
        ("acme/team/api/web", "acme/repositories/team%2Fapi%2Fweb"),
        ("acme/tags", "acme/repositories/tags"),
        ("acme/a/manifests/b", "acme/repositories/a%2Fmanifests%2Fb"),
    ] {
        people::image(&t, name).await;
        let path = format!("/api/v1/namespaces/{path}");
        assert_eq!(t.admin().get(&path).await.is(200).json()["name"], json!(name));
        assert_eq!(names(&t.admin().get(&format!("{path}/tags")).await.is(200).json()), ["1.0"]);
    }
    for path in [
        "acme/repositories/absent",
        "acme/repositories/Api",
        "acme/repositories/%00",
        "acme%2Fteam/repositories/api%2Fweb",
        "Acme/repositories/-",
    ] {
        t.admin().get(&format!("/api/v1/namespaces/{path}")).await.refused(404, "not-found");
    }
}

#[both_engines]
async fn a_token_may_do_here_what_it_may_through_v2(t: TestServer) {
    house(&t).await;
    let token = async |name: &str, actions: &[&str]| {
        let scope = json!({ "type": "repository", "path": "acme/api", "actions": actions });
        t.with(&t.service_token("acme", name, json!({ "scopes": [scope] })).await)
    };
    let (pulls, deletes) = (token("pulls", &["pull"]).await, token("deletes", &["pull", "delete"]).await);
    pulls.get(API).await.is(200);
    pulls.get(&format!("{API}/tags")).await.is(200);
    pulls.get(&format!("{API}/manifests")).await.is(200);
    pulls.get("/api/v1/namespaces/acme/repositories/team%2Fweb").await.refused(404, "not-found");
    let digest = Image::new(1, 1000).manifest.digest;
    for path in [API.to_owned(), format!("{API}/tags/1.0"), format!("{API}/manifests/{digest}")] {
        pulls.delete(&path).await.refused(403, "denied").says("token acme/pulls has no scope with delete");
    }
    deletes.delete(&format!("{API}/tags/1.0")).await.is(204);
    deletes.delete(&format!("{API}/tags/1.0")).await.refused(404, "not-found").says("no manifest 1.0");
    deletes.delete(&format!("{API}/manifests/{digest}")).await.is(204);
    deletes.delete(&format!("{API}/manifests/{digest}")).await.refused(404, "not-found");
    deletes.delete(API).await.is(204);
    deletes.delete(API).await.refused(404, "not-found").says("acme/api does not exist");
    assert_eq!(seen(&t.admin(), "/api/v1/namespaces/acme/repositories").await, ["acme/team/web"]);
}

#[both_engines]
async fn what_an_index_needs_is_in_use(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 1000));
    admin.push("acme/api", "1.0", &image).await.is(201);
    let index_type = "application/vnd.oci.image.index.v1+json";
    let index =
        json!({ "schemaVersion": 2, "mediaType": index_type, "manifests": [image.manifest.descriptor()] });
    admin.push_manifest_as("acme/api", "all", index_type, index.to_string().as_bytes()).await.is(201);
    let path = format!("{API}/manifests/{}", image.manifest.digest);
    admin.delete(&path).await.refused(409, "in-use").says("needed by an index");
    // All at once they may go.
    admin.delete(API).await.is(204);
}

#[both_engines]
async fn a_repository_that_was_deleted_begins_anew_with_its_next_push(t: TestServer) {
    people::image(&t, "acme/api").await;
    let before = t.admin().get(API).await.json();
    t.admin().delete(API).await.is(204);
    t.admin().pull("acme/api", "1.0").await.refused(404, "NAME_UNKNOWN");
    people::image(&t, "acme/api").await;
    let after = t.admin().get(API).await.is(200).json();
    assert_ne!(after["id"], before["id"]);
    assert_eq!((&after["tags"], &after["manifests"]), (&json!(1), &json!(1)));
}

/// A push that meets a deletion comes before it or after it: it never fails for it.
#[both_engines]
async fn pushes_and_deletions_at_once_never_fail(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 1000));
    admin.push("acme/api", "1.0", &image).await.is(201);
    let pushes = async {
        for _ in 0..15 {
            // Its layers may have gone with the repository in the middle of it: that is for the client to hear.
            let pushed = admin.push("acme/api", "1.0", &image).await;
            assert!([201, 404].contains(&pushed.status), "{pushed:?}");
        }
    };
    let deletions = async {
        for _ in 0..15 {
            let deleted = admin.delete(API).await;
            assert!([204, 404].contains(&deleted.status), "{deleted:?}");
        }
    };
    tokio::join!(pushes, deletions);
    admin.push("acme/api", "1.0", &image).await.is(201);
    admin.pull("acme/api", "1.0").await.is(200);
}
