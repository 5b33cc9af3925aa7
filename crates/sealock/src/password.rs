//! What was typed where a password was asked: a password, or a token's secret. It cannot be printed by accident.

use std::io::{BufRead, Read};

use zeroize::Zeroizing;

/// A password or a token's secret; wiped when dropped. It has no `Debug`, `Display` or `Serialize`.
#[derive(Clone)]
pub(crate) struct Password(Zeroizing<String>);

/// Why a password was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidPassword {
    #[error("the password is empty")]
    Empty,
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes; is it the right file?")]
    TooLong,
    #[error("the password is not UTF-8 text")]
    NotText,
    #[error("the two passwords are not the same")]
    NotTheSame,
    #[error("the password could not be read: {0}")]
    Unreadable(std::io::Error),
}

/// By hand: `#[from]` would make the cause a source as well, and it would be said twice.
impl From<std::io::Error> for InvalidPassword {
    fn from(error: std::io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// The most bytes that are read as a password; a header of 32 KiB (DESIGN §6) must carry it in base64.
const MAX_PASSWORD_BYTES: u64 = 16 * 1024;

impl Password {
    /// Takes what was typed.
    pub(crate) fn new(text: String) -> Result<Self, InvalidPassword> {
        let text = Zeroizing::new(text);
        if text.is_empty() {
            return Err(InvalidPassword::Empty);
        }
        Ok(Self(text))
    }

    /// Reads all of `input`; one line end after the password is not part of it.
    pub(crate) fn read(input: impl Read) -> Result<Self, InvalidPassword> {
        let mut bytes = Zeroizing::new(Vec::new());
        input.take(MAX_PASSWORD_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_PASSWORD_BYTES {
            return Err(InvalidPassword::TooLong);
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| InvalidPassword::NotText)?;
        let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
        Self::new(text.to_owned())
    }

    /// Reads one line of `input`, without its end.
    pub(crate) fn read_line(input: &mut dyn BufRead) -> Result<Self, InvalidPassword> {
        let mut bytes = Zeroizing::new(Vec::new());
        input.take(MAX_PASSWORD_BYTES + 1).read_until(b'\n', &mut bytes)?;
        Self::read(bytes.as_slice())
    }

    /// The text itself: for the `Authorization` header and the credential file, and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_not_part_of_a_password() {
        for (input, expect) in
            [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" s \n\n", " s \n")]
        {
            assert_eq!(
                Password::read(input.as_bytes()).ok().as_ref().map(Password::expose),
                Some(expect),
                "{input:?}"
            );
        }
    }

    #[test]
    fn two_passwords_come_on_two_lines() {
        let mut input = &b"old one\r\nnew one\nrest"[..];
        for expect in ["old one", "new one", "rest"] {
            assert_eq!(Password::read_line(&mut input).ok().as_ref().map(Password::expose), Some(expect));
        }
        assert!(matches!(Password::read_line(&mut input), Err(InvalidPassword::Empty)));
    }

    #[test]
    fn nothing_too_much_and_no_text_are_refused() {
        let too_long = vec![b'a'; 16 * 1024 + 1];
        assert!(matches!(Password::read(&b""[..]), Err(InvalidPassword::Empty)));
        assert!(matches!(Password::read(&b"\n"[..]), Err(InvalidPassword::Empty)));
        assert!(matches!(Password::read(&b"\xff"[..]), Err(InvalidPassword::NotText)));
        assert!(matches!(Password::read(&too_long[..]), Err(InvalidPassword::TooLong)));
        assert!(Password::read(&too_long[1..]).is_ok());
    }
}
