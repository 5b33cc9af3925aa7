//! The fuzz targets on stable: every kept input, and mutations of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{fmt, fs, path::PathBuf};

use fuzz::TARGETS;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

/// Mutated inputs for each target in one run.
const CASES: u32 = 20_000;
/// The most files that are kept, and their bytes in all: a clone pays for them.
const MAX_FILES: usize = 200;
const MAX_BYTES: usize = 1024 * 1024;

/// One input; a failure prints it as a byte string, to be kept in the target's corpus.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// One change; places are cut down to the length of what is changed.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
    SwapCase(usize),
}

/// The dictionary: words that random bytes would hardly hit upon. libFuzzer's format: one a line, in quotation marks,
/// with `\\`, `\"` and `\xAB` for what can't stand there.
fn words() -> Vec<Vec<u8>> {
    let lines = include_str!("../words.dict").lines();
    lines.filter_map(|line| line.strip_prefix('"')?.strip_suffix('"')).map(unescaped).collect()
}

fn unescaped(word: &str) -> Vec<u8> {
    let mut parts = word.split('\\');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    while let Some(part) = parts.next() {
        if let Some(hex) = part.strip_prefix('x') {
            bytes.push(u8::from_str_radix(&hex[..2], 16).expect(word));
            bytes.extend_from_slice(&hex.as_bytes()[2..]);
        } else if part.is_empty() {
            bytes.push(b'\\');
            bytes.extend_from_slice(parts.next().expect(word).as_bytes());
        } else {
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    bytes
}

fn change() -> impl Strategy<Value = Change> {
    let (place, run) = (any::<usize>(), 1_usize..40);
    prop_oneof![
        (place, any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (place, 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (place, prop::sample::select(words())).prop_map(|(at, word)| Change::Insert(at, word)),
        (place, run.clone()).prop_map(|(at, run)| Change::Remove(at, run)),
        (place, run).prop_map(|(at, run)| Change::Repeat(at, run)),
        place.prop_map(Change::SwapCase),
    ]
}

impl Change {
    fn apply(&self, input: &mut Vec<u8>) {
        let length = input.len();
        let place = |at: usize| at % length.max(1);
        let run = |at: usize, run: usize| place(at)..(place(at) + run).min(length);
        match self.clone() {
            Self::Insert(at, word) => {
                let at = at % (length + 1);
                input.splice(at..at, word);
            }
            _ if input.is_empty() => {}
            Self::Set(at, byte) => input[place(at)] = byte,
            Self::Flip(at, bit) => input[place(at)] ^= 1 << bit,
            Self::Remove(at, bytes) => drop(input.drain(run(at, bytes))),
            Self::Repeat(at, bytes) => {
                let copy = input[run(at, bytes)].to_vec();
                input.splice(place(at)..place(at), copy);
            }
            Self::SwapCase(at) => input[place(at)] ^= 0x20,
        }
    }
}

/// An input of the corpus, or the beginning of one and the end of another, with a few changes.
fn mutated(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Input> {
    let entry = prop::sample::select(corpus);
    let changes = prop::collection::vec(change(), 0..6);
    (entry.clone(), prop::option::weighted(0.2, (entry, any::<usize>())), changes).prop_map(
        |(mut input, other, changes)| {
            if let Some((other, at)) = other {
                input.truncate(at % (input.len() + 1));
                input.extend_from_slice(&other[at % (other.len() + 1)..]);
            }
            changes.iter().for_each(|change| change.apply(&mut input));
            Input(input)
        },
    )
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&folder).expect(target).map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn target(name: &str) -> fn(&[u8]) {
    TARGETS.into_iter().find(|(target, _)| *target == name).expect(name).1
}

/// Every kept input, then as many mutations of them as `CASES` says.
fn try_all(name: &str) {
    let (check, corpus) = (target(name), corpus(name));
    for (path, input) in &corpus {
        let outcome = std::panic::catch_unwind(|| check(input));
        assert!(outcome.is_ok(), "{} fails; why is said above", path.display());
    }
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let inputs = mutated(corpus.into_iter().map(|(_, input)| input).collect());
    let outcome = runner.run(&inputs, |Input(input)| {
        check(&input);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}\nkeep that input as a file in fuzz/corpus/{name}");
    }
}

macro_rules! tests {
    ($($test:ident: $target:literal;)+) => {
        $(#[test] fn $test() { try_all($target); })+

        #[test]
        fn every_target_is_tried() {
            assert_eq!([$($target),+], TARGETS.map(|(name, _)| name));
        }
    };
}

tests! {
    no_authorization_header_says_two_things: "authorization";
    no_bearer_is_forged: "bearer";
    no_range_leaves_what_there_is: "byte_range";
    no_content_range_wraps: "content_range";
    no_manifest_has_two_readings: "manifest";
    no_path_matches_beyond_its_rule: "path";
    no_path_of_a_url_leaves_the_grammars: "route";
    no_scope_grants_what_it_does_not_say: "scope";
    no_tokens_scopes_break_rule_4: "scopes";
    no_word_is_taken_beyond_its_grammar: "words";
}

#[test]
fn every_target_has_a_program() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut programs: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    programs.sort();
    let names: Vec<_> = programs.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
}

#[test]
fn the_dictionary_says_what_it_means() {
    assert_eq!(unescaped(r#"\"size\":1"#), br#""size":1"#);
    assert_eq!(unescaped(r"\x00\xefab\\u0000"), b"\x00\xefab\\u0000");
    assert!(words().contains(&b"\0".to_vec()) && words().contains(&b"/manifests/".to_vec()));
}

#[test]
fn the_corpora_stay_small() {
    let files: Vec<_> = TARGETS.iter().flat_map(|(name, _)| corpus(name)).collect();
    let bytes: usize = files.iter().map(|(_, input)| input.len()).sum();
    assert!(files.len() <= MAX_FILES && bytes <= MAX_BYTES, "{} files, {bytes} bytes", files.len());
}
