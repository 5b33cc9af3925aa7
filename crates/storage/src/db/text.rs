//! From the one SQL text to the words of each engine. Quoted text and comments are left as they are.

use super::DbError;

/// A statement with SQLite's numbered parameters: `$2` becomes `?2`. Left as `$2`, SQLite would take it for a
/// *name*, number names by first appearance, and silently swap the values.
pub(super) fn statement_for_sqlite(sql: &str) -> Result<String, DbError> {
    let mut text = String::with_capacity(sql.len());
    for piece in pieces(sql) {
        match piece {
            Piece::Code(code) => {
                // `?` would mean something to SQLite only.
                let is_numbered =
                    code.split('$').skip(1).all(|rest| rest.starts_with(|next: char| next.is_ascii_digit()));
                if !is_numbered || code.contains('?') {
                    return Err(DbError::Other(format!("parameters are written $1, $2, …: {sql}")));
                }
                text.push_str(&code.replace('$', "?"));
            }
            Piece::Verbatim(quoted) if quoted.contains('$') => {
                return Err(DbError::Other(format!("a `$` in a literal is a mistake in the making: {sql}")));
            }
            Piece::Verbatim(quoted) => text.push_str(quoted),
        }
    }
    Ok(text)
}

/// Words that a migration may not hold: the runner owns the transaction, and a constraint that waits for
/// COMMIT would fail all those whose transactions share it (see `sqlite.rs`).
const NOT_IN_MIGRATIONS: [&str; 4] = ["COMMIT", "ROLLBACK", "PRAGMA", "DEFERRABLE"];

/// Refuses a migration that would not do the same on both engines.
pub(super) fn check_migration(sql: &str) -> Result<(), DbError> {
    for piece in pieces(sql) {
        let Piece::Code(code) = piece else { continue };
        let refused =
            words(code).find(|word| NOT_IN_MIGRATIONS.iter().any(|no| no.eq_ignore_ascii_case(word)));
        if let Some(word) = refused {
            return Err(DbError::Other(format!("a migration may not say {word}")));
        }
    }
    Ok(())
}

/// A migration in PostgreSQL's words: `TEXT` compares and orders by bytes, as it does on SQLite, and `BLOB` is
/// `BYTEA`.
pub(super) fn migration_for_postgres(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() * 2);
    for piece in pieces(sql) {
        match piece {
            Piece::Code(code) => words(code).for_each(|word| {
                text.push_str(match word {
                    "TEXT" => "TEXT COLLATE \"C\"",
                    "BLOB" => "BYTEA",
                    other => other,
                });
            }),
            Piece::Verbatim(quoted) => text.push_str(quoted),
        }
    }
    text
}

enum Piece<'a> {
    Code(&'a str),
    Verbatim(&'a str),
}

/// Cuts SQL into code and what is not: `'…'`, `"…"`, `-- …`, `/* … */`. A doubled quote inside a literal ends
/// one piece and begins the next, which comes to the same.
fn pieces(sql: &str) -> impl Iterator<Item = Piece<'_>> {
    const OPENINGS: [(&str, &str); 4] = [("'", "'"), ("\"", "\""), ("--", "\n"), ("/*", "*/")];
    let mut rest = sql;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let next = OPENINGS
            .iter()
            .filter_map(|(open, close)| rest.find(open).map(|at| (at, *open, *close)))
            .min_by_key(|(at, ..)| *at);
        let (piece, length) = match next {
            Some((0, open, close)) => {
                let inside = &rest[open.len()..];
                let length = inside.find(close).map_or(rest.len(), |at| open.len() + at + close.len());
                (Piece::Verbatim(&rest[..length]), length)
            }
            Some((at, ..)) => (Piece::Code(&rest[..at]), at),
            None => (Piece::Code(rest), rest.len()),
        };
        rest = &rest[length..];
        Some(piece)
    })
}

/// Cuts code into words and single characters between them; together they are the whole.
fn words(code: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut rest = code;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = if is_of_word(first) {
            rest.find(|character| !is_of_word(character)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn parameters_keep_their_numbers() {
        let sql = "SELECT $2, $1, $1, $12 -- first, second\n, 'it''s', \"a?\"";
        let expect = "SELECT ?2, ?1, ?1, ?12 -- first, second\n, 'it''s', \"a?\"";
        assert_eq!(statement_for_sqlite(sql).unwrap(), expect);
    }

    #[test]
    fn a_parameter_by_name_or_in_a_literal_is_refused() {
        for sql in ["SELECT ?", "SELECT ?1", "SELECT $name", "SELECT $", "SELECT '$1'", "SELECT 1 -- $1"] {
            assert!(matches!(statement_for_sqlite(sql), Err(DbError::Other(_))), "{sql}");
        }
    }

    #[test]
    fn types_are_translated_as_whole_words_outside_quotes_and_comments() {
        let check = |sql, expect: &str| assert_eq!(migration_for_postgres(sql), expect);
        check("a TEXT, b BLOB", "a TEXT COLLATE \"C\", b BYTEA");
        check("(TEXT)", "(TEXT COLLATE \"C\")");
        check("CONTEXT TEXTS BLOB_KEY text", "CONTEXT TEXTS BLOB_KEY text");
        check("'TEXT' \"BLOB\" -- TEXT\n/* BLOB */ BLOB", "'TEXT' \"BLOB\" -- TEXT\n/* BLOB */ BYTEA");
        check("'it''s TEXT' é TEXT", "'it''s TEXT' é TEXT COLLATE \"C\"");
        check("'never closed TEXT", "'never closed TEXT");
    }

    #[test]
    fn a_migration_can_not_end_its_transaction_nor_defer_a_constraint() {
        let words =
            ["commit", "ROLLBACK", "PRAGMA foreign_keys = OFF", "REFERENCES t DEFERRABLE INITIALLY DEFERRED"];
        for sql in words {
            assert!(matches!(check_migration(sql), Err(DbError::Other(_))), "{sql}");
        }
        assert_eq!(check_migration("CREATE TABLE commits (a TEXT DEFAULT 'COMMIT') -- PRAGMA"), Ok(()));
    }
}
