//! Two servers of one installation (issue 4, "Shown by"): what A was told, B knows in its very next request, and what
//! was begun at A goes on at B. Here they are two processes of the released binary on one PostgreSQL and data folder (a SQLite file is for one);
//! `web/tests/replicas.rs` asks a thousand times in one process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{ADMIN_PASSWORD, Machine, Sealock};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use testkit::{
    Engine,
    image::{Blob, Image, MANIFEST_TYPE},
    on_postgres,
};

/// Of each of the seven changes: a thousand together.
const ROUNDS: usize = 150;
/// DESIGN §6: five wrong passwords a minute; a sixth is answered 429.
const ROUNDS_WITH_A_WRONG_PASSWORD: usize = 4;
const LAYER_BYTES: usize = 200_000;
const PASSWORD: &str = "staple battery horse";

/// A, which is told things, and B, which is asked.
struct House {
    /// The first to go: the data are A's.
    b: Sealock,
    a: Sealock,
}

/// Somebody with a login name and a secret, and what they want of acme/api.
struct Client<'a> {
    name: &'a str,
    secret: &'a str,
    wants: &'a Wish,
}

/// One request, and the same as clients make it that people have.
struct Wish {
    method: Method,
    path: &'static str,
    skopeo: &'static str,
    crane: &'static str,
}

const PULL: Wish = Wish {
    method: Method::GET,
    path: "/v2/acme/api/manifests/1.0",
    skopeo: "skopeo copy --src-tls-verify=false docker://$REGISTRY/acme/api:1.0 dir:copy",
    crane: "crane manifest $REGISTRY/acme/api:1.0",
};
const PUSH: Wish = Wish {
    method: Method::POST,
    path: "/v2/acme/api/blobs/uploads/",
    skopeo: "skopeo copy --dest-tls-verify=false dir:copy docker://$REGISTRY/acme/api:2.0",
    crane: "crane tag $REGISTRY/acme/api:1.0 3.0",
};

/// How a request is refused.
struct Refusal {
    status: u16,
    code: &'static str,
    says: &'static str,
}

/// Two commands to A: one takes something from a client, the other gives it back.
struct Change {
    taken: &'static str,
    given_back: &'static str,
    refused: Refusal,
}

impl House {
    async fn on(engine: Engine) -> Self {
        let a = Sealock::on(engine).await;
        let b = a.replica().await;
        a.log_in_as_admin().await;
        let house = Self { b, a };
        house.tell("namespace create acme").await;
        house
    }

    /// Somebody's machine, which knows only B, after somebody else has pushed acme/api:1.0 to A.
    async fn laptop(&self) -> Option<Machine> {
        let builder = Machine::beside(&self.a)?;
        builder.docker_login("admin", ADMIN_PASSWORD).await.succeeded();
        builder.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
        let laptop = Machine::with(&self.b, &["crane"])?;
        laptop.docker_login("admin", ADMIN_PASSWORD).await.succeeded();
        // What a push is made of later.
        laptop.prints(PULL.skopeo).await;
        Some(laptop)
    }

    /// `sealock SAID` at A; what it printed.
    async fn tell(&self, said: &str) -> String {
        self.tell_typing(said, "").await
    }

    /// The same, with `input` on its standard input.
    async fn tell_typing(&self, said: &str, input: &str) -> String {
        let arguments: Vec<&str> = said.split(' ').collect();
        self.a.cli_with_input(&arguments, input).await.succeeded().stdout.trim_end().to_owned()
    }

    /// Makes alice a writer of acme; the secret of a personal token of hers.
    async fn alice(&self) -> String {
        self.tell_typing("user create alice --password-stdin", PASSWORD).await;
        self.tell("namespace member set acme user:alice writer").await;
        self.tell("token create --user alice laptop").await
    }

    /// The client's request to B, by Basic and with a bearer that A makes now.
    async fn requests(&self, client: &Client<'_>) -> [RequestBuilder; 2] {
        let bearer = self.a.bearer(client.name, client.secret, "repository:acme/api:pull,push").await;
        let request = || self.b.request(client.wants.method.clone(), client.wants.path);
        [request().basic_auth(client.name, Some(client.secret)), request().bearer_auth(bearer)]
    }

    /// Round after round: B does what the client wants, A takes something from it, B refuses it, A gives it back, B
    /// does it again. Then the same with the clients that people have.
    async fn feels(&self, laptop: &Machine, client: &Client<'_>, change: &Change) {
        for round in 0..ROUNDS {
            let requests = self.requests(client).await;
            each_accepted(&requests, round).await;
            self.tell(change.taken).await;
            each_refused(&requests, round, &change.refused).await;
            self.tell(change.given_back).await;
            // A deactivation ends for good what was made with the password; new bearers work.
            let again =
                if change.taken.contains("--deactivate") { &self.requests(client).await } else { &requests };
            each_accepted(again, round).await;
        }
        laptop.docker_login(client.name, client.secret).await.succeeded();
        for command in [client.wants.skopeo, client.wants.crane] {
            laptop.prints(command).await;
            self.tell(change.taken).await;
            laptop.shell(command, "").await.refused_with(change.refused.says);
            self.tell(change.given_back).await;
            laptop.prints(command).await;
        }
    }

    /// Pushes a blob to acme/web as ci-bot: opened at A, a quarter each to A, B and A, and finished with the last at B.
    async fn upload_in_quarters(&self, secret: &str, blob: &Blob) {
        let ask = async |server: &Sealock, method: Method, path: &str, body: &[u8]| {
            let request = server.request(method, path).basic_auth("ci-bot", Some(secret));
            request.body(body.to_vec()).send().await.unwrap()
        };
        let quarters: Vec<&[u8]> = blob.bytes.chunks(blob.bytes.len().div_ceil(4)).collect();
        let [first, second, third, last] = quarters[..] else { panic!("no quarters: {blob:?}") };
        let opened = ask(&self.a, Method::POST, "/v2/acme/web/blobs/uploads/", b"").await;
        assert_eq!(opened.status(), 202);
        let (mut location, mut sent) = (header(&opened, "location"), 0);
        for (server, quarter) in [(&self.a, first), (&self.b, second), (&self.a, third)] {
            let taken = ask(server, Method::PATCH, &location, quarter).await;
            sent += quarter.len();
            assert_eq!(taken.status(), 202, "after {sent} bytes");
            assert_eq!(header(&taken, "range"), format!("0-{}", sent - 1));
            location = header(&taken, "location");
        }
        let path = format!("{location}?digest={}", blob.digest);
        assert_eq!(ask(&self.b, Method::PUT, &path, last).await.status(), 201);
    }
}

/// Each of the requests goes through.
async fn each_accepted(requests: &[RequestBuilder; 2], round: usize) {
    for (carrier, request) in in_turn(requests, round) {
        let (status, told) = send(request).await;
        assert!(status < 300, "round {round}, {carrier}: {status} {told}");
    }
}

/// Each of the requests is refused so.
async fn each_refused(requests: &[RequestBuilder; 2], round: usize, refusal: &Refusal) {
    for (carrier, request) in in_turn(requests, round) {
        let (status, told) = send(request).await;
        assert_eq!(status, refusal.status, "round {round}, {carrier}: {told}");
        let error = &serde_json::from_str::<Value>(&told).unwrap()["errors"][0];
        assert_eq!(error["code"], refusal.code, "round {round}, {carrier}: {told}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(refusal.says), "round {round}, {carrier}: {told}");
    }
}

/// The requests with the names of what they carry; in every other round the bearer comes first, so that either is the
/// very next request.
fn in_turn(requests: &[RequestBuilder; 2], round: usize) -> [(&'static str, RequestBuilder); 2] {
    let [basic, bearer] = requests.each_ref().map(|request| request.try_clone().expect("no stream"));
    let mut turns = [("Basic", basic), ("a bearer made by A", bearer)];
    turns.rotate_left(round % 2);
    turns
}

/// The status and the body of the answer.
async fn send(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

/// A header of an answer.
fn header(answer: &reqwest::Response, name: &str) -> String {
    let value = answer.headers().get(name).unwrap_or_else(|| panic!("no {name}: {answer:?}"));
    value.to_str().unwrap().to_owned()
}

#[on_postgres]
async fn postgresql_has_nothing_to_remark_on_a_start(house: House) {
    for server in [&house.a, &house.b] {
        let log = server.log();
        assert!(!log.contains("NOTICE"), "{log}");
    }
}

#[on_postgres]
async fn a_disabled_token_is_refused_at_once_and_works_at_once_when_enabled(house: House) {
    let Some(laptop) = house.laptop().await else { return };
    let secret = house.tell("token create acme ci-bot --permission pull").await;
    let client = Client { name: "ci-bot", secret: &secret, wants: &PULL };
    let says = "token acme/ci-bot is disabled";
    let change = Change {
        taken: "token disable acme/ci-bot",
        given_back: "token enable acme/ci-bot",
        refused: Refusal { status: 401, code: "UNAUTHORIZED", says },
    };
    house.feels(&laptop, &client, &change).await;
}

#[on_postgres]
async fn a_reset_ends_the_old_secret_at_once_and_the_new_one_works_at_once(house: House) {
    let Some(laptop) = house.laptop().await else { return };
    let mut secret = house.tell("token create acme ci-bot --permission pull").await;
    let refused = Refusal { status: 401, code: "UNAUTHORIZED", says: "was ended by a reset" };
    for round in 0..ROUNDS {
        let requests = house.requests(&Client { name: "ci-bot", secret: &secret, wants: &PULL }).await;
        // The first time, or with the secret that A has just made.
        each_accepted(&requests, round).await;
        secret = house.tell("token reset acme/ci-bot --yes").await;
        each_refused(&requests, round, &refused).await;
    }
    for command in [PULL.skopeo, PULL.crane] {
        laptop.docker_login("ci-bot", &secret).await.succeeded();
        laptop.prints(command).await;
        secret = house.tell("token reset acme/ci-bot --yes").await;
        laptop.shell(command, "").await.refused_with(refused.says);
    }
    laptop.docker_login("ci-bot", &secret).await.succeeded();
}

#[on_postgres]
async fn a_scope_cut_is_felt_at_once_and_a_scope_given_again_too(house: House) {
    let Some(laptop) = house.laptop().await else { return };
    let scopes = "--scope repository:acme/api:pull --scope repository:acme/web:pull";
    let secret = house.tell(&format!("token create acme ci-bot {scopes}")).await;
    let client = Client { name: "ci-bot", secret: &secret, wants: &PULL };
    let says = "token acme/ci-bot has no scope that covers it";
    let change = Change {
        taken: "token scope rm acme/ci-bot repository:acme/api:pull --yes",
        given_back: "token scope add acme/ci-bot repository:acme/api:pull",
        refused: Refusal { status: 404, code: "NAME_UNKNOWN", says },
    };
    house.feels(&laptop, &client, &change).await;
}

#[on_postgres]
async fn a_lower_role_is_felt_at_once_and_a_higher_one_too(house: House) {
    let Some(laptop) = house.laptop().await else { return };
    let secret = house.alice().await;
    let client = Client { name: "alice", secret: &secret, wants: &PUSH };
    let change = Change {
        taken: "namespace member set acme user:alice reader",
        given_back: "namespace member set acme user:alice writer",
        refused: Refusal { status: 403, code: "DENIED", says: "has no role that allows push for acme/api" },
    };
    house.feels(&laptop, &client, &change).await;
}

#[on_postgres]
async fn a_role_taken_away_is_felt_at_once_and_one_given_too(house: House) {
    let Some(laptop) = house.laptop().await else { return };
    let secret = house.alice().await;
    let client = Client { name: "alice", secret: &secret, wants: &PULL };
    let change = Change {
        taken: "namespace member rm acme user:alice --yes",
        given_back: "namespace member set acme user:alice writer",
        refused: Refusal { status: 404, code: "NAME_UNKNOWN", says: "has no role that covers it" },
    };
    house.feels(&laptop, &client, &change).await;
}

#[on_postgres]
async fn a_deactivation_is_felt_at_once_and_an_activation_too(house: House) {
    let Some(laptop) = house.laptop().await else { return };
    let token = house.alice().await;
    // B remembers the password that it has seen to be right: what it is remembered for may not outlive the account.
    for (secret, says) in
        [(&*token, "is stopped: its user is deactivated"), (PASSWORD, "user alice is deactivated")]
    {
        let client = Client { name: "alice", secret, wants: &PULL };
        let change = Change {
            taken: "user edit alice --deactivate",
            given_back: "user edit alice --activate",
            refused: Refusal { status: 401, code: "UNAUTHORIZED", says },
        };
        house.feels(&laptop, &client, &change).await;
    }
}

#[on_postgres]
async fn a_new_password_ends_the_old_one_at_once_where_it_was_remembered(house: House) {
    if house.laptop().await.is_none() {
        return;
    }
    house.alice().await;
    let set = async |password: &str| {
        house.tell_typing("user edit alice --password-stdin", password).await;
    };
    for round in 0..ROUNDS_WITH_A_WRONG_PASSWORD {
        let client = Client { name: "alice", secret: PASSWORD, wants: &PULL };
        let requests = house.requests(&client).await;
        each_accepted(&requests, round).await;
        set("another password of hers").await;
        for (carrier, request) in in_turn(&requests, round) {
            let (status, told) = send(request).await;
            let says =
                if carrier.contains("bearer") { "was ended; log in again" } else { "password is wrong" };
            assert!(status == 401 && told.contains(says), "round {round}, {carrier}: {status} {told}");
        }
        set(PASSWORD).await;
    }
}

#[on_postgres]
async fn a_push_begun_at_one_server_goes_on_at_the_other_and_is_pulled_from_the_first(house: House) {
    let Some(laptop) = house.laptop().await else { return };
    let Some(node) = Machine::beside(&house.a) else { return };
    let secret = house.tell("token create acme ci-bot --permission pull-push").await;
    let image = Image::new(2, LAYER_BYTES);
    for blob in [&image.layer, &image.config] {
        house.upload_in_quarters(&secret, blob).await;
    }
    let manifest = house.b.request(Method::PUT, "/v2/acme/web/manifests/1.0");
    let manifest = manifest.basic_auth("ci-bot", Some(&secret)).header("content-type", MANIFEST_TYPE);
    assert_eq!(send(manifest.body(image.manifest.bytes.clone())).await.0, 201);

    for machine in [&node, &laptop] {
        machine.docker_login("ci-bot", &secret).await.succeeded();
        machine.skopeo_pull("acme/web:1.0").await.succeeded();
        assert_eq!(machine.pulled_manifest(), image.manifest.bytes);
    }
}

#[on_postgres]
async fn a_token_made_at_one_server_logs_docker_in_at_the_other_and_bearers_are_good_at_both(house: House) {
    let Some(laptop) = house.laptop().await else { return };
    let secret = house.tell("token create acme ci-bot --permission pull-push").await;
    laptop.docker_login("ci-bot", &secret).await.succeeded();
    assert!(laptop.docker_config().contains(&house.b.host), "{}", laptop.docker_config());
    laptop.skopeo_push(&Image::new(2, 1000), "acme/web:1.0").await.succeeded();

    let keys = async |server: &Sealock| -> Value {
        serde_json::from_str(&send(server.get("/auth/jwks.json")).await.1).unwrap()
    };
    let shown = keys(&house.a).await;
    assert_eq!(shown["keys"].as_array().unwrap().len(), 2, "the one that signs and the next: {shown}");
    assert_eq!(keys(&house.b).await, shown);
    for (makes, takes) in [(&house.a, &house.b), (&house.b, &house.a)] {
        let bearer = makes.bearer("ci-bot", &secret, "repository:acme/web:pull").await;
        let (status, told) = send(takes.get("/v2/acme/web/manifests/1.0").bearer_auth(bearer)).await;
        assert_eq!(status, 200, "{told}");
    }

    house.tell("token rm acme/ci-bot --yes").await;
    laptop.docker_login("ci-bot", &secret).await.refused_with("token acme/ci-bot was deleted");
}
