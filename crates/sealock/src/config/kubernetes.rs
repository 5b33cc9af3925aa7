//! Kubernetes gives every container variables about the Services around it ("service links"). A Service named
//! `sealock` yields `SEALOCK_PORT` and others, which nobody wrote and which must not stop the start.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Whether `name` is such a variable. Every Service has a `…_SERVICE_HOST` and all its other names begin alike, so a
/// typo in a setting of ours is still seen, in Kubernetes too.
pub(super) fn is_service_link(name: &str, variables: &BTreeMap<OsString, OsString>) -> bool {
    let is_service =
        |service: &str| variables.contains_key(&OsString::from(format!("{service}_SERVICE_HOST")));
    name.match_indices('_').any(|(at, _)| {
        let (service, rest) = (&name[..at], &name[at + 1..]);
        let is_about_it =
            rest == "PORT" || ["SERVICE_", "PORT_"].iter().any(|prefix| rest.starts_with(prefix));
        is_about_it && is_service(service)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_about_a_service_are_passed_over() {
        let service = ["SEALOCK_SERVICE_HOST", "SEALOCK_DB_SERVICE_HOST"];
        let variables = service.into_iter().map(|name| (name.into(), "10.0.0.1".into())).collect();
        for (name, expect) in [
            ("SEALOCK_SERVICE_HOST", true),
            ("SEALOCK_SERVICE_PORT_HTTP", true),
            ("SEALOCK_PORT", true),
            ("SEALOCK_PORT_5000_TCP_ADDR", true),
            ("SEALOCK_DB_PORT_5432_TCP", true),
            ("SEALOCK_LISTN", false),
            ("SEALOCK_PORTS", false),
            ("SEALOCK_CACHE_PORT", false),
        ] {
            assert_eq!(is_service_link(name, &variables), expect, "{name}");
        }
        assert!(!is_service_link("SEALOCK_PORT", &BTreeMap::new()));
    }
}
