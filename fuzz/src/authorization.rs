//! The `Authorization` header: nothing with a NUL passes, and what was read says the same when it is sent again.

use access::authorization::{Authorization, MAX_AUTHORIZATION_BYTES};
use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::message::is_fit_to_print;

/// Reads the input as the header's value, and as the text that a Basic credential is made from.
pub fn check(input: &[u8]) {
    match Authorization::parse(input) {
        Ok(sent) => {
            assert!(input.len() <= MAX_AUTHORIZATION_BYTES);
            assert!(input.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\t'));
            it_reads_back(&sent);
        }
        Err(error) => is_fit_to_print(&error),
    }
    basic_takes_exactly_utf_8_with_a_colon_and_no_nul(input);
}

fn it_reads_back(sent: &Authorization) {
    let again = match sent {
        Authorization::Basic { username, password } => {
            assert!(!username.contains(['\0', ':']) && !password.contains('\0'));
            format!("basic {}", BASE64_STANDARD.encode(format!("{username}:{}", password.as_str())))
        }
        Authorization::Bearer(text) => {
            assert!(!text.is_empty() && text.as_str() == text.trim_matches(' '));
            format!("bearer {}", text.as_str())
        }
    };
    assert_eq!(exposed(&Authorization::parse(again.as_bytes()).expect(&again)), exposed(sent));
}

fn basic_takes_exactly_utf_8_with_a_colon_and_no_nul(plain: &[u8]) {
    let header = format!("Basic {}", BASE64_STANDARD.encode(plain));
    let expected = std::str::from_utf8(plain)
        .ok()
        .filter(|text| !text.contains('\0') && header.len() <= MAX_AUTHORIZATION_BYTES)
        .and_then(|text| text.split_once(':'))
        .map(|(username, password)| (Some(username.to_owned()), password.to_owned()));
    assert_eq!(Authorization::parse(header.as_bytes()).ok().as_ref().map(exposed), expected);
}

/// The username, if it is Basic, and the secret part.
fn exposed(sent: &Authorization) -> (Option<String>, String) {
    match sent {
        Authorization::Basic { username, password } => (Some(username.clone()), password.as_str().to_owned()),
        Authorization::Bearer(text) => (None, text.as_str().to_owned()),
    }
}
