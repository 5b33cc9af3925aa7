//! The keys of the configuration, each defined once: a flag `--data-dir`, a variable `SEALOCK_DATA_DIR` and a key
//! `data_dir` are one thing (DESIGN §3.5). A new key is a constant here and a line in `ServeConfig::resolve`.

/// One setting of the server.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name in the file, such as `data_dir`.
    pub(crate) name: &'static str,
    /// What stands for its value in the help.
    pub(crate) takes: &'static str,
    /// Its value where nobody gave one, or words in parentheses where that is no text.
    pub(crate) default: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
    /// Whether it takes several values: an array in the file, commas in the variable, a repeated flag.
    pub(crate) is_list: bool,
}

/// What stands for a value that is a number, which the file may have without quotes.
pub(crate) const NUMBER: &str = "NUMBER";

const PREFIX: &str = "SEALOCK_";

/// Names the configuration file; a flag and a variable, but no key of the file itself.
pub(crate) const CONFIG_VARIABLE: &str = "SEALOCK_CONFIG";
/// Names the server for the client commands.
pub(crate) const SERVER_VARIABLE: &str = "SEALOCK_SERVER";
/// Names the folder in which the client keeps its credentials.
pub(crate) const CONFIG_DIR_VARIABLE: &str = "SEALOCK_CONFIG_DIR";
/// Variables that are no setting of the server, but no mistake either.
pub(super) const OTHER_VARIABLES: [&str; 3] = [CONFIG_VARIABLE, SERVER_VARIABLE, CONFIG_DIR_VARIABLE];

pub(crate) const LISTEN: Key = Key {
    name: "listen",
    takes: "ADDRESS:PORT",
    default: "127.0.0.1:5000",
    help: "Where to accept connections; beyond this machine it wants public_urls",
    is_list: false,
};

pub(crate) const PUBLIC_URLS: Key = Key {
    name: "public_urls",
    takes: "URL",
    default: "(this machine's loopback addresses)",
    help: "How clients reach this server, such as https://registry.example.com; several are possible",
    is_list: true,
};

pub(crate) const DATA_DIR: Key = Key {
    name: "data_dir",
    takes: "FOLDER",
    default: "./sealock-data",
    help: "What lasts lives here; made at the first start",
    is_list: false,
};

pub(crate) const DATABASE: Key = Key {
    name: "database",
    takes: "URL",
    default: "sqlite",
    help: "`sqlite` (a file in the data folder) or postgres://USER:PASSWORD@HOST/DATABASE",
    is_list: false,
};

pub(crate) const STORAGE: Key = Key {
    name: "storage",
    takes: "PLACE",
    default: "files",
    help: "Where blobs live: `files` (in the data folder)",
    is_list: false,
};

pub(crate) const KEY_FILE: Key = Key {
    name: "key_file",
    takes: "FILE",
    default: "(DATA_DIR/key)",
    help: "The key that encrypts the signing keys in the database; must be given with PostgreSQL",
    is_list: false,
};

pub(crate) const TLS_CERT: Key = Key {
    name: "tls_cert",
    takes: "FILE",
    default: "(no TLS)",
    help: "The certificate in PEM, and behind it its chain; with it TLS is spoken, and nothing else. Read again when it changes",
    is_list: false,
};

pub(crate) const TLS_KEY: Key = Key {
    name: "tls_key",
    takes: "FILE",
    default: "(no TLS)",
    help: "The certificate's private key in PEM",
    is_list: false,
};

pub(crate) const TRUSTED_PROXIES: Key = Key {
    name: "trusted_proxies",
    takes: "NETWORK",
    default: "(none)",
    help: "Proxies whose X-Forwarded-For is believed, such as 10.1.0.0/16; several are possible",
    is_list: true,
};

pub(crate) const ACME_DOMAINS: Key = Key {
    name: "acme_domains",
    takes: "NAME",
    default: "(none)",
    help: "Names for which a TLS certificate is ordered by ACME and renewed, such as registry.example.com; several are \
           possible. Setting it agrees to the issuer's terms of service. Port 443 of the names must lead here",
    is_list: true,
};

pub(crate) const ACME_EMAIL: Key = Key {
    name: "acme_email",
    takes: "ADDRESS",
    default: "(none)",
    help: "Whom the issuer of the certificate may write to",
    is_list: false,
};

pub(crate) const ACME_DIRECTORY: Key = Key {
    name: "acme_directory",
    takes: "URL",
    default: instant_acme::LetsEncrypt::Production.url(),
    help: "The ACME server's directory",
    is_list: false,
};

pub(crate) const ACME_CA_FILE: Key = Key {
    name: "acme_ca_file",
    takes: "FILE",
    default: "(the system's roots)",
    help: "A root certificate, in PEM, by which a private ACME server is trusted as well",
    is_list: false,
};

pub(crate) const ADMIN_PASSWORD_FILE: Key = Key {
    name: "admin_password_file",
    takes: "FILE",
    default: "(a random password, printed once)",
    help: "The first start reads the password of the user admin from here",
    is_list: false,
};

pub(crate) const MAX_CONNECTIONS: Key = Key {
    name: "max_connections",
    takes: NUMBER,
    default: "10000",
    help: "How many connections there are at once; above it idle ones are closed, and then new ones are answered 503",
    is_list: false,
};

pub(crate) const IDLE_TIMEOUT: Key = Key {
    name: "idle_timeout",
    takes: NUMBER,
    default: "120",
    help: "The time in seconds that a connection is kept without a request; more than a proxy in front keeps it (commonly 60)",
    is_list: false,
};

pub(crate) const METRICS_LISTEN: Key = Key {
    name: "metrics_listen",
    takes: "ADDRESS:PORT",
    default: "(no metrics)",
    help: "Where /metrics is served, to whoever can reach it, such as 127.0.0.1:9090",
    is_list: false,
};

pub(crate) const LOG: Key = Key {
    name: "log",
    takes: "FORMAT",
    default: "text",
    help: "How the log is written: text or json",
    is_list: false,
};

pub(crate) const LOG_LEVEL: Key = Key {
    name: "log_level",
    takes: "LEVEL",
    default: "info",
    help: "What is logged: error, warn, info, debug, trace, or a list such as info,storage=debug",
    is_list: false,
};

/// Every key, in the order of the help.
pub(crate) const KEYS: [&Key; 19] = [
    &LISTEN,
    &PUBLIC_URLS,
    &DATA_DIR,
    &DATABASE,
    &STORAGE,
    &KEY_FILE,
    &TLS_CERT,
    &TLS_KEY,
    &TRUSTED_PROXIES,
    &ACME_DOMAINS,
    &ACME_EMAIL,
    &ACME_DIRECTORY,
    &ACME_CA_FILE,
    &ADMIN_PASSWORD_FILE,
    &MAX_CONNECTIONS,
    &IDLE_TIMEOUT,
    &METRICS_LISTEN,
    &LOG,
    &LOG_LEVEL,
];

impl Key {
    /// Its flag without the dashes in front: `data-dir`.
    pub(crate) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Its variable: `SEALOCK_DATA_DIR`.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// The key with this name in the file.
    pub(super) fn by_name(name: &str) -> Option<&'static Key> {
        KEYS.into_iter().find(|key| key.name == name)
    }

    /// The key with this variable.
    pub(super) fn by_variable(variable: &str) -> Option<&'static Key> {
        KEYS.into_iter().find(|key| key.variable() == variable)
    }
}

/// Whether a variable's name claims to be ours.
pub(super) fn is_ours(variable: &str) -> bool {
    variable.starts_with(PREFIX)
}

/// What to say behind an unknown `name`: the nearest of the `known` ones, or all of them where none is near.
pub(super) fn suggestion(name: &str, known: impl IntoIterator<Item = String>) -> String {
    let known: Vec<String> = known.into_iter().collect();
    // The prefix, which all variables share, brings none of them nearer.
    let own = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    // A third of the letters wrong is still a typo; beyond that a guess misleads.
    let is_near = |distance: usize| distance <= (own(name).len() / 3).max(1);
    let nearest =
        known.iter().map(|other| (strsim::damerau_levenshtein(&own(name), &own(other)), other)).min();
    match nearest {
        Some((distance, other)) if is_near(distance) => format!("did you mean {other}?"),
        _ => format!("known are {}", known.join(", ")),
    }
}
