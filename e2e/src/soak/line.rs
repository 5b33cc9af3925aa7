//! The line to the server, which breaks when that is killed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use reqwest::{Method, RequestBuilder, header::HeaderMap};

/// Why a client stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The server was killed.
    Killed,
    /// The server did what it must not do.
    Defect(String),
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The answer where it has one of these statuses; else it is a defect.
    pub(super) fn with_one_of(self, asked: &str, statuses: &[u16]) -> Result<Self, Stop> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let body: String = String::from_utf8_lossy(&self.body).chars().take(500).collect();
        Err(Stop::Defect(format!("{asked}: {} instead of {statuses:?}: {body}", self.status)))
    }
}

/// Connections of one client to one process of the server.
#[derive(Debug, Clone)]
pub(super) struct Line {
    http: reqwest::Client,
    host: String,
    is_killed: Arc<AtomicBool>,
}

impl Line {
    /// No connection is shared with another line.
    pub(super) fn to(host: &str, is_killed: &Arc<AtomicBool>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { http, host: host.to_owned(), is_killed: Arc::clone(is_killed) }
    }

    /// A request with this name and secret.
    pub(super) fn request(&self, method: Method, path: &str, (name, secret): (&str, &str)) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.host)).basic_auth(name, Some(secret))
    }

    /// Sends it. A broken connection means that the server was killed; by itself it breaks none.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Got, Stop> {
        match self.read(request).await {
            Ok(got) => Ok(got),
            Err(_) if self.is_killed.load(Ordering::SeqCst) => Err(Stop::Killed),
            Err(error) => Err(Stop::Defect(format!("a connection broke while the server ran: {error:?}"))),
        }
    }

    async fn read(&self, request: RequestBuilder) -> reqwest::Result<Got> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Got { status, headers, body: response.bytes().await?.to_vec() })
    }
}
