//! `sealock fsck`: whether the database and the blob store agree.

use std::io::{self, Write};

use anyhow::Context;
use clap::Args;
use registry::{Checked, GRACE, HowToCheck, Outcome, Problem, check_store};
use serde_json::{Value, json};

use super::{Purpose, open_store};
use crate::clock::SystemClock;
use crate::config::ServeFlags;
use crate::failure::Failure;
use crate::output::{Format, count, printable};
use crate::randomness::SystemRandomness;

/// `sealock fsck`
#[derive(Args)]
#[command(after_help = "\
Without --repair it changes nothing. It may run beside the server: files younger than an hour are
left alone, and no upload under way is touched. --repair makes damaged blobs and manifests count as
absent, so that clients push them again; until somebody does they stay problems, which each run says
and ends on with 1. What it changes in the database stands in the audit. It takes the settings of
`sealock serve`.

Examples:
  sealock fsck
  sealock fsck --read -o json
  sealock fsck --read --repair --config /etc/sealock.toml

Exit codes:
  0  nothing is wrong, or nothing is any more
  1  problems are left, or it could not be checked
  2  the command or the configuration is wrong")]
pub(crate) struct Fsck {
    /// Read every byte and compare digests; without it only names and sizes are compared
    #[arg(long)]
    read: bool,
    /// Remove files that nobody names, and let what is damaged count as absent
    #[arg(long)]
    repair: bool,
    /// How problems are written to stdout, each as it is found
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
    #[command(flatten)]
    settings: ServeFlags,
}

impl Fsck {
    /// Does what was said.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let how = HowToCheck { read: self.read, repair: self.repair };
        let purpose = if self.repair { Purpose::Change } else { Purpose::Look };
        let mut told = Told::new(Box::new(io::stdout()), self.output);
        let checked = super::run(self.settings, async |config, _| {
            let (db, blobs) = open_store(config, purpose).await?;
            let tell = &mut |problem: &Problem| told.problem(problem);
            Ok(check_store(&db, &blobs, how, &SystemClock, &SystemRandomness, tell).await?)
        })?;
        told.end(&checked)?;
        match checked.problems - checked.repaired {
            0 => Ok(()),
            left => {
                let heal = if checked.absent == left {
                    "; pushing again what counts as absent heals it"
                } else {
                    ""
                };
                Err(Failure::Refused(format!("{} left{heal}", things(left, "problem"))))
            }
        }
    }
}

/// What was told so far: each problem as it is found, so that memory does not grow with their number.
struct Told {
    out: Box<dyn Write + Send>,
    format: Format,
    is_first: bool,
    /// What writing came to: who reads may have gone, which is no reason to repair half a store.
    written: io::Result<()>,
}

impl Told {
    fn new(out: Box<dyn Write + Send>, format: Format) -> Self {
        Self { out, format, is_first: true, written: Ok(()) }
    }

    fn problem(&mut self, problem: &Problem) {
        let text = match (self.format, self.is_first) {
            (Format::Table, _) => format!("{}\n", in_words(problem)),
            (Format::Json, true) => format!("{{\"problems\": [\n  {}", in_json(problem)),
            (Format::Json, false) => format!(",\n  {}", in_json(problem)),
        };
        self.is_first = false;
        self.write(&text);
    }

    fn end(mut self, checked: &Checked) -> anyhow::Result<()> {
        let text = match (self.format, self.is_first) {
            (Format::Table, _) => summary(checked),
            (Format::Json, true) => format!("{{\"problems\": [], \"checked\": {}}}\n", totals(checked)),
            (Format::Json, false) => format!("\n], \"checked\": {}}}\n", totals(checked)),
        };
        self.write(&text);
        match self.written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.context("the answer could not be written"),
        }
    }

    fn write(&mut self, text: &str) {
        if self.written.is_ok() {
            self.written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        }
    }
}

fn in_words(problem: &Problem) -> String {
    let places = problem.repositories.iter().filter(|place| !place.is_empty());
    let places: Vec<_> = places.map(|place| printable(place)).collect();
    let at = if places.is_empty() { String::new() } else { format!(" in {}", places.join(", ")) };
    let done = match problem.outcome {
        Outcome::Left => "",
        Outcome::Absent => " (counts as absent)",
        Outcome::Repaired => " (repaired)",
    };
    let (kind, what) = (problem.kind, printable(&problem.what));
    format!("{}  {what}{at}  {}{done}: {}", kind.as_str(), bytes(problem.bytes), problem.meaning())
}

fn in_json(problem: &Problem) -> Value {
    json!({
        "kind": problem.kind.as_str(),
        "what": problem.what,
        "repositories": problem.repositories,
        "bytes": problem.bytes,
        "repaired": problem.outcome == Outcome::Repaired,
        "counts_as_absent": problem.outcome == Outcome::Absent,
        "meaning": problem.meaning(),
    })
}

fn totals(checked: &Checked) -> Value {
    json!({
        "blobs": checked.blobs,
        "manifests": checked.manifests,
        "references": checked.references,
        "uploads": checked.uploads,
        "files": checked.files,
        "bytes_read": checked.bytes_read,
        "too_young": checked.too_young,
        "problems": checked.problems,
        "repaired": checked.repaired,
        "count_as_absent": checked.absent,
    })
}

/// The last lines: what it came to and what it cost.
fn summary(checked: &Checked) -> String {
    let Checked { blobs, manifests, references, uploads, files, bytes_read, .. } = *checked;
    let mut text = format!(
        "checked {}, {}, {}, {} and {}; read {}\n",
        things(blobs, "blob"),
        things(manifests, "manifest"),
        things(references, "reference"),
        things(uploads, "upload"),
        things(files, "file"),
        bytes(bytes_read),
    );
    if let Some(youngest) = checked.youngest {
        text += &format!(
            "{} named by nobody, and left for now: pushes may be under way; look again after {}\n",
            things(checked.too_young, "file"),
            youngest.plus(GRACE),
        );
    }
    let absent = match checked.absent {
        0 => String::new(),
        1 => ", 1 counts as absent".to_owned(),
        several => format!(", {several} count as absent"),
    };
    text + &match (checked.problems, checked.repaired) {
        (0, _) => "no problems\n".to_owned(),
        (found, repaired) => format!("{} found, {repaired} repaired{absent}\n", things(found, "problem")),
    }
}

fn things(number: u64, unit: &str) -> String {
    count(number.cast_signed(), unit)
}

fn bytes(number: u64) -> String {
    things(number, "byte")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use access::time::Instant;
    use registry::ProblemKind;

    use super::*;

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<u8>>>);

    impl Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn told(format: Format, problems: &[Problem], checked: &Checked) -> String {
        let seen = Seen::default();
        let mut told = Told::new(Box::new(seen.clone()), format);
        problems.iter().for_each(|problem| told.problem(problem));
        told.end(checked).unwrap();
        String::from_utf8(seen.0.lock().unwrap().clone()).unwrap()
    }

    fn problems() -> [Problem; 3] {
        let problem = |kind, what: &str, repositories: &[&str], outcome| Problem {
            kind,
            what: what.to_owned(),
            repositories: repositories.iter().map(ToString::to_string).collect(),
            bytes: 1,
            outcome,
        };
        [
            problem(ProblemKind::MissingBytes, "sha256:00", &["acme/api", "acme/web"], Outcome::Left),
            problem(ProblemKind::OrphanBlob, "00ff", &[], Outcome::Repaired),
            problem(ProblemKind::WrongBytes, "sha256:01", &["acme/api"], Outcome::Absent),
        ]
    }

    #[test]
    fn problems_are_lines_with_their_place_and_the_way_out() {
        let at = Instant::from_millis(1_767_225_600_000);
        let checked = Checked {
            blobs: 2,
            problems: 3,
            repaired: 1,
            absent: 1,
            too_young: 1,
            youngest: Some(at),
            ..Checked::default()
        };
        let text = told(Format::Table, &problems(), &checked);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("missing-bytes  sha256:00 in acme/api, acme/web  1 byte: "), "{text}");
        assert!(
            lines[0].ends_with("; --repair lets it count as absent, and pushing it again heals it"),
            "{text}"
        );
        assert!(lines[1].starts_with("orphan-blob  00ff  1 byte (repaired): "), "{text}");
        assert!(
            lines[2].starts_with("wrong-bytes  sha256:01 in acme/api  1 byte (counts as absent): "),
            "{text}"
        );
        assert!(lines[2].ends_with("; it counts as absent now, and pushing it again heals it"), "{text}");
        assert!(lines[3].starts_with("checked 2 blobs, 0 manifests"), "{text}");
        assert!(lines[4].ends_with("look again after 2026-01-01T01:00:00Z"), "{text}");
        assert_eq!(lines[5..], ["3 problems found, 1 repaired, 1 counts as absent"]);
        assert!(told(Format::Table, &[], &Checked::default()).ends_with("no problems\n"));
    }

    #[test]
    fn json_is_one_document_however_many_problems_there_are() {
        let problems = problems();
        for number in 0..=problems.len() {
            let checked = Checked { problems: number as u64, ..Checked::default() };
            let text = told(Format::Json, &problems[..number], &checked);
            let json: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["problems"].as_array().unwrap().len(), number, "{text}");
            assert_eq!(json["checked"]["problems"], number, "{text}");
        }
    }

    #[test]
    fn a_name_that_a_terminal_would_obey_is_not_obeyed() {
        let mut problem = problems()[0].clone();
        problem.repositories = vec!["\x1b[2J".to_owned()];
        assert!(!in_words(&problem).contains('\x1b'));
    }
}
