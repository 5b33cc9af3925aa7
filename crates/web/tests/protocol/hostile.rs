//! A great many requests that nobody sends by accident: none of them is answered 5xx, and none changes what is stored.

use access::randomness::Randomness;
use testkit::{Actor, TestServer, both_engines, image::Image, randomness::SeededRandomness};

/// Requests of one run. The seed is fixed: a run that fails, fails again.
const REQUESTS: usize = 1500;

/// What paths, queries and headers are put together from.
const PIECES: [&str; 44] = [
    "acme",
    "api",
    "manifests",
    "blobs",
    "uploads",
    "tags",
    "list",
    "referrers",
    "_catalog",
    "1.0",
    "latest",
    "..",
    ".",
    "%2e%2e",
    "..%2f",
    "%252f",
    "%00",
    "%0a",
    "%ff",
    "%",
    "%zz",
    "%c3%a9",
    "A",
    "-",
    "_",
    "a__b",
    "a..b",
    "sha256:",
    "sha512:",
    "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "?",
    "&",
    "=",
    "n=-1",
    "last=%00",
    "digest=",
    "mount=",
    "from=..",
    "digest-algorithm=sha999",
    "artifactType=%22",
    ":",
    "@",
    "+",
    "0190a5e0-7d4c-7aaa-8bbb-123456789abc",
];
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"];
const HEADERS: [&str; 16] = [
    "Range: bytes=18446744073709551615-",
    "Range: bytes=-",
    "Content-Range: 9-1",
    "Content-Range: bytes 0-1/2",
    "Content-Range: 9223372036854775807-9223372036854775807",
    "If-None-Match: \"",
    "If-Match: ,,,",
    "If-Range: \"x\"",
    "Content-Type: \u{7f}",
    "Content-Type: application/vnd.oci.image.index.v1+json",
    "Accept: ;;;",
    "Host: ]:[",
    "X-Forwarded-For: ' OR 1=1",
    "Expect: 200-maybe",
    "Content-Encoding: gzip",
    "Docker-Content-Digest: md5:0",
];
const BODIES: [&[u8]; 6] =
    [b"", b"{}", b"null", b"[[[[", b"{\"schemaVersion\":2,\"layers\":[{}]}", b"\xff\x00\xfe"];

/// Chooses by seeded randomness, so that a run can be repeated.
struct Dice(SeededRandomness);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes) as usize % bound
    }

    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A path that begins like one of ours and goes on as it likes.
    fn target(&self) -> String {
        let mut target = self
            .one_of(&[
                "/v2/",
                "/v2/acme/api/",
                "/v2/acme/api/blobs/uploads/",
                "/auth/token?",
                "/v2/_catalog?",
            ])
            .to_owned();
        for _ in 0..self.below(6) {
            target.push_str(self.one_of(&PIECES));
            target.push_str(self.one_of(&["/", "", "/", "&"]));
        }
        target
    }
}

/// All that a refused request could have changed.
async fn as_it_is(t: &TestServer) -> Vec<String> {
    let mut seen = vec![t.blob_files().to_string()];
    for path in [
        "/v2/_catalog",
        "/v2/acme/api/tags/list",
        "/v2/acme/api/manifests/1.0",
        "/api/v1/audit?limit=1",
        "/api/v1/namespaces",
    ] {
        seen.push(t.admin().get(path).await.is(200).text());
    }
    seen
}

async fn throw(actor: &Actor, dice: &Dice) {
    let (method, target, body) = (dice.one_of(&METHODS), dice.target(), dice.one_of(&BODIES));
    let length = format!("Content-Length: {}", body.len());
    let mut headers = vec![length.as_str()];
    headers.extend((0..dice.below(3)).map(|_| dice.one_of(&HEADERS)));
    let mut wire = actor.wire(method, &target, &headers).await;
    wire.send(body).await;
    let answer = wire.answer().await;
    assert!((200..500).contains(&answer.status), "{headers:?} {body:?}\n{answer:?}");
}

#[both_engines]
async fn no_request_that_may_not_write_changes_anything_or_is_a_fault_of_ours(t: TestServer) {
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let reader = t.service_token("acme", "reader", serde_json::json!({ "permission": "pull" })).await;
    let before = as_it_is(&t).await;
    let dice = Dice(SeededRandomness::new(5));
    for actor in [t.anonymous(), t.with(&reader), t.bearer("a.b.c")] {
        for _ in 0..REQUESTS / 3 {
            throw(&actor, &dice).await;
        }
    }
    assert_eq!(as_it_is(&t).await, before);
}

#[both_engines]
async fn no_request_of_whoever_may_everything_is_a_fault_of_ours(t: TestServer) {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let dice = Dice(SeededRandomness::new(6));
    for _ in 0..REQUESTS {
        throw(&t.admin(), &dice).await;
    }
    // DELETE is not among the methods: what was there is there.
    assert_eq!(t.admin().pull("acme/api", "1.0").await.is(200).body, image.manifest.bytes);
}
