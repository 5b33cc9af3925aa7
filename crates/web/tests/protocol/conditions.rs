//! Changes with conditions (RFC 9110 §13.1.1, §13.1.2): a tag that is only made, or only moved from where it was.

use reqwest::Method;
use testkit::{
    Actor, Answer, TestServer, both_engines,
    image::{Image, MANIFEST_TYPE},
};

const TAG: &str = "/v2/acme/api/manifests/1.0";

async fn put(actor: &Actor, path: &str, image: &Image, headers: &[(&str, &str)]) -> Answer {
    let request = actor.request(Method::PUT, path).header("content-type", MANIFEST_TYPE);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    actor.send(request.body(image.manifest.bytes.clone())).await
}

async fn delete(actor: &Actor, path: &str, (name, value): (&str, &str)) -> Answer {
    actor.send(actor.request(Method::DELETE, path).header(name, value)).await
}

fn tag_of(image: &Image) -> String {
    format!("\"{}\"", image.manifest.digest)
}

/// Images whose blobs are all in acme/api; the first is there under 1.0 as well.
async fn images<const COUNT: usize>(t: &TestServer) -> (Actor, [Image; COUNT]) {
    let admin = t.admin();
    let images = std::array::from_fn(|number| Image::new(number as u64, 10));
    for image in &images {
        for blob in [&image.layer, &image.config] {
            admin.push_blob("acme/api", blob).await.is(201);
        }
    }
    put(&admin, TAG, &images[0], &[]).await.is(201);
    (admin, images)
}

#[both_engines]
async fn a_tag_is_pushed_where_it_is_as_expected(t: TestServer) {
    let (admin, [one, two]) = images(&t).await;
    let (is_one, is_two) = (tag_of(&one), tag_of(&two));
    let absent = "/v2/acme/api/manifests/absent";
    for (path, header, value) in [
        (TAG, "if-none-match", "*"),
        (TAG, "if-none-match", &is_one),
        (TAG, "if-none-match", &format!("W/{is_one}")),
        (TAG, "if-match", &is_two),
        (TAG, "if-match", &format!("W/{is_one}")),
        (TAG, "if-match", "\"x\""),
        (TAG, "if-match", ""),
        (absent, "if-match", "*"),
        (absent, "if-match", &is_one),
    ] {
        let refused = put(&admin, path, &two, &[(header, value)]).await.refused(412, "UNSUPPORTED");
        refused.says(if path == TAG { &one.manifest.digest } else { "nothing under absent" });
    }
    assert_eq!(admin.pull("acme/api", "1.0").await.is(200).body, one.manifest.bytes);
    admin.pull("acme/api", "absent").await.refused(404, "MANIFEST_UNKNOWN");
    // What was refused left nothing behind.
    admin.pull("acme/api", &two.manifest.digest).await.refused(404, "MANIFEST_UNKNOWN");

    put(&admin, TAG, &two, &[("if-match", &format!("\"x\", {is_one}"))]).await.is(201);
    put(&admin, TAG, &one, &[("if-none-match", &is_one), ("if-match", "*")]).await.is(201);
    put(&admin, absent, &one, &[("if-none-match", "*")]).await.is(201);
    put(&admin, absent, &one, &[("if-none-match", "*")]).await.is(412);
}

#[both_engines]
async fn a_manifest_pushed_by_digest_is_made_only_where_it_is_not(t: TestServer) {
    let (admin, [_, two]) = images(&t).await;
    let path = format!("/v2/acme/api/manifests/{}", two.manifest.digest);
    put(&admin, &path, &two, &[("if-match", "*")]).await.refused(412, "UNSUPPORTED");
    put(&admin, &path, &two, &[("if-none-match", "*")]).await.is(201);
    put(&admin, &path, &two, &[("if-none-match", "*")]).await.refused(412, "UNSUPPORTED");
    put(&admin, &path, &two, &[("if-match", &tag_of(&two))]).await.is(201);
}

#[both_engines]
async fn what_is_deleted_is_what_was_expected(t: TestServer) {
    let (admin, [one, two]) = images(&t).await;
    let path = format!("/v2/acme/api/manifests/{}", one.manifest.digest);
    for path in [TAG, &path] {
        for condition in
            [("if-match", tag_of(&two)), ("if-none-match", tag_of(&one)), ("if-none-match", "*".into())]
        {
            delete(&admin, path, (condition.0, &condition.1)).await.refused(412, "UNSUPPORTED");
        }
        admin.pull("acme/api", "1.0").await.is(200);
    }
    for path in [TAG, &path] {
        delete(&admin, path, ("if-match", &tag_of(&one))).await.is(202);
        // RFC 9110 §13.2.1: what would not have been done anyway is answered as ever.
        delete(&admin, path, ("if-match", &tag_of(&one))).await.refused(404, "MANIFEST_UNKNOWN");
    }
}

/// A refused condition names the digest only to callers who may pull: scopes with `delete` alone and narrow bearers may not.
#[both_engines]
async fn a_refused_condition_names_the_digest_only_to_who_may_pull(t: TestServer) {
    let (admin, [one, two]) = images(&t).await;
    let scope = |actions: &[&str]| serde_json::json!({ "scopes": [{ "type": "repository", "path": "acme/*", "actions": actions }] });
    let cleaner = t.with(&t.service_token("acme", "cleaner", scope(&["delete"])).await);
    let pusher = t.with(&t.service_token("acme", "pusher", scope(&["pull", "push", "delete"])).await);
    let by_digest = format!("/v2/acme/api/manifests/{}", one.manifest.digest);
    let absent = "/v2/acme/api/manifests/absent";
    let condition = ("if-match", tag_of(&two));
    let told = format!("acme/api has {} under 1.0 now", one.manifest.digest);
    for (actor, says) in [
        (&cleaner, "acme/api has other content, or none, under 1.0 now"),
        (&cleaner.asks("repository:acme/api:*").await, "acme/api has other content, or none, under 1.0 now"),
        (
            &pusher.asks("repository:acme/api:delete").await,
            "acme/api has other content, or none, under 1.0 now",
        ),
        (&pusher, &told),
        (&pusher.asks("repository:acme/api:pull,delete").await, &told),
    ] {
        let refused = delete(actor, TAG, (condition.0, &condition.1)).await.refused(412, "UNSUPPORTED");
        let names_it = says == told;
        assert_eq!(format!("{refused:?}").contains(one.manifest.digest.as_str()), names_it, "{refused:?}");
        refused.says(says);
        delete(actor, &by_digest, (condition.0, &condition.1)).await.refused(412, "UNSUPPORTED");
    }
    let narrow = pusher.asks("repository:acme/api:push").await;
    let headers = [(condition.0, condition.1.as_str())];
    for path in [TAG, absent] {
        let refused = put(&narrow, path, &two, &headers).await.refused(412, "UNSUPPORTED");
        assert!(!format!("{refused:?}").contains(one.manifest.digest.as_str()), "{refused:?}");
        refused.says("acme/api has other content, or none,");
        put(&pusher, path, &two, &headers).await.refused(412, "UNSUPPORTED");
    }
    admin.pull("acme/api", "1.0").await.is(200);
}

/// What would be refused without a condition is refused as ever (RFC 9110 §13.2.1), also to whoever may not push.
#[both_engines]
async fn a_condition_changes_no_other_refusal(t: TestServer) {
    let (admin, [_, two]) = images(&t).await;
    let condition = [("if-none-match", "*")];
    let broken = admin.request(Method::PUT, TAG).header("if-none-match", "*").body("{}");
    admin.send(broken).await.refused(400, "MANIFEST_INVALID");
    put(&admin, "/v2/acme/web/manifests/1.0", &two, &condition).await.refused(404, "MANIFEST_BLOB_UNKNOWN");
    let stranger = t.with(&t.service_token("other", "stranger", serde_json::json!({})).await);
    put(&stranger, TAG, &two, &condition).await.refused(404, "NAME_UNKNOWN");
    put(&t.anonymous(), TAG, &two, &condition).await.refused(401, "UNAUTHORIZED");
}

#[both_engines]
async fn of_several_that_make_or_move_a_tag_at_once_one_does(t: TestServer) {
    const ROUNDS: usize = 10;
    let (admin, images) = images::<7>(&t).await;
    let server = t.replica().await;
    let replica = admin.at(&server);
    for round in 0..ROUNDS {
        let path = format!("/v2/acme/api/manifests/r{round}");
        let mut condition = ("if-none-match", "*".to_owned());
        // Made once; then moved once from where it was.
        for images in [&images[1..4], &images[4..7]] {
            let headers = [(condition.0, condition.1.as_str())];
            let push = |actor, image| put(actor, &path, image, &headers);
            let (one, two, three) =
                tokio::join!(push(&admin, &images[0]), push(&replica, &images[1]), push(&admin, &images[2]));
            let mut statuses = [one.status, two.status, three.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 412, 412], "round {round}: {one:?}\n{two:?}\n{three:?}");
            condition = ("if-match", admin.get(&path).await.is(200).header("etag").to_owned());
        }
    }
}
