//! The server between the network and the faces: deadlines, limits, TLS, what it says about itself. Everything here is
//! hostile or unlucky; whoever behaves is served meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bytes;
mod challenges;
mod deadlines;
mod heads;
mod http2;
mod metrics;
mod ready;
mod room;
mod self_signed;
mod stopping;
mod tls;
mod too_much;
