//! Where the log goes and how it looks: stderr, for people or for machines. Stdout belongs to the commands' answers.

use std::io::IsTerminal;

use tracing::Dispatch;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Which events are logged: a level (`info`) or tracing's directives (`info,storage=debug`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLevel(String);

/// The text is neither a level nor directives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it takes error, warn, info, debug or trace, or a list such as info,storage=debug")]
pub(crate) struct InvalidLogLevel;

impl LogLevel {
    /// Reads a level or a list of directives.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidLogLevel> {
        // EnvFilter takes any lone word for the name of a crate, so that `log_level = "verbose"` would silence all.
        let has_level = text.split(',').all(|part| {
            let level = part.rsplit('=').next().unwrap_or(part).trim().to_ascii_lowercase();
            ["off", "error", "warn", "info", "debug", "trace"].contains(&level.as_str())
        });
        if !has_level || EnvFilter::try_new(text).is_err() {
            return Err(InvalidLogLevel);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Starts logging for the whole process. Done once, before anything is served.
pub(crate) fn start(format: LogFormat, level: &LogLevel) -> anyhow::Result<()> {
    let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = lines(format, level, is_coloured, std::io::stderr)?;
    lines.try_init().map_err(|error| anyhow::anyhow!("logging could not start: {error}"))
}

/// Writes each event to `writer` as a line.
fn lines<W>(format: LogFormat, level: &LogLevel, is_coloured: bool, writer: W) -> anyhow::Result<Dispatch>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new(&level.0)?).with_writer(writer);
    Ok(match format {
        LogFormat::Text => lines.with_ansi(is_coloured).into(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;

    /// What is logged within a request whose path would break a line, in this format.
    fn logged(format: LogFormat) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&written);
        let lines =
            lines(format, &LogLevel::parse("info").unwrap(), false, move || Line(Arc::clone(&writer)));
        tracing::dispatcher::with_default(&lines.unwrap(), || {
            tracing::info_span!("request", id = "r1").in_scope(|| {
                tracing::info!(path = "/v2/a\n{\"level\":\"ERROR\"}", status = 404, "answered");
                tracing::debug!("not asked for");
            });
        });
        let bytes = written.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    struct Line(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Line {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_for_machines_is_one_json_object_with_the_request_that_it_is_about() {
        let text = logged(LogFormat::Json);
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"answered".into()), "{line}");
        assert_eq!((&line["status"], &line["span"]["id"]), (&404.into(), &"r1".into()), "{line}");
        assert_eq!(line["path"], "/v2/a\n{\"level\":\"ERROR\"}", "{line}");
        assert!(line["timestamp"].is_string(), "{line}");
    }

    #[test]
    fn a_line_for_people_is_one_line_too() {
        let text = logged(LogFormat::Text);
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in ["INFO request{id=\"r1\"}: ", "answered", "status=404"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_level_is_a_known_word_or_a_list_of_directives() {
        for text in ["info", "WARN", "off", "info,storage=debug", "web::gate=trace"] {
            assert!(LogLevel::parse(text).is_ok(), "{text}");
        }
        for text in ["", "verbose", "info,storage", "info,,debug", "storage=loud"] {
            assert_eq!(LogLevel::parse(text), Err(InvalidLogLevel), "{text}");
        }
    }
}
