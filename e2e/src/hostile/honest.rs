//! Honest clients: a tenant's CI jobs push and pull with bearer tokens, and users log in with passwords.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use testkit::image::{Image, MANIFEST_TYPE};
use tokio::task::JoinSet;

use super::{
    Measured,
    measured::Stopwatch,
    setup::{HONEST_CLIENTS, LOGIN_INTERVAL, Login, Logins, Target, client_at},
};

/// A client gives up after this time, as a person would.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two rounds of a client, so that the honest load itself is light.
const ROUND_INTERVAL: Duration = Duration::from_millis(100);
/// The layer that each round pushes, in bytes.
const LAYER_BYTES: usize = 20_000;
/// The last part of the address of the first CI job, of users who log in for the first time, and of one who does it
/// again and again.
const FIRST_JOB: u8 = 11;
const FIRST_LOGINS: u8 = 15;
const REPEATED_LOGINS: u8 = 16;

/// The end of a measurement.
#[derive(Debug, Clone, Copy)]
struct Until {
    started: Stopwatch,
    length: Duration,
}

impl Until {
    fn is_over(self) -> bool {
        self.started.elapsed() >= self.length
    }
}

/// Runs all honest clients for `length`.
pub(super) async fn measure(target: &Target, length: Duration, when: Logins) -> Measured {
    let until = Until { started: Stopwatch::start(), length };
    let mut clients = JoinSet::new();
    for number in 0..HONEST_CLIENTS {
        let target = target.clone();
        // Different layers before and during the attack: a known blob would be quicker to push.
        let seed =
            u64::from(number) * 1_000_000 + if matches!(when, Logins::BeforeAttack) { 0 } else { 500_000 };
        clients.spawn(async move { ci_job(&target, number, seed, until).await });
    }
    let first = (target.clone(), when);
    clients.spawn(async move { first_logins(&first.0, first.1, until).await });
    let again = target.clone();
    clients.spawn(async move { repeated_logins(&again, until).await });
    let mut measured = Measured::default();
    for one in clients.join_all().await {
        measured.add(one);
    }
    measured
}

/// Whether the server answers an honest pull.
pub(super) async fn is_served(target: &Target) -> bool {
    let http = client_at(FIRST_JOB).timeout(PATIENCE).build().expect("an HTTP client");
    let Login { name, secret } = &target.honest;
    let request = http.get(target.url("/v2/honest/shared/manifests/1.0")).basic_auth(name, Some(secret));
    request.send().await.is_ok_and(|answer| answer.status() == 200)
}

/// One honest client's connection, and what it has seen.
struct Honest<'a> {
    target: &'a Target,
    http: Client,
    measured: Measured,
}

impl<'a> Honest<'a> {
    fn at(target: &'a Target, address: u8) -> Self {
        let http = client_at(address).timeout(PATIENCE).build().expect("an HTTP client");
        Self { target, http, measured: Measured::default() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.target.url(path))
    }

    /// Sends a request, reads the whole answer and notes how long it took. `None` if the status is another one.
    async fn act(&mut self, action: &'static str, request: RequestBuilder, status: u16) -> Option<Answer> {
        let stopwatch = Stopwatch::start();
        let answer = match request.send().await {
            Ok(response) => Answer::read(response).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) if answer.status == status => {
                self.measured.succeeded(action, stopwatch.elapsed());
                Some(answer)
            }
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                self.measured.failed(format!("{action}: {} instead of {status}: {body}", answer.status));
                None
            }
            Err(error) => {
                self.measured.failed(format!("{action}: {error:?}"));
                None
            }
        }
    }
}

struct Answer {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    async fn read(response: Response) -> reqwest::Result<Self> {
        let status = response.status().as_u16();
        let location = response.headers().get("location");
        let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self { status, location, body: response.bytes().await?.to_vec() })
    }
}

/// A CI job: pull the shared image, push one of its own.
async fn ci_job(target: &Target, number: u8, first_seed: u64, until: Until) -> Measured {
    let mut job = Honest::at(target, FIRST_JOB + number);
    let mut seed = first_seed;
    while !until.is_over() {
        let _ = job.round(&format!("honest/job-{number}"), seed).await;
        seed += 1;
        tokio::time::sleep(ROUND_INTERVAL).await;
    }
    job.measured
}

impl Honest<'_> {
    async fn round(&mut self, repository: &str, seed: u64) -> Option<()> {
        let bearer =
            self.bearer(&format!("repository:honest/shared:pull repository:{repository}:pull,push")).await?;
        let shared = self.target.image.layer.digest.clone();
        let manifest = self.request(Method::GET, "/v2/honest/shared/manifests/1.0").bearer_auth(&bearer);
        self.act("pull a manifest", manifest, 200).await?;
        let layer =
            self.request(Method::GET, &format!("/v2/honest/shared/blobs/{shared}")).bearer_auth(&bearer);
        self.act("pull a layer", layer, 200).await?;
        let image = Image::new(seed, LAYER_BYTES);
        for blob in [&image.layer, &image.config] {
            let start =
                self.request(Method::POST, &format!("/v2/{repository}/blobs/uploads/")).bearer_auth(&bearer);
            let location = self.act("start an upload", start, 202).await?.location?;
            let finish =
                self.request(Method::PUT, &format!("{location}?digest={}", blob.digest)).bearer_auth(&bearer);
            self.act("finish an upload", finish.body(blob.bytes.clone()), 201).await?;
        }
        let push =
            self.request(Method::PUT, &format!("/v2/{repository}/manifests/latest")).bearer_auth(&bearer);
        let push = push.header("content-type", MANIFEST_TYPE).body(image.manifest.bytes);
        self.act("push a manifest", push, 201).await.map(|_| ())
    }

    async fn bearer(&mut self, scope: &str) -> Option<String> {
        let Login { name, secret } = &self.target.honest;
        let request =
            self.request(Method::GET, "/auth/token").query(&[("service", "sealock"), ("scope", scope)]);
        let request = request.basic_auth(name, Some(secret));
        let answer = self.act("get a bearer token", request, 200).await?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
        body["token"].as_str().map(str::to_owned)
    }

    async fn log_in(&mut self, action: &'static str, Login { name, secret }: &Login) {
        let request = self.request(Method::GET, "/auth/token").query(&[("service", "sealock")]);
        self.act(action, request.basic_auth(name, Some(secret)), 200).await;
    }
}

/// Users who log in for the first time, one after the other: the server has to check each password.
async fn first_logins(target: &Target, when: Logins, until: Until) -> Measured {
    let mut user = Honest::at(target, FIRST_LOGINS);
    for login in target.people(when) {
        user.log_in("log in first", login).await;
        tokio::time::sleep(LOGIN_INTERVAL).await;
        if until.is_over() {
            break;
        }
    }
    user.measured
}

/// A user who logs in again and again with the same password.
async fn repeated_logins(target: &Target, until: Until) -> Measured {
    let mut user = Honest::at(target, REPEATED_LOGINS);
    let Some(login) = target.people(Logins::BeforeAttack).last() else { return user.measured };
    while !until.is_over() {
        user.log_in("log in again", login).await;
        tokio::time::sleep(ROUND_INTERVAL).await;
    }
    user.measured
}
