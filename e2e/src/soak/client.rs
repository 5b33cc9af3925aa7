//! A client: it does one thing after the other, and keeps account of what was acknowledged.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use testkit::image::{Blob, Image, MANIFEST_TYPE};

use super::{
    chance::Chance,
    line::{Got, Line, Stop},
    world::{Upload, World},
};

/// What a client keeps at most; beyond it, it deletes or finishes first.
const MOST_IMAGES: usize = 6;
const MOST_BLOBS: usize = 24;
const MOST_UPLOADS: usize = 3;
/// Images that several clients push, at once too.
const COMMON_IMAGES: u64 = 12;
/// Sizes of layers, in bytes: small ones for many operations, and some that take a while to arrive.
const SMALL_LAYER: u64 = 20_000;
const LARGE_LAYER: u64 = 3_000_000;
const TAGS: [&str; 4] = ["latest", "1.0", "1.1", "edge"];

/// A name and a secret that open the registry.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) name: String,
    pub(super) secret: String,
}

/// Blobs that were acknowledged to somebody, with their repositories: what others may mount.
pub(super) type NoticeBoard = Arc<Mutex<Vec<(String, Arc<Blob>)>>>;

/// One client, its repository `acme/NAME`, and a token that it plays with.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) repository: String,
    pub(super) login: Login,
    pub(super) admin: Login,
    /// The id of the token that is disabled, enabled and reset; its name.
    pub(super) token: (String, String),
    pub(super) world: World,
    /// What was sent and not answered: the worlds that it may have come to, the last one when all of it was done.
    pub(super) in_flight: Option<(&'static str, Vec<World>)>,
    /// How often what was acknowledged.
    pub(super) tally: BTreeMap<&'static str, u64>,
    pub(super) chance: Chance,
    pub(super) board: NoticeBoard,
}

impl Client {
    /// Does things until the server is killed, or does what it must not do.
    pub(super) async fn work(&mut self, line: &Line) -> Stop {
        loop {
            if let Err(stop) = self.do_one_thing(line).await {
                return stop;
            }
        }
    }

    async fn do_one_thing(&mut self, line: &Line) -> Result<(), Stop> {
        match self.chance.below(100) {
            _ if self.world.uploads.len() > MOST_UPLOADS => self.go_on_with_an_upload(line).await,
            _ if self.world.images.len() > MOST_IMAGES => self.delete_an_image(line).await,
            _ if self.world.blobs.len() > MOST_BLOBS => self.delete_a_blob(line).await,
            0..20 => self.push_an_image(line).await,
            20..35 => self.begin_an_upload(line).await,
            35..55 => self.go_on_with_an_upload(line).await,
            55..65 => self.move_a_tag(line).await,
            65..70 => self.delete_a_tag(line).await,
            70..75 => self.delete_an_image(line).await,
            75..80 => self.delete_a_blob(line).await,
            80..90 => self.mount_a_blob(line).await,
            _ => self.play_with_the_token(line).await,
        }
    }

    /// Sends a request that leads to the last of `worlds`, by way of the others. What comes back with `status` has
    /// happened; what never comes back may have.
    async fn act(
        &mut self,
        line: &Line,
        what: &'static str,
        request: RequestBuilder,
        status: u16,
        worlds: Vec<World>,
    ) -> Result<Got, Stop> {
        self.in_flight = Some((what, worlds));
        let got =
            line.send(request).await?.with_one_of(&format!("{what}, {}", self.repository), &[status])?;
        if let Some(world) = self.in_flight.take().and_then(|(_, mut worlds)| worlds.pop()) {
            self.world = world;
        }
        *self.tally.entry(what).or_default() += 1;
        Ok(got)
    }

    fn ask(&self, line: &Line, method: Method, path: &str) -> RequestBuilder {
        let path = format!("/v2/{}/{path}", self.repository);
        line.request(method, &path, (&self.login.name, &self.login.secret))
    }

    fn ask_at(&self, line: &Line, method: Method, location: &str) -> RequestBuilder {
        line.request(method, location, (&self.login.name, &self.login.secret))
    }

    fn some_image(&self) -> Arc<Image> {
        let seed = if self.chance.one_in(2) {
            self.chance.below(COMMON_IMAGES)
        } else {
            COMMON_IMAGES + self.chance.below(u64::MAX / 2)
        };
        let sizes = if seed % 12 == 7 { LARGE_LAYER } else { SMALL_LAYER };
        Arc::new(Image::new(seed, (seed % sizes) as usize))
    }

    async fn push_an_image(&mut self, line: &Line) -> Result<(), Stop> {
        let image = self.some_image();
        for blob in [&image.layer, &image.config] {
            if !self.world.blobs.contains_key(&blob.digest) {
                self.push_a_blob(line, &Arc::new(blob.clone())).await?;
            }
        }
        self.put_manifest(line, "push a manifest", &image).await
    }

    async fn put_manifest(
        &mut self,
        line: &Line,
        what: &'static str,
        image: &Arc<Image>,
    ) -> Result<(), Stop> {
        let tag = TAGS[self.chance.below(TAGS.len() as u64) as usize];
        let mut after = self.world.clone();
        after.images.insert(image.manifest.digest.clone(), Arc::clone(image));
        after.tags.insert(tag.to_owned(), image.manifest.digest.clone());
        let request = self.ask(line, Method::PUT, &format!("manifests/{tag}"));
        let request = request.header("content-type", MANIFEST_TYPE).body(image.manifest.bytes.clone());
        self.act(line, what, request, 201, vec![after]).await.map(|_| ())
    }

    async fn push_a_blob(&mut self, line: &Line, blob: &Arc<Blob>) -> Result<(), Stop> {
        if self.chance.one_in(2) {
            let location = self.start_upload(line, blob).await?;
            return self.finish_upload(line, &location).await;
        }
        let after = self.with_blob(blob);
        let request = self.ask(line, Method::POST, &format!("blobs/uploads/?digest={}", blob.digest));
        let request = request.body(blob.bytes.clone());
        self.act(line, "push a blob at once", request, 201, vec![after]).await?;
        self.tell(blob);
        Ok(())
    }

    fn with_blob(&self, blob: &Arc<Blob>) -> World {
        let mut after = self.world.clone();
        after.blobs.insert(blob.digest.clone(), Arc::clone(blob));
        after
    }

    fn tell(&self, blob: &Arc<Blob>) {
        let mut board = self.board.lock().expect("a board");
        board.push((self.repository.clone(), Arc::clone(blob)));
        let surplus = board.len().saturating_sub(4 * MOST_BLOBS);
        board.drain(..surplus);
    }

    async fn begin_an_upload(&mut self, line: &Line) -> Result<(), Stop> {
        let image = self.some_image();
        let location = self.start_upload(line, &Arc::new(image.layer.clone())).await?;
        self.append(line, &location).await
    }

    async fn start_upload(&mut self, line: &Line, blob: &Arc<Blob>) -> Result<String, Stop> {
        let request = self.ask(line, Method::POST, "blobs/uploads/");
        // Where it is opened only the answer tells: one that never comes leaves nothing that a client could see.
        let unseen = self.world.clone();
        let got = self.act(line, "open an upload", request, 202, vec![unseen]).await?;
        let location = got.header("location").to_owned();
        self.world.uploads.insert(location.clone(), Upload { blob: Arc::clone(blob), offset: 0 });
        Ok(location)
    }

    async fn go_on_with_an_upload(&mut self, line: &Line) -> Result<(), Stop> {
        let Some(location) = self.chance.one_of(self.world.uploads.keys()).cloned() else { return Ok(()) };
        let is_full = self.world.uploads.len() > MOST_UPLOADS;
        if is_full || self.chance.one_in(2) {
            self.finish_upload(line, &location).await
        } else {
            self.append(line, &location).await
        }
    }

    /// Sends a part of what is missing, and leaves something to be sent.
    async fn append(&mut self, line: &Line, location: &str) -> Result<(), Stop> {
        let Upload { blob, offset } = self.world.uploads[location].clone();
        let left = blob.bytes.len() - offset;
        // One byte and none look the same in `Range`.
        if left < 3 {
            return Ok(());
        }
        let end = offset + 2 + self.chance.below(left as u64 - 2) as usize;
        let mut after = self.world.clone();
        after.uploads.insert(location.to_owned(), Upload { blob: Arc::clone(&blob), offset: end });
        let mut request = self.ask_at(line, Method::PATCH, location);
        if self.chance.one_in(2) {
            request = request.header("content-range", format!("{offset}-{}", end - 1));
        }
        let request = request.body(blob.bytes[offset..end].to_vec());
        let got = self.act(line, "push a chunk", request, 202, vec![after]).await?;
        let range = got.header("range");
        if range == format!("0-{}", end - 1) {
            return Ok(());
        }
        Err(Stop::Defect(format!("a chunk up to byte {end} was acknowledged with Range: {range}")))
    }

    /// Sends what is missing, if anything, and ties the blob to the repository.
    async fn finish_upload(&mut self, line: &Line, location: &str) -> Result<(), Stop> {
        let Upload { blob, offset } = self.world.uploads[location].clone();
        let rest = blob.bytes[offset..].to_vec();
        let mut arrived = self.world.clone();
        let all = Upload { blob: Arc::clone(&blob), offset: blob.bytes.len() };
        arrived.uploads.insert(location.to_owned(), all);
        let mut after = self.with_blob(&blob);
        after.uploads.remove(location);
        let path = format!("{location}?digest={}", blob.digest);
        let request = self.ask_at(line, Method::PUT, &path).body(rest);
        self.act(line, "finish an upload", request, 201, vec![arrived, after]).await?;
        self.tell(&blob);
        Ok(())
    }

    async fn move_a_tag(&mut self, line: &Line) -> Result<(), Stop> {
        let Some(image) = self.chance.one_of(self.world.images.values()).cloned() else { return Ok(()) };
        self.put_manifest(line, "move a tag", &image).await
    }

    async fn delete_a_tag(&mut self, line: &Line) -> Result<(), Stop> {
        let Some(tag) = self.chance.one_of(self.world.tags.keys()).cloned() else { return Ok(()) };
        let mut after = self.world.clone();
        after.tags.remove(&tag);
        let request = self.ask(line, Method::DELETE, &format!("manifests/{tag}"));
        self.act(line, "delete a tag", request, 202, vec![after]).await.map(|_| ())
    }

    async fn delete_an_image(&mut self, line: &Line) -> Result<(), Stop> {
        let Some(digest) = self.chance.one_of(self.world.images.keys()).cloned() else { return Ok(()) };
        let mut after = self.world.clone();
        after.images.remove(&digest);
        after.tags.retain(|_, named| *named != digest);
        let request = self.ask(line, Method::DELETE, &format!("manifests/{digest}"));
        self.act(line, "delete a manifest", request, 202, vec![after]).await.map(|_| ())
    }

    async fn delete_a_blob(&mut self, line: &Line) -> Result<(), Stop> {
        let Some(digest) = self.chance.one_of(self.world.blobs.keys()).cloned() else { return Ok(()) };
        let request = self.ask(line, Method::DELETE, &format!("blobs/{digest}"));
        if self.world.is_used(&digest) {
            let unchanged = self.world.clone();
            let what = "fail to delete a blob in use";
            return self.act(line, what, request, 405, vec![unchanged]).await.map(|_| ());
        }
        let mut after = self.world.clone();
        after.blobs.remove(&digest);
        self.act(line, "delete a blob", request, 202, vec![after]).await.map(|_| ())
    }

    async fn mount_a_blob(&mut self, line: &Line) -> Result<(), Stop> {
        let noted = self.chance.one_of(self.board.lock().expect("a board").iter()).cloned();
        let Some((from, blob)) = noted.filter(|(from, _)| *from != self.repository) else { return Ok(()) };
        let path = format!("blobs/uploads/?mount={}&from={from}", blob.digest);
        self.in_flight = Some(("mount a blob", vec![self.with_blob(&blob)]));
        let got = line.send(self.ask(line, Method::POST, &path)).await?;
        // Whoever had it may have deleted it meanwhile, and then it is a session like any other.
        let got = got.with_one_of("mount a blob", &[201, 202])?;
        self.in_flight = None;
        if got.status == 202 {
            let location = got.header("location").to_owned();
            self.world.uploads.insert(location, Upload { blob, offset: 0 });
            return Ok(());
        }
        self.world = self.with_blob(&blob);
        *self.tally.entry("mount a blob").or_default() += 1;
        Ok(())
    }

    async fn play_with_the_token(&mut self, line: &Line) -> Result<(), Stop> {
        let is_disabled = self.world.token.is_disabled;
        // Whether the old secret of a disabled token is dead, nobody could see.
        if !is_disabled && (self.world.token.secret.is_none() || self.chance.one_in(3)) {
            return self.reset_the_token(line).await;
        }
        let mut after = self.world.clone();
        after.token.is_disabled = !is_disabled;
        let (what, status) =
            if is_disabled { ("enable a token", "enabled") } else { ("disable a token", "disabled") };
        let request = self.ask_about_token(line, Method::PATCH, "").json(&json!({ "status": status }));
        self.act(line, what, request, 200, vec![after]).await?;
        self.try_secrets(line).await
    }

    async fn reset_the_token(&mut self, line: &Line) -> Result<(), Stop> {
        let mut unseen = self.world.clone();
        unseen.token.reset(None);
        let request = self.ask_about_token(line, Method::POST, "/reset");
        let got = self.act(line, "reset a token", request, 200, vec![unseen]).await?;
        self.world.token.secret = got.json()["secret"].as_str().map(str::to_owned);
        self.try_secrets(line).await
    }

    pub(super) fn ask_about_token(&self, line: &Line, method: Method, rest: &str) -> RequestBuilder {
        let path = format!("/api/v1/tokens/{}{rest}", self.token.0);
        line.request(method, &path, (&self.admin.name, &self.admin.secret))
    }

    /// Rule 7: the very next request feels it.
    async fn try_secrets(&mut self, line: &Line) -> Result<(), Stop> {
        let token = &self.world.token;
        let living = token.secret.iter().map(|secret| (secret, if token.is_disabled { 401 } else { 200 }));
        for (secret, status) in living.chain(token.dead.last().map(|secret| (secret, 401))) {
            let got = line.send(line.request(Method::GET, "/v2/", (&self.token.1, secret))).await?;
            got.with_one_of("a token right after its change", &[status])?;
        }
        Ok(())
    }
}
