//! The three layers of the configuration: flags over variables over the file. A value remembers where it came from,
//! so that a message can send the reader there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::flags::ServeFlags;
use super::keys::{self, CONFIG_VARIABLE, KEYS, Key, OTHER_VARIABLES};
use super::{ConfigError, kubernetes};

/// The file that is read where none is named.
const DEFAULT_FILE: &str = "sealock.toml";
/// The most bytes of a configuration file: far above any real one, and no way to fill the memory.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Where a value came from; for messages.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A flag of the command line.
    Flag(&'static Key),
    /// A variable of the environment.
    Variable(String),
    /// A key in a line of the file.
    File(PathBuf, usize, &'static Key),
    /// Nobody gave it.
    Default(&'static Key),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(key) => write!(f, "--{}", key.flag()),
            Self::Variable(name) => f.write_str(name),
            Self::File(path, line, key) => write!(f, "{} line {line}, {}", path.display(), key.name),
            Self::Default(key) => write!(f, "the default of {}", key.name),
        }
    }
}

/// A key's values (one, unless it is a list), not yet understood.
struct Sourced {
    values: Vec<String>,
    source: Source,
}

/// What was given, the strongest layer for each key.
#[derive(Default)]
pub(super) struct Given(BTreeMap<&'static str, Sourced>);

impl Given {
    /// Reads all layers. `folder` is the working folder, where `sealock.toml` is looked for.
    pub(super) fn gather(
        flags: ServeFlags,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        folder: &Path,
    ) -> Result<Self, ConfigError> {
        let mut from_variables = Self::default();
        let named = from_variables.add_variables(variables)?;
        let mut given = Self::default();
        given.add_file(flags.config.or(named), folder)?;
        given.0.extend(from_variables.0);
        for (key, values) in flags.given {
            given.0.insert(key.name, Sourced { values, source: Source::Flag(key) });
        }
        Ok(given)
    }

    /// Adds the variables; answers the file that one of them names. An empty variable counts as not given, since
    /// that is how compose files and unit files pass on what is not set.
    fn add_variables(
        &mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Option<PathBuf>, ConfigError> {
        let variables: BTreeMap<OsString, OsString> = variables.into_iter().collect();
        let mut file = None;
        for (name, value) in &variables {
            let name = name.to_string_lossy();
            if !keys::is_ours(&name) || value.is_empty() {
                continue;
            }
            if let Some(key) = Key::by_variable(&name) {
                let source = Source::Variable(name.into_owned());
                let Some(value) = value.to_str() else {
                    return Err(ConfigError::Invalid { at: source, rule: "it is not UTF-8 text".into() });
                };
                let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
                let values =
                    if key.is_list { parts.map(str::to_owned).collect() } else { vec![value.to_owned()] };
                self.0.insert(key.name, Sourced { values, source });
            } else if name == CONFIG_VARIABLE {
                file = Some(PathBuf::from(value));
            } else if !OTHER_VARIABLES.contains(&name.as_ref())
                && !kubernetes::is_service_link(&name, &variables)
            {
                let known = KEYS.map(Key::variable).into_iter().chain(OTHER_VARIABLES.map(str::to_owned));
                let suggestion = keys::suggestion(&name, known);
                return Err(ConfigError::UnknownVariable { name: name.into_owned(), suggestion });
            }
        }
        Ok(file)
    }

    fn add_file(&mut self, named: Option<PathBuf>, folder: &Path) -> Result<(), ConfigError> {
        let is_named = named.is_some();
        let file = named.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let text = match read_bounded(&folder.join(&file)) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && !is_named => return Ok(()),
            Err(cause) => return Err(ConfigError::Unreadable { file, cause }),
        };
        let line_of = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        let table = DeTable::parse(&text).map_err(|error| ConfigError::Malformed {
            // Never the text of the line, which the error would quote: a URL with a password may stand in it.
            line: error.span().map_or(1, |span| line_of(span.start)),
            file: file.clone(),
            reason: error.message().to_owned(),
        })?;
        for (name, value) in table.into_inner() {
            let line = line_of(name.span().start);
            let name = name.into_inner();
            let Some(key) = Key::by_name(&name) else {
                let suggestion = keys::suggestion(&name, KEYS.map(|key| key.name.to_owned()));
                return Err(ConfigError::UnknownKey { file, line, name: name.into_owned(), suggestion });
            };
            let source = Source::File(file.clone(), line, key);
            let Some(values) = texts(key, value) else {
                let form = match key.takes {
                    keys::NUMBER => key.takes.to_owned(),
                    takes if key.is_list => format!("[\"{takes}\"]"),
                    takes => format!("\"{takes}\""),
                };
                return Err(ConfigError::Invalid {
                    at: source,
                    rule: format!("write {} = {form}", key.name),
                });
            };
            self.0.insert(key.name, Sourced { values, source });
        }
        Ok(())
    }

    /// Whether somebody gave a value.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.0.contains_key(key.name)
    }

    /// The value of a key that takes one, understood by `parse`.
    pub(super) fn one<T, E: std::fmt::Display>(
        &self,
        key: &'static Key,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        // The last one, should a file or a variable ever hold several.
        Ok(self.many(key, parse)?.pop())
    }

    /// The same, or the key's default.
    pub(super) fn one_or_default<T, E: std::fmt::Display>(
        &self,
        key: &'static Key,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        match self.one(key, &parse)? {
            Some(value) => Ok(value),
            None => parse(key.default)
                .map_err(|rule| ConfigError::Invalid { at: Source::Default(key), rule: rule.to_string() }),
        }
    }

    /// All values of a key, understood by `parse`. Messages name the rule and never the value: it may hold a password.
    pub(super) fn many<T, E: std::fmt::Display>(
        &self,
        key: &'static Key,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some(Sourced { values, source }) = self.0.get(key.name) else { return Ok(Vec::new()) };
        let invalid = |rule: E| ConfigError::Invalid { at: source.clone(), rule: rule.to_string() };
        values.iter().map(|value| parse(value).map_err(invalid)).collect()
    }
}

/// A value of the file as texts; `None` where it has another form than the key takes.
fn texts(key: &Key, value: Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let text = |value: Spanned<DeValue<'_>>| match value.into_inner() {
        DeValue::String(text) => Some(text.into_owned()),
        DeValue::Integer(number) if key.takes == keys::NUMBER => Some(number.as_str().to_owned()),
        _ => None,
    };
    if !key.is_list {
        return text(value).map(|text| vec![text]);
    }
    match value.into_inner() {
        DeValue::Array(values) => values.into_iter().map(text).collect(),
        _ => None,
    }
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}
