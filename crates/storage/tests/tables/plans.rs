//! No statement walks a table: what a request costs must not grow with what other people have stored.

use serde_json::Value;
use tokio_postgres::SimpleQueryMessage;

use crate::{
    setting::Tables,
    statements::{Statement, all},
};

/// Statements that read all of a table, or its first row, on purpose.
const WALKERS: [&str; 9] = [
    // A handful of rows, by name.
    "settings.rs ALL",
    // A handful of keys, read at the start and when a bearer names one that is not known.
    "signing_keys.rs ALL",
    // The same, at the start.
    "signing_keys.rs SEALED",
    // All of an index that has one row: PostgreSQL needs no condition to find it.
    "signing_keys.rs ACTIVE",
    // One row of each of its tables is enough.
    "first_steps.rs TAKEN",
    // The first row is enough.
    "users.rs ANY",
    // It stops at the limit of namespaces, and only the creation of a namespace asks.
    "namespaces.rs COUNT",
    // They follow a chain of creations by an index that holds only tokens which a token created. PostgreSQL walks that
    // index while it is small.
    "tokens/created_with.rs PAGE",
    "tokens/created_with.rs PAGE_SCOPES",
];

fn those_that_may_not_walk() -> Vec<Statement> {
    let (walkers, others): (Vec<_>, Vec<_>) =
        all().into_iter().partition(|statement| WALKERS.contains(&statement.place.as_str()));
    assert_eq!(walkers.len(), WALKERS.len(), "a walker is gone");
    others
}

/// What SQLite would do, a step a line.
fn plan_on_sqlite(connection: &rusqlite::Connection, text: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {}", text.replace('$', "?"));
    let mut explained = connection.prepare(&explain).unwrap();
    let nulls = vec![rusqlite::types::Null; explained.parameter_count()];
    let steps = explained.query_map(rusqlite::params_from_iter(nulls), |row| row.get("detail")).unwrap();
    steps.map(Result::unwrap).collect()
}

/// The steps that walk a table or an index from end to end. A subquery's own rows may be walked: they were found
/// by key.
fn walks(plan: &[String]) -> Vec<&str> {
    let is_subquery = |name: &str| {
        plan.iter()
            .any(|step| ["CO-ROUTINE", "MATERIALIZE"].iter().any(|how| *step == format!("{how} {name}")))
    };
    let scanned = plan.iter().filter_map(|step| step.strip_prefix("SCAN "));
    let is_constant = |what: &str| what == "CONSTANT ROW" || what.ends_with(" CONSTANT ROWS");
    scanned.filter(|what| !is_constant(what) && !is_subquery(what)).collect()
}

#[test]
fn no_statement_walks_a_table_on_sqlite() {
    testkit::engine::tell(testkit::Engine::Sqlite, "no_statement_walks_a_table", async |engine| {
        let t = Tables::on(engine).await;
        let connection = t.planning();
        let mut walking = Vec::new();
        for Statement { place, text } in those_that_may_not_walk() {
            let plan = plan_on_sqlite(&connection, &text);
            if !walks(&plan).is_empty() {
                walking.push(format!("{place}: {plan:#?}"));
            }
        }
        assert!(walking.is_empty(), "{walking:#?}");
        // The question is one that can be answered with yes.
        let plan = plan_on_sqlite(&connection, "SELECT id FROM users WHERE created_at = $1");
        assert_eq!(walks(&plan), ["users"]);
    });
}

/// PostgreSQL walks small tables whatever their indexes, and to join them; here it may not, so that a walk that is
/// left has no index that could take its place.
#[test]
fn no_statement_has_to_walk_a_table_on_postgres() {
    testkit::engine::tell(testkit::Engine::Postgres, "no_statement_has_to_walk_a_table", async |engine| {
        let t = Tables::on(engine).await;
        let client = t.postgres().await;
        client.batch_execute(BY_INDEX).await.unwrap();
        let mut walking = Vec::new();
        for Statement { place, text } in those_that_may_not_walk() {
            let plan = plan_on_postgres(&client, &text).await;
            if !walks_of(&plan["Plan"]).is_empty() {
                walking.push(format!("{place}: {:?}", walks_of(&plan["Plan"])));
            }
        }
        assert!(walking.is_empty(), "{walking:#?}");
        let plan = plan_on_postgres(&client, "SELECT id FROM users WHERE created_at = $1").await;
        assert_eq!(walks_of(&plan["Plan"]), ["users"]);
    });
}

const BY_INDEX: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
    SET plan_cache_mode = force_generic_plan";

async fn plan_on_postgres(client: &tokio_postgres::Client, text: &str) -> Value {
    let count = client.prepare(text).await.unwrap().params().len();
    let nulls = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    let explain =
        format!("PREPARE asked AS {text}; EXPLAIN (FORMAT JSON) EXECUTE asked{nulls}; DEALLOCATE asked");
    let answer = client.simple_query(&explain).await.unwrap_or_else(|error| panic!("{error:?}: {text}"));
    let plan = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    serde_json::from_str::<Value>(plan.unwrap()).unwrap()[0].take()
}

/// The tables, and the indexes, that are walked from end to end.
fn walks_of(node: &Value) -> Vec<&str> {
    let below = node["Plans"].as_array().into_iter().flatten().flat_map(walks_of);
    let walks = match node["Node Type"].as_str().unwrap() {
        "Seq Scan" => node["Relation Name"].as_str(),
        scan if scan.contains("Index") && node["Index Cond"].is_null() => node["Index Name"].as_str(),
        _ => None,
    };
    walks.into_iter().chain(below).collect()
}

/// The statements of the audit, each with the indexes that its page is found by.
const OF_THE_AUDIT: [(&str, &[&str]); 10] = [
    ("audit.rs ALL", &["audit_pkey"]),
    ("audit.rs OF_NAMESPACE", &["audit_by_namespace"]),
    ("audit.rs OF_TOKEN", &["audit_by_token", "audit_by_token_used"]),
    ("audit.rs OF_USER", &["audit_by_user", "audit_by_actor"]),
    ("audit.rs ALL_BUT_PUSHES", &["audit_but_pushes"]),
    ("audit.rs OF_NAMESPACE_BUT_PUSHES", &["audit_but_pushes_by_namespace"]),
    ("audit.rs OF_TOKEN_BUT_PUSHES", &["audit_by_token", "audit_but_pushes_by_token_used"]),
    ("audit.rs OF_USER_BUT_PUSHES", &["audit_by_user", "audit_but_pushes_by_actor"]),
    ("audit.rs NAMESPACES_CALLED", &["audit_owners_by_target", "audit_owners_by_namespace"]),
    ("audit.rs USERS_CALLED", &["audit_owners_by_target", "audit_owners_by_user"]),
];

fn of_the_audit() -> impl Iterator<Item = (&'static [&'static str], Statement)> {
    let statements = all();
    let find = move |place: &str| {
        let text = statements.iter().find(|statement| statement.place == place).map(|found| &found.text);
        Statement { place: place.to_owned(), text: text.unwrap().clone() }
    };
    OF_THE_AUDIT.into_iter().map(move |(place, indexes)| (indexes, find(place)))
}

#[test]
fn a_page_of_the_audit_is_found_without_walking_over_others_on_sqlite() {
    testkit::engine::tell(testkit::Engine::Sqlite, "a_page_of_the_audit", async |engine| {
        let t = Tables::on(engine).await;
        let connection = t.planning();
        for (indexes, Statement { place, text }) in of_the_audit() {
            let plan = plan_on_sqlite(&connection, &text);
            for index in indexes {
                // SQLite's own name for the index of a primary key.
                let index = index.replace("audit_pkey", "sqlite_autoindex_audit_1");
                let uses = |step: &String| step.contains(&format!(" {index} ("));
                assert!(plan.iter().any(uses), "{place} without {index}: {plan:#?}");
            }
        }
    });
}

/// Pushes of many tokens and users in a few namespaces, and a little of everything else, as they come to be.
const MOSTLY_PUSHES: &str = "INSERT INTO audit SELECT lpad(CAST(n AS TEXT), 36, '0'), n, '', 'actor-' || n % 50, \
    'token-' || n % 20, CASE WHEN n % 10 = 0 THEN 'token.disabled' ELSE 'blob.pushed' END, '', 'namespace-' || n % 5, \
    CASE WHEN n % 10 = 0 THEN 'token-' || n % 20 ELSE '' END, '', '', '', '', '', '' \
    FROM generate_series(1, 100000) n; ANALYZE audit";

/// Rows that hold the names of namespaces and users.
const OWNERS: &str = "INSERT INTO audit SELECT 'owner-' || n, n, '', '', '', 'namespace.created', 'namespace n-' || n, \
    'n-' || n, '', 'user-' || n, '', '', '', '', '' FROM generate_series(1, 500) n; ANALYZE audit";

#[test]
fn a_page_of_the_audit_is_found_without_walking_over_others_on_postgres() {
    testkit::engine::tell(testkit::Engine::Postgres, "a_page_of_the_audit", async |engine| {
        let t = Tables::on(engine).await;
        let client = t.postgres().await;
        client.batch_execute(MOSTLY_PUSHES).await.unwrap();
        client.batch_execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
        for (indexes, Statement { place, text }) in of_the_audit() {
            // Without such rows every partial index of them is as cheap as any other.
            if place == "audit.rs NAMESPACES_CALLED" {
                client.batch_execute(OWNERS).await.unwrap();
            }
            let plan = plan_on_postgres(&client, &text).await.to_string();
            for index in indexes {
                assert!(plan.contains(&format!("\"{index}\"")), "{place} without {index}: {plan}");
            }
        }
    });
}

/// Deleting a row asks every table that points at it; without an index that is a walk through all of them.
#[test]
fn every_foreign_key_is_found_by_an_index() {
    testkit::engine::tell(testkit::Engine::Sqlite, "every_foreign_key", async |engine| {
        let t = Tables::on(engine).await;
        let connection = t.planning();
        let keys = foreign_keys(&connection);
        assert!(keys.len() > 15, "{keys:?}");
        for (table, columns) in keys {
            let wanted: Vec<_> = columns.iter().map(|column| format!("{column} = ?")).collect();
            let asked = format!("SELECT 1 FROM {table} WHERE {}", wanted.join(" AND "));
            let plan = plan_on_sqlite(&connection, &asked);
            // `(a=? AND b=?)`: all of the columns, not only the first.
            let found = plan[0].matches("=?").count();
            assert_eq!(found, columns.len(), "{table} ({columns:?}): {plan:?}");
        }
    });
}

/// The tables that point at others, each with the columns that do.
fn foreign_keys(connection: &rusqlite::Connection) -> Vec<(String, Vec<String>)> {
    const ALL: &str = "SELECT t.name, k.id, k.\"from\" FROM sqlite_schema t, pragma_foreign_key_list(t.name) k \
        WHERE t.type = 'table' ORDER BY t.name, k.id, k.seq";
    let mut statement = connection.prepare(ALL).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let mut keys = std::collections::BTreeMap::<(String, i64), Vec<String>>::new();
    for (table, id, column) in rows.map(Result::unwrap) {
        keys.entry((table, id)).or_default().push(column);
    }
    keys.into_iter().map(|((table, _), columns)| (table, columns)).collect()
}
