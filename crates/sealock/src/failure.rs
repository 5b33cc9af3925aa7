//! Why a command ended badly, and the exit code that scripts see.

use std::process::ExitCode;

use crate::origin::Origin;

/// The end of a command that did not do what it was asked. Messages are whole sentences for people, without a full
/// stop, ready to stand behind `error: `.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command or the configuration can't be meant like that: exit code 2, as clap uses it.
    #[error("{0}")]
    Usage(String),
    /// There is no login, or a new one is not valid: exit code 3.
    #[error("{0}")]
    NotLoggedIn(String),
    /// The login that was kept is not valid (any more): exit code 3.
    #[error("{reason}; log in again with `sealock login {server} -u USER`")]
    LoginRefused { reason: String, server: Origin },
    /// The server refused or failed: exit code 1.
    #[error("{0}")]
    Refused(String),
    /// Something else went wrong: exit code 1.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    /// The exit code, as `sealock --help` documents it.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) | Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::NotLoggedIn(_) | Self::LoginRefused { .. } => 3,
        })
    }
}
