//! The commands about tokens beyond making, showing and ending them.

use super::*;

const SCOPE: &str = "0190a5e0-7d4c-7aaa-8bbb-00000000000a";

/// A personal token of anna's.
fn laptop() -> Value {
    json!({
        "id": ID, "kind": "personal", "username": "anna", "name": "laptop", "access": "account", "status": "enabled",
        "permission": "account", "scopes": [], "expires_at": null, "stands_for": {"service": "nightly"},
    })
}

fn with_scopes(scopes: Value) -> Value {
    let mut token = token();
    token["permission"] = json!("custom");
    token["scopes"] = scopes;
    token
}

fn scope(path: &str) -> Value {
    json!({"id": SCOPE, "type": "repository", "path": path, "actions": ["pull"]})
}

#[tokio::test]
async fn tokens_are_made_for_oneself_for_others_and_for_the_instance() {
    let me = || (200, json!({"kind": "user", "username": "anna"}));
    for (said, answers, path) in [
        ("token create --mine laptop", vec![me(), (201, issued())], "POST /api/v1/users/anna/tokens"),
        ("token create --user ben laptop", vec![(201, issued())], "POST /api/v1/users/ben/tokens"),
        ("token create --instance mirror", vec![(201, issued())], "POST /api/v1/tokens"),
        ("token create acme mirror", vec![(201, issued())], "POST /api/v1/namespaces/acme/tokens"),
    ] {
        let outcome = desk(answers).logged_in().run(said).await.succeeded();
        assert_eq!(outcome.requests().last(), Some(&path), "{said}");
        assert_eq!(outcome.out, format!("{SECRET}\n"), "{said}");
    }
    let service = (200, json!({"kind": "service"}));
    let outcome = desk(vec![service]).logged_in().run("token create --mine x --secret-file {folder}/x").await;
    assert!(!outcome.refused(2, "no tokens of its own").folder.path().join("x").exists());
}

#[tokio::test]
async fn exactly_one_owner_is_said() {
    for said in [
        "token create laptop",
        "token create acme --mine laptop",
        "token create --mine --instance x",
        "token ls",
        "token ls acme --mine",
        "token create acme x --access account",
    ] {
        desk(vec![]).logged_in().run(said).await.refused(2, "");
    }
}

#[tokio::test]
async fn a_list_asks_for_what_was_said() {
    let said = "token ls acme --status disabled --unused 30d --expiring 7d --stands-for user:anna -q nightly";
    let outcome = desk(vec![page(vec![])]).logged_in().run(said).await.succeeded();
    let [line] = outcome.requests().try_into().unwrap();
    for part in ["status=disabled", "unused=30d", "expiring=7d", "stands_for=user%3Aanna", "q=nightly"] {
        assert!(line.starts_with("GET /api/v1/namespaces/acme/tokens?") && line.contains(part), "{line}");
    }
    assert!(outcome.err.contains("acme has no such tokens"), "{}", outcome.err);

    let outcome = desk(vec![page(vec![laptop()])]).logged_in().run("token ls --user anna").await.succeeded();
    let [header, row] = outcome.out.lines().collect::<Vec<_>>().try_into().unwrap();
    assert!(header.ends_with("ID") && row.starts_with("laptop ") && row.ends_with(ID), "{}", outcome.out);
    assert!(row.contains("service:nightly"), "{row}");
    let outcome = desk(vec![page(vec![])]).logged_in().run("token ls --instance").await.succeeded();
    assert!(outcome.err.contains("`sealock token create --instance NAME`"), "{}", outcome.err);
}

#[tokio::test]
async fn an_edit_sends_what_was_named_and_says_what_came_of_it() {
    let outcome = desk(vec![(200, laptop()), (200, laptop())])
        .logged_in()
        .run(&format!("token edit {ID} --name phone"))
        .await;
    let outcome = outcome.succeeded();
    assert_eq!(outcome.requests()[1], format!("PATCH /api/v1/tokens/{ID}"));
    assert_eq!(outcome.asked[1].body, json!({"name": "phone"}));
    assert_eq!(outcome.err, "token \"laptop\" of user anna is changed\n");
    desk(vec![]).logged_in().run("token edit acme/ci-bot").await.refused(2, "nothing to change was named");
}

#[tokio::test]
async fn scopes_are_listed_added_and_taken_away() {
    let one = || with_scopes(json!([scope("acme/a")]));
    let listed =
        desk(vec![page(vec![one()])]).logged_in().run("token scope ls acme/ci-bot").await.succeeded();
    assert!(listed.out.contains("repository:acme/a:pull") && listed.out.contains(SCOPE), "{}", listed.out);

    let answers = vec![page(vec![token()]), (201, token()), (201, one())];
    let said = "token scope add acme/ci-bot repository:acme/b:pull registry:list";
    let added = desk(answers).logged_in().run(said).await.succeeded();
    assert!(added.requests()[1..].iter().all(|line| *line == format!("POST /api/v1/tokens/{ID}/scopes")));
    assert_eq!(added.asked[1].body, json!({"type": "repository", "path": "acme/b", "actions": ["pull"]}));
    assert_eq!(added.asked[2].body, json!({"type": "registry", "actions": ["list"]}));
    assert_eq!(added.err, "token acme/ci-bot allows repository:acme/a:pull now\n");

    for said in [SCOPE, "repository:acme/a:pull"] {
        let answers = vec![page(vec![one()]), (204, Value::Null), (200, with_scopes(json!([])))];
        let removed =
            desk(answers).logged_in().run(&format!("token scope rm acme/ci-bot {said} --yes")).await;
        let removed = removed.succeeded();
        assert_eq!(removed.requests()[1], format!("DELETE /api/v1/tokens/{ID}/scopes/{SCOPE}"));
        assert_eq!(removed.err, "token acme/ci-bot allows nothing now, having no scopes\n");
    }
    let answers = vec![page(vec![one()]), (204, Value::Null), (200, with_scopes(json!([])))];
    let cleared = desk(answers).logged_in().run("token scope clear acme/ci-bot --yes").await.succeeded();
    assert_eq!(cleared.requests()[1], format!("DELETE /api/v1/tokens/{ID}/scopes"));
}

#[tokio::test]
async fn a_scope_that_is_not_there_takes_nothing_away() {
    let one = with_scopes(json!([scope("acme/a")]));
    let said = "token scope rm acme/ci-bot repository:acme/a:pull repository:acme/b:pull --yes";
    let outcome = desk(vec![page(vec![one])]).logged_in().run(said).await;
    outcome.refused(1, "has no scope repository:acme/b:pull; `sealock token scope ls acme/ci-bot` lists");
}

#[tokio::test]
async fn what_takes_something_away_asks_first() {
    let one = || page(vec![with_scopes(json!([scope("acme/a")]))]);
    for said in [
        format!("token scope rm acme/ci-bot {SCOPE}"),
        "token scope clear acme/ci-bot".to_owned(),
        format!("token secrets rm acme/ci-bot {SCOPE}"),
    ] {
        desk(vec![one()]).logged_in().run(&said).await.refused(2, "add --yes to mean it");
        desk(vec![one()]).logged_in().typing("n\n", true).run(&said).await.refused(1, "nothing was changed");
    }
}

#[tokio::test]
async fn a_reset_may_keep_the_old_secret_for_a_while() {
    let answers = vec![page(vec![token()]), (200, issued())];
    let said = "token reset acme/ci-bot --keep-old-for 24h";
    let outcome = desk(answers).logged_in().typing("y\n", true).run(said).await.succeeded();
    assert_eq!(outcome.asked[1].body, json!({"keep_old_for": "24h"}));
    assert!(outcome.err.contains("a new secret and end the old one after 24h?"), "{}", outcome.err);
}

#[tokio::test]
async fn living_secrets_are_listed_with_their_last_use_and_end_one_by_one() {
    let secret = json!({
        "id": SCOPE, "hint": "slks_k3P…", "created_at": "2026-11-22T10:00:00Z", "ends_at": "2026-11-24T10:00:00Z",
        "last_used_at": "2026-11-23T09:00:00Z", "last_used_from": "10.0.0.7", "last_used_by": "docker/29",
    });
    let answers = vec![page(vec![token()]), page(vec![secret])];
    let listed = desk(answers).logged_in().run("token secrets ls acme/ci-bot").await.succeeded();
    for part in ["slks_k3P…", "in 1 day", "1 hour ago", "from 10.0.0.7 by docker/29", SCOPE] {
        assert!(listed.out.contains(part), "{part}: {}", listed.out);
    }
    let answers = vec![page(vec![token()]), (204, Value::Null)];
    let said = format!("token secrets rm acme/ci-bot {SCOPE} --yes");
    let ended = desk(answers).logged_in().run(&said).await.succeeded();
    assert_eq!(ended.requests()[1], format!("DELETE /api/v1/tokens/{ID}/secrets/{SCOPE}"));
}

#[tokio::test]
async fn what_a_token_can_is_said_with_its_rule_and_told_by_the_exit_code() {
    let said = "token can acme/ci-bot push acme/api";
    let yes = (200, json!({"allowed": true, "rule": "its scope: pull and push on acme/*", "reason": null}));
    let outcome = desk(vec![page(vec![token()]), yes]).logged_in().run(said).await.succeeded();
    assert_eq!(outcome.requests()[1], format!("POST /api/v1/tokens/{ID}/explain"));
    assert_eq!(outcome.asked[1].body, json!({"action": "push", "repository": "acme/api"}));
    assert_eq!(outcome.out, "yes: its scope: pull and push on acme/*\n");
    for from in ["203.0.113.9", "2001:db8::7"] {
        let yes = (200, json!({"allowed": true, "rule": "its scope: pull on acme/*", "reason": null}));
        let said = format!("token can acme/ci-bot pull acme/api --from {from}");
        let outcome = desk(vec![page(vec![token()]), yes]).logged_in().run(&said).await.succeeded();
        assert_eq!(outcome.asked[1].body, json!({"action": "pull", "repository": "acme/api", "from": from}));
    }
    desk(vec![]).logged_in().run(&format!("{said} --from 10.0.0.0/8")).await.refused(2, "--from <ADDRESS>");
    let no = || {
        (200, json!({"allowed": false, "rule": null, "reason": "token acme/ci-bot has no scope with push"}))
    };
    let outcome = desk(vec![page(vec![token()]), no()]).logged_in().run(said).await;
    assert!(outcome.refused(1, "has no scope with push").out.is_empty());
    let outcome =
        desk(vec![page(vec![token()]), no()]).logged_in().json().run(said).await.refused(1, "no scope");
    assert_eq!(serde_json::from_str::<Value>(&outcome.out).unwrap(), no().1);
}

#[tokio::test]
async fn every_token_of_a_namespace_is_stopped_after_asking() {
    let said = "token disable-all acme";
    desk(vec![]).logged_in().run(said).await.refused(2, "stop every service token of namespace acme at once");
    desk(vec![]).logged_in().typing("n\n", true).run(said).await.refused(1, "nothing was changed");
    let done = || vec![(200, json!({"disabled": 2}))];
    let asked = desk(done()).logged_in().typing("y\n", true).run(said).await.succeeded();
    assert_eq!(asked.requests(), ["POST /api/v1/namespaces/acme/tokens/disable-all"]);
    assert_eq!(asked.asked[0].body, Value::Null);
    let expect = "2 tokens disabled: no service token of namespace acme works now\n";
    assert!(asked.err.ends_with(expect) && asked.out.is_empty(), "{}", asked.err);
    let sure = desk(done()).logged_in().json().run(&format!("{said} --yes")).await.succeeded();
    assert_eq!(serde_json::from_str::<Value>(&sure.out).unwrap(), json!({"disabled": 2}));
}

#[tokio::test]
async fn a_token_shows_from_where_it_may_be_used() {
    let mut token = token();
    for (addresses, shown) in
        [(json!([]), "anywhere"), (json!(["10.1.0.0/16", "2001:db8::7"]), "10.1.0.0/16, 2001:db8::7")]
    {
        token["allowed_addresses"] = addresses;
        let outcome = desk(vec![(200, token.clone())]).logged_in().run(&format!("token show {ID}")).await;
        let outcome = outcome.succeeded();
        let line = outcome.out.lines().find(|line| line.starts_with("allowed from")).unwrap();
        assert!(line.ends_with(shown), "{line}");
    }
}

#[tokio::test]
async fn several_tokens_are_acted_on_at_once() {
    let mut other = token();
    other["id"] = json!(SCOPE);
    other["name"] = json!("other");
    let done = (200, json!({"items": [token(), other.clone()]}));
    let listed = || page(vec![token(), other.clone()]);
    let said = "token disable acme/ci-bot acme/other";
    let outcome = desk(vec![listed(), listed(), done]).logged_in().run(said).await.succeeded();
    assert_eq!(outcome.asked[2].body, json!({"ids": [ID, SCOPE], "do": "disable"}));
    assert_eq!(outcome.err.lines().count(), 2);
}
