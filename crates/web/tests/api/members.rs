//! Teams and members: a role given or taken away is felt by the next request.

use access::time::Length;
use reqwest::Method;
use serde_json::json;
use testkit::{Actor, Answer, TestServer, both_engines, image::Blob};

use crate::{
    names,
    people::{account_token, image, put, put_json, role, team, user},
    wrong_fields,
};

const MEMBERS: &str = "/api/v1/namespaces/acme/members";

/// Ann at work in acme, by password, by bearer, by token, and by the token's bearer.
async fn clients(t: &TestServer, ann: &Actor) -> Vec<Actor> {
    let token = account_token(t, "ann", crate::people::PASSWORD).await;
    let scope = "repository:acme/api:pull,push";
    vec![ann.clone(), ann.asks(scope).await, token.clone(), token.asks(scope).await]
}

/// What all of them may now, at both servers.
async fn check(servers: [&TestServer; 2], clients: &[Actor], pull: (u16, &str), push: (u16, &str)) {
    let told = |answer: Answer| (answer.status, answer.code());
    for client in clients {
        for server in servers {
            let client = client.at(server);
            let pulled = told(client.pull("acme/api", "1.0").await);
            assert_eq!(pulled, (pull.0, pull.1.to_owned()));
            let pushed = told(client.push_blob("acme/api", &Blob::new("", b"more".to_vec())).await);
            assert_eq!(pushed, (push.0, push.1.to_owned()));
        }
    }
}

const UNSEEN: (u16, &str) = (404, "NAME_UNKNOWN");
const DENIED: (u16, &str) = (403, "DENIED");

#[both_engines]
async fn a_role_given_or_taken_away_is_felt_by_the_next_request(t: TestServer) {
    let replica = t.replica().await;
    let servers = [&replica, &t];
    let ann = user(&t, "ann").await;
    image(&t, "acme/api").await;
    role(&t, "acme", "users/ann", "writer").await;
    let clients = clients(&t, &ann).await;
    check(servers, &clients, (200, ""), (201, "")).await;
    role(&t, "acme", "users/ann", "reader").await;
    check(servers, &clients, (200, ""), DENIED).await;
    t.admin().delete(&format!("{MEMBERS}/users/ann")).await.is(204);
    check(servers, &clients, UNSEEN, UNSEEN).await;
    role(&t, "acme", "users/ann", "writer").await;
    check(servers, &clients, (200, ""), (201, "")).await;
}

#[both_engines]
async fn a_teams_role_is_felt_by_its_users_and_goes_with_either(t: TestServer) {
    let replica = t.replica().await;
    let servers = [&replica, &t];
    let ann = user(&t, "ann").await;
    image(&t, "acme/api").await;
    team(&t, "crew", "ann").await;
    role(&t, "acme", "teams/crew", "writer").await;
    let clients = clients(&t, &ann).await;
    check(servers, &clients, (200, ""), (201, "")).await;
    // The highest of several roles counts.
    role(&t, "acme", "users/ann", "reader").await;
    check(servers, &clients, (200, ""), (201, "")).await;
    t.admin().delete("/api/v1/teams/crew/members/ann").await.is(204);
    check(servers, &clients, (200, ""), DENIED).await;
    t.admin().delete(&format!("{MEMBERS}/users/ann")).await.is(204);
    put(&t.admin(), "/api/v1/teams/crew/members/ann").await.is(204);
    check(servers, &clients, (200, ""), (201, "")).await;
    t.admin().patch_json("/api/v1/teams/crew", &json!({ "name": "band" })).await.is(200);
    check(servers, &clients, (200, ""), (201, "")).await;
    t.admin().delete(&format!("{MEMBERS}/teams/band")).await.is(204);
    check(servers, &clients, UNSEEN, UNSEEN).await;
    role(&t, "acme", "teams/band", "reader").await;
    check(servers, &clients, (200, ""), DENIED).await;
    t.admin().delete("/api/v1/teams/band").await.is(204);
    check(servers, &clients, UNSEEN, UNSEEN).await;
    // Roles bind to the team, not to its name.
    team(&t, "band", "ann").await;
    check(servers, &clients, UNSEEN, UNSEEN).await;
}

#[both_engines]
async fn members_are_managed_by_the_namespaces_admins(t: TestServer) {
    let [ann, bob, carol] = [user(&t, "ann").await, user(&t, "bob").await, user(&t, "carol").await];
    t.namespace("acme").await;
    role(&t, "acme", "users/ann", "admin").await;
    role(&t, "acme", "users/bob", "writer").await;
    let path = format!("{MEMBERS}/users/carol");
    let reader = json!({ "role": "reader" });
    for (caller, status, code) in [(&bob, 403, "denied"), (&carol, 404, "not-found")] {
        caller.get(MEMBERS).await.refused(status, code);
        put_json(caller, &path, &reader).await.refused(status, code);
        caller.delete(&format!("{MEMBERS}/users/ann")).await.refused(status, code);
    }
    let set = put_json(&ann, &path, &reader).await.is(200).json();
    assert_eq!(set, json!({ "kind": "users", "name": "carol", "role": "reader" }));
    assert_eq!(carol.get("/api/v1/namespaces/acme").await.is(200).json()["role"], json!("reader"));
    ann.delete(&path).await.is(204);
    ann.delete(&path).await.refused(404, "not-found").says("user carol is no member of namespace acme");
    carol.get("/api/v1/namespaces/acme").await.refused(404, "not-found");
    // An admin may step down, and is one no more.
    put_json(&ann, &format!("{MEMBERS}/users/ann"), &reader).await.is(200);
    put_json(&ann, &path, &reader).await.refused(403, "denied");
}

#[both_engines]
async fn members_are_listed_page_by_page_teams_first(t: TestServer) {
    t.namespace("acme").await;
    for name in ["dora", "ann"] {
        user(&t, name).await;
        role(&t, "acme", &format!("users/{name}"), "reader").await;
    }
    for name in ["crew", "band"] {
        team(&t, name, "ann").await;
        role(&t, "acme", &format!("teams/{name}"), "admin").await;
    }
    let page = t.admin().get(&format!("{MEMBERS}?limit=3")).await.is(200).json();
    assert_eq!((names(&page), &page["next"]), (vec!["band", "crew", "ann"], &json!("users/ann")));
    assert_eq!(page["items"][0], json!({ "kind": "teams", "name": "band", "role": "admin" }));
    let page = t.admin().get(&format!("{MEMBERS}?limit=3&after=users/ann")).await.is(200).json();
    assert_eq!((names(&page), &page["next"]), (vec!["dora"], &json!(null)));
    let page = t.admin().get(&format!("{MEMBERS}?after=teams/band")).await.is(200).json();
    assert_eq!(names(&page), ["crew", "ann", "dora"]);
}

#[both_engines]
async fn what_is_no_member_or_no_role_is_refused(t: TestServer) {
    t.namespace("acme").await;
    user(&t, "ann").await;
    let path = format!("{MEMBERS}/users/ann");
    for body in [json!({}), json!({ "role": "owner" }), json!({ "role": "Admin" }), json!({ "role": 3 })] {
        let answer = put_json(&t.admin(), &path, &body).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&answer), ["role"], "{body}");
    }
    let injected = json!({ "role": "reader", "namespace_id": "x" });
    let answer = put_json(&t.admin(), &path, &injected).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer), ["namespace_id"]);
    put(&t.admin(), &path).await.refused(415, "not-json");
    for absent in ["users/nobody", "teams/nobody", "teams/ann", "users/Ann", "tokens/ann", "users/%00"] {
        let path = format!("{MEMBERS}/{absent}");
        put_json(&t.admin(), &path, &json!({ "role": "reader" })).await.refused(404, "not-found");
        t.admin().delete(&path).await.refused(404, "not-found");
    }
    assert_eq!(t.admin().get(MEMBERS).await.is(200).json()["items"], json!([]));
}

#[both_engines]
async fn teams_are_made_shown_renamed_and_deleted_by_administrators(t: TestServer) {
    let ann = user(&t, "ann").await;
    let answer = t.admin().post_json("/api/v1/teams", &json!({ "name": "crew" })).await.is(201);
    assert_eq!((answer.header("location"), answer.header("etag")), ("/api/v1/teams/crew", "\"1\""));
    let mut made = answer.json();
    t.admin().post_json("/api/v1/teams", &json!({ "name": "band" })).await.is(201);
    t.admin().post_json("/api/v1/teams", &json!({ "name": "crew" })).await.refused(409, "name-taken");
    put(&t.admin(), "/api/v1/teams/crew/members/ann").await.is(204);
    put(&t.admin(), "/api/v1/teams/crew/members/ann").await.is(204);
    made["users"] = json!(["ann"]);
    assert_eq!(t.admin().get("/api/v1/teams/crew").await.is(200).json(), made);
    assert_eq!(names(&t.admin().get("/api/v1/teams").await.is(200).json()), ["band", "crew"]);

    t.admin().patch_json("/api/v1/teams/crew", &json!({ "name": "band" })).await.refused(409, "name-taken");
    let stale = t.admin().request(Method::PATCH, "/api/v1/teams/crew").header("if-match", "\"1\"");
    t.admin().send(stale.json(&json!({ "name": "gang" }))).await.refused(412, "changed");
    let renamed = t.admin().patch_json("/api/v1/teams/crew", &json!({ "name": "gang" })).await.is(200).json();
    assert_eq!((&renamed["name"], &renamed["id"]), (&json!("gang"), &made["id"]));
    t.admin().get("/api/v1/teams/crew").await.refused(404, "not-found");

    t.admin().delete("/api/v1/teams/gang/members/ann").await.is(204);
    t.admin().delete("/api/v1/teams/gang/members/ann").await.refused(404, "not-found");
    put(&t.admin(), "/api/v1/teams/gang/members/nobody").await.refused(404, "not-found");
    t.admin().delete("/api/v1/teams/gang").await.is(204);
    t.admin().delete("/api/v1/teams/gang").await.refused(404, "not-found");
    for body in [json!({}), json!({ "name": "Crew" }), json!({ "name": "a", "users": ["ann"] })] {
        t.admin().post_json("/api/v1/teams", &body).await.refused(422, "invalid");
    }
    // A user who is none has no part in it.
    ann.get("/api/v1/teams").await.refused(403, "denied");
    ann.get("/api/v1/teams/band").await.refused(403, "denied");
    ann.get("/api/v1/teams/absent").await.refused(403, "denied");
    put(&ann, "/api/v1/teams/band/members/ann").await.refused(403, "denied");
}

/// An admin of a namespace learns which users and teams exist from the answer: at most 20 wrong names a minute.
#[both_engines]
async fn who_tries_many_names_has_to_wait(t: TestServer) {
    t.namespace("acme").await;
    let mut people = Vec::new();
    for name in ["ann", "bob"] {
        let user = json!({ "username": name, "password": "a fine password" });
        t.admin().post_json("/api/v1/users", &user).await.is(201);
        let member = format!("/api/v1/namespaces/acme/members/users/{name}");
        let request = t.admin().request(Method::PUT, &member).json(&json!({ "role": "admin" }));
        t.admin().send(request).await.is(200);
        people.push(t.basic(name, "a fine password"));
    }
    let (ann, bob) = (&people[0], &people[1]);
    let set = async |actor: &Actor, who: &str| {
        let path = format!("/api/v1/namespaces/acme/members/{who}");
        actor.send(actor.request(Method::PUT, &path).json(&json!({ "role": "admin" }))).await
    };
    for number in 0..10 {
        set(ann, &format!("users/nobody-{number}")).await.refused(404, "not-found");
        set(ann, "users/bob").await.is(200);
        ann.delete(&format!("/api/v1/namespaces/acme/members/teams/no-{number}"))
            .await
            .refused(404, "not-found");
    }
    // Names that exist are refused too, or the answer would tell them.
    for who in ["users/nobody", "users/bob", "teams/nobody"] {
        let refused = set(ann, who).await.refused(429, "too-many-names");
        assert_eq!(refused.header("retry-after"), "60");
    }
    set(bob, "users/ann").await.is(200);
    for _ in 0..30 {
        set(&t.admin(), "users/nobody").await.refused(404, "not-found");
    }
    t.clock.advance(Length::seconds(60));
    set(ann, "users/bob").await.is(200);
    // The name of a namespace may be that of a user.
    t.admin().patch_json("/api/v1/settings", &json!({ "users_make_namespaces": true })).await.is(200);
    let make = async || ann.post_json("/api/v1/namespaces", &json!({ "name": "bob" })).await;
    for _ in 0..20 {
        make().await.refused(409, "name-taken");
    }
    make().await.refused(429, "too-many-names");
}
