//! The configuration as an operator meets it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use clap::{Args, Command, FromArgMatches};

use super::*;
use crate::acme::DomainName;

pub(crate) struct Situation {
    folder: tempfile::TempDir,
    flags: Vec<String>,
    variables: Vec<(OsString, OsString)>,
}

pub(crate) fn given() -> Situation {
    Situation { folder: tempfile::tempdir().unwrap(), flags: vec!["serve".into()], variables: Vec::new() }
}

impl Situation {
    fn file(self, text: &str) -> Self {
        self.file_named("sealock.toml", text)
    }

    fn file_named(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| flag.to_string()));
        self
    }

    fn load(self) -> Result<ServeConfig, ConfigError> {
        let matches =
            ServeFlags::augment_args(Command::new("serve")).try_get_matches_from(&self.flags).unwrap();
        let flags = ServeFlags::from_arg_matches(&matches).unwrap();
        ServeConfig::load(flags, self.variables, self.folder.path())
    }

    pub(crate) fn loads(self) -> ServeConfig {
        self.load().expect("this configuration is right")
    }

    fn refused(self) -> String {
        self.load().expect_err("this configuration is wrong").to_string()
    }
}

fn shown(config: &ServeConfig, port: u16) -> Vec<String> {
    config.public_urls(port).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_given_is_a_registry_for_this_machine() {
    let config = given().loads();
    assert_eq!(config.listen.to_string(), "127.0.0.1:5000");
    assert_eq!(config.data_dir, Path::new("./sealock-data"));
    assert!(
        matches!(&config.database, DatabaseLocation::Sqlite { path } if path == Path::new("./sealock-data/sealock.db"))
    );
    assert_eq!(config.blobs, Path::new("./sealock-data/blobs"));
    assert_eq!(config.key_file, KeyFilePath::InDataFolder("./sealock-data/key".into()));
    assert_eq!(config.admin_password_file, None);
    assert_eq!((config.log, config.log_level), (LogFormat::Text, LogLevel::parse("info").unwrap()));
}

/// The working folder is no data folder, and no file.
#[test]
fn an_empty_path_is_refused_whatever_it_is_for() {
    let rule = "it is empty; name a path, or leave it out";
    for key in ["data-dir", "key-file", "admin-password-file", "tls-cert", "acme-ca-file"] {
        let flag = format!("--{key}");
        let refused = given().flags(&["--acme-domains", "a.example", &flag, ""]).refused();
        assert_eq!(refused, format!("{flag}: {rule}"));
    }
    let refused = given().flags(&["--tls-cert", "a.crt", "--tls-key", ""]).refused();
    assert_eq!(refused, format!("--tls-key: {rule}"));
    let refused = given().file("data_dir = \"\"\n").refused();
    assert_eq!(refused, format!("sealock.toml line 1, data_dir: {rule}"));
    // As compose files pass on what is not set.
    assert_eq!(given().variable("SEALOCK_DATA_DIR", "").loads().data_dir, Path::new("./sealock-data"));
}

#[test]
fn the_default_public_urls_carry_the_port_that_is_listened_on() {
    let config = given().flags(&["--listen", "127.0.0.1:0"]).loads();
    assert_eq!(shown(&config, 4711), ["http://127.0.0.1:4711", "http://localhost:4711", "http://[::1]:4711"]);
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let file = "listen = '127.0.0.1:1'\ndata_dir = 'from-file'\nlog = 'json'";
    let all = || {
        given()
            .file(file)
            .variable("SEALOCK_LISTEN", "127.0.0.1:2")
            .variable("SEALOCK_DATA_DIR", "from-variable")
    };

    let config = all().flags(&["--listen", "127.0.0.1:3"]).loads();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.data_dir, Path::new("from-variable"));
    assert_eq!(config.log, LogFormat::Json);
}

#[test]
fn every_key_is_a_flag_a_variable_and_a_line_of_the_file() {
    for key in keys::KEYS {
        let value = match key.name {
            "listen" => "127.0.0.1:7",
            "public_urls" => "https://a.example",
            "database" => "sqlite",
            "storage" => "files",
            "trusted_proxies" => "10.1.0.0/16",
            "acme_domains" => "a.example",
            "acme_email" => "ada@a.example",
            "acme_directory" => "https://acme.example/directory",
            "max_connections" => "17",
            "idle_timeout" => "75",
            "metrics_listen" => "127.0.0.1:9",
            "log" => "json",
            "log_level" => "debug",
            _ => "some-path",
        };
        let in_file = if key.is_list {
            format!("{} = [\"{value}\"]", key.name)
        } else {
            format!("{} = \"{value}\"", key.name)
        };
        let partner = match key.name {
            "acme_email" | "acme_directory" | "acme_ca_file" => Some(("SEALOCK_ACME_DOMAINS", "b.example")),
            "tls_cert" => Some(("SEALOCK_TLS_KEY", "partner")),
            "tls_key" => Some(("SEALOCK_TLS_CERT", "partner")),
            _ => None,
        };
        let with = |given: Situation| match partner {
            Some((name, value)) => given.variable(name, value),
            None => given,
        };
        // A half of TLS does not start.
        let without = if key.name.starts_with("tls_") { given() } else { with(given()) };
        let by_flag = with(given().flags(&[&format!("--{}", key.flag()), value])).loads();
        let by_variable = with(given().variable(&key.variable(), value)).loads();
        let by_file = with(given().file(&in_file)).loads();
        assert_eq!(format!("{by_flag:?}"), format!("{by_variable:?}"), "{}", key.name);
        assert_eq!(format!("{by_flag:?}"), format!("{by_file:?}"), "{}", key.name);
        let is_default = ["database", "storage"].contains(&key.name);
        assert_eq!(
            format!("{by_flag:?}") == format!("{:?}", without.loads()),
            is_default,
            "{} must do something",
            key.name
        );
    }
}

#[test]
fn an_empty_variable_counts_as_not_given() {
    assert_eq!(
        given().file("data_dir = 'd'").variable("SEALOCK_DATA_DIR", "").loads().data_dir,
        Path::new("d")
    );
}

#[test]
fn several_public_urls_keep_their_order_in_every_layer() {
    let expect = ["https://b.example", "http://a.example:8080"];
    let listed = "https://b.example, http://a.example:8080";
    for config in [
        given().file("public_urls = ['https://b.example', 'http://a.example:8080']").loads(),
        given().variable("SEALOCK_PUBLIC_URLS", listed).loads(),
        given().flags(&["--public-urls", expect[0], "--public-urls", expect[1]]).loads(),
    ] {
        assert_eq!(shown(&config, 1), expect);
    }
}

#[test]
fn a_named_file_is_read_instead_and_must_exist() {
    let both = || given().file("listen = '127.0.0.1:1'").file_named("other.toml", "listen = '127.0.0.1:2'");
    assert_eq!(both().flags(&["--config", "other.toml"]).loads().listen.port(), 2);
    assert_eq!(both().variable("SEALOCK_CONFIG", "other.toml").loads().listen.port(), 2);
    let missing =
        both().flags(&["--config", "absent.toml"]).variable("SEALOCK_CONFIG", "other.toml").refused();
    assert!(missing.starts_with("the configuration file absent.toml could not be read"), "{missing}");
}

#[test]
fn an_unknown_key_is_named_with_file_line_and_the_nearest_known_one() {
    let message =
        given().file("# ours\nlisten = '127.0.0.1:1'\npublic_url = ['https://a.example']\n").refused();
    assert_eq!(message, "sealock.toml line 3: there is no key public_url; did you mean public_urls?");
    let table = given().file("[server]\nlisten = '127.0.0.1:1'").refused();
    assert!(table.starts_with("sealock.toml line 1: there is no key server; "), "{table}");
}

#[test]
fn an_unknown_variable_stops_the_start_with_its_name() {
    let message = given().variable("SEALOCK_DATADIR", "/x").refused();
    assert_eq!(message, "there is no variable SEALOCK_DATADIR; did you mean SEALOCK_DATA_DIR?");
    let far = given().variable("SEALOCK_QQ", "1").refused();
    assert!(
        far.contains("SEALOCK_QQ; known are SEALOCK_LISTEN, ") && far.contains("SEALOCK_CONFIG"),
        "{far}"
    );
}

#[test]
fn variables_of_the_client_and_of_others_are_no_mistake() {
    let variables =
        [("SEALOCK_SERVER", "x"), ("SEALOCK_CONFIG_DIR", "y"), ("PATH", "z"), ("sealock_foo", "1")];
    variables.into_iter().fold(given(), |given, (name, value)| given.variable(name, value)).loads();
}

#[test]
fn the_links_of_a_kubernetes_service_do_not_stop_the_start() {
    let links = [("SEALOCK_SERVICE_HOST", "10.0.0.1"), ("SEALOCK_PORT", "tcp://10.0.0.1:5000")];
    let in_kubernetes =
        || links.into_iter().fold(given(), |given, (name, value)| given.variable(name, value));
    in_kubernetes().loads();
    assert!(in_kubernetes().variable("SEALOCK_LISTN", "x").refused().contains("SEALOCK_LISTN"));
}

#[test]
fn a_malformed_file_is_shown_by_line_and_never_by_content() {
    let message = given().file("log = 'json'\ndatabase = \"postgres://u:hunter2@h/db\n").refused();
    assert!(message.starts_with("sealock.toml line 2: "), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_value_of_another_kind_is_answered_with_the_form_to_write() {
    let at = "sealock.toml line 1";
    assert_eq!(
        given().file("listen = 5000").refused(),
        format!("{at}, listen: write listen = \"ADDRESS:PORT\"")
    );
    assert_eq!(
        given().file("public_urls = 'https://a.example'").refused(),
        format!("{at}, public_urls: write public_urls = [\"URL\"]")
    );
    assert_eq!(
        given().file("public_urls = [1]").refused(),
        format!("{at}, public_urls: write public_urls = [\"URL\"]")
    );
}

#[test]
fn listening_beyond_this_machine_wants_public_urls_and_says_the_line() {
    for listen in ["0.0.0.0:5000", "[::]:5000", "10.1.2.3:80"] {
        let message = given().flags(&["--listen", listen]).refused();
        assert!(message.contains(listen), "{message}");
        assert!(message.contains("\n    public_urls = [\"https://registry.example.com\"]\n"), "{message}");
        given().flags(&["--listen", listen, "--public-urls", "https://a.example"]).loads();
    }
    for listen in ["127.0.0.1:5000", "127.9.9.9:1", "[::1]:5000"] {
        given().flags(&["--listen", listen]).loads();
    }
}

#[test]
fn the_line_to_add_is_itself_a_right_configuration() {
    let message = given().flags(&["--listen", "0.0.0.0:5000"]).refused();
    let line = message.lines().find(|line| line.contains("public_urls = ")).unwrap();
    given().file(line).flags(&["--listen", "0.0.0.0:5000"]).loads();
}

#[test]
fn postgresql_wants_a_key_file_and_its_password_is_never_shown() {
    let url = "postgres://sealock:hunter2@db.example/sealock";
    assert!(given().flags(&["--database", url]).refused().contains("key_file = \"sealock.key\""));
    let config = given().flags(&["--database", url, "--key-file", "/k"]).loads();
    assert!(matches!(&config.database, DatabaseLocation::Postgres { url: given } if given == url));
    assert_eq!(config.key_file, KeyFilePath::Given("/k".into()));
    assert!(!format!("{config:?}").contains("hunter2"));
    let url = "postgres://db.example/sealock?user=sealock&password=hunter2";
    let config = given().flags(&["--database", url, "--key-file", "/k"]).loads();
    assert!(!format!("{config:?} {}", config.database).contains("hunter2"), "{config:?}");
}

#[test]
fn wrong_values_are_refused_with_their_place_and_their_rule() {
    for (flag, value, expect) in [
        ("listen", "localhost:5000", "--listen: it takes an IP address and a port"),
        ("listen", ":5000", "--listen: it takes an IP address"),
        ("public-urls", "registry.example.com", "--public-urls: an address begins with http:// or https://"),
        ("public-urls", "https://a.example/x", "--public-urls: an address ends after host and port"),
        ("database", "mysql://u:hunter2@h/d", "--database: it takes sqlite"),
        ("database", "postgres://sealock:hunter2@hunter2@db/x", "--database: it has more than one @"),
        ("database", "postgres://sealock@db:hunter2/x", "--database: the port must be a number"),
        ("database", "postgres://db/x?hunter2=hunter2", "--database: an option behind the ?"),
        ("storage", "s3://bucket/prefix", "--storage: S3 is not in this version"),
        ("storage", "tape", "--storage: it takes files"),
        ("log", "xml", "--log: it takes text or json"),
        ("log-level", "loud", "--log-level: it takes error, warn"),
    ] {
        let message = given().flags(&[&format!("--{flag}"), value]).refused();
        assert!(message.starts_with(expect), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn trusted_proxies_are_networks_and_a_bad_one_stops_the_start_with_its_key() {
    assert_eq!(given().loads().trusted_proxies, TrustedProxies::default());
    let expect =
        TrustedProxies::new(["10.1.0.0/16", "2001:db8::7"].map(|text| TrustedProxy::parse(text).unwrap()));
    for config in [
        given().file("trusted_proxies = ['10.1.0.0/16', '2001:db8::7']").loads(),
        given().variable("SEALOCK_TRUSTED_PROXIES", "10.1.0.0/16, 2001:db8::7").loads(),
        given().flags(&["--trusted-proxies", "10.1.0.0/16,2001:db8::7"]).loads(),
    ] {
        assert_eq!(config.trusted_proxies, expect);
    }
    for (text, says) in [
        ("proxy.example", "neither an IP address nor a network"),
        ("10.1.0.1/16", "did you mean 10.1.0.0/16?"),
        ("0.0.0.0/0", "name the networks of your proxies"),
        ("::/0", "name the networks of your proxies"),
    ] {
        let refused = given().variable("SEALOCK_TRUSTED_PROXIES", &format!("192.0.2.1,{text}")).refused();
        assert!(refused.starts_with("SEALOCK_TRUSTED_PROXIES: ") && refused.contains(says), "{refused}");
    }
}

#[test]
fn names_to_order_for_are_the_public_urls_unless_others_are_given() {
    let config = given().flags(&["--listen", "0.0.0.0:443", "--acme-domains", "B.example,a.example"]).loads();
    assert_eq!(shown(&config, 443), ["https://b.example", "https://a.example"]);
    let acme = config.acme.unwrap();
    assert_eq!(acme.domains.iter().map(DomainName::as_str).collect::<Vec<_>>(), ["b.example", "a.example"]);
    assert_eq!(acme.directory.as_str(), "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!((acme.email, acme.ca_file), (None, None));

    let config =
        given().file("acme_domains = ['a.example']\npublic_urls = ['https://a.example:8443']").loads();
    assert_eq!(shown(&config, 443), ["https://a.example:8443"]);
    assert!(given().loads().acme.is_none());
}

#[test]
fn what_no_certificate_could_be_ordered_for_stops_the_start() {
    let names: Vec<String> = (0..101).map(|number| format!("'n{number}.example'")).collect();
    let too_many = format!("acme_domains = [{}]", names.join(", "));
    for (file, says) in [
        ("acme_domains = ['*.example.com']", "acme_domains: a wildcard can't be proved"),
        ("acme_domains = ['192.0.2.1']", "acme_domains: a certificate is ordered for names"),
        ("acme_domains = ['a.example', 'https://b.example']", "without https:// and port"),
        ("acme_domains = 'a.example'", "write acme_domains = [\"NAME\"]"),
        (&too_many, "acme_domains has 101 names, and a certificate holds 100 at most"),
        ("acme_email = 'ada@a.example'", "acme_email does nothing without acme_domains"),
        ("acme_directory = 'https://acme.example/d'", "acme_directory does nothing without acme_domains"),
        ("acme_ca_file = 'root.pem'", "acme_ca_file does nothing without acme_domains"),
        ("acme_domains = ['a.example']\nacme_email = 'ada'", "acme_email: it takes one e-mail address"),
        (
            "acme_domains = ['a.example']\nacme_directory = 'http://acme.example/d'",
            "it takes the https:// URL",
        ),
        (
            "acme_domains = ['a.example']\npublic_urls = ['https://a.example', 'https://b.example']",
            "public_urls has https://b.example, which is no https:// address of a name in acme_domains",
        ),
        (
            "acme_domains = ['a.example']\npublic_urls = ['http://a.example']",
            "public_urls has http://a.example",
        ),
    ] {
        let refused = given().file(file).refused();
        assert!(refused.contains(says), "{file}: {refused}");
    }
}

#[test]
fn tls_wants_certificate_and_key_together_and_nothing_else_beside_them() {
    let both = || given().flags(&["--tls-cert", "c.pem", "--tls-key", "k.pem"]);
    let config = both().loads();
    let files = TlsFiles { certificate: "c.pem".into(), key: "k.pem".into() };
    assert_eq!(config.tls, Some(files));
    assert_eq!(shown(&config, 4711)[0], "https://127.0.0.1:4711");
    assert_eq!(given().loads().tls, None);
    for (flag, says) in [
        ("--tls-cert", "tls_cert needs tls_key beside it"),
        ("--tls-key", "tls_key needs tls_cert beside it"),
    ] {
        let refused = given().flags(&[flag, "a.pem"]).refused();
        assert!(refused.starts_with(says), "{refused}");
    }
    assert_eq!(
        shown(&both().flags(&["--public-urls", "https://a.example"]).loads(), 1),
        ["https://a.example"]
    );
    // Docker would send the password to where the challenge says, in the clear.
    let refused = both().variable("SEALOCK_PUBLIC_URLS", "https://a.example,http://a.example:8080").refused();
    let says = "public_urls has http://a.example:8080, and with tls_cert only TLS is spoken here";
    assert!(refused.starts_with(says), "{refused}");
    let refused = both().variable("SEALOCK_ACME_DOMAINS", "a.example").refused();
    assert!(refused.contains("acme_domains orders another"), "{refused}");
}

#[test]
fn how_many_connections_is_a_number_with_or_without_quotes() {
    assert_eq!(given().loads().max_connections, web::Limits::default().connections);
    for file in ["max_connections = 17", "max_connections = '17'"] {
        assert_eq!(given().file(file).loads().max_connections, 17);
    }
    for (file, says) in [
        ("max_connections = 0", "sealock.toml line 1, max_connections: it takes a number from 1 to 1000000"),
        ("max_connections = -5", "sealock.toml line 1, max_connections: it takes a number"),
        ("max_connections = 1000001", "sealock.toml line 1, max_connections: it takes a number"),
        ("max_connections = 'many'", "sealock.toml line 1, max_connections: it takes a number"),
        ("max_connections = true", "sealock.toml line 1, max_connections: write max_connections = NUMBER"),
        ("data_dir = 5", "sealock.toml line 1, data_dir: write data_dir = \"FOLDER\""),
    ] {
        let refused = given().file(file).refused();
        assert!(refused.starts_with(says), "{refused}");
    }
}

#[test]
fn an_idle_connection_is_kept_for_a_number_of_seconds_within_bounds() {
    let default = given().loads().idle_timeout;
    assert_eq!((default.as_secs(), default), (120, web::Limits::default().idle));
    for seconds in [5, 75, 3600] {
        assert_eq!(
            given().file(&format!("idle_timeout = {seconds}")).loads().idle_timeout.as_secs(),
            seconds
        );
    }
    for seconds in ["4", "3601", "-1", "1m", ""] {
        let refused = given().flags(&[&format!("--idle-timeout={seconds}")]).refused();
        let says = "--idle-timeout: it takes a number of seconds from 5 to 3600";
        assert!(refused.starts_with(says), "{seconds}: {refused}");
    }
}

#[test]
fn metrics_are_served_where_somebody_says_and_nowhere_else() {
    assert_eq!(given().loads().metrics_listen, None);
    let config = given().flags(&["--metrics-listen", "0.0.0.0:9090"]).loads();
    assert_eq!(config.metrics_listen, Some("0.0.0.0:9090".parse().unwrap()));
    let refused = given().flags(&["--metrics-listen", "9090"]).refused();
    assert!(refused.starts_with("--metrics-listen: it takes an IP address and a port"), "{refused}");
}
