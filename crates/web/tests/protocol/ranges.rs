//! Parts of blobs, and requests with conditions (RFC 9110 §13 and §14).

use reqwest::Method;
use serde_json::json;
use testkit::{
    Actor, Answer, TestServer, both_engines,
    image::{Blob, Image},
    randomness::SeededRandomness,
};

/// Larger than what is read from a file at once, so that parts begin and end within pieces.
const SIZE: usize = 700_000;

async fn pushed(t: &TestServer) -> (Blob, String) {
    let blob = Blob::new("application/octet-stream", SeededRandomness::new(1).bytes(SIZE));
    t.admin().push_blob("acme/api", &blob).await.is(201);
    let path = format!("/v2/acme/api/blobs/{}", blob.digest);
    (blob, path)
}

async fn ask(actor: &Actor, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = actor.request(method, path);
    actor.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[both_engines]
async fn a_part_of_a_blob_is_served(t: TestServer) {
    let ((blob, path), admin) = (pushed(&t).await, t.admin());
    for (range, start, end) in [
        ("bytes=0-0", 0, 1),
        ("bytes=0-699999", 0, SIZE),
        ("bytes=262143-262144", 262_143, 262_145),
        ("bytes=100-600099", 100, 600_100),
        ("bytes=699999-", 699_999, SIZE),
        ("bytes=500000-9999999999", 500_000, SIZE),
        ("bytes=-5", SIZE - 5, SIZE),
        ("bytes=-9999999999", 0, SIZE),
    ] {
        let part = ask(&admin, Method::GET, &path, &[("range", range)]).await.is(206);
        assert!(part.body == blob.bytes[start..end], "{range}: the bytes differ");
        assert_eq!(part.header("content-range"), format!("bytes {start}-{}/{SIZE}", end - 1), "{range}");
        assert_eq!(part.header("content-length"), (end - start).to_string(), "{range}");
        assert_eq!(part.header("docker-content-digest"), blob.digest, "{range}");
        assert_eq!(part.header("content-type"), "application/octet-stream", "{range}");
    }
}

#[both_engines]
async fn a_download_that_broke_off_goes_on_where_it_stopped(t: TestServer) {
    let ((blob, path), admin) = (pushed(&t).await, t.admin());
    let whole = admin.get(&path).await.is(200);
    assert_eq!(
        (whole.header("accept-ranges"), whole.header("etag")),
        ("bytes", format!("\"{}\"", blob.digest).as_str())
    );
    let (tag, rest) = (whole.header("etag"), ("range", "bytes=300000-"));
    let part = ask(&admin, Method::GET, &path, &[rest, ("if-range", tag)]).await.is(206);
    assert!(part.body == blob.bytes[300_000..], "the bytes differ");
    // Another entity's tag, a weak one or a date: all of it, so that nobody joins what does not belong together.
    for other in ["\"sha256:0\"", &format!("W/{tag}"), "Tue, 15 Nov 1994 12:45:26 GMT"] {
        let all = ask(&admin, Method::GET, &path, &[rest, ("if-range", other)]).await.is(200);
        assert!(all.body == blob.bytes, "{other}: the bytes differ");
    }
}

#[both_engines]
async fn a_range_behind_the_end_is_416_and_tells_the_length(t: TestServer) {
    let ((_, path), admin) = (pushed(&t).await, t.admin());
    for range in
        ["bytes=700000-", "bytes=700000-700001", "bytes=500-0", "bytes=-0", "bytes=99999999999999999999999-"]
    {
        let refused =
            ask(&admin, Method::GET, &path, &[("range", range)]).await.refused(416, "RANGE_INVALID");
        assert_eq!(refused.header("content-range"), "bytes */700000", "{range}");
        refused.says("the blob has 700000 bytes");
    }
}

#[both_engines]
async fn a_range_that_is_none_is_answered_with_everything(t: TestServer) {
    let ((blob, path), admin) = (pushed(&t).await, t.admin());
    for range in ["", "bytes", "bytes=", "bytes=a-", "bytes=0-1,5-6", "items=0-1", "bytes=+1-2"] {
        let all = ask(&admin, Method::GET, &path, &[("range", range)]).await.is(200);
        assert!(all.body == blob.bytes, "{range:?}: the bytes differ");
    }
    let twice = [("range", "bytes=0-1"), ("range", "bytes=5-6")];
    assert_eq!(ask(&admin, Method::GET, &path, &twice).await.is(200).body.len(), SIZE);
    // RFC 9110 §14.2: only GET has ranges.
    let head = ask(&admin, Method::HEAD, &path, &[("range", "bytes=0-1")]).await.is(200);
    assert_eq!((head.header("content-length"), head.header("content-range")), ("700000", ""));
}

#[both_engines]
async fn a_client_that_has_it_is_told_so(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 1000));
    admin.push("acme/api", "1.0", &image).await.is(201);
    for (path, digest) in [
        ("/v2/acme/api/manifests/1.0".to_owned(), &image.manifest.digest),
        (format!("/v2/acme/api/manifests/{}", image.manifest.digest), &image.manifest.digest),
        (format!("/v2/acme/api/blobs/{}", image.layer.digest), &image.layer.digest),
    ] {
        for method in [Method::GET, Method::HEAD] {
            for known in [
                format!("\"{digest}\""),
                format!("W/\"{digest}\""),
                format!("\"x\", \"{digest}\" ,\"y\""),
                "*".to_owned(),
            ] {
                let answer = ask(&admin, method.clone(), &path, &[("if-none-match", &known)]).await.is(304);
                assert_eq!(answer.header("etag"), format!("\"{digest}\""), "{known}");
                assert_eq!(answer.header("docker-content-digest"), *digest, "{known}");
                assert!(answer.body.is_empty(), "{answer:?}");
                // RFC 9110 §8.6: the length of what the client has, or none; never that of this answer.
                assert_eq!(answer.header("content-length"), "", "{answer:?}");
            }
            for unknown in ["\"sha256:0\"", digest, "", "\"", "W/"] {
                ask(&admin, method.clone(), &path, &[("if-none-match", unknown)]).await.is(200);
            }
            ask(&admin, method.clone(), &path, &[("if-match", &format!("\"{digest}\""))]).await.is(200);
            ask(&admin, method.clone(), &path, &[("if-match", "*")]).await.is(200);
            for other in ["\"sha256:0\"".to_owned(), format!("W/\"{digest}\"")] {
                ask(&admin, method.clone(), &path, &[("if-match", &other)]).await.is(412);
            }
        }
        ask(&admin, Method::GET, &path, &[("if-match", "\"x\"")])
            .await
            .refused(412, "UNSUPPORTED")
            .says(digest);
    }
}

/// RFC 9110 §8.6.
#[both_engines]
async fn an_answer_without_content_has_no_length(t: TestServer) {
    let admin = t.admin();
    let session = admin.start_upload("acme/api").await.is(202).header("location").to_owned();
    for method in ["GET", "HEAD", "DELETE"] {
        let answer = admin.raw(method, &session).await.is(204);
        assert!(!answer.headers.contains_key("content-length"), "{answer:?}");
    }
}

#[both_engines]
async fn a_tag_that_moved_is_served_anew(t: TestServer) {
    let (admin, one, two) = (t.admin(), Image::new(1, 1000), Image::new(2, 1000));
    admin.push("acme/api", "1.0", &one).await.is(201);
    let known = format!("\"{}\"", one.manifest.digest);
    admin.push("acme/api", "1.0", &two).await.is(201);
    let path = "/v2/acme/api/manifests/1.0";
    let anew = ask(&admin, Method::GET, path, &[("if-none-match", &known)]).await.is(200);
    assert_eq!(anew.body, two.manifest.bytes);
}

/// The conditions are looked at last: what one may not see can't be probed with them.
#[both_engines]
async fn no_condition_tells_what_is_there_to_whoever_may_not_see_it(t: TestServer) {
    let (_, path) = pushed(&t).await;
    let ci = t.service_token("other", "ci-bot", json!({ "permission": "pull" })).await;
    let absent = format!("/v2/acme/api/blobs/sha256:{}", "0".repeat(64));
    for header in [("if-none-match", "*"), ("if-match", "\"x\""), ("range", "bytes=99999999-")] {
        for path in [&path, &absent] {
            ask(&t.with(&ci), Method::GET, path, &[header]).await.refused(404, "NAME_UNKNOWN");
            ask(&t.anonymous(), Method::GET, path, &[header]).await.refused(401, "UNAUTHORIZED");
        }
        ask(&t.admin(), Method::GET, &absent, &[header]).await.refused(404, "BLOB_UNKNOWN");
    }
}
