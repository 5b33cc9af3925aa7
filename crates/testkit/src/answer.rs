//! What came back, with assertions that print what was sent and what came back.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read to its end.
pub struct Answer {
    /// What was sent: method and path.
    pub sent: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.expect("a request that can be sent");
        let sent = format!("{} {}", request.method(), request.url());
        let response = client.execute(request).await.unwrap_or_else(|error| panic!("{sent}: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{sent}: {error:?}")).to_vec();
        Self { sent, status, headers, body }
    }

    /// Asserts the status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Asserts a refusal on `/v2/` or the API: the status and the standard code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{self:?}");
        self
    }

    /// Asserts that the body says `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.text().contains(text), "not said: {text:?}\n{self:?}");
        self
    }

    /// The standard code: of the first entry of `errors`, or `code`.
    pub fn code(&self) -> String {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = json["errors"][0]["code"].as_str().or_else(|| json["code"].as_str());
        code.unwrap_or_default().to_owned()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error})\n{self:?}"))
    }

    /// A header's value; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "sent: {}", self.sent)?;
        writeln!(f, "came back: {}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "  {name}: {value:?}")?;
        }
        let text = self.text();
        write!(f, "{}", text.chars().take(2000).collect::<String>())
    }
}
