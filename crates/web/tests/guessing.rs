//! How many wrong passwords are taken (DESIGN §6), at every door that takes one: five a minute for an account from a
//! network, and whoever holds a token never notices.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use access::{
    secret::{Secret, SecretKind},
    time::Length,
};
use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use serde_json::json;
use testkit::{Answer, TestServer, both_engines, randomness::SeededRandomness, server::ADMIN_PASSWORD};

const PASSWORD: &str = "staple battery horse";
const FORWARDED_FOR: &str = "x-forwarded-for";
const SAID: &str = "5 wrong passwords within a minute came for this account from your network";

/// A door that takes a password, and what its answers are.
struct Door {
    name: &'static str,
    knock: fn(&Client, &str, &str, &str) -> RequestBuilder,
    opens: u16,
    code: &'static str,
    takes_tokens: bool,
}

const DOORS: [Door; 6] = [
    Door { name: "/v2/", knock: v2, opens: 200, code: "TOOMANYREQUESTS", takes_tokens: true },
    Door {
        name: "GET /auth/token",
        knock: auth_get,
        opens: 200,
        code: "TOOMANYREQUESTS",
        takes_tokens: true,
    },
    Door {
        name: "POST /auth/token",
        knock: auth_post,
        opens: 200,
        code: "TOOMANYREQUESTS",
        takes_tokens: true,
    },
    Door { name: "the API", knock: api, opens: 200, code: "too-many-guesses", takes_tokens: true },
    Door { name: "DTR's API", knock: dtr, opens: 200, code: "TOO_MANY_REQUESTS", takes_tokens: true },
    Door { name: "the console", knock: console, opens: 303, code: "", takes_tokens: false },
];

fn v2(http: &Client, host: &str, username: &str, password: &str) -> RequestBuilder {
    http.get(format!("http://{host}/v2/")).basic_auth(username, Some(password))
}

fn auth_get(http: &Client, host: &str, username: &str, password: &str) -> RequestBuilder {
    http.get(format!("http://{host}/auth/token?service=sealock")).basic_auth(username, Some(password))
}

fn auth_post(http: &Client, host: &str, username: &str, password: &str) -> RequestBuilder {
    let form = format!("grant_type=password&service=sealock&username={username}&password={password}");
    let request = http.post(format!("http://{host}/auth/token"));
    request.header("content-type", "application/x-www-form-urlencoded").body(form.replace(' ', "+"))
}

fn api(http: &Client, host: &str, username: &str, password: &str) -> RequestBuilder {
    http.get(format!("http://{host}/api/v1/me")).basic_auth(username, Some(password))
}

fn dtr(http: &Client, host: &str, username: &str, password: &str) -> RequestBuilder {
    http.get(format!("http://{host}/api/v0/repositories")).basic_auth(username, Some(password))
}

fn console(http: &Client, host: &str, username: &str, password: &str) -> RequestBuilder {
    let form = format!("username={username}&password={password}").replace(' ', "+");
    let request = http.post(format!("http://{host}/login")).header("sec-fetch-site", "same-origin");
    request.header("content-type", "application/x-www-form-urlencoded").body(form)
}

/// A server behind a proxy, so that requests come from wherever the test says.
struct House {
    t: TestServer,
    http: Client,
    /// Where it was started; it holds the data.
    _first: TestServer,
}

impl House {
    async fn on(engine: testkit::Engine) -> Self {
        let first = TestServer::on(engine).await;
        let t = first.replica_behind(&["127.0.0.0/8"]).await;
        for username in ["ann", "bob"] {
            let user = json!({ "username": username, "password": PASSWORD });
            t.admin().post_json("/api/v1/users", &user).await.is(201);
        }
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { t, http, _first: first }
    }

    async fn knock(&self, door: &Door, from: &str, username: &str, password: &str) -> Answer {
        let request = (door.knock)(&self.http, &self.t.host, username, password).header(FORWARDED_FOR, from);
        self.t.anonymous().send(request).await
    }

    /// As often as it takes for the next wrong one to be too many.
    async fn exhaust(&self, door: &Door, from: &str, username: &str) {
        for nth in 0..5 {
            let answer = self.knock(door, from, username, &format!("wrong {nth}")).await;
            assert_eq!(answer.status, 401, "{}: {answer:?}", door.name);
        }
    }
}

#[track_caller]
fn throttled(door: &Door, answer: Answer) -> Answer {
    let answer = answer.refused(429, door.code).says(SAID);
    assert_eq!(answer.header("retry-after"), "60", "{}: {answer:?}", door.name);
    assert_eq!(
        answer.header("www-authenticate"),
        "",
        "{}: a challenge would ask for another guess",
        door.name
    );
    answer
}

#[both_engines]
async fn the_sixth_wrong_password_is_429_at_every_door_and_the_right_one_behind_it_too(house: House) {
    for (nth, door) in DOORS.iter().enumerate() {
        let (here, near, far) =
            (format!("203.0.{nth}.1"), format!("203.0.{nth}.200"), format!("198.51.{nth}.1"));
        house.exhaust(door, &here, "ann").await;
        for (from, password) in [(&here, "wrong"), (&near, "wrong"), (&here, PASSWORD)] {
            throttled(door, house.knock(door, from, "ann", password).await);
        }
        // Nobody else is kept out.
        house.knock(door, &far, "ann", "wrong").await.is(401);
        house.knock(door, &here, "bob", "wrong").await.is(401);
        house.knock(door, &here, "bob", PASSWORD).await.is(door.opens);
        // Once it is found right elsewhere it is remembered, and no guess any more.
        house.knock(door, &far, "ann", PASSWORD).await.is(door.opens);
        house.knock(door, &here, "ann", PASSWORD).await.is(door.opens);
        throttled(door, house.knock(door, &here, "ann", "wrong").await);
        house.t.clock.advance(Length::seconds(60));
        house.knock(door, &here, "ann", PASSWORD).await.is(door.opens);
        house.knock(door, &here, "ann", "wrong").await.is(401);
        house.t.clock.advance(Length::seconds(60));
    }
}

#[both_engines]
async fn all_doors_count_together_and_unknown_accounts_count_alike(house: House) {
    for door in &DOORS[1..] {
        let wrong = format!("wrong at {}", door.name);
        house.knock(door, "203.0.113.9", "ann", &wrong).await.is(401);
        house.knock(door, "203.0.113.9", "nobody", &wrong).await.is(401);
    }
    for door in &DOORS {
        let told = [("ann", PASSWORD), ("nobody", "wrong")].map(async |(username, password)| {
            let answer = throttled(door, house.knock(door, "203.0.113.9", username, password).await);
            // Its own id, and what was typed into the login form.
            let request_id = answer.header("x-request-id").to_owned();
            answer.text().replace(&request_id, "").replace(&format!("value=\"{username}\""), "")
        });
        let [ann, nobody] = told;
        assert_eq!(ann.await, nobody.await, "{}", door.name);
    }
}

#[both_engines]
async fn secrets_of_tokens_are_never_counted_and_never_refused_for_guessing(house: House) {
    let own = json!({ "name": "laptop" });
    let token = house.t.personal_token("ann", own).await;
    let typo = &token.secret[..token.secret.len() - 1];
    let foreign = Secret::mint(SecretKind::Personal, &SeededRandomness::new(99)).expose().to_owned();
    for (nth, door) in DOORS.iter().enumerate() {
        let here = format!("203.0.{nth}.1");
        for bad in [typo, &foreign, "slkp_", "slks_"] {
            for _ in 0..6 {
                house.knock(door, &here, "ann", bad).await.is(401);
            }
        }
        let opens = if door.takes_tokens { door.opens } else { 401 };
        house.knock(door, &here, "ann", &token.secret).await.is(opens);
        // None of them was a guess.
        house.exhaust(door, &here, "ann").await;
        throttled(door, house.knock(door, &here, "ann", PASSWORD).await);
        house.knock(door, &here, "ann", &token.secret).await.is(opens);
        house.knock(door, &here, "ann", &foreign).await.is(401);
    }
}

#[both_engines]
async fn of_many_guesses_at_once_none_slips_through_and_of_many_right_ones_none_is_refused(house: House) {
    let door = &DOORS[0];
    let at_once = async |passwords: [String; 20], from: &str| {
        let answers = passwords.iter().map(|password| house.knock(door, from, "ann", password));
        let mut statuses: Vec<u16> =
            join_all(answers).await.into_iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        statuses
    };
    assert_eq!(
        at_once(std::array::from_fn(|nth| format!("wrong {nth}")), "203.0.113.9").await,
        [[401; 5].as_slice(), &[429; 15]].concat()
    );
    assert_eq!(at_once([(); 20].map(|()| PASSWORD.to_owned()), "198.51.100.7").await, [200; 20]);
}

/// A forgotten client goes on with the password of yesterday.
#[both_engines]
async fn the_same_wrong_password_counts_once_and_its_owner_still_logs_in(house: House) {
    for door in &DOORS {
        for username in ["ann", "nobody"] {
            for _ in 0..10 {
                house.knock(door, "203.0.113.9", username, "of yesterday").await.is(401);
            }
        }
    }
    house.knock(&DOORS[0], "203.0.113.9", "ann", PASSWORD).await.is(200);
}

/// A password that was wrong a moment ago may be the right one now.
#[both_engines]
async fn a_password_that_was_wrong_is_right_once_it_is_set(house: House) {
    house.knock(&DOORS[0], "203.0.113.9", "ann", "the next password").await.is(401);
    let set = json!({ "password": "the next password" });
    house.t.admin().patch_json("/api/v1/users/ann", &set).await.is(200);
    house.knock(&DOORS[0], "203.0.113.9", "ann", "the next password").await.is(200);
}

#[both_engines]
async fn guesses_from_many_networks_are_slowed_and_do_not_lock_the_owner_out(house: House) {
    let door = &DOORS[0];
    house.knock(door, "192.0.2.1", "ann", PASSWORD).await.is(200);
    // By now it is not remembered any more.
    house.t.clock.advance(Length::seconds(60));
    for network in 0..50 {
        house.knock(door, &format!("10.0.{network}.1"), "ann", &format!("wrong {network}")).await.is(401);
    }
    let said = "50 wrong passwords within 15 minutes came for this account";
    let refused = house.knock(door, "10.0.99.1", "ann", "wrong").await.refused(429, door.code).says(said);
    assert_eq!(refused.header("retry-after"), "900");
    house.knock(door, "10.0.99.1", "ann", PASSWORD).await.refused(429, door.code);
    house.knock(door, "10.0.99.1", "bob", PASSWORD).await.is(200);
    // Where she logged in before.
    house.knock(door, "192.0.2.9", "ann", PASSWORD).await.is(200);
}

#[both_engines]
async fn whoever_changes_a_password_guesses_at_the_present_one(house: House) {
    let change = async |current: &str| {
        let body = json!({ "password": "a new password", "current_password": current });
        let request = house.t.basic("ann", PASSWORD).request(Method::PATCH, "/api/v1/users/ann");
        house.t.anonymous().send(request.json(&body).header(FORWARDED_FOR, "203.0.113.9")).await
    };
    for nth in 0..5 {
        change(&format!("wrong password {nth}")).await.refused(422, "invalid");
    }
    change("wrong password").await.refused(429, "too-many-guesses").says(SAID);
    // The right one is remembered: ann is logged in with it.
    change(PASSWORD).await.is(200);
}

#[both_engines]
async fn a_session_that_somebody_left_open_is_no_place_to_guess(house: House) {
    let opened = house.knock(&DOORS[5], "203.0.113.9", "admin", ADMIN_PASSWORD).await.is(303);
    let cookie = opened.header("set-cookie").split(';').next().unwrap().to_owned();
    // By now it is not remembered any more.
    house.t.clock.advance(Length::seconds(60));
    let change = async |current: &str| {
        let form = format!("current_password={current}&password=a+new+password&again=a+new+password");
        let request =
            house.http.post(format!("http://{}/profile", house.t.host)).body(form.replace(' ', "+"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("sec-fetch-site", "same-origin").header("cookie", &cookie);
        house.t.anonymous().send(request.header(FORWARDED_FOR, "203.0.113.9")).await
    };
    for nth in 0..5 {
        change(&format!("wrong {nth}")).await.is(422);
    }
    let refused = change(ADMIN_PASSWORD).await.is(429).says(SAID);
    assert_eq!(refused.header("retry-after"), "60");
}
