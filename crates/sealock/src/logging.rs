//! Where the log goes and how it looks: stderr, for people or for machines. Stdout belongs to the commands' answers.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

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
    let lines =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new(&level.0)?).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => {
            let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            lines.with_ansi(is_coloured).try_init()
        }
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging could not start: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
