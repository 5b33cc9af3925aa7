//! Everything that this process logs, as text and as JSON.

use std::{
    io::Write,
    sync::{Mutex, Once},
};

use tracing_subscriber::{filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Logged;

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// From now on everything that anything in this process logs is kept, at every level and in both forms.
pub(crate) fn log_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let text = fmt::layer().with_ansi(false).with_writer(|| Logged);
        let json = fmt::layer().json().with_writer(|| Logged);
        tracing_subscriber::registry().with(LevelFilter::TRACE).with(text).with(json).init();
    });
}

pub(crate) fn is_logged(text: &str) -> bool {
    String::from_utf8_lossy(&LOG.lock().unwrap()).contains(text)
}
