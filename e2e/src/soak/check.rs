//! Comparing what a server shows after its restart with what its clients were told before.

use std::collections::BTreeSet;

use reqwest::Method;
use testkit::image::sha256_digest;

use super::{
    client::Client,
    line::{Got, Line, Stop},
    world::{Fact, Facts, OPENS, WHOLE, World, offset},
};

/// What became of the request that nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// There was none.
    None,
    /// It never happened.
    Lost,
    /// It happened, all of it or up to a point at which it might have been acknowledged.
    Happened,
}

impl Client {
    /// Looks at everything that may be there, and takes it for the truth from now on. It has to be what was
    /// acknowledged, or what the unanswered request would have come to; a mixture of both is neither.
    pub(super) async fn check(&mut self, line: &Line) -> Result<Fate, Stop> {
        let (what, possible) = self.in_flight.take().unwrap_or_default();
        let mut looked_at: BTreeSet<Fact> = self.world.facts().into_keys().collect();
        looked_at.extend(possible.iter().flat_map(|world| world.facts().into_keys()));
        let mut seen = Facts::new();
        for fact in looked_at {
            if let Some(shown) = self.look_at(line, &fact).await? {
                seen.insert(fact, shown);
            }
        }
        if agree(&seen, &self.world) {
            return Ok(if possible.is_empty() { Fate::None } else { Fate::Lost });
        }
        match possible.iter().find(|world| agree(&seen, world)) {
            Some(world) => {
                self.world = world.clone();
                Ok(Fate::Happened)
            }
            None => Err(Stop::Defect(self.told(what, &seen, &possible))),
        }
    }

    fn told(&self, what: &str, seen: &Facts, possible: &[World]) -> String {
        let mut told = format!("{} is neither as acknowledged nor as asked for ({what})", self.repository);
        for (name, world) in [("acknowledged", &self.world)]
            .into_iter()
            .chain(possible.iter().map(|world| ("asked for", world)))
        {
            let expected = world.facts();
            let all: BTreeSet<_> = expected.keys().chain(seen.keys()).collect();
            for fact in all.into_iter().filter(|fact| shown(&expected, fact) != shown(seen, fact)) {
                told += &format!("\n  {fact:?}: {name} {:?}, seen {:?}", expected.get(fact), seen.get(fact));
            }
        }
        told
    }

    async fn look_at(&self, line: &Line, fact: &Fact) -> Result<Option<String>, Stop> {
        let get = async |path: &str| {
            let path = format!("/v2/{}/{path}", self.repository);
            let request = line.request(Method::GET, &path, (&self.login.name, &self.login.secret));
            line.send(request).await?.with_one_of(&path, &[200, 404])
        };
        match fact {
            Fact::Blob(digest) => Ok(whole(&get(&format!("blobs/{digest}")).await?)),
            Fact::Manifest(digest) => Ok(whole(&get(&format!("manifests/{digest}")).await?)),
            Fact::Tag(tag) => Ok(whole(&get(&format!("manifests/{tag}")).await?)),
            Fact::Tags => {
                let listed = get("tags/list").await?.json();
                let names = listed["tags"].as_array().into_iter().flatten().filter_map(|name| name.as_str());
                Ok(Some(names.collect::<Vec<_>>().join(" ")))
            }
            Fact::Upload(location) => self.offset_of(line, location).await,
            Fact::Status => {
                let asked = self.ask_about_token(line, Method::GET, "");
                let got = line.send(asked).await?.with_one_of("a token", &[200])?;
                Ok(got.json()["status"].as_str().map(str::to_owned))
            }
            Fact::Secret(secret) => {
                let request = line.request(Method::GET, "/v2/", (&self.token.1, secret));
                let got = line.send(request).await?.with_one_of("a secret", &[200, 401])?;
                Ok(Some(if got.status == 200 { OPENS.to_owned() } else { String::new() }))
            }
        }
    }

    async fn offset_of(&self, line: &Line, location: &str) -> Result<Option<String>, Stop> {
        let request = line.request(Method::GET, location, (&self.login.name, &self.login.secret));
        let got = line.send(request).await?.with_one_of(location, &[204, 404])?;
        // Nothing at all is written 0-0, and no client here sends a single byte.
        let last = got.header("range").strip_prefix("0-").and_then(|last| last.parse::<usize>().ok());
        Ok(last.filter(|_| got.status == 204).map(|last| offset(if last == 0 { 0 } else { last + 1 })))
    }
}

fn agree(seen: &Facts, world: &World) -> bool {
    let expected = world.facts();
    seen.keys().chain(expected.keys()).all(|fact| shown(seen, fact) == shown(&expected, fact))
}

/// A secret that nobody knows of opens nothing; anything else that nobody knows of is not there.
fn shown<'a>(facts: &'a Facts, fact: &Fact) -> Option<&'a str> {
    facts.get(fact).map(String::as_str).filter(|shown| !shown.is_empty())
}

/// The digest of the bytes that came, which is not taken from any header.
fn whole(got: &Got) -> Option<String> {
    (got.status == 200).then(|| format!("{WHOLE} {}", sha256_digest(&got.body)))
}
