//! Upload sessions: every way to send a blob, every way to get it wrong, and two clients at once.

use access::time::Length;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use testkit::{
    Actor, TestServer, both_engines,
    image::{Blob, sha256_digest},
    randomness::SeededRandomness,
};

const TYPE: &str = "application/octet-stream";

fn blob(seed: u64, size: usize) -> Blob {
    Blob::new(TYPE, SeededRandomness::new(seed).bytes(size))
}

async fn session(actor: &Actor, repository: &str) -> String {
    let started = actor.start_upload(repository).await.is(202);
    assert_eq!((started.header("range"), started.header("oci-chunk-min-length")), ("0-0", "65536"));
    let location = started.header("location");
    // Relative, so that it is right behind any proxy.
    assert_eq!(location, format!("/v2/{repository}/blobs/uploads/{}", started.header("docker-upload-uuid")));
    location.to_owned()
}

async fn stands_at(actor: &Actor, session: &str, range: &str) {
    let status = actor.get(session).await.is(204);
    assert_eq!((status.header("range"), status.header("location")), (range, session));
}

async fn has(actor: &Actor, repository: &str, blob: &Blob) {
    let pulled = actor.get(&format!("/v2/{repository}/blobs/{}", blob.digest)).await.is(200);
    assert!(pulled.body == blob.bytes, "the bytes of {} differ", blob.digest);
}

#[both_engines]
async fn a_blob_may_be_sent_in_one_request_or_two(t: TestServer) {
    let (admin, one, two) = (t.admin(), blob(1, 70_000), blob(2, 70_000));
    let path = format!("/v2/acme/api/blobs/uploads/?digest={}", one.digest);
    let pushed = admin.send(admin.request(Method::POST, &path).body(one.bytes.clone())).await.is(201);
    assert_eq!(pushed.header("location"), format!("/v2/acme/api/blobs/{}", one.digest));
    assert_eq!(pushed.header("docker-content-digest"), one.digest);
    let pushed = admin.push_blob("acme/api", &two).await.is(201);
    assert_eq!(pushed.header("location"), format!("/v2/acme/api/blobs/{}", two.digest));
    has(&admin, "acme/api", &one).await;
    has(&admin, "acme/api", &two).await;
}

#[both_engines]
async fn a_blob_may_be_streamed(t: TestServer) {
    let (admin, blob) = (t.admin(), blob(1, 3_000_000));
    let session = session(&admin, "acme/api").await;
    let streamed = admin.stream_chunk(&session, &blob.bytes).await.is(202);
    assert_eq!((streamed.header("range"), streamed.header("location")), ("0-2999999", session.as_str()));
    admin.finish_upload(&session, &blob.digest, b"").await.is(201);
    has(&admin, "acme/api", &blob).await;
}

#[both_engines]
async fn bodies_without_a_length_share_a_connection(t: TestServer) {
    let admin = t.admin();
    let session = session(&admin, "acme/api").await;
    let finish = format!("{session}?digest={}", sha256_digest(b"0123456789last"));
    let head = ["Transfer-Encoding: chunked"];
    let mut wire = admin.wire("PATCH", &session, &head).await;
    wire.send(b"5\r\n01234\r\n0\r\n\r\n").await;
    for (range, method, target, body) in [
        ("0-4", "PATCH", &session, b"5\r\n56789\r\n0\r\n\r\n".as_slice()),
        ("0-9", "PUT", &finish, b"4\r\nlast\r\n0\r\n\r\n"),
    ] {
        let answer = wire.next_answer().await.is(202);
        assert_eq!((answer.header("range"), answer.header("connection")), (range, ""), "{answer:?}");
        admin.wire_again(&mut wire, method, target, &head).await;
        wire.send(body).await;
    }
    let answer = wire.next_answer().await.is(201);
    assert_eq!(answer.header("connection"), "", "{answer:?}");
}

#[both_engines]
async fn a_blob_may_be_sent_in_chunks_to_several_replicas(t: TestServer) {
    let (here, blob) = (t.admin(), blob(1, 100));
    let replica = t.replica().await;
    let there = here.at(&replica);
    let session = session(&here, "acme/api").await;
    let chunk = there.push_chunk(&session, "0-39", &blob.bytes[..40]).await.is(202);
    assert_eq!(chunk.header("range"), "0-39");
    stands_at(&here, &session, "0-39").await;
    here.push_chunk(&session, "40-40", &blob.bytes[40..41]).await.is(202);
    stands_at(&there, &session, "0-40").await;
    there.finish_upload(&session, &blob.digest, &blob.bytes[41..]).await.is(201);
    has(&here, "acme/api", &blob).await;
}

#[both_engines]
async fn a_sha512_is_as_good(t: TestServer) {
    const OF_ABC: &str = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    let admin = t.admin();
    let unannounced = session(&admin, "acme/api").await;
    admin.finish_upload(&unannounced, OF_ABC, b"abc").await.is(201);
    let announced = admin.post("/v2/acme/web/blobs/uploads/?digest-algorithm=sha512").await.is(202);
    admin.finish_upload(announced.header("location"), OF_ABC, b"abc").await.is(201);
    assert_eq!(admin.get(&format!("/v2/acme/web/blobs/{OF_ABC}")).await.is(200).body, b"abc");
}

#[both_engines]
async fn a_gap_or_an_overlap_is_refused_and_the_upload_goes_on(t: TestServer) {
    let (admin, blob) = (t.admin(), blob(1, 30));
    let session = session(&admin, "acme/api").await;
    admin.push_chunk(&session, "5-9", &blob.bytes[5..10]).await.refused(416, "RANGE_INVALID");
    admin.push_chunk(&session, "0-9", &blob.bytes[..10]).await.is(202);
    for range in ["0-9", "9-18", "11-20", "9223372036854775806-9223372036854775807"] {
        let refused =
            admin.push_chunk(&session, range, &blob.bytes[..10]).await.refused(416, "RANGE_INVALID");
        assert_eq!(refused.header("range"), "0-9", "{refused:?}");
        refused.says("the upload stands at byte 10; go on from there");
    }
    // A last chunk in the PUT is no exception.
    let path = format!("{session}?digest={}", blob.digest);
    let put =
        admin.request(Method::PUT, &path).header("content-range", "11-30").body(blob.bytes[11..].to_vec());
    admin.send(put).await.refused(416, "RANGE_INVALID");
    stands_at(&admin, &session, "0-9").await;
    admin.push_chunk(&session, "10-29", &blob.bytes[10..]).await.is(202);
    admin.finish_upload(&session, &blob.digest, b"").await.is(201);
    has(&admin, "acme/api", &blob).await;
}

#[both_engines]
async fn a_content_range_says_what_the_body_is(t: TestServer) {
    let (admin, blob) = (t.admin(), blob(1, 30));
    let session = session(&admin, "acme/api").await;
    for range in ["", "x", "0", "-1", "0-", "9-0", "bytes 0-9/10", "0-99999999999999999999"] {
        admin.push_chunk(&session, range, &blob.bytes[..10]).await.refused(400, "BLOB_UPLOAD_INVALID");
    }
    for range in ["0-8", "0-10", "0-0"] {
        let refused = admin.push_chunk(&session, range, &blob.bytes[..10]).await;
        refused.refused(400, "SIZE_INVALID").says("nothing of it was kept");
    }
    stands_at(&admin, &session, "0-0").await;
    admin.push_chunk(&session, "0-9", &blob.bytes[..10]).await.is(202);
    admin.finish_upload(&session, &blob.digest, &blob.bytes[10..]).await.is(201);
    has(&admin, "acme/api", &blob).await;
}

#[both_engines]
async fn a_wrong_digest_leaves_nothing_behind(t: TestServer) {
    let (admin, blob) = (t.admin(), blob(1, 5000));
    let other = sha256_digest(b"something else");
    let files = t.blob_files();
    let said = format!("the bytes received have the digest {}, not {other}", blob.digest);

    let at_once = admin.request(Method::POST, &format!("/v2/acme/api/blobs/uploads/?digest={other}"));
    admin.send(at_once.body(blob.bytes.clone())).await.refused(400, "DIGEST_INVALID").says(&said);
    for (streamed, last) in
        [(&blob.bytes[..], &b""[..]), (b"", &blob.bytes), (&blob.bytes[..10], &blob.bytes[10..])]
    {
        let session = session(&admin, "acme/api").await;
        if !streamed.is_empty() {
            admin.stream_chunk(&session, streamed).await.is(202);
        }
        admin.finish_upload(&session, &other, last).await.refused(400, "DIGEST_INVALID").says(&said);
        admin.get(&session).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        admin.finish_upload(&session, &blob.digest, &blob.bytes).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
    assert_eq!(t.blob_files(), files);
    admin.get(&format!("/v2/acme/api/blobs/{}", blob.digest)).await.is(404);
}

#[both_engines]
async fn a_digest_that_is_none_is_refused_and_the_upload_goes_on(t: TestServer) {
    let (admin, blob) = (t.admin(), blob(1, 10));
    let session = session(&admin, "acme/api").await;
    let upper = blob.digest.to_uppercase();
    for digest in
        ["", "sha256:", &blob.digest[..70], &format!("{}0", blob.digest), &upper, "md5:00", "sha256:%00"]
    {
        admin.finish_upload(&session, digest, &blob.bytes).await.refused(400, "DIGEST_INVALID");
        admin
            .post(&format!("/v2/acme/api/blobs/uploads/?digest={digest}"))
            .await
            .refused(400, "DIGEST_INVALID");
    }
    let put = admin.request(Method::PUT, &session).body(blob.bytes.clone());
    admin.send(put).await.refused(400, "BLOB_UPLOAD_INVALID").says("?digest=");
    admin.finish_upload(&session, &blob.digest, &blob.bytes).await.is(201);
}

#[both_engines]
async fn a_cancelled_upload_is_gone_with_its_bytes(t: TestServer) {
    let admin = t.admin();
    let files = t.blob_files();
    let session = session(&admin, "acme/api").await;
    admin.stream_chunk(&session, b"0123456789").await.is(202);
    admin.delete(&session).await.is(204);
    assert_eq!(t.blob_files(), files);
    for answer in [
        admin.get(&session).await,
        admin.delete(&session).await,
        admin.stream_chunk(&session, b"0").await,
        admin.finish_upload(&session, &sha256_digest(b"0123456789"), b"").await,
    ] {
        answer.refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
}

#[both_engines]
async fn an_upload_is_committed_once(t: TestServer) {
    let admin = t.admin();
    for round in 0..12 {
        let blob = blob(round, 5000);
        // With the last bytes in the PUT, and without.
        let sent = if round % 2 == 0 { 5000 } else { 3000 };
        let session = session(&admin, "acme/api").await;
        admin.stream_chunk(&session, &blob.bytes[..sent]).await.is(202);
        let commit = || admin.finish_upload(&session, &blob.digest, &blob.bytes[sent..]);
        let commits = join_all((0..4).map(|_| commit())).await;
        let done = commits.iter().filter(|answer| answer.status == 201).count();
        // Those that come after the commit repeat it.
        assert!(done >= 1, "{commits:?}");
        for answer in commits.into_iter().filter(|answer| answer.status != 201) {
            assert!([404, 416].contains(&answer.status), "{answer:?}");
        }
        admin.finish_upload(&session, &blob.digest, b"").await.is(201);
        has(&admin, "acme/api", &blob).await;
        assert_eq!(t.blob_files() as u64, round + 1, "what the others had made of it is gone");
    }
    let pushed = admin.get("/api/v1/audit?event=blob.pushed&limit=100").await.is(200).json();
    assert_eq!(pushed["items"].as_array().unwrap().len(), 12);
}

#[both_engines]
async fn the_same_blob_again_is_welcome_and_kept_once(t: TestServer) {
    let (admin, blob) = (t.admin(), blob(1, 5000));
    let files = t.blob_files();
    for repository in ["acme/api", "acme/api", "acme/web"] {
        admin.push_blob(repository, &blob).await.is(201);
        has(&admin, repository, &blob).await;
    }
    assert_eq!(t.blob_files(), files + 1);
}

#[both_engines]
async fn of_many_chunks_at_once_one_wins(t: TestServer) {
    let admin = t.admin();
    let session = session(&admin, "acme/api").await;
    admin.push_chunk(&session, "0-3", b"head").await.is(202);
    let tails: Vec<Blob> = (0..6).map(|seed| blob(seed, 40_000)).collect();
    let sent = join_all(tails.iter().map(|tail| admin.push_chunk(&session, "4-40003", &tail.bytes))).await;
    let winners: Vec<usize> = (0..tails.len()).filter(|at| sent[*at].status == 202).collect();
    assert_eq!(winners.len(), 1, "{sent:?}");
    for answer in sent.into_iter().filter(|answer| answer.status != 202) {
        answer.is(416);
    }
    stands_at(&admin, &session, "0-40003").await;
    let whole = Blob::new(TYPE, [b"head".as_slice(), &tails[winners[0]].bytes].concat());
    admin.finish_upload(&session, &whole.digest, b"").await.is(201);
    has(&admin, "acme/api", &whole).await;
    assert_eq!(t.blob_files(), 1, "the others left nothing behind");
}

/// A PATCH of ten bytes whose client sends four and then falls silent.
async fn stalled(actor: &Actor, session: &str) -> testkit::Wire {
    let head = ["Content-Length: 10", "Expect: 100-continue"];
    let mut wire = actor.wire("PATCH", session, &head).await;
    wire.continued().await;
    wire.send(b"wron").await;
    wire
}

#[both_engines]
async fn a_later_request_takes_over_from_one_that_hangs(t: TestServer) {
    let admin = t.admin();
    let session = session(&admin, "acme/api").await;
    admin.stream_chunk(&session, b"01234").await.is(202);
    let hanging = stalled(&admin, &session).await;
    stands_at(&admin, &session, "0-4").await;
    let taken_over = admin.stream_chunk(&session, b"56789").await.is(202);
    assert_eq!(taken_over.header("range"), "0-9");

    // It ends at once, not when its client has sent the rest: until then its copy would stay on the disk.
    hanging.answer().await.refused(416, "BLOB_UPLOAD_INVALID").says("took this upload session over");
    stands_at(&admin, &session, "0-9").await;
    admin.finish_upload(&session, &sha256_digest(b"0123456789"), b"").await.is(201);
    assert_eq!(t.blob_files(), 1);
}

#[both_engines]
async fn a_commit_takes_over_from_a_chunk_that_hangs(t: TestServer) {
    let admin = t.admin();
    let session = session(&admin, "acme/api").await;
    admin.stream_chunk(&session, b"01234").await.is(202);
    let hanging = stalled(&admin, &session).await;
    admin.finish_upload(&session, &sha256_digest(b"0123456789"), b"56789").await.is(201);
    hanging.answer().await.is(416);
    assert_eq!(t.blob_files(), 1);
}

#[both_engines]
async fn many_requests_on_one_session_do_not_multiply_it_on_disk(t: TestServer) {
    const SIZE: usize = 2_000_000;
    let (admin, blob) = (t.admin(), blob(1, SIZE));
    let session = session(&admin, "acme/api").await;
    admin.stream_chunk(&session, &blob.bytes).await.is(202);
    let mut hanging = Vec::new();
    for _ in 0..6 {
        hanging.push(stalled(&admin, &session).await);
        let sizes = t.blob_paths().into_iter().filter_map(|path| Some(path.metadata().ok()?.len()));
        assert!(sizes.sum::<u64>() < 3 * SIZE as u64, "{:?}", t.blob_paths());
    }
    let latest = hanging.pop().unwrap();
    for wire in hanging {
        wire.answer().await.refused(416, "BLOB_UPLOAD_INVALID");
    }
    drop(latest);
    admin.finish_upload(&session, &blob.digest, b"").await.is(201);
    assert_eq!(t.blob_files(), 1);
}

#[both_engines]
async fn a_chunk_that_can_not_fit_does_no_harm_to_the_right_one(t: TestServer) {
    let admin = t.admin();
    let session = session(&admin, "acme/api").await;
    let mut right = stalled(&admin, &session).await;
    let finish = format!("{session}?digest={}", sha256_digest(b"wrong last"));
    for (method, path) in [(Method::PATCH, &session), (Method::PUT, &finish)] {
        let wrong = admin.request(method, path).header("content-range", "500-502").body("xyz");
        admin.send(wrong).await.refused(416, "RANGE_INVALID");
    }
    right.send(b"g last").await;
    assert_eq!(right.answer().await.is(202).header("range"), "0-9");
    admin.finish_upload(&session, &sha256_digest(b"wrong last"), b"").await.is(201);
}

#[both_engines]
async fn a_content_range_without_its_bytes_is_refused(t: TestServer) {
    let admin = t.admin();
    let session = session(&admin, "acme/api").await;
    admin.stream_chunk(&session, b"abc").await.is(202);
    let path = format!("{session}?digest={}", sha256_digest(b"abc"));
    for (range, status, code) in [
        ("garbage", 400, "BLOB_UPLOAD_INVALID"),
        ("77-99", 416, "RANGE_INVALID"),
        ("0-2", 416, "RANGE_INVALID"),
        ("3-5", 400, "SIZE_INVALID"),
    ] {
        let put = admin.request(Method::PUT, &path).header("content-range", range);
        admin.send(put).await.refused(status, code);
    }
    admin.finish_upload(&session, &sha256_digest(b"abc"), b"").await.is(201);
}

/// Neither is waited for, nor is the session taken from whoever sends the right chunk.
#[both_engines]
async fn a_blob_that_is_announced_as_too_large_is_refused_before_it_comes(t: TestServer) {
    const LIMIT: u64 = 20 * 1024 * 1024 * 1024;
    let (admin, digest) = (t.admin(), sha256_digest(b"012345678"));
    let session = session(&admin, "acme/api").await;
    admin.stream_chunk(&session, b"01234").await.is(202);
    let at_once = format!("/v2/acme/api/blobs/uploads/?digest={digest}");
    let finish = format!("{session}?digest={digest}");
    let too_long = format!("Content-Length: {}", LIMIT + 1);
    let no_room = format!("Content-Length: {}", LIMIT - 4);
    let range = format!("Content-Range: 5-{LIMIT}");
    for (method, path, headers) in [
        ("POST", &at_once, vec![too_long.as_str()]),
        ("PATCH", &session, vec![&too_long]),
        ("PATCH", &session, vec!["Content-Length: 99999999999999"]),
        ("PATCH", &session, vec![&no_room]),
        ("PATCH", &session, vec![&range, "Transfer-Encoding: chunked"]),
        ("PUT", &finish, vec![&too_long]),
        ("PUT", &finish, vec![&no_room]),
    ] {
        let answer = admin.wire(method, path, &headers).await.answer().await;
        answer.refused(413, "SIZE_INVALID").says("larger than the limit of 21474836480 bytes");
    }
    stands_at(&admin, &session, "0-4").await;
    admin.finish_upload(&session, &digest, b"5678").await.is(201);
}

#[both_engines]
async fn a_client_that_vanished_goes_on_where_it_was_acknowledged(t: TestServer) {
    let admin = t.admin();
    let session = session(&admin, "acme/api").await;
    admin.stream_chunk(&session, b"01234").await.is(202);
    drop(stalled(&admin, &session).await);
    stands_at(&admin, &session, "0-4").await;
    admin.push_chunk(&session, "5-9", b"56789").await.is(202);
    admin.finish_upload(&session, &sha256_digest(b"0123456789"), b"").await.is(201);
}

#[both_engines]
async fn a_session_belongs_to_its_repository_and_to_whoever_opened_it(t: TestServer) {
    let one = t.with(&t.service_token("acme", "one", json!({"permission": "pull-push"})).await);
    let two = t.with(&t.service_token("acme", "two", json!({"permission": "pull-push"})).await);
    let mine = session(&one, "acme/api").await;
    one.stream_chunk(&mine, b"01234").await.is(202);
    let moved = mine.replace("acme/api", "acme/web");
    let digest = sha256_digest(b"01234");
    for (actor, session) in [(&two, &mine), (&t.admin(), &mine), (&one, &moved)] {
        actor.get(session).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        actor.stream_chunk(session, b"0").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        actor.finish_upload(session, &digest, b"").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        actor.delete(session).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
    // A bearer of the same token is the same principal.
    let bearer = one.asks("repository:acme/api:pull,push").await;
    bearer.finish_upload(&mine, &digest, b"").await.is(201);
}

#[both_engines]
async fn a_session_that_never_was_is_unknown(t: TestServer) {
    let admin = t.admin();
    session(&admin, "acme/api").await;
    for id in
        ["x", "0190a5e0-7d4c-7aaa-8bbb-123456789abc", "a.b", "%00", "%27", &"x".repeat(128), &"x".repeat(129)]
    {
        let session = format!("/v2/acme/api/blobs/uploads/{id}");
        admin.get(&session).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        admin.stream_chunk(&session, b"0").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        admin.finish_upload(&session, &sha256_digest(b"0"), b"").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        admin.delete(&session).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
}

#[both_engines]
async fn a_session_lives_a_day_beyond_its_last_chunk(t: TestServer) {
    let admin = t.admin();
    let session = session(&admin, "acme/api").await;
    t.clock.advance(Length::hours(23));
    admin.stream_chunk(&session, b"0").await.is(202);
    t.clock.advance(Length::hours(23));
    stands_at(&admin, &session, "0-0").await;
    t.clock.advance(Length::hours(1));
    admin.get(&session).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[both_engines]
async fn rights_lost_while_the_body_moves_are_missing_at_the_end(t: TestServer) {
    let token = t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await;
    let ci = t.with(&token);
    ci.push_blob("acme/api", &blob(1, 10)).await.is(201);
    let files = t.blob_files();
    let session = session(&ci, "acme/api").await;
    let digest = sha256_digest(b"0123456789");
    let head = ["Content-Length: 10", "Expect: 100-continue"];
    let mut late = ci.wire("PUT", &format!("{session}?digest={digest}"), &head).await;
    late.continued().await;

    t.edit(&token, json!({"permission": "pull"})).await.is(200);
    late.send(b"0123456789").await;
    late.answer().await.refused(403, "DENIED").says("token acme/ci-bot has no scope with push for acme/api");
    ci.get(&session).await.refused(403, "DENIED");
    t.admin().get(&format!("/v2/acme/api/blobs/{digest}")).await.refused(404, "BLOB_UNKNOWN");
    assert_eq!(t.blob_files(), files);
}

#[both_engines]
async fn a_right_that_expires_while_the_body_moves_is_missing_at_the_end(t: TestServer) {
    t.admin().push_blob("acme/api", &blob(1, 10)).await.is(201);
    let files = t.blob_files();
    let digest = sha256_digest(b"0123456789");
    for (name, method) in [("in-two", "PUT"), ("at-once", "POST")] {
        let body = json!({"permission": "pull-push", "expires_in": "1h"});
        let ci = t.with(&t.service_token("acme", name, body).await);
        let session = if method == "PUT" {
            session(&ci, "acme/api").await
        } else {
            "/v2/acme/api/blobs/uploads/".to_owned()
        };
        let head = ["Content-Length: 10", "Expect: 100-continue"];
        let mut late = ci.wire(method, &format!("{session}?digest={digest}"), &head).await;
        late.continued().await;

        t.clock.advance(Length::hours(1));
        late.send(b"0123456789").await;
        let said = format!("token acme/{name} expired on 2026-01-01");
        late.answer().await.refused(401, "UNAUTHORIZED").says(&said);
        t.admin().get(&format!("/v2/acme/api/blobs/{digest}")).await.refused(404, "BLOB_UNKNOWN");
        assert_eq!(t.blob_files(), files, "{method}");
    }
}

/// The client lost the answer to its last request and sends it again, to any replica.
#[both_engines]
async fn a_finished_upload_is_finished_again_for_an_hour(t: TestServer) {
    let replica = t.replica().await;
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    let other = t.service_token("acme", "other", json!({ "permission": "pull-push" })).await;
    let (docker, other) = (t.with(&ci), t.with(&other));
    let pushed = blob(3, 300_000);
    let location = docker.start_upload("acme/api").await.is(202).header("location").to_owned();
    docker.stream_chunk(&location, &pushed.bytes[..1000]).await.is(202);
    let finish = async |actor: &Actor, location: &str, digest: &str| {
        actor.finish_upload(location, digest, &pushed.bytes[1000..]).await
    };
    let first = finish(&docker, &location, &pushed.digest).await.is(201);
    let rows = async || {
        let audit = t.admin().get("/api/v1/audit?event=blob.pushed").await.is(200).json();
        audit["items"].as_array().unwrap().len()
    };
    assert_eq!(rows().await, 1);
    for server in [&t, &replica] {
        let again = finish(&docker.at(server), &location, &pushed.digest).await.is(201);
        for header in ["location", "docker-content-digest"] {
            assert_eq!(again.header(header), first.header(header));
        }
        // Without the last chunk, and with the place that a chunk names.
        docker.at(server).finish_upload(&location, &pushed.digest, b"").await.is(201);
        let path = format!("{location}?digest={}", pushed.digest);
        let chunk = docker.at(server).request(Method::PUT, &path).header("content-range", "1000-299999");
        docker.send(chunk.body(pushed.bytes[1000..].to_vec())).await.is(201);
    }
    assert_eq!((rows().await, t.blob_files()), (1, 1));

    // Whatever is not that very request is answered as ever.
    let unknown = blob(4, 10);
    let elsewhere = location.replace("acme/api", "acme/web");
    for refused in [
        finish(&docker, &location, &unknown.digest).await,
        finish(&other, &location, &pushed.digest).await,
        finish(&docker, &elsewhere, &pushed.digest).await,
        docker.get(&location).await,
        docker.stream_chunk(&location, b"x").await,
        docker.delete(&location).await,
    ] {
        refused.refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
    // The rights are those of now, and the blob has to be there.
    t.admin().delete(&format!("/v2/acme/api/blobs/{}", pushed.digest)).await.is(202);
    finish(&docker, &location, &pushed.digest).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    docker.push_blob("acme/api", &pushed).await.is(201);
    finish(&docker, &location, &pushed.digest).await.is(201);
    t.admin().set_status(&ci, "disabled").await.is(200);
    finish(&docker, &location, &pushed.digest).await.refused(401, "UNAUTHORIZED");
    t.admin().set_status(&ci, "enabled").await.is(200);

    t.clock.advance(Length::hours(1));
    finish(&docker, &location, &pushed.digest).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!((t.sweep().await.ended_uploads, t.sweep().await.ended_uploads), (2, 0));
}

#[both_engines]
async fn a_principal_and_a_namespace_have_as_many_open_uploads_as_the_settings_say(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    let other = t.service_token("acme", "other", json!({ "permission": "pull-push" })).await;
    let (docker, other) = (t.with(&ci), t.with(&other));
    let limit = async |setting: &str, most: i64| {
        t.admin().patch_json("/api/v1/settings", &json!({ setting: most })).await.is(200);
    };
    limit("max_uploads_per_principal", 3).await;
    // At once, at two servers.
    let replica = t.replica().await;
    let started = join_all((0..6).map(|number| {
        let docker = if number % 2 == 0 { docker.clone() } else { docker.at(&replica) };
        async move { docker.start_upload("acme/api").await }
    }))
    .await;
    let (open, refused): (Vec<_>, Vec<_>) = started.into_iter().partition(|answer| answer.status == 202);
    assert_eq!((open.len(), refused.len()), (3, 3), "{refused:?}");
    for answer in refused {
        assert_eq!(answer.header("retry-after"), "60");
        let answer = answer.refused(429, "TOOMANYREQUESTS").says("token acme/ci-bot has 3 open uploads");
        answer.says("max_uploads_per_principal").says("instance administrator");
    }
    assert_eq!(t.blob_files(), 0, "a refused upload leaves a file");
    // A blob in one request needs no session; one that exists goes on.
    let blob = blob(3, 100);
    let at_once =
        docker.request(Method::POST, &format!("/v2/acme/api/blobs/uploads/?digest={}", blob.digest));
    docker.send(at_once.body(blob.bytes.clone())).await.is(201);
    docker.finish_upload(open[0].header("location"), &blob.digest, &blob.bytes).await.is(201);
    docker.start_upload("acme/web").await.is(202);
    docker.start_upload("acme/web").await.refused(429, "TOOMANYREQUESTS");

    limit("max_uploads_per_namespace", 5).await;
    for status in [202, 202, 429] {
        other.start_upload("acme/api").await.is(status);
    }
    let refused = t.admin().start_upload("acme/api").await.refused(429, "TOOMANYREQUESTS");
    refused.says("the namespace has 5 open uploads").says("max_uploads_per_namespace");
    t.admin().start_upload("elsewhere/api").await.is(202);
    // Cancelled and expired ones do not count, whether or not they were swept.
    docker.delete(open[1].header("location")).await.is(204);
    other.start_upload("acme/api").await.is(202);
    t.clock.advance(Length::hours(24));
    for _ in 0..3 {
        docker.start_upload("acme/api").await.is(202);
    }
}

/// The time of an upload must not tell whether another tenant has the blob.
#[both_engines]
async fn a_blob_that_another_tenant_has_costs_the_same_commits(t: TestServer) {
    for namespace in ["acme", "other"] {
        t.namespace(namespace).await;
    }
    let [new, known] =
        [1, 2].map(|seed| Blob::new("application/octet-stream", SeededRandomness::new(seed).bytes(1000)));
    t.admin().push_blob("other/api", &known).await.is(201);
    // The repository exists before, so that its creation is in neither count.
    t.admin().push_blob("acme/api", &Blob::new("application/octet-stream", b"first".to_vec())).await.is(201);
    let mut commits = Vec::new();
    for blob in [&new, &known] {
        let before = t.group_commits();
        t.admin().push_blob("acme/api", blob).await.is(201);
        commits.push(t.group_commits().zip(before).map(|(after, before)| after - before));
    }
    assert_eq!(commits[0], commits[1]);
}
