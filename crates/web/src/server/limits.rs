//! How long a connection may take for what, and how many there may be. The defaults are the design's; tests pass
//! smaller ones, since no test may wait.

use std::time::Duration;

/// How many connections are open at once unless a setting says otherwise (issue 7: 10,000 idle ones keep nobody out).
const MAX_CONNECTIONS: usize = 10_000;
/// How long a client may take for the head of a request: from the connection on for its first, from the first byte on
/// for each later one (DESIGN §6). The preface of HTTP/2 is part of the first.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How long a connection is kept without a request unless a setting says otherwise. Common proxies close theirs after 60 s:
/// the server must keep it for longer, or a proxy sends a request on a connection that the server is just closing (502).
const IDLE_TIME: Duration = Duration::from_secs(120);
/// How fast what is pushed has to come: 1 KiB a second, a sixth of what a modem of 56 kbit/s sends. Less is no slow link but
/// somebody who holds a place (slowloris on bodies). Taken over a minute, so that
/// a link that is gone for half of it (a train, a roaming laptop) loses no push.
const CONTENT_PACE: Pace = Pace { bytes: 60 * 1024, window: Duration::from_secs(60) };
/// The same rate for forms and JSON, taken over a shorter time: they are small, quickly sent again, and those of the token
/// endpoint and the login come before any credential.
const FORM_PACE: Pace = Pace { bytes: 10 * 1024, window: HEAD_DEADLINE };
/// How long nothing of a body may come before others who need the place get it.
const OWING_TIME: Duration = Duration::from_secs(3);
/// How long nothing of an answer may move before its reader counts as gone. Two minutes, because Linux wakes a
/// writer only when a third of the send buffer (4 MiB at most by its default) is free again: even with that, a link of
/// 12 KiB a second lives.
const STALL_TIME: Duration = Duration::from_secs(120);
/// How long a connection that never asked for anything, or whose place others wait for, may take to say goodbye.
const GOODBYE_TIME: Duration = Duration::from_secs(1);
/// How long the other end may send nothing after our goodbye before the connection is closed on it. Closing at once would
/// answer its next byte (a window update, say) with a reset, which overtakes what the network still holds of an answer
/// (RFC 9112 §9.6). Whoever was between two requests and took our goodbye is closed at once.
const LINGER_TIME: Duration = Duration::from_secs(5);
/// How long a connection above the limit waits for an idle one to make room, before it is answered 503.
const ROOM_TIME: Duration = Duration::from_secs(1);
/// How long running transfers may go on after the order to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// The least rate of a body.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// What has to come of it in each window, in bytes; less is enough where it ends.
    pub bytes: u64,
    /// Over what time that is taken.
    pub window: Duration,
}

/// The limits of every connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many connections there are at once; at least 1 is served.
    pub connections: usize,
    /// For the head of a request, and for a TLS handshake before the first.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For the body of a request on `/v2/`.
    pub content: Pace,
    /// For that of any other.
    pub form: Pace,
    /// For a body of which nothing comes, where others need the place.
    pub owing: Duration,
    /// For an answer of which nothing moves.
    pub stall: Duration,
    /// For a connection that was told to go and never asked for anything, or whose place others wait for.
    pub goodbye: Duration,
    /// For any other that was told to go and has something to read yet, without a byte from its client, once all is written.
    pub linger: Duration,
    /// For room above the limit.
    pub room: Duration,
    /// For transfers that run when the server is told to stop.
    pub stop: Duration,
}

impl Limits {
    /// Those of a connection that is told 503 and nothing else.
    pub(super) fn of_a_refusal(self) -> Self {
        Self { head: self.room, idle: Duration::ZERO, stall: self.goodbye, linger: self.goodbye, ..self }
    }

    /// Those of a connection that was told to go: what runs may finish.
    pub(super) fn of_a_goodbye(self) -> Self {
        Self { head: self.goodbye, idle: self.linger, ..self }
    }

    /// Those of one whose place others wait for.
    pub(super) fn of_making_room(self) -> Self {
        Self { idle: self.goodbye, linger: Duration::ZERO, ..self.of_a_goodbye() }
    }

    /// How fast the body of a request for `path` has to come.
    pub(super) fn pace(&self, path: &str) -> Pace {
        if path.starts_with("/v2/") { self.content } else { self.form }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: MAX_CONNECTIONS,
            head: HEAD_DEADLINE,
            idle: IDLE_TIME,
            content: CONTENT_PACE,
            form: FORM_PACE,
            owing: OWING_TIME,
            stall: STALL_TIME,
            goodbye: GOODBYE_TIME,
            linger: LINGER_TIME,
            room: ROOM_TIME,
            stop: STOP_DEADLINE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_kept_for_longer_than_common_proxies_keep_theirs() {
        assert_eq!(Limits::default().idle.as_secs(), 120);
    }

    #[test]
    fn what_is_pushed_has_more_time_than_a_form() {
        let limits = Limits::default();
        for (path, seconds) in [
            ("/v2/acme/api/blobs/uploads/1", 60),
            ("/v2/acme/api/manifests/1.0", 60),
            ("/auth/token", 10),
            ("/login", 10),
            ("/api/v1/tokens", 10),
            ("/v2evil", 10),
        ] {
            let Pace { bytes, window } = limits.pace(path);
            assert_eq!((window.as_secs(), bytes / seconds), (seconds, 1024), "{path}");
        }
    }
}
