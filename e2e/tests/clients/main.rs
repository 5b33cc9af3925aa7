//! Issue 5, "Shown by": the clients that people have besides docker, skopeo and podman, and the official conformance
//! suite. One binary: linking takes longer than running.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod anonymous;
mod buildah;
mod conformance;
mod containerd;
mod cosign;
mod crane;
mod helm;
mod oras;
mod regctl;
mod warnings;

use e2e::{Machine, Sealock};

/// What a token of the namespace "acme" may not do that can only pull, as the server says it for `repository`.
fn no_push(repository: &str) -> String {
    format!("token acme/reader has no scope with push for {repository}")
}

/// A machine with `programs` beside a server with the private namespace "acme" and the public one "open".
async fn laptop(sealock: &Sealock, programs: &[&str]) -> Option<Machine> {
    let laptop = Machine::with(sealock, programs)?;
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    sealock.cli(&["namespace", "create", "open", "--public"]).await.succeeded();
    Some(laptop)
}

/// The secret of the token "ci-bot", which may do everything in acme/api and below, and see what there is in acme.
async fn ci_bot(sealock: &Sealock) -> String {
    let scopes = ["--scope", "repository:acme/api*:pull,push,delete", "--scope", "registry:list"];
    sealock.token("acme", "ci-bot", &scopes).await
}

/// The secret of the token "reader", which may pull everything in acme.
async fn reader(sealock: &Sealock) -> String {
    sealock.token("acme", "reader", &["--permission", "pull"]).await
}
