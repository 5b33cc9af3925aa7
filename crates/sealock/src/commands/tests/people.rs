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
    let bot = json!({ "kind": "service-token", "token": { "name": "ci-bot" } });
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
async fn a_namespace_is_shown_opened_and_closed() {
    let acme = || {
        json!({
            "id": ID, "name": "acme", "visibility": "public", "created_at": "2026-11-22T10:00:00Z", "created_by": "admin",
            "owner": null, "role": "writer",
        })
    };
    let outcome = desk(vec![(200, acme())]).logged_in().run("namespace show acme").await.succeeded();
    for fact in ["acme", "public", "writer", "admin"] {
        assert!(outcome.out.contains(fact), "{fact}: {}", outcome.out);
    }
    assert!(!outcome.out.contains("own namespace"), "{}", outcome.out);
    for (flag, visibility) in [("--public", "public"), ("--private", "private")] {
        let said = format!("namespace edit acme {flag}");
        let outcome = desk(vec![(200, acme())]).logged_in().run(&said).await.succeeded();
        assert_eq!(outcome.asked[0].body, json!({ "visibility": visibility }));
    }
}
