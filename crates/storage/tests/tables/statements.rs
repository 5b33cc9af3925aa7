//! Every statement of the crate, as its sources say it. They are read from the sources, so that none can be
//! forgotten, and each is then tried on both engines.

use std::{collections::BTreeMap, path::Path};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Expr, Item, Lit, parse::Parser, punctuated::Punctuated};
use tokio_postgres::types::Type;

use crate::setting::Tables;

/// The methods that run a statement; its text is their first argument.
const RUN_BY: [&str; 5] = [".execute(", ".few(", ".list(", ".one(", ".optional("];

/// A statement and where it stands, such as `tokens.rs BY_ID`.
pub(crate) struct Statement {
    pub(crate) place: String,
    pub(crate) text: String,
}

/// The statements that the crate's files run, the database layer's own aside.
pub(crate) fn all() -> Vec<Statement> {
    let mut statements = Vec::new();
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let macros: Vec<_> = sources.values().flat_map(|source| macros(source)).collect();
    for (file, source) in &sources {
        let constants = constants(source, &macros);
        for name in names_run(file, source) {
            let place = format!("{file} {name}");
            let text = constants.get(&name).unwrap_or_else(|| panic!("{place} is no constant of its file"));
            statements.push(Statement { place, text: text.clone() });
        }
    }
    assert!(statements.len() > 50, "only {} statements were found", statements.len());
    statements
}

/// The texts of the Rust files below `folder` by name; `db` is left out, it has no statements on tables.
fn sources(folder: &Path) -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_file() {
            sources.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        } else if name != "db" {
            let below = self::sources(&entry.path()).into_iter();
            sources.extend(below.map(|(file, source)| (format!("{name}/{file}"), source)));
        }
    }
    sources
}

/// The constants that stand as the first argument where a statement is run. Anything else there is refused: a
/// text that stands in the call would escape this search.
fn names_run(file: &str, source: &str) -> std::collections::BTreeSet<String> {
    let calls = RUN_BY.into_iter().flat_map(|method| source.split(method).skip(1));
    let calls = calls.map(str::trim_start).filter(|argument| !argument.starts_with(')'));
    calls
        .map(|argument| {
            let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let name = argument.split(|c| !is_of_name(c)).next().unwrap();
            let line = argument.lines().next().unwrap();
            assert!(!name.is_empty(), "{file} runs what is no constant: {line}");
            name.to_owned()
        })
        .collect()
}

fn macros(source: &str) -> Vec<Item> {
    let items = syn::parse_file(source).unwrap().items.into_iter();
    items.filter(|item| matches!(item, Item::Macro(_))).collect()
}

/// The text constants of a file, with `concat!` and macros worked out: its own, or those of the file above it.
fn constants(source: &str, macros: &[Item]) -> BTreeMap<String, String> {
    let mut items = syn::parse_file(source).unwrap().items;
    items.extend_from_slice(macros);
    let text_of = |item: &Item| match item {
        Item::Const(constant) => Some((constant.ident.to_string(), worked_out(&constant.expr, &items)?)),
        _ => None,
    };
    items.iter().filter_map(text_of).collect()
}

fn worked_out(expression: &Expr, items: &[Item]) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        Expr::Macro(call) if call.mac.path.is_ident("concat") => {
            let parts = Punctuated::<Expr, syn::Token![,]>::parse_terminated;
            let parts = parts.parse2(call.mac.tokens.clone()).unwrap();
            parts.iter().map(|part| worked_out(part, items)).collect()
        }
        Expr::Macro(call) => {
            let definition = items.iter().find_map(|item| match item {
                Item::Macro(item) if item.ident.as_ref() == call.mac.path.get_ident() => Some(&item.mac),
                _ => None,
            })?;
            let body = filled_in(definition.tokens.clone(), call.mac.tokens.clone());
            worked_out(&syn::parse2(body).unwrap(), items)
        }
        _ => None,
    }
}

/// The body of a macro of one rule, `($a:literal, $b:literal) => { … };`, with the arguments in their places.
fn filled_in(rule: TokenStream, arguments: TokenStream) -> TokenStream {
    let groups: Vec<_> = rule
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        })
        .collect();
    let [pattern, body] = groups.as_slice() else { panic!("a macro of one rule was expected") };
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    // `$name:literal`: the name is the second of its four tokens.
    let names: Vec<_> = pattern.clone().into_iter().filter(|token| !is_comma(token)).collect();
    let names = names.chunks(4).map(|parameter| parameter[1].to_string());
    let values = arguments.into_iter().filter(|token| !is_comma(token));
    let values: BTreeMap<String, TokenTree> = names.zip(values).collect();
    replaced(body.clone(), &values)
}

fn replaced(tokens: TokenStream, values: &BTreeMap<String, TokenTree>) -> TokenStream {
    let is_dollar = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '$');
    let with_value = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            proc_macro2::Group::new(group.delimiter(), replaced(group.stream(), values)).into()
        }
        other => values.get(&other.to_string()).cloned().unwrap_or(other),
    };
    tokens.into_iter().filter(|token| !is_dollar(token)).map(with_value).collect()
}

#[test]
fn macros_and_concat_are_worked_out() {
    let source = r#"
        macro_rules! select { ($from:literal, $filter:literal) => { concat!("SELECT a FROM ", $from, $filter) }; }
        macro_rules! of_things { ($filter:literal) => { select!("things", $filter) }; }
        const PLAIN: &str = "DELETE \
            FROM things";
        const MADE: &str = of_things!(" WHERE a = $1");
        const COUNT: usize = 3;
    "#;
    let found: Vec<_> = constants(source, &[]).into_iter().collect();
    let expect = [("MADE", "SELECT a FROM things WHERE a = $1"), ("PLAIN", "DELETE FROM things")];
    assert_eq!(found, expect.map(|(name, text)| (name.to_owned(), text.to_owned())));
}

#[test]
#[should_panic(expected = "file.rs runs what is no constant: \"SELECT 1\")")]
fn a_text_that_would_escape_the_search_is_refused() {
    names_run("file.rs", "tx.execute(A, b); q.list(\n  \"SELECT 1\")");
}

#[test]
fn a_name_is_found_wherever_its_call_is_broken() {
    let names = names_run("file.rs", "tx.execute(A, b).await; q.list(\n    B_C,\n    d); store.list()");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["A", "B_C"]);
}

#[test]
fn every_statement_can_be_prepared_on_sqlite() {
    testkit::engine::tell(testkit::Engine::Sqlite, "every_statement", async |engine| {
        let t = Tables::on(engine).await;
        let connection = rusqlite::Connection::open(t.folder.path().join("sealock.db")).unwrap();
        for Statement { place, text } in all() {
            let prepared = connection.prepare(&text.replace('$', "?"));
            let prepared = prepared.unwrap_or_else(|error| panic!("{place}: {error}: {text}"));
            // A number that is left out would still be asked for.
            for number in 1..=prepared.parameter_count() {
                assert!(text.contains(&format!("${number}")), "{place} has no ${number}: {text}");
            }
        }
    });
}

#[test]
fn every_statement_takes_and_gives_only_text_bigint_and_bytea_on_postgres() {
    testkit::engine::tell(testkit::Engine::Postgres, "every_statement", async |engine| {
        let t = Tables::on(engine).await;
        let client = t.postgres().await;
        for Statement { place, text } in all() {
            let prepared = client.prepare(&text).await;
            let prepared = prepared.unwrap_or_else(|error| panic!("{place}: {error:?}: {text}"));
            let columns = prepared.columns().iter().map(|column| (column.name(), column.type_()));
            let params = prepared.params().iter().map(|param| ("a parameter", param));
            for (what, is) in columns.chain(params) {
                assert!(
                    [Type::TEXT, Type::INT8, Type::BYTEA].contains(is),
                    "{place}: {what} is {is}: {text}"
                );
            }
        }
    });
}
