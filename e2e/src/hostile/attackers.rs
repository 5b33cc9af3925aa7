//! The attackers, all at once, on a thread and a runtime of their own so that honest clients are measured undisturbed.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use reqwest::{Client, RequestBuilder, header::CONTENT_TYPE};
use testkit::image::Image;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    task::JoinSet,
};

use super::{
    Attack, Tally, documents,
    setup::{Login, Target, client_at, client_from},
};

/// Attackers give up after this time and try again.
const PATIENCE: Duration = Duration::from_secs(20);
/// After a connection without an answer, so that a server that is gone does not keep the attackers' core busy.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// Repositories of one request to the token endpoint: as many as it accepts.
const ASKED_SCOPES: usize = 64;
/// Connections that guess at the same time from one address, and what each sends before the address changes.
const GUESSING_CONNECTIONS: usize = 90;
const GUESSES_PER_CONNECTION: usize = 4;
/// What is sent of a manifest whose end never comes, in bytes.
const UNFINISHED_BYTES: usize = 2_200_000;
const UNFINISHED_FORM_BYTES: usize = 200_000;

/// Starts the attacks. The thread ends, with its counts, once `is_over` is set.
pub(super) fn start(target: Target, attacks: Vec<Attack>, is_over: Arc<AtomicBool>) -> JoinHandle<Tally> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(attack(target, &attacks, is_over))
    })
}

async fn attack(target: Target, attacks: &[Attack], is_over: Arc<AtomicBool>) -> Tally {
    let mut attackers = Attackers { target, is_over, tally: Tally::default(), running: JoinSet::new() };
    for attack in attacks {
        match attack {
            Attack::Manifests => attackers.large_manifests(),
            Attack::Bodies => attackers.unfinished_bodies(),
            Attack::Scopes => attackers.many_scopes(),
            Attack::Mounts => attackers.mounts(),
            Attack::Passwords => attackers.wrong_passwords(),
            Attack::Uploads => attackers.uploads(),
        }
    }
    let tally = attackers.tally.clone();
    while !attackers.is_over.load(Ordering::SeqCst) {
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    attackers.running.shutdown().await;
    tally
}

struct Attackers {
    target: Target,
    is_over: Arc<AtomicBool>,
    tally: Tally,
    running: JoinSet<()>,
}

impl Attackers {
    /// Repeats a request on `count` connections (or streams) of one client, without a pause.
    fn repeat(
        &mut self,
        attack: &'static str,
        count: usize,
        client: &Client,
        request: impl Fn(&Client, &Target, usize) -> RequestBuilder + Clone + Send + 'static,
    ) {
        for number in 0..count {
            let (tally, target, client, request) =
                (self.tally.clone(), self.target.clone(), client.clone(), request.clone());
            self.running.spawn(async move {
                for turn in 0.. {
                    let status = status_of(request(&client, &target, number + count * turn)).await;
                    tally.count(attack, status);
                    if status.is_none() {
                        tokio::time::sleep(RETRY_INTERVAL).await;
                    }
                }
            });
        }
    }

    /// Manifests that are expensive to read: 48 connections, and one HTTP/2 connection with 32 streams.
    fn large_manifests(&mut self) {
        let documents = documents::manifests();
        let push = move |client: &Client, target: &Target, number: usize| {
            let request = client.put(target.url(&format!("/v2/mallory/large/manifests/{number}")));
            let request = request.header(CONTENT_TYPE, "application/vnd.oci.image.index.v1+json");
            authorized(request, &target.attacker).body(documents[number % documents.len()])
        };
        let http1 = client(client_at(21));
        self.repeat("large manifest, 48 connections", 48, &http1, push);
        let http2 = client(client_at(22).http2_prior_knowledge());
        self.repeat("large manifest, 32 streams of HTTP/2", 32, &http2, push);
    }

    /// Bodies whose end never comes: manifests of a token, and login forms of anonymous callers.
    fn unfinished_bodies(&mut self) {
        let [manifest, ..] = documents::manifests();
        let credential = basic(&self.target.attacker);
        for _ in 0..150 {
            let head = format!(
                "PUT /v2/mallory/large/manifests/unfinished HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {credential}\r\n\
                 Content-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: {}\r\n\r\n",
                self.target.host,
                manifest.len()
            );
            self.hold("unfinished manifest", 23, head, &manifest[..UNFINISHED_BYTES]);
        }
        let form = documents::login_form();
        for _ in 0..150 {
            let head = format!(
                "POST /login HTTP/1.1\r\nHost: {}\r\nOrigin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n\r\n",
                self.target.host,
                self.target.host,
                form.len()
            );
            self.hold("unfinished login form", 24, head, &form[..UNFINISHED_FORM_BYTES]);
        }
    }

    /// Sends a head and the beginning of a body, and waits until the server answers or closes; again and again.
    fn hold(&mut self, attack: &'static str, address: u8, head: String, body: &'static [u8]) {
        let (tally, host) = (self.tally.clone(), self.target.host.clone());
        self.running.spawn(async move {
            loop {
                let status = tokio::time::timeout(PATIENCE, hold_once(&host, address, &head, body)).await;
                tally.count(attack, status.ok().flatten());
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        });
    }

    /// The token endpoint with as many scopes as it accepts, by a token with 100 scopes and by anonymous callers.
    fn many_scopes(&mut self) {
        let question = |number: usize| {
            let long = "a".repeat(200);
            let scopes = (0..ASKED_SCOPES).map(|nth| format!("repository:mallory/{long}{nth}-{number}:pull"));
            scopes.collect::<Vec<_>>().join(" ")
        };
        let by_token = move |client: &Client, target: &Target, number: usize| {
            let form = [
                ("grant_type", "password"),
                ("username", "many-scopes"),
                ("password", &target.many_scopes.secret),
            ];
            let scope = [("scope", question(number % 8))];
            let body = form_of(form.iter().map(|(name, value)| (*name, (*value).to_owned())).chain(scope));
            client
                .post(target.url("/auth/token"))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body)
        };
        self.repeat("64 scopes, token with 100 scopes", 8, &client(client_at(25)), by_token);
        let anonymous = move |client: &Client, target: &Target, number: usize| {
            let mut request = client.get(target.url("/auth/token"));
            for scope in question(number % 8).split(' ') {
                request = request.query(&[("scope", scope)]);
            }
            request
        };
        self.repeat("64 scopes, anonymous", 8, &client(client_at(26)), anonymous);
    }

    /// Mounts without a source: of a blob with many holders, and of a digest that only another tenant has.
    fn mounts(&mut self) {
        let held = |client: &Client, target: &Target, number: usize| {
            mount(client, target, &target.many_scopes, &target.held.digest, number)
        };
        self.repeat("mount, 80 holders out of scope", 8, &client(client_at(27)), held);
        let foreign = |client: &Client, target: &Target, number: usize| {
            mount(client, target, &target.attacker, &target.image.layer.digest, number)
        };
        self.repeat("mount, another tenant's digest", 4, &client(client_at(27)), foreign);
    }

    /// Wrong passwords of users that do not exist, on 90 connections from one address; then from the next address,
    /// because the server soon refuses to check more of one.
    fn wrong_passwords(&mut self) {
        let (tally, target) = (self.tally.clone(), self.target.clone());
        self.running.spawn(async move {
            for last in (1..=u8::MAX).cycle() {
                let client = client(client_from(Ipv4Addr::new(127, 0, 1, last)));
                let mut guessing = JoinSet::new();
                for number in 0..GUESSING_CONNECTIONS {
                    let (tally, target, client) = (tally.clone(), target.clone(), client.clone());
                    guessing.spawn(async move {
                        for turn in 0..GUESSES_PER_CONNECTION {
                            let request = client.get(target.url("/auth/token?service=sealock"));
                            let request =
                                request.basic_auth(format!("nobody-{number}-{turn}"), Some("wrong password"));
                            tally.count("wrong password, 90 connections", status_of(request).await);
                        }
                    });
                }
                guessing.join_all().await;
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        });
    }

    /// Upload sessions that are never finished, and blobs that exist already.
    fn uploads(&mut self) {
        let open = |client: &Client, target: &Target, _: usize| {
            authorized(client.post(target.url("/v2/mallory/open/blobs/uploads/")), &target.attacker)
        };
        self.repeat("open an upload session", 8, &client(client_at(29)), open);
        let known = Image::new(1, 50_000).layer;
        let push = move |client: &Client, target: &Target, number: usize| {
            let path = format!("/v2/mallory/known-{}/blobs/uploads/?digest={}", number % 4, known.digest);
            authorized(client.post(target.url(&path)), &target.attacker).body(known.bytes.clone())
        };
        self.repeat("push another tenant's blob", 4, &client(client_at(30)), push);
    }
}

fn mount(client: &Client, target: &Target, login: &Login, digest: &str, number: usize) -> RequestBuilder {
    let path = format!("/v2/mallory/mounting-{}/blobs/uploads/?mount={digest}", number % 8);
    authorized(client.post(target.url(&path)), login)
}

fn client(builder: reqwest::ClientBuilder) -> Client {
    builder.timeout(PATIENCE).build().expect("an HTTP client")
}

fn authorized(request: RequestBuilder, Login { name, secret }: &Login) -> RequestBuilder {
    request.basic_auth(name, Some(secret))
}

/// The base64 of `name:secret`, taken from a request that reqwest writes.
fn basic(login: &Login) -> String {
    let request = authorized(Client::new().get("http://127.0.0.1/"), login).build().expect("a request");
    let header = request.headers()["authorization"].to_str().expect("ASCII");
    header.trim_start_matches("Basic ").to_owned()
}

fn form_of(fields: impl Iterator<Item = (&'static str, String)>) -> String {
    let escaped = fields.map(|(name, value)| {
        format!("{name}={}", value.replace(' ', "+").replace(':', "%3A").replace('/', "%2F"))
    });
    escaped.collect::<Vec<_>>().join("&")
}

/// The status of the answer, which is read to its end; `None` if there is none.
async fn status_of(request: RequestBuilder) -> Option<u16> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    response.bytes().await.ok()?;
    Some(status)
}

/// The status with which the server ends an unfinished request; `None` if it closes without one.
async fn hold_once(host: &str, address: u8, head: &str, body: &[u8]) -> Option<u16> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind(([127, 0, 0, address], 0).into()).ok()?;
    let mut stream = socket.connect(host.parse().ok()?).await.ok()?;
    stream.write_all(head.as_bytes()).await.ok()?;
    // A server that refuses early stops reading; its answer counts all the same.
    let _ = stream.write_all(body).await;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await.ok()?;
    let text = std::str::from_utf8(&answer[..length]).ok()?;
    text.split(' ').nth(1)?.parse().ok()
}
