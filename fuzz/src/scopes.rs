//! The `scopes` of a request to make or edit a token: what is taken obeys rule 4 and reads back.

use access::{
    role::Action,
    scope::{MAX_SCOPES, Scope, ScopeInput, Scopes},
};
use oci::NamespaceName;

/// Reads the input as the JSON of `scopes`, for a token of namespace `acme` and for one of no namespace.
pub fn check(input: &[u8]) {
    let Ok(inputs) = serde_json::from_slice::<Vec<ScopeInput>>(input) else { return };
    let acme = NamespaceName::parse("acme").expect("a namespace");
    let inside = read(&inputs, Some(&acme));
    let anywhere = read(&inputs, None);
    if let Some(inside) = inside {
        assert_eq!(anywhere, Some(inside), "a namespace only narrows");
    }
}

fn read(inputs: &[ScopeInput], namespace: Option<&NamespaceName>) -> Option<Scopes> {
    match Scopes::parse(inputs, namespace) {
        Ok((scopes, warnings)) => {
            assert_eq!(scopes.as_slice().len(), inputs.len());
            assert!(inputs.len() <= MAX_SCOPES && warnings.len() <= inputs.len());
            scopes.as_slice().iter().for_each(|scope| obeys_rule_4(scope, namespace));
            it_reads_back(&scopes, namespace);
            Some(scopes)
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(error.field.starts_with("scopes"), "{}", error.field);
                assert!(!error.message.chars().any(char::is_control), "{:?}", error.message);
            }
            None
        }
    }
}

fn obeys_rule_4(scope: &Scope, namespace: Option<&NamespaceName>) {
    let Scope::Repository { path, actions } = scope else { return };
    assert!(!actions.is_empty());
    assert!(actions.contains(Action::Pull) || !actions.contains(Action::Push), "push without pull");
    if let Some(namespace) = namespace {
        assert!(path.can_match_in(namespace).is_ok(), "{path}");
    }
}

fn it_reads_back(scopes: &Scopes, namespace: Option<&NamespaceName>) {
    let written: Vec<ScopeInput> = scopes.as_slice().iter().map(Scope::to_input).collect();
    let json = serde_json::to_string(&written).expect("scopes are JSON");
    let written: Vec<ScopeInput> = serde_json::from_str(&json).expect(&json);
    let (again, _) = Scopes::parse(&written, namespace).expect(&json);
    assert_eq!(&again, scopes);
    assert_eq!(Scopes::new(scopes.as_slice().to_vec()).as_ref(), Ok(scopes), "as the database keeps them");
}
