//! What every handler works with.

use std::sync::Arc;

use access::{
    randomness::Randomness,
    time::{Clock, Instant},
};
use registry::Registry;

use crate::{metrics::Metrics, public_url::PublicUrls, ready::Looks, trusted_proxies::TrustedProxies};

/// The registry with the clock, the randomness and the addresses that the faces need. Cloning gives the same one.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    registry: Registry,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
    public_urls: PublicUrls,
    trusted_proxies: TrustedProxies,
    metrics: Arc<Metrics>,
    looks: Looks,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        registry: Registry,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
        public_urls: PublicUrls,
        trusted_proxies: TrustedProxies,
    ) -> Self {
        let (metrics, looks) = (Arc::default(), Looks::default());
        Self(Arc::new(Parts { registry, clock, random, public_urls, trusted_proxies, metrics, looks }))
    }

    /// The registry, for whoever runs the server.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// The clock itself, for what has to know the time after a body has come.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    pub(crate) fn random(&self) -> &dyn Randomness {
        self.0.random.as_ref()
    }

    pub(crate) fn public_urls(&self) -> &PublicUrls {
        &self.0.public_urls
    }

    pub(crate) fn trusted_proxies(&self) -> &TrustedProxies {
        &self.0.trusted_proxies
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// The looks at what is missing.
    pub(crate) fn looks(&self) -> &Looks {
        &self.0.looks
    }
}
