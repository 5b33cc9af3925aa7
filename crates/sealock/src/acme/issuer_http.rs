//! HTTP to the issuer's server and to nobody else, whatever addresses its answers name.

use std::{error::Error as StdError, future::Future, pin::Pin, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::BodyExt;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use url::{Origin, Url};

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole call may take, answer included.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of an answer. The longest is a chain of certificates for a hundred names: some 20 KiB.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// The longest wait that an issuer may ask for between two looks at an order, in seconds: an hour is more than any order
/// is waited for, and sums with it stay within what a clock can tell.
const MAX_RETRY_AFTER_SECONDS: u64 = 3600;
/// What a refusal with a reason is (RFC 8555 §6.7).
const PROBLEM: &str = "application/problem+json";

/// A client that speaks to one server.
#[derive(Clone)]
pub(super) struct IssuerHttp {
    http: reqwest::Client,
    origin: Origin,
}

/// Why a call was not made, or its answer not taken.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the ACME server names an address that is not its own, {0}; nothing was sent there")]
    Elsewhere(String),
    #[error("the ACME server answered {0} without a reason")]
    NoReason(http::StatusCode),
    #[error("the ACME server answered with more than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
    #[error("the ACME server can't be reached: {}", with_causes(.0))]
    Http(#[from] reqwest::Error),
    #[error("the address {0} is no URL")]
    Address(String),
}

/// The error with all that it was caused by: the last one says what is wrong with a certificate.
fn with_causes(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl IssuerHttp {
    /// A client for the server of this directory, which may prove itself by `extra_roots` besides the roots of the system.
    pub(super) fn new(
        directory: &Url,
        extra_roots: Vec<reqwest::Certificate>,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .https_only(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            // A redirect could lead anywhere; ACME has none.
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge(extra_roots);
        Ok(Self { http: http.build()?, origin: directory.origin() })
    }

    async fn call(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, CallError> {
        let (parts, body) = request.into_parts();
        let named = parts.uri.to_string();
        let url = Url::parse(&named).map_err(|_| CallError::Address(shortened(&named)))?;
        if url.origin() != self.origin {
            return Err(CallError::Elsewhere(shortened(url.host_str().unwrap_or_default())));
        }
        let Ok(body) = body.collect().await;
        let call = self.http.request(parts.method, url).headers(parts.headers).body(body.to_bytes());
        taken(call.send().await?).await
    }
}

impl HttpClient for IssuerHttp {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let call = self.clone().call(request);
        Box::pin(async move { call.await.map_err(|error| Error::Other(error.into())) })
    }
}

/// What is taken of an answer: a success, or a refusal with its reason.
async fn taken(mut answer: reqwest::Response) -> Result<BytesResponse, CallError> {
    let (status, mut headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    if !status.is_success() && !is_problem(&headers) {
        return Err(CallError::NoReason(status));
    }
    bound_retry_after(&mut headers);
    let body = bounded(answer).await?;
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = status;
    parts.headers = headers;
    Ok(BytesResponse { parts, body: Box::new(body) })
}

async fn bounded(mut answer: reqwest::Response) -> Result<Bytes, CallError> {
    let mut body = BytesMut::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > MAX_ANSWER_BYTES {
            return Err(CallError::TooLong);
        }
        body.extend_from_slice(&part);
    }
    Ok(body.freeze())
}

fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(PROBLEM))
}

/// The threat: a number of seconds that leads beyond the end of time, where adding it to a clock panics.
fn bound_retry_after(headers: &mut HeaderMap) {
    let asked =
        headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    if asked.is_some_and(|seconds| seconds > MAX_RETRY_AFTER_SECONDS) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(MAX_RETRY_AFTER_SECONDS));
    }
}

/// As much of an address as belongs in a log.
fn shortened(address: &str) -> String {
    const MAX_SHOWN: usize = 200;
    address.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> reqwest::Response {
        let answer =
            headers.iter().fold(http::Response::builder().status(status), |answer, (name, value)| {
                answer.header(*name, *value)
            });
        answer.body(body).unwrap().into()
    }

    /// Status, `Retry-After` and body of what is taken; or why it is not.
    async fn took(
        status: u16,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<(u16, Option<String>, usize), String> {
        let mut taken = taken(answer(status, headers, body)).await.map_err(|error| error.to_string())?;
        let retry_after =
            taken.parts.headers.get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        Ok((taken.parts.status.as_u16(), retry_after, taken.body.into_bytes().await.unwrap().len()))
    }

    #[tokio::test]
    async fn nothing_is_sent_to_another_server_than_the_directorys() {
        let directory = Url::parse("https://acme.example:14000/directory").unwrap();
        let http = IssuerHttp::new(&directory, Vec::new()).unwrap();
        for elsewhere in [
            "https://acme.example/order",
            "https://acme.example:14001/order",
            "http://acme.example:14000/order",
            "https://other.example:14000/order",
            "https://169.254.169.254/",
        ] {
            let request = Request::get(elsewhere).body(BodyWrapper::default()).unwrap();
            let refused = http.request(request).await.map(drop).unwrap_err().to_string();
            assert!(refused.contains("that is not its own"), "{elsewhere}: {refused}");
        }
    }

    #[tokio::test]
    async fn an_answer_is_taken_within_its_bound_and_a_refusal_with_its_reason() {
        let problem = [("content-type", "Application/Problem+JSON; charset=utf-8")];
        assert_eq!(took(200, &[], vec![b' '; MAX_ANSWER_BYTES]).await, Ok((200, None, MAX_ANSWER_BYTES)));
        assert_eq!(took(429, &problem, b"{}".to_vec()).await, Ok((429, None, 2)));
        let too_long = took(200, &[], vec![b' '; MAX_ANSWER_BYTES + 1]).await.unwrap_err();
        assert!(too_long.contains("more than 262144 bytes"), "{too_long}");
        for (status, kind) in [(502, "text/html"), (302, "text/plain"), (400, "application/json")] {
            let refused = took(status, &[("content-type", kind)], b"<html>".to_vec()).await.unwrap_err();
            assert!(refused.contains(&format!("answered {status}")), "{refused}");
        }
    }

    #[tokio::test]
    async fn no_wait_leads_beyond_the_end_of_time() {
        for (asked, heeded) in [
            ("5", "5"),
            ("3600", "3600"),
            ("3601", "3600"),
            ("18446744073709551615", "3600"),
            ("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT"),
        ] {
            let taken = took(200, &[("retry-after", asked)], Vec::new()).await;
            assert_eq!(taken, Ok((200, Some(heeded.to_owned()), 0)), "{asked}");
        }
    }
}
