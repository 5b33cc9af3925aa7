//! How answers look: tables, JSON, times in words. Texts from a server pass [`printable`] on their way to a terminal.

use std::io::{self, IsTerminal, Write};

use access::{time::Instant, visible::escaped};
use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};

/// How a command's answer is written to stdout: tables and sentences for people (of a new token the secret alone), or
/// the API's JSON. The variants have no comments of their own, since clap would print them in every command's help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

/// Returns `text` on one line, with everything escaped that a terminal obeys or does not show. The threat: a description such
/// as `ESC ] 0 ; …` or a right-to-left override changes what an administrator reads before saying yes.
pub(crate) fn printable(text: &str) -> String {
    escaped(text).into_owned()
}

/// A table with a header and no lines, which `awk` reads as well as people do. It wraps to `width` where stdout is a
/// terminal, and keeps a row on one line elsewhere.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    match width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| printable(cell)).collect::<Vec<_>>()));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// Writes an answer. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn answer(out: &mut dyn Write, text: &[u8]) -> anyhow::Result<()> {
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the answer could not be written"),
    }
}

/// The width of the terminal on stdout, if it is one.
pub(crate) fn terminal_width() -> Option<u16> {
    if io::stdout().is_terminal() { Table::new().width() } else { None }
}

/// An instant in words and exactly: `in 29 days (2026-12-23T10:00:00Z)`, `3 hours ago (…)`.
pub(crate) fn when(at: Instant, now: Instant) -> String {
    let away = (at.as_millis() - now.as_millis()).abs() / 1000;
    let words = match away {
        0..60 => "less than a minute".to_owned(),
        60..3_600 => count(away / 60, "minute"),
        3_600..86_400 => count(away / 3_600, "hour"),
        _ => count(away / 86_400, "day"),
    };
    if at > now { format!("in {words} ({at})") } else { format!("{words} ago ({at})") }
}

/// A number of things: `1 day`, `2 days`.
pub(crate) fn count(number: i64, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_words_and_exactly() {
        let now = Instant::from_millis(1_700_000_000_000);
        for (seconds, expect) in [
            (0, "less than a minute ago (2023-11-14T22:13:20Z)"),
            (1, "in less than a minute (2023-11-14T22:13:21Z)"),
            (61, "in 1 minute (2023-11-14T22:14:21Z)"),
            (7_199, "in 1 hour (2023-11-15T00:13:19Z)"),
            (30 * 86_400, "in 30 days (2023-12-14T22:13:20Z)"),
            (-59, "less than a minute ago (2023-11-14T22:12:21Z)"),
            (-7_200, "2 hours ago (2023-11-14T20:13:20Z)"),
        ] {
            assert_eq!(when(Instant::from_millis(now.as_millis() + seconds * 1000), now), expect);
        }
    }

    #[test]
    fn what_a_terminal_obeys_or_hides_is_escaped() {
        let obeyed = "a\x1b[2Jb\u{202e}c\r\nd\u{200b}";
        assert_eq!(printable(obeyed), r"a\u{1b}[2Jb\u{202e}c\u{d}\u{a}d\u{200b}");
        assert_eq!(printable("Grüße, 世界"), "Grüße, 世界");
    }

    struct Closed(io::ErrorKind);
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure_and_a_full_disk_is_one() {
        assert!(answer(&mut Closed(io::ErrorKind::BrokenPipe), b"x").is_ok());
        assert!(answer(&mut Closed(io::ErrorKind::StorageFull), b"x").is_err());
    }

    #[test]
    fn a_table_wraps_on_a_terminal_and_nowhere_else() {
        let rows =
            || vec![vec!["ci-bot".to_owned(), "a description of many words that go on and on".to_owned()]];
        let wide = table(&["NAME", "DESCRIPTION"], rows(), None);
        assert_eq!(wide.lines().count(), 2, "{wide}");
        assert!(wide.starts_with("NAME    DESCRIPTION"), "{wide}");
        let narrow = table(&["NAME", "DESCRIPTION"], rows(), Some(30));
        assert!(
            narrow.lines().count() > 2 && narrow.lines().all(|line| line.chars().count() <= 30),
            "{narrow}"
        );
    }
}
