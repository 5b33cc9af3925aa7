//! The configuration of the server (DESIGN §3.5): flags > `SEALOCK_*` variables > `sealock.toml`. Everything is
//! checked before anything is opened; relative paths start at the working folder, whichever layer they stand in.

mod acme;
mod flags;
pub(crate) mod keys;
mod kubernetes;
mod layers;
#[cfg(test)]
pub(crate) mod tests;
mod tls;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use flags::ServeFlags;
use layers::{Given, Source};
use registry::DatabaseLocation;
use web::{TrustedProxies, TrustedProxy};

pub(crate) use tls::TlsFiles;

use crate::acme::AcmeSettings;
use crate::logging::{LogFormat, LogLevel};
use crate::origin::Origin;

/// The largest `max_connections`: Linux gives a process about as many files by default (fs.nr_open, 1,048,576).
const MAX_MAX_CONNECTIONS: usize = 1_000_000;

/// The bounds of `idle_timeout`, in seconds. Below the shortest a client would connect anew for each request of a pull;
/// beyond the longest, connections that clients left would hold files for hours.
const IDLE_TIMEOUT_SECONDS: RangeInclusive<u64> = 5..=3_600;

/// What `sealock serve` was told, checked.
#[derive(Debug)]
pub(crate) struct ServeConfig {
    /// Where to accept connections; port 0 lets the system choose.
    pub(crate) listen: SocketAddr,
    /// How clients reach the server, as far as somebody said so; see [`ServeConfig::public_urls`].
    given_public_urls: Vec<Origin>,
    /// What lasts lives here. It may not exist yet.
    pub(crate) data_dir: PathBuf,
    /// Which database; its URL may hold a password, which `Debug` hides.
    pub(crate) database: DatabaseLocation,
    /// The folder of the blobs.
    pub(crate) blobs: PathBuf,
    /// The key that encrypts the signing keys.
    pub(crate) key_file: KeyFilePath,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: TrustedProxies,
    /// The certificate that clients are shown.
    pub(crate) tls: Option<TlsFiles>,
    /// How many connections there are at once, at least 1.
    pub(crate) max_connections: usize,
    /// How long a connection is kept without a request.
    pub(crate) idle_timeout: Duration,
    /// Where the metrics are served.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// For what a certificate is ordered, and from whom.
    pub(crate) acme: Option<AcmeSettings>,
    /// Where the first start reads the administrator's password.
    pub(crate) admin_password_file: Option<PathBuf>,
    /// How the log is written.
    pub(crate) log: LogFormat,
    /// What is logged.
    pub(crate) log_level: LogLevel,
}

/// The file with the key that encrypts the signing keys.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeyFilePath {
    /// In the data folder: the first start makes it.
    InDataFolder(PathBuf),
    /// Named in the configuration.
    Given(PathBuf),
}

impl KeyFilePath {
    /// The file itself.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::InDataFolder(path) | Self::Given(path) => path,
        }
    }
}

/// Why the server does not start with this configuration. No message holds a value, since it may be a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{file} line {line}: there is no key {name}; {suggestion}", file = file.display())]
    UnknownKey { file: PathBuf, line: usize, name: String, suggestion: String },
    #[error("there is no variable {name}; {suggestion}")]
    UnknownVariable { name: String, suggestion: String },
    #[error("the configuration file {file} could not be read: {cause}", file = file.display())]
    Unreadable { file: PathBuf, cause: std::io::Error },
    #[error("{file} line {line}: {reason}", file = file.display())]
    Malformed { file: PathBuf, line: usize, reason: String },
    #[error("{at}: {rule}")]
    Invalid { at: Source, rule: String },
    #[error(
        "listening on {0} lets other machines in, and they must be told under which address to log in; add to \
         sealock.toml the one that clients use:\n\n    public_urls = [\"https://registry.example.com\"]\n\n\
         or give it as SEALOCK_PUBLIC_URLS=https://registry.example.com"
    )]
    NoPublicUrls(SocketAddr),
    #[error(
        "PostgreSQL needs a key_file of its own, the same for every replica and never beside the database's backup; \
         make one with\n\n    (umask 077; openssl rand -hex 32 > sealock.key)\n\nand add to \
         sealock.toml\n\n    key_file = \"sealock.key\""
    )]
    NoKeyFile,
    #[error(
        "{0} needs {1} beside it: TLS takes the certificate and its key; give both, or neither for plain HTTP"
    )]
    HalfOfTls(&'static str, &'static str),
    #[error(
        "tls_cert and tls_key name a certificate, acme_domains orders another; take out the one or the other"
    )]
    TwoCertificates,
    #[error(
        "public_urls has {0}, and with tls_cert only TLS is spoken here: clients would be told to send their passwords \
         there in the clear; write https:// in front of it"
    )]
    PlainBesideTls(Origin),
    #[error(
        "{0} does nothing without acme_domains; add the names that clients use, such as\n\n    \
         acme_domains = [\"registry.example.com\"]"
    )]
    AcmeDomainsMissing(&'static str),
    #[error(
        "acme_domains has {0} names, and a certificate holds {max} at most; take some out",
        max = crate::acme::MAX_DOMAINS
    )]
    TooManyAcmeDomains(usize),
    #[error("acme_domains: {0}")]
    AcmeDomainNoOrigin(crate::origin::InvalidOrigin),
    #[error(
        "public_urls has {0}, which is no https:// address of a name in acme_domains: clients would not accept the \
         certificate there; add its name to acme_domains, or leave public_urls out"
    )]
    NotInAcmeDomains(Origin),
}

impl ServeConfig {
    /// Reads and checks flags, variables and the file. `folder` is the working folder.
    pub(crate) fn load(
        flags: ServeFlags,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        folder: &Path,
    ) -> Result<Self, ConfigError> {
        Self::resolve(&Given::gather(flags, variables, folder)?)
    }

    fn resolve(given: &Given) -> Result<Self, ConfigError> {
        let data_dir = given.one_or_default(&keys::DATA_DIR, path)?;
        let database = given.one_or_default(&keys::DATABASE, |text| parse_database(text, &data_dir))?;
        let (acme, tls) = (acme::settings(given)?, tls::files(given)?);
        let public_urls = given.many(&keys::PUBLIC_URLS, Origin::parse)?;
        let config = Self {
            listen: given.one_or_default(&keys::LISTEN, parse_listen)?,
            given_public_urls: match (&acme, &tls) {
                (Some(acme), _) => acme::public_urls(acme, public_urls)?,
                (None, Some(_)) => tls::public_urls(public_urls)?,
                (None, None) => public_urls,
            },
            blobs: given.one_or_default(&keys::STORAGE, |text| parse_storage(text, &data_dir))?,
            key_file: match (given.one(&keys::KEY_FILE, path)?, &database) {
                (Some(path), _) => KeyFilePath::Given(path),
                (None, DatabaseLocation::Sqlite { .. }) => KeyFilePath::InDataFolder(data_dir.join("key")),
                (None, DatabaseLocation::Postgres { .. }) => return Err(ConfigError::NoKeyFile),
            },
            trusted_proxies: TrustedProxies::new(given.many(&keys::TRUSTED_PROXIES, TrustedProxy::parse)?),
            acme,
            tls,
            max_connections: given.one_or_default(&keys::MAX_CONNECTIONS, parse_max_connections)?,
            idle_timeout: given.one_or_default(&keys::IDLE_TIMEOUT, parse_idle_timeout)?,
            metrics_listen: given.one(&keys::METRICS_LISTEN, parse_listen)?,
            admin_password_file: given.one(&keys::ADMIN_PASSWORD_FILE, path)?,
            log: given.one_or_default(&keys::LOG, parse_log)?,
            log_level: given.one_or_default(&keys::LOG_LEVEL, LogLevel::parse)?,
            data_dir,
            database,
        };
        if config.given_public_urls.is_empty() && !config.listen.ip().is_loopback() {
            return Err(ConfigError::NoPublicUrls(config.listen));
        }
        Ok(config)
    }

    /// How clients reach the server, at least one; the first is the one for those who name none of them (DESIGN §3.2).
    /// `port` is the one that is really listened on, for the default: the loopback addresses.
    pub(crate) fn public_urls(&self, port: u16) -> Result<Vec<Origin>, crate::origin::InvalidOrigin> {
        if !self.given_public_urls.is_empty() {
            return Ok(self.given_public_urls.clone());
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .map(|host| Origin::parse(&format!("{scheme}://{host}:{port}")))
            .collect()
    }
}

/// An empty path would be the working folder.
fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() { Err("it is empty; name a path, or leave it out") } else { Ok(PathBuf::from(text)) }
}

fn parse_listen(text: &str) -> Result<SocketAddr, &'static str> {
    let rule = "it takes an IP address and a port, such as 127.0.0.1:5000, 0.0.0.0:5000 or [::1]:5000";
    text.parse().map_err(|_| rule)
}

fn parse_max_connections(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok().filter(|number| (1..=MAX_MAX_CONNECTIONS).contains(number));
    number.ok_or("it takes a number from 1 to 1000000")
}

fn parse_idle_timeout(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| IDLE_TIMEOUT_SECONDS.contains(seconds));
    seconds.map(Duration::from_secs).ok_or("it takes a number of seconds from 5 to 3600")
}

fn parse_database(text: &str, data_dir: &Path) -> Result<DatabaseLocation, String> {
    if text == keys::DATABASE.default {
        return Ok(DatabaseLocation::Sqlite { path: data_dir.join("sealock.db") });
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return DatabaseLocation::postgres(text);
    }
    Err("it takes sqlite (a file in data_dir) or postgres://USER:PASSWORD@HOST/DATABASE".into())
}

fn parse_storage(text: &str, data_dir: &Path) -> Result<PathBuf, &'static str> {
    match text {
        "files" => Ok(data_dir.join("blobs")),
        _ if text.starts_with("s3://") => {
            Err("S3 is not in this version; leave it out to keep blobs in data_dir")
        }
        _ => Err("it takes files (in data_dir); use data_dir to choose another folder"),
    }
}

fn parse_log(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("it takes text or json"),
    }
}
