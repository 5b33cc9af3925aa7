use super::*;

fn limited(mut token: Token) -> Principal {
    token.allowed_addresses = AllowedAddresses::parse(&["10.1.0.0/16", "2001:db8::7"]).unwrap();
    Principal::Token(token)
}

fn ask(need: &Need, principal: Principal, target: Target, from: Option<&str>) -> (&'static str, String) {
    let rights = Rights { principal, target, users_make_namespaces: false };
    told(decide(need, &rights, &Access::unlimited(), from.map(|from| from.parse().unwrap()), NOW))
}

/// Each kind of token, with its name and who can change it.
fn tokens() -> [(Token, &'static str, &'static str); 3] {
    [
        (service_token(&["pull *"]), "token acme/ci", "an administrator of acme"),
        (token("all", Owner::Instance, &["pull *"]), "token all", "an instance administrator"),
        (personal_token("root"), "token \"laptop\" of user root", "user root"),
    ]
}

#[test]
fn a_token_is_used_from_its_allowed_addresses() {
    for (token, ..) in tokens() {
        for from in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"] {
            for target in [private(None), public()] {
                assert_eq!(
                    ask(&on(Action::Pull), limited(token.clone()), target, Some(from)).0,
                    "go",
                    "{from}"
                );
            }
        }
    }
}

#[test]
fn from_anywhere_else_it_is_a_bad_credential_whatever_is_asked() {
    for (token, name, way_out) in tokens() {
        for (from, place) in [
            (Some("203.0.113.9"), "203.0.113.9"),
            (Some("::ffff:203.0.113.9"), "203.0.113.9"),
            (Some("2001:db8::8"), "2001:db8::8"),
            // Where nobody knows the address, nobody knows that it is an allowed one.
            (None, "an unknown address"),
        ] {
            let reason = format!(
                "{name} may not be used from {place}; its allowed addresses are 10.1.0.0/16, 2001:db8::7; \
                 {way_out} can change them"
            );
            for (need, target) in [
                (on(Action::Pull), private(None)),
                // Not even what anonymous may.
                (on(Action::Pull), public()),
                (on(Action::Push), ABSENT),
                (Need::Identity, Target::Nothing),
                (Need::Administer, Target::Nothing),
            ] {
                let refused = ask(&need, limited(token.clone()), target, from);
                assert_eq!(refused, ("ended", reason.clone()), "{need:?} {from:?}");
            }
        }
    }
}

#[test]
fn whoever_names_no_address_is_let_in_from_anywhere() {
    for principal in [service(&["pull *"]), person("root"), account("root")] {
        for from in [Some("203.0.113.9"), Some("::1"), None] {
            assert_eq!(ask(&on(Action::Pull), principal.clone(), private(None), from).0, "go", "{principal}");
        }
    }
}

#[test]
fn a_token_that_has_ended_says_so_wherever_it_is_used() {
    let mut disabled = service_token(&["pull *"]);
    disabled.is_enabled = false;
    let (word, reason) = ask(&Need::Identity, limited(disabled), Target::Nothing, Some("203.0.113.9"));
    assert!(word == "ended" && reason.starts_with("token acme/ci is disabled"), "{word}: {reason}");
}
