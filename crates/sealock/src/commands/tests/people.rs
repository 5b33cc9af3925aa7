//! Users, teams, and members of namespaces.

use super::*;

fn ann() -> Value {
    json!({
        "id": ID, "username": "ann", "is_admin": false, "is_active": true, "created_at": "2026-11-22T10:00:00Z",
    })
}

#[tokio::test]
async fn a_user_is_made_with_the_password_from_stdin_and_told_of_their_namespace() {
    let mut made = ann();
    made["own_namespace"] = json!("ann");
    let outcome = desk(vec![(201, made)])
        .logged_in()
        .typing("s3cret password\n", false)
        .run("user create ann --admin --password-stdin")
        .await
        .succeeded();
    assert_eq!(outcome.requests(), ["POST /api/v1/users"]);
    let expect = json!({ "username": "ann", "password": "s3cret password", "is_admin": true });
    assert_eq!(outcome.asked[0].body, expect);
    assert_eq!(outcome.err, "user ann created (user)\nnamespace ann is theirs\n");
    assert!(outcome.out.is_empty());
    desk(vec![]).logged_in().run("user create ann").await.refused(2, "--password-stdin");
}

#[tokio::test]
async fn users_are_listed_and_shown() {
    let outcome = desk(vec![page(vec![ann()])]).logged_in().run("user ls").await.succeeded();
    let row = outcome.out.lines().nth(1).unwrap();
    assert_eq!(row, "ann       user      active  1 day ago (2026-11-22T10:00:00Z)", "{}", outcome.out);
    let outcome = desk(vec![(200, ann())]).logged_in().run("user show ann").await.succeeded();
    assert_eq!(outcome.requests(), ["GET /api/v1/users/ann"]);
    assert!(
        outcome.out.lines().nth(1).is_some_and(|line| line.starts_with("username  ann")),
        "{}",
        outcome.out
    );
}

#[tokio::test]
async fn a_deactivation_lists_the_tokens_that_live_on() {
    let mut edited = ann();
    edited["is_active"] = json!(false);
    edited["tokens_made_elsewhere"] = json!([
        { "id": ID, "namespace": "acme", "name": "ci-bot", "status": "enabled", "expires_at": null },
        { "id": ID, "namespace": null, "name": "mirror", "status": "disabled", "expires_at": null },
    ]);
    let outcome = desk(vec![(200, edited)]).logged_in().run("user edit ann --deactivate").await.succeeded();
    assert_eq!(outcome.asked[0].body, json!({ "is_active": false }));
    let expect = "user ann is deactivated (user)\nthese service tokens, which ann made, live on; look at each:\n  \
                  acme/ci-bot (enabled)\n  mirror (disabled)\n";
    assert_eq!(outcome.err, expect);
}

#[tokio::test]
async fn an_edit_says_only_what_was_said() {
    for (said, body) in [
        ("user edit ann --admin", json!({ "is_admin": true })),
        ("user edit ann --no-admin --activate", json!({ "is_admin": false, "is_active": true })),
        ("user edit ann --password-stdin", json!({ "password": "a new password" })),
    ] {
        let desk = desk(vec![(200, ann())]).logged_in().typing("a new password\n", false);
        let outcome = desk.run(said).await.succeeded();
        assert_eq!(outcome.requests(), ["PATCH /api/v1/users/ann"]);
        assert_eq!(outcome.asked[0].body, body);
    }
}

#[tokio::test]
async fn a_changed_password_is_the_one_that_the_login_is_kept_with() {
    let me = json!({ "kind": "user", "username": "admin" });
    let outcome = desk(vec![(200, me.clone()), (200, ann())])
        .logged_in()
        .typing("s3cret\nn3w secret\n", false)
        .run("user passwd --password-stdin")
        .await
        .succeeded();
    assert_eq!(outcome.requests()[1], "PATCH /api/v1/users/admin");
    let expect = json!({ "current_password": "s3cret", "password": "n3w secret" });
    assert_eq!(outcome.asked[1].body, expect);
    let kept = std::fs::read_to_string(outcome.folder.path().join("credentials.json")).unwrap();
    assert!(kept.contains("n3w secret") && !kept.contains("s3cret\""), "{kept}");
    assert!(!outcome.err.contains("secret"), "{}", outcome.err);

    let refused = desk(vec![(200, me), refusal(422, "current_password breaks a rule")])
        .logged_in()
        .typing("wrong\nn3w secret\n", false)
        .run("user passwd --password-stdin")
        .await
        .refused(1, "current_password breaks a rule");
    let kept = std::fs::read_to_string(refused.folder.path().join("credentials.json")).unwrap();
    assert!(!kept.contains("n3w secret"), "{kept}");
    let bot = json!({ "kind": "service", "token": { "name": "ci-bot" } });
    desk(vec![(200, bot)])
        .logged_in()
        .typing("s3cret\nn3w secret\n", false)
        .run("user passwd --password-stdin")
        .await
        .refused(1, "a service token has no password");
}

#[tokio::test]
async fn what_can_not_be_taken_back_asks_first() {
    for (said, line) in [
        ("user rm ann", "DELETE /api/v1/users/ann"),
        ("team rm crew", "DELETE /api/v1/teams/crew"),
        ("namespace rm acme", "DELETE /api/v1/namespaces/acme"),
        ("namespace rm acme --force", "DELETE /api/v1/namespaces/acme?force=true"),
        ("namespace member rm acme team:crew", "DELETE /api/v1/namespaces/acme/members/teams/crew"),
    ] {
        desk(vec![]).logged_in().run(said).await.refused(2, "add --yes to mean it");
        desk(vec![]).logged_in().typing("n\n", true).run(said).await.refused(1, "nothing was changed");
        let sure = desk(vec![(204, Value::Null)]).logged_in().run(&format!("{said} --yes")).await.succeeded();
        assert_eq!(sure.requests(), [line]);
    }
}

#[tokio::test]
async fn teams_are_made_shown_renamed_and_filled() {
    let crew =
        || json!({ "id": ID, "name": "crew", "created_at": "2026-11-22T10:00:00Z", "users": ["ann", "bob"] });
    for (said, status, line, out) in [
        ("team create crew", 201, "POST /api/v1/teams", ""),
        ("team show crew", 200, "GET /api/v1/teams/crew", "USER\nann\nbob\n"),
        ("team rename crew band", 200, "PATCH /api/v1/teams/crew", ""),
    ] {
        let outcome = desk(vec![(status, crew())]).logged_in().run(said).await.succeeded();
        assert_eq!((outcome.requests(), outcome.out.as_str()), (vec![line], out));
    }
    let listed = desk(vec![page(vec![crew()])]).logged_in().run("team ls").await.succeeded();
    assert!(listed.out.starts_with("NAME  CREATED\ncrew  1 day ago"), "{}", listed.out);
    let done = || vec![(204, Value::Null), (204, Value::Null)];
    let outcome = desk(done()).logged_in().run("team add crew ann bob").await.succeeded();
    let expect = ["PUT /api/v1/teams/crew/members/ann", "PUT /api/v1/teams/crew/members/bob"];
    assert_eq!(outcome.requests(), expect);
    assert_eq!(outcome.err, "user ann is in team crew\nuser bob is in team crew\n");
    let outcome = desk(done()).logged_in().run("team remove crew ann bob").await.succeeded();
    assert_eq!(outcome.requests()[0], "DELETE /api/v1/teams/crew/members/ann");
}

#[tokio::test]
async fn members_are_set_and_listed_as_they_are_typed() {
    let member = json!({ "kind": "teams", "name": "crew", "role": "writer" });
    let outcome = desk(vec![(200, member.clone())])
        .logged_in()
        .run("namespace member set acme team:crew writer")
        .await
        .succeeded();
    assert_eq!(outcome.requests(), ["PUT /api/v1/namespaces/acme/members/teams/crew"]);
    assert_eq!(outcome.asked[0].body, json!({ "role": "writer" }));
    assert_eq!(outcome.err, "team:crew is writer of namespace acme\n");
    let ann = json!({ "kind": "users", "name": "ann", "role": "admin" });
    let listed =
        desk(vec![page(vec![member, ann])]).logged_in().run("namespace member ls acme").await.succeeded();
    assert_eq!(listed.out, "MEMBER     ROLE\nteam:crew  writer\nuser:ann   admin\n");
    let none = desk(vec![page(vec![])]).logged_in().run("namespace member ls acme").await.succeeded();
    assert!(none.err.contains("sealock namespace member set acme user:NAME writer"), "{}", none.err);
}

#[tokio::test]
async fn everything_of_a_user_is_ended_after_asking() {
    let said = "user end-all ann";
    let question = "stop every personal token of user ann and every login made with their password";
    desk(vec![]).logged_in().run(said).await.refused(2, question);
    desk(vec![]).logged_in().typing("n\n", true).run(said).await.refused(1, "nothing was changed");
    let done = || vec![(200, json!({ "disabled": 1 }))];
    let sure = desk(done()).logged_in().run(&format!("{said} --yes")).await.succeeded();
    assert_eq!(sure.requests(), ["POST /api/v1/users/ann/end-all"]);
    assert_eq!(sure.asked[0].body, Value::Null);
    let expect = "1 token disabled: no personal token of user ann works now\n\
                  every login made with the password has ended; the password itself stays\n";
    assert_eq!((sure.err.as_str(), sure.out.as_str()), (expect, ""));
    let sure = desk(done()).logged_in().json().run(&format!("{said} --yes")).await.succeeded();
    assert_eq!(serde_json::from_str::<Value>(&sure.out).unwrap(), json!({ "disabled": 1 }));
}

#[tokio::test]
async fn settings_are_shown_and_changed_by_the_words_that_are_shown() {
    let settings =
        || json!({ "users_make_namespaces": true, "own_namespaces": true, "tokens_for_others": false });
    let shown = desk(vec![(200, settings())]).logged_in().run("settings show").await.succeeded();
    assert_eq!(shown.requests(), ["GET /api/v1/settings"]);
    let expect = "\
SETTING                VALUE
users-make-namespaces  on
own-namespaces         on
tokens-for-others      off
";
    assert_eq!(shown.out, expect);

    let said = "settings edit --users-make-namespaces on --tokens-for-others off";
    let edited = desk(vec![(200, settings())]).logged_in().run(said).await.succeeded();
    assert_eq!(edited.requests(), ["PATCH /api/v1/settings"]);
    let expect = json!({ "users_make_namespaces": true, "tokens_for_others": false });
    assert_eq!(edited.asked[0].body, expect);
    assert_eq!(edited.err, "users-make-namespaces is on\ntokens-for-others is off\n");
    let limits = || {
        let mut limits = settings();
        limits["max_tokens_per_user"] = json!(7);
        limits
    };
    let shown = desk(vec![(200, limits())]).logged_in().run("settings show").await.succeeded();
    assert!(shown.out.ends_with("max-tokens-per-user    7\n"), "{}", shown.out);
    let said = "settings edit --max-tokens-per-user 7";
    let edited = desk(vec![(200, limits())]).logged_in().run(said).await.succeeded();
    assert_eq!(edited.asked[0].body, json!({ "max_tokens_per_user": 7 }));
    assert_eq!(edited.err, "max-tokens-per-user is 7\n");
    for said in ["settings show", "settings edit --own-namespaces on"] {
        let json = desk(vec![(200, settings())]).logged_in().json().run(said).await.succeeded();
        assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap(), settings());
    }
}

#[tokio::test]
async fn a_namespace_says_the_role_that_counts() {
    let by_office = "admin (as an instance administrator)";
    for (own, is_admin, expect) in [
        (json!("reader"), Some(false), "reader"),
        (json!("admin"), None, "admin"),
        (Value::Null, None, by_office),
        (json!("reader"), Some(true), by_office),
    ] {
        let acme = json!({ "name": "acme", "visibility": "private", "role": own });
        let me = is_admin.map(|is_admin| (200, json!({ "username": "ann", "is_admin": is_admin })));
        let answers = [(200, acme)].into_iter().chain(me).collect();
        let outcome = desk(answers).logged_in().run("namespace show acme").await.succeeded();
        let line = outcome.out.lines().find(|line| line.starts_with("your role"));
        assert_eq!(line.map(|line| line["your role".len()..].trim()), Some(expect), "{own}");
    }
}

#[tokio::test]
async fn a_namespace_is_shown_opened_and_closed() {
    let acme = || {
        json!({
            "id": ID, "name": "acme", "visibility": "public", "created_at": "2026-11-22T10:00:00Z", "created_by": "ben",
            "owner": null, "role": "admin",
        })
    };
    let outcome = desk(vec![(200, acme())]).logged_in().run("namespace show acme").await.succeeded();
    for fact in ["acme", "public", "admin", "ben"] {
        assert!(outcome.out.contains(fact), "{fact}: {}", outcome.out);
    }
    assert!(!outcome.out.contains("own namespace"), "{}", outcome.out);
    for (flag, visibility) in [("--public", "public"), ("--private", "private")] {
        let said = format!("namespace edit acme {flag}");
        let outcome = desk(vec![(200, acme())]).logged_in().run(&said).await.succeeded();
        assert_eq!(outcome.asked[0].body, json!({ "visibility": visibility }));
    }
}
