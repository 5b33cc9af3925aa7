//! What is known of one connection, and what that comes to.

use super::seats::{Standing, Ticket};

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was asked yet.
    New,
    /// Between two requests.
    Idle,
    /// A head has begun (HTTP/1: HTTP/2 has streams for that, and frames that belong to none).
    Head,
    /// We work on an answer, or wait for our disk.
    Working,
    /// Every request that we could work on waits for its own body.
    Owing,
    /// Every answer waits for the client to take it, to its last byte.
    Sending,
    /// We have said goodbye, and the other end has not.
    Closing,
    /// We have said goodbye, and the other end has nothing to wait for.
    Closed,
}

/// What is known of a connection.
pub(super) struct State {
    /// Requests whose answer is not out.
    pub(super) open: usize,
    /// Those of them that wait for us.
    pub(super) working: usize,
    /// Bodies of requests that are waited for.
    pub(super) owed: usize,
    /// How often something moved: a piece of an answer was made or taken, or some of a body came.
    pub(super) moved: u64,
    /// What was taken of answers since the last step, in bytes.
    pub(super) taken: usize,
    pub(super) was_asked: bool,
    pub(super) has_begun_head: bool,
    pub(super) is_http2: bool,
    /// Something was written, and nobody has seen it go.
    pub(super) is_unflushed: bool,
    /// It was told to go; what runs may finish.
    pub(super) is_leaving: bool,
    /// It was between two requests then, and nothing has begun since.
    pub(super) was_at_rest: bool,
    /// We have written our last.
    pub(super) is_closing: bool,
    /// It has owed for a while, and nothing has moved since.
    pub(super) has_owed_long: bool,
    /// What [`Pulse::over`] waits in.
    pub(super) watched: Stage,
    /// Its place among those that can be told to go.
    pub(super) ticket: Ticket,
}

impl State {
    /// Of a connection that was just made.
    pub(super) const fn new(ticket: Ticket) -> Self {
        Self {
            open: 0,
            working: 0,
            owed: 0,
            moved: 0,
            taken: 0,
            was_asked: false,
            has_begun_head: false,
            is_http2: false,
            is_unflushed: false,
            is_leaving: false,
            was_at_rest: false,
            is_closing: false,
            has_owed_long: false,
            watched: Stage::New,
            ticket,
        }
    }

    /// What it is doing.
    pub(super) fn stage(&self) -> Stage {
        match (self.open, self.working) {
            _ if self.is_closing && self.was_at_rest => Stage::Closed,
            _ if self.is_closing => Stage::Closing,
            (0, _) if !self.was_asked => Stage::New,
            (0, _) if self.is_unflushed => Stage::Sending,
            (0, _) if self.has_begun_head => Stage::Head,
            (0, _) => Stage::Idle,
            (_, 0) => Stage::Sending,
            (_, working) if working <= self.owed => Stage::Owing,
            _ => Stage::Working,
        }
    }

    /// As what it stands in the line.
    pub(super) fn standing(&self) -> Standing {
        match self.stage() {
            Stage::New | Stage::Idle | Stage::Head | Stage::Closing | Stage::Closed => Standing::Idle,
            Stage::Owing if self.has_owed_long => Standing::Owing,
            Stage::Working | Stage::Owing | Stage::Sending => Standing::Served,
        }
    }

    /// It is told to go. Whoever is between two requests then has all of its last answer, or reads it from what the network
    /// holds and sends nothing meanwhile: HTTP/1 has nothing to send, and HTTP/2 ends when it has answered the ping that comes
    /// behind that answer. No byte of it can meet a closed connection and be answered with a reset.
    pub(super) fn leaves(&mut self) {
        // It may be told twice: that it was idle for too long, and that the server stops.
        if !self.is_leaving {
            self.was_at_rest = matches!(self.stage(), Stage::New | Stage::Idle);
        }
        self.is_leaving = true;
    }

    /// Something moved.
    pub(super) fn moves(&mut self) {
        self.moved += 1;
        self.has_owed_long = false;
    }
}
