//! What a refusal may say: it repeats what a stranger sent, to a terminal and into a log.

/// Longest message in characters: it quotes at most 300 of the input (`oci::error`), each escaped by up to 10.
const MAX_MESSAGE_CHARACTERS: usize = 4000;

/// That the message is short and drives no terminal.
#[track_caller]
pub(crate) fn is_fit_to_print(error: &impl std::fmt::Display) {
    let message = error.to_string();
    assert!(!message.is_empty());
    assert!(message.chars().count() <= MAX_MESSAGE_CHARACTERS, "{} characters", message.chars().count());
    assert!(!message.chars().any(char::is_control), "{message:?}");
}
