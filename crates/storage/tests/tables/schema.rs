//! What the schema itself holds, and the tables that nothing else is about.

use access::id::AuditId;
use storage::{
    audit::{self, Record},
    db::{Constraint, Query, Row},
    params,
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after};

#[both_engines]
async fn migrating_twice_changes_nothing(t: Tables) {
    let anna = t.user("anna").await;
    let versions = "SELECT version FROM schema_version ORDER BY version";
    let before = t.db.list(versions, &[], |row| row.int(0)).await.unwrap();
    t.db.migrate().await.unwrap();
    assert_eq!(t.db.list(versions, &[], |row| row.int(0)).await.unwrap(), before);
    assert_eq!(before, (1..=before.len() as i64).collect::<Vec<_>>());
    assert!(storage::users::by_id(&t.db, anna).await.unwrap().is_some());
}

#[both_engines]
async fn a_history_outlives_what_it_is_about(t: Tables) {
    const READ: &str = "SELECT at, actor, actor_id, with_token, event, target, namespace_id, token_id, user_id, \
        from_address, client, request_id, before, after FROM audit WHERE id = $1";
    let columns = |row: &Row<'_>| {
        Ok((row.instant(0)?, (1..14).map(|column| row.text(column)).collect::<Result<Vec<_>, _>>()?))
    };
    let namespace = t.namespace("acme").await;
    let id = AuditId::mint(NOW, &t.random);
    let record = Record {
        actor: "user admin".into(),
        actor_id: "id of admin".into(),
        with_token: "id of laptop".into(),
        event: "token.created",
        target: "token acme/ci".into(),
        namespace_id: namespace.to_string(),
        token_id: "id of ci".into(),
        user_id: "id of anna".into(),
        from_address: "192.0.2.1".into(),
        client: "docker/29",
        request_id: "request",
        before: String::new(),
        after: "{\"status\":\"enabled\"}".into(),
    };
    t.write(async |tx| audit::record(tx, id, after(1), &record).await).await.unwrap();
    t.delete_namespace(namespace).await;

    let namespace = namespace.to_string();
    let expect = [
        "user admin",
        "id of admin",
        "id of laptop",
        "token.created",
        "token acme/ci",
        &namespace,
        "id of ci",
        "id of anna",
        "192.0.2.1",
        "docker/29",
        "request",
        "",
        "{\"status\":\"enabled\"}",
    ];
    let (at, texts) = t.db.one(READ, params![id], columns).await.unwrap();
    assert_eq!(at, after(1));
    assert_eq!(texts, expect);
    // A row is written once.
    let again = t.write(async |tx| audit::record(tx, id, after(1), &record).await).await;
    assert!(again.unwrap_err().is_conflict(Constraint::Unique));
}

#[both_engines]
async fn words_that_no_program_writes_are_refused(t: Tables) {
    let anna = t.user("anna").await;
    let acme = t.namespace("acme").await;
    t.member(acme, anna, access::role::Role::Reader).await;
    let token = t.new_token(storage::tokens::StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    for (sql, id) in [
        ("UPDATE users SET is_active = 2 WHERE id = $1", anna.to_string()),
        ("UPDATE users SET is_admin = -1 WHERE id = $1", anna.to_string()),
        ("UPDATE namespaces SET visibility = 'open' WHERE id = $1", acme.to_string()),
        ("UPDATE namespace_users SET role = 0 WHERE user_id = $1", anna.to_string()),
        ("UPDATE namespace_users SET role = 4 WHERE user_id = $1", anna.to_string()),
        ("UPDATE tokens SET kind = 'robot' WHERE id = $1", token.id.to_string()),
        ("UPDATE tokens SET access = 'all' WHERE id = $1", token.id.to_string()),
        ("UPDATE tokens SET status = 'ended' WHERE id = $1", token.id.to_string()),
        ("UPDATE tokens SET stands_for_kind = 'team' WHERE id = $1", token.id.to_string()),
    ] {
        let refused = t.sql(sql, id).await.unwrap_err();
        assert!(refused.is_conflict(Constraint::Check), "{sql}: {refused:?}");
    }
}
