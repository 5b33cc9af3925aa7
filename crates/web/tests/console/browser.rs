//! What a browser does between the pages: it keeps the cookie, says where it posts from, and follows nothing by itself.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, redirect::Policy};
use testkit::{Answer, TestServer, server::ADMIN_PASSWORD};

/// A browser, logged in or not.
#[derive(Clone)]
pub(crate) struct Browser {
    host: String,
    http: reqwest::Client,
    /// `Cookie` as it is sent; empty before logging in.
    pub(crate) cookie: String,
    sender: testkit::Actor,
}

impl Browser {
    /// A browser that nobody has logged in with.
    pub(crate) fn fresh(t: &TestServer) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { host: t.host.clone(), http, cookie: String::new(), sender: t.anonymous() }
    }

    /// A browser in which the administrator is logged in.
    pub(crate) async fn of_admin(t: &TestServer) -> Self {
        Self::of(t, "admin", ADMIN_PASSWORD).await
    }

    /// A browser in which that user is logged in.
    pub(crate) async fn of(t: &TestServer, username: &str, password: &str) -> Self {
        let mut browser = Self::fresh(t);
        browser.log_in(username, password).await.is(303);
        browser
    }

    /// Sends the login form, and keeps the cookie of the answer.
    pub(crate) async fn log_in(&mut self, username: &str, password: &str) -> Answer {
        let answer = self.post("/login", &[("username", username), ("password", password)]).await;
        if let Some(cookie) =
            answer.header("set-cookie").split(';').next().filter(|cookie| !cookie.is_empty())
        {
            self.cookie = cookie.to_owned();
        }
        answer
    }

    /// A request to build on, with the cookie.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.host)).header("cookie", &self.cookie)
    }

    /// Looks at a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.sender.send(self.request(Method::GET, path)).await
    }

    /// Where something that was done leads to.
    pub(crate) async fn led_by(&self, done: Answer) -> Answer {
        self.get(done.is(303).header("location")).await.is(200)
    }

    /// Sends a form from a page of the console.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).header("sec-fetch-site", "same-origin"), fields).await
    }

    /// Sends a form with a request that was built.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<_> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.sender.send(request.body(pairs.join("&"))).await
    }
}
