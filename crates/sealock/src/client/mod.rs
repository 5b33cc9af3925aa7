//! The client of the API: one request in, the server's JSON or a [`Failure`] out. It knows HTTP and problems
//! (RFC 9457); what the JSON means is for `answers` and the commands.

pub(crate) mod answers;
mod problem;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header};
use serde_json::Value;

use crate::credentials::Login;
use crate::failure::Failure;
use crate::origin::Origin;

/// How long to wait for a connection: a host that is down should not look like a slow one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a whole call may take, answer included.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes of an answer: a page of 1,000 tokens (DESIGN §3.3) with 100 scopes each, with room to spare.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// The most entries asked for at a time (DESIGN §3.3).
const MAX_PAGE: usize = 1_000;

/// A logged-in caller of one server's API.
pub(crate) struct Client {
    http: reqwest::Client,
    origin: Origin,
    login: Login,
}

impl Client {
    /// Prepares calls to `origin`; nothing is sent yet.
    pub(crate) fn new(origin: Origin, login: Login) -> Result<Self, Failure> {
        if login.username.contains(':') {
            // RFC 7617 §2: the server would take what follows the colon for the password.
            return Err(Failure::Usage(format!(
                "the username {} has a colon, which no login name has",
                login.username
            )));
        }
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("sealock/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            // The API never redirects; following would carry a request, and maybe its password, to another place.
            .redirect(reqwest::redirect::Policy::none());
        if origin.is_loopback() {
            // A proxy's 127.0.0.1 is another machine.
            http = http.no_proxy();
        }
        if !origin.is_https() {
            // Without this a machine that has no CA certificates could not even talk to itself.
            http = http.tls_certs_only([]);
        }
        let http = http
            .build()
            .map_err(|error| Failure::Other(anyhow::Error::new(error).context("no HTTP client")))?;
        Ok(Self { http, origin, login })
    }

    /// The server that is called.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// `GET /api/v1/…`
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value, Failure> {
        self.call(Method::GET, path, &[], None).await
    }

    /// `POST /api/v1/…`
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, &[], Some(body)).await
    }

    /// `POST /api/v1/…` without a body: the path says it all.
    pub(crate) async fn post_nothing(&self, path: &[&str]) -> Result<Value, Failure> {
        self.call(Method::POST, path, &[], None).await
    }

    /// `PATCH /api/v1/…`
    pub(crate) async fn patch(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.call(Method::PATCH, path, &[], Some(body)).await
    }

    /// `PUT /api/v1/…`
    pub(crate) async fn put(&self, path: &[&str], body: Option<&Value>) -> Result<Value, Failure> {
        self.call(Method::PUT, path, &[], body).await
    }

    /// `DELETE /api/v1/…?…`
    pub(crate) async fn delete_with(&self, path: &[&str], query: &[(&str, &str)]) -> Result<(), Failure> {
        self.call(Method::DELETE, path, query, None).await.map(|_| ())
    }

    /// `DELETE /api/v1/…`
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.call(Method::DELETE, path, &[], None).await.map(|_| ())
    }

    /// `GET /api/v1/…?…`
    pub(crate) async fn get_with(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.call(Method::GET, path, query, None).await
    }

    /// All entries of a list, page after page.
    pub(crate) async fn list(&self, path: &[&str]) -> Result<Vec<Value>, Failure> {
        self.list_some(path, &[], usize::MAX).await
    }

    /// The first `most` entries of a list that pass the filters, page after page.
    pub(crate) async fn list_some(
        &self,
        path: &[&str],
        filters: &[(&str, &str)],
        most: usize,
    ) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        while all.len() < most {
            let limit = (most - all.len()).min(MAX_PAGE).to_string();
            let mut query = vec![("limit", limit.as_str())];
            query.extend(after.as_deref().map(|after| ("after", after)));
            query.extend(filters);
            let page: answers::Page = answers::read(self.call(Method::GET, path, &query, None).await?)?;
            let is_empty = page.items.is_empty();
            all.extend(page.items);
            match page.next {
                // An empty page that promises more would never end.
                Some(next) if !is_empty && after.as_ref() != Some(&next) => after = Some(next),
                _ => break,
            }
        }
        all.truncate(most);
        Ok(all)
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let segments: Vec<&str> = ["api", "v1"].iter().chain(path).copied().collect();
        let url = self.origin.resource(&segments).ok_or_else(|| {
            let name = path.iter().find(|segment| ["", ".", ".."].contains(*segment)).unwrap_or(&"");
            Failure::Usage(format!("nothing can have the name \"{name}\""))
        })?;
        let mut request = self
            .http
            .request(method, url)
            .query(query)
            .header(header::ACCEPT, "application/json, application/problem+json")
            .basic_auth(&self.login.username, Some(self.login.password.expose()));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(response).await
    }

    async fn read(&self, mut response: Response) -> Result<Value, Failure> {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.is_not_sealock(status));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(match problem::message(&body) {
                Some(message) => self.refused(status, message, retry_after),
                None => self.is_not_sealock(status),
            });
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| self.is_not_sealock(status))
    }

    fn refused(&self, status: StatusCode, message: String, retry_after: Option<String>) -> Failure {
        match status {
            StatusCode::UNAUTHORIZED => {
                Failure::LoginRefused { reason: message, server: self.origin.clone() }
            }
            StatusCode::TOO_MANY_REQUESTS => match retry_after {
                Some(seconds) => Failure::Refused(format!("{message}; try again in {seconds} s")),
                None => Failure::Refused(message),
            },
            _ => Failure::Refused(message),
        }
    }

    fn is_not_sealock(&self, status: StatusCode) -> Failure {
        let origin = &self.origin;
        Failure::Refused(format!(
            "{origin} answered {status}, but not as a Sealock server does; is it the right address?"
        ))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let origin = &self.origin;
        if error.is_timeout() {
            return Failure::Refused(format!(
                "{origin} did not answer in time; try again, or look at the server's log"
            ));
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let way_out = way_out(origin);
        Failure::Refused(format!("{origin} could not be reached ({cause}); {way_out}"))
    }
}

/// What to try where nobody answers.
fn way_out(origin: &Origin) -> String {
    match (origin.is_loopback(), origin.is_https()) {
        (true, _) => "is `sealock serve` running there?".to_owned(),
        (false, true) => format!("if that server speaks plain http, write http://{}", origin.authority()),
        (false, false) => format!("if that server speaks https, write https://{}", origin.authority()),
    }
}
