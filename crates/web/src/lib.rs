//! HTTP (DESIGN §3): the gate, and the rooms behind it, which never import each other.
//!
//! Only this crate says which status something is. It knows no SQL and no rule: it turns requests into operations,
//! asks `registry`, and writes the answer down.

mod api;
mod app;
mod auth;
mod body;
mod console;
mod cross_site;
mod dtr;
mod gate;
mod head_limit;
mod headers;
mod metrics;
mod public_host;
mod public_url;
mod query;
mod ready;
mod repository_segment;
mod request;
mod router;
mod server;
mod session_cookie;
mod sweeper;
mod trusted_proxies;
mod usage_writer;
mod v2;
mod whose_host;

pub use app::App;
pub use public_url::{PublicUrl, PublicUrls};
pub use router::openapi;
pub use server::{
    Certificate, CertificateError, CertificateFiles, Challenges, Limits, MAX_IN_LOBBY, Pace, PemPair,
    Validity, serve, serve_metrics,
};
pub use sweeper::{sweep, sweep_regularly};
pub use trusted_proxies::{InvalidProxy, TrustedProxies, TrustedProxy};
pub use usage_writer::write_usage_regularly;
