//! The URL of a PostgreSQL server. It may hold a password, also where it cannot be read, so no message repeats a part of it.

use tokio_postgres::{Config, config::Host};

/// The port that is meant where none is named (IANA).
const USUAL_PORT: u16 = 5432;
/// Options of other clients of PostgreSQL. These words are no secret, so a message may name them.
const OPTIONS_OF_LIBPQ: [&str; 10] = [
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "sslpassword",
    "gssencmode",
    "passfile",
    "service",
    "client_encoding",
    "require_auth",
];

/// Reads `postgres://user:password@host/name?option=value`.
///
/// # Errors
/// Names the part that is wrong and never repeats it.
pub(super) fn read(url: &str) -> Result<Config, String> {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    let rest = rest.ok_or("it begins with postgres:// or postgresql://")?;
    // The driver ends the password at the first @, so it would take the rest of it for the host, and print that.
    if rest.matches('@').count() > 1 {
        return Err("it has more than one @; write %40 for an @ within the password or another part".into());
    }
    // Likewise it would take all before an @ in an option for the user.
    let before_at = rest.split_once('@').map_or("", |(before, _)| before);
    if before_at.split_once('?').is_some_and(|(_, options)| options.contains('=')) {
        return Err(
            "it has an @ behind a ?; write %40 for the @ of an option, and %3F for the ? of a password"
                .into(),
        );
    }
    let behind_user = rest.split_once('@').map_or(rest, |(_, behind)| behind);
    let hosts = behind_user.split(['/', '?']).next().unwrap_or_default();
    for host in hosts.split(',').filter(|_| !hosts.is_empty()) {
        check_host(host, rest.contains('@'))?;
    }
    url.parse().map_err(|_| wrong_option(behind_user))
}

fn check_host(text: &str, has_user: bool) -> Result<(), String> {
    let (host, port) = match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, behind)) => (host, Some(behind.strip_prefix(':').unwrap_or("none"))),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    // A folder of a socket is written with %2F.
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_%:".contains(&byte);
    if !host.bytes().all(is_host) {
        return Err(
            "the host has a character that no host has; percent-encode what the password holds".into()
        );
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        let hint = if has_user { "" } else { "; before it stands the user, as user:password@" };
        return Err(format!("the port must be a number from 0 to 65535{hint}"));
    }
    Ok(())
}

/// Why the driver refused a URL whose hosts are good: its own message would repeat names of options.
fn wrong_option(behind_user: &str) -> String {
    let options = behind_user.split_once('?').map_or("", |(_, options)| options);
    let names = || options.split('&').map(|option| option.split('=').next().unwrap_or_default());
    if let Some(name) = OPTIONS_OF_LIBPQ.iter().find(|known| names().any(|name| name == **known)) {
        return format!("the option {name} is one that Sealock does not have; leave it out");
    }
    "an option behind the ? is unknown or has a wrong value, or a part is not percent-encoded UTF-8".into()
}

/// What a URL points at, for the log.
pub(super) fn without_password(url: &str) -> String {
    let Ok(config) = read(url) else { return "a URL that can't be read".into() };
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => String::new(),
    };
    let user = config.get_user().unwrap_or_default();
    let port = match config.get_ports().first() {
        None | Some(&USUAL_PORT) => String::new(),
        Some(port) => format!(":{port}"),
    };
    format!("postgres://{user}@{host}{port}/{}", config.get_dbname().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_url_that_can_not_be_read_is_refused_without_any_part_of_it() {
        for (url, said) in [
            ("postgres://sealock:sec@ret@db/registry", "more than one @"),
            ("postgres://sealock:sec@ret/part@db/registry", "more than one @"),
            ("postgres://sealock:sec@ret?part@db/registry", "more than one @"),
            ("postgres://sealock:sec@ret:ten@db:5432/registry", "more than one @"),
            ("postgres://sealock:secret/registry", "user:password@"),
            ("postgres://sealock@db:secret/registry", "the port"),
            ("postgres://sealock@db:65536/secret", "the port"),
            ("postgres://sealock@[::1]secret/registry", "the port"),
            ("postgres://sealock@[::1/secret", "the host"),
            ("postgres://sealock@sec ret/registry", "the host"),
            ("postgres://sealock@sec\"ret/registry", "the host"),
            ("postgres://sealock@db/registry?password=sec&ret", "an option"),
            ("postgres://sealock@db/registry?secret=1", "an option"),
            ("postgres://sealock@db/registry?sslmode=secret", "an option"),
            ("postgres://sealock@db/registry?sslrootcert=/secret", "sslrootcert"),
            ("postgres://%FF:secret@db/registry", "an option"),
            ("postgres://db/registry?password=sec@ret", "@ behind a ?"),
            ("postgres://db:5432/registry?user=sealock&password=sec@ret", "@ behind a ?"),
            ("host=db password=secret", "postgres://"),
            ("secret", "postgres://"),
        ] {
            let refused = read(url).unwrap_err();
            assert!(refused.contains(said), "{url}: {refused}");
            for part in ["sec", "registry", "sealock", "ret:", "ret@"] {
                assert!(!refused.contains(part), "{url}: {refused}");
            }
            assert_eq!(without_password(url), "a URL that can't be read");
        }
    }

    #[test]
    fn a_url_that_can_be_read_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://sealock:sec%40ret@db/registry", "postgres://sealock@db/registry"),
            ("postgres://sealock:se/c?r#t@db:6000/registry", "postgres://sealock@db:6000/registry"),
            ("postgresql://sealock@[::1]:6000/registry", "postgres://sealock@::1:6000/registry"),
            ("postgres://sealock@%2Frun%2Fpg/registry", "postgres://sealock@/run/pg/registry"),
            ("postgres://sealock@a,b:6000/registry", "postgres://sealock@a/registry"),
            ("postgres:///registry?host=/run&user=sealock&password=x", "postgres://sealock@/run/registry"),
            ("postgres://sealock:x@db/registry?sslmode=require", "postgres://sealock@db/registry"),
        ] {
            assert_eq!(without_password(url), shown, "{url}");
        }
    }
}
