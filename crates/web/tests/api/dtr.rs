//! `/api/v0/repositories`: `curl --user USER:TOKEN https://HOST/api/v0/repositories`, as with Docker Trusted Registry.

use serde_json::{Value, json};
use testkit::{TestServer, both_engines};

use crate::people::{self, PASSWORD};

const PATH: &str = "/api/v0/repositories";

fn names(answer: &Value) -> Vec<String> {
    let repositories = answer["repositories"].as_array().unwrap().iter();
    let name =
        |repository: &Value| format!("{}/{}", repository["namespace"], repository["name"]).replace('"', "");
    repositories.map(name).collect()
}

#[both_engines]
async fn a_personal_token_lists_what_its_user_may_pull(t: TestServer) {
    people::user(&t, "ann").await;
    for name in ["acme/team/api", "other/secret"] {
        people::image(&t, name).await;
    }
    people::role(&t, "acme", "users/ann", "reader").await;
    t.admin().push("ann/own", "1.0", &testkit::image::Image::new(1, 10)).await.is(201);
    let ann = people::account_token(&t, "ann", PASSWORD).await;
    let answer = ann.get(PATH).await.is(200);
    assert_eq!(answer.header("x-next-page-start"), "");
    let answer = answer.json();
    assert_eq!(names(&answer), ["acme/team/api", "ann/own"]);
    let first = &answer["repositories"][0];
    let expected = json!({
        "id": first["id"], "namespace": "acme", "namespaceType": "organization", "name": "team/api",
        "shortDescription": "", "visibility": "private", "scanOnPush": false, "immutableTags": false,
        "enableManifestLists": true, "tagLimit": 0,
    });
    assert_eq!(first, &expected);
    assert_eq!(answer["repositories"][1]["namespaceType"], json!("user"));
}

#[both_engines]
async fn pages_are_followed_by_a_header(t: TestServer) {
    for number in 0..12 {
        people::image(&t, &format!("acme/r{number:02}")).await;
    }
    let (mut start, mut seen, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let answer = t.admin().get(&format!("{PATH}?pageSize=5&count=true&pageStart={start}")).await.is(200);
        seen.extend(names(&answer.json()));
        pages += 1;
        match answer.header("x-next-page-start") {
            "" => break,
            next => start = next.to_owned(),
        }
    }
    assert_eq!((pages, seen.len()), (3, 12));
    assert!(seen.is_sorted());
    assert_eq!(names(&t.admin().get(PATH).await.json()).len(), 10);
}

#[both_engines]
async fn errors_are_in_dtrs_words(t: TestServer) {
    for caller in [t.anonymous(), t.basic("admin", "wrong"), t.bearer("x")] {
        let answer = caller.get(PATH).await.refused(401, "NOT_AUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"sealock\"");
    }
    for query in ["?pageSize=0", "?pageSize=x", "?pageStart=%00", "?pageStart=%ff"] {
        t.admin().get(&format!("{PATH}{query}")).await.refused(400, "INVALID_PARAMETERS");
    }
    t.admin().post(PATH).await.is(405);
}
