//! Whoever sends requests: with Basic, with a bearer, or with nothing.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Answer, Wire,
    image::{Blob, Image, MANIFEST_TYPE},
};

/// A client with one credential.
#[derive(Debug, Clone)]
pub struct Actor {
    host: String,
    http: reqwest::Client,
    authorization: Option<String>,
}

/// The value of an `Authorization` header for a name and a password.
pub fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))
}

impl Actor {
    pub(crate) fn new(host: &str, http: &reqwest::Client, authorization: Option<String>) -> Self {
        Self { host: host.to_owned(), http: http.clone(), authorization }
    }

    /// The same client at another server.
    pub fn at(&self, server: &crate::TestServer) -> Self {
        Self { host: server.host.clone(), ..self.clone() }
    }

    /// A request to build on. The path is sent as it stands.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.host));
        match &self.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }

    /// Begins a request on a connection of its own, byte by byte as given; `headers` are whole lines, to which Host
    /// and the credential are added where they are not among them.
    pub async fn wire(&self, method: &str, target: &str, headers: &[&str]) -> Wire {
        Wire::begin(&self.host, method, target, &self.lines(headers)).await
    }

    /// Begins another request on a connection whose answer was read; `headers` as for [`Self::wire`].
    pub async fn wire_again(&self, wire: &mut Wire, method: &str, target: &str, headers: &[&str]) {
        wire.begin_next(method, target, &self.lines(headers)).await;
    }

    fn lines(&self, headers: &[&str]) -> Vec<String> {
        let mut lines: Vec<String> = headers.iter().map(|line| (*line).to_owned()).collect();
        let has = |name: &str| headers.iter().any(|line| line.to_ascii_lowercase().starts_with(name));
        if !has("host:") {
            lines.push(format!("Host: {}", self.host));
        }
        if let Some(authorization) = self.authorization.as_ref().filter(|_| !has("authorization:")) {
            lines.push(format!("Authorization: {authorization}"));
        }
        lines
    }

    /// A request without a body whose target is sent as it stands, dots and escapes included.
    pub async fn raw(&self, method: &str, target: &str) -> Answer {
        self.wire(method, target, &[]).await.answer().await
    }

    /// Sends a request that was built.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::of(request).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// HEAD.
    pub async fn head(&self, path: &str) -> Answer {
        self.send(self.request(Method::HEAD, path)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// POST without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// POST with a JSON body.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// Fetches a bearer for a scope, and answers the client that uses it from then on.
    pub async fn asks(&self, scope: &str) -> Self {
        let text = self.fetch_bearer(scope).await;
        Self { authorization: Some(format!("Bearer {text}")), ..self.clone() }
    }

    /// Fetches a bearer for a scope.
    pub async fn fetch_bearer(&self, scope: &str) -> String {
        let request =
            self.request(Method::GET, "/auth/token").query(&[("service", "sealock"), ("scope", scope)]);
        let answer = self.send(request).await.is(200).json();
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Opens an upload session.
    pub async fn start_upload(&self, repository: &str) -> Answer {
        self.post(&format!("/v2/{repository}/blobs/uploads/")).await
    }

    /// Pushes a blob: POST, then PUT with all of it.
    pub async fn push_blob(&self, repository: &str, blob: &Blob) -> Answer {
        let started = self.start_upload(repository).await;
        if started.status != 202 {
            return started;
        }
        let path = format!("{}?digest={}", started.header("location"), blob.digest);
        self.send(self.request(Method::PUT, &path).body(blob.bytes.clone())).await
    }

    /// Adds bytes to an upload without saying which they are.
    pub async fn stream_chunk(&self, location: &str, bytes: &[u8]) -> Answer {
        self.send(self.request(Method::PATCH, location).body(bytes.to_vec())).await
    }

    /// Adds bytes to an upload, with a Content-Range.
    pub async fn push_chunk(&self, location: &str, range: &str, bytes: &[u8]) -> Answer {
        let request = self.request(Method::PATCH, location).header("content-range", range);
        self.send(request.body(bytes.to_vec())).await
    }

    /// Commits an upload, with its last bytes.
    pub async fn finish_upload(&self, location: &str, digest: &str, bytes: &[u8]) -> Answer {
        let path = format!("{location}?digest={digest}");
        self.send(self.request(Method::PUT, &path).body(bytes.to_vec())).await
    }

    /// Pushes an image's manifest.
    pub async fn push_manifest(&self, repository: &str, reference: &str, bytes: &[u8]) -> Answer {
        self.push_manifest_as(repository, reference, MANIFEST_TYPE, bytes).await
    }

    /// Pushes a manifest under a Content-Type.
    pub async fn push_manifest_as(
        &self,
        repository: &str,
        reference: &str,
        content_type: &str,
        bytes: &[u8],
    ) -> Answer {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let request = self.request(Method::PUT, &path).header("content-type", content_type);
        self.send(request.body(bytes.to_vec())).await
    }

    /// Pushes a whole image under a tag; answers the push of its manifest, or the first refusal.
    pub async fn push(&self, repository: &str, tag: &str, image: &Image) -> Answer {
        for blob in [&image.layer, &image.config] {
            let pushed = self.push_blob(repository, blob).await;
            if pushed.status != 201 {
                return pushed;
            }
        }
        self.push_manifest(repository, tag, &image.manifest.bytes).await
    }

    /// Pulls a manifest.
    pub async fn pull(&self, repository: &str, reference: &str) -> Answer {
        self.get(&format!("/v2/{repository}/manifests/{reference}")).await
    }

    /// Disables or enables a token, as an administrator.
    pub async fn set_status(&self, token: &crate::ServiceToken, status: &str) -> Answer {
        self.patch_json(&format!("/api/v1/tokens/{}", token.id), &json!({ "status": status })).await
    }
}
