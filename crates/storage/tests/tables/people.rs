//! People beyond their existence: edits, administrators, teams, members, settings, and what leaves with them.

use access::{
    id::TeamId,
    name::{TeamName, Username},
    rights::Owner,
    role::Role,
    secret::SecretHash,
};
use storage::{
    db::{Constraint, DbError},
    leaving, members,
    members::MemberId,
    namespaces::{self, NamespaceOwner},
    rights::{Aim, Who, load},
    settings::{self, Limit, StoredSettings},
    teams::{self, StoredTeam},
    tokens::{self, StoredOwner},
    users,
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after, of};

fn team(t: &Tables, name: &str) -> StoredTeam {
    let name = TeamName::parse(name).unwrap();
    StoredTeam { id: TeamId::mint(NOW, &t.random), name, created_at: NOW, revision: 1 }
}

#[both_engines]
async fn an_edited_user_has_another_standing_password_and_revision(t: Tables) {
    let mut anna = t.new_user("anna");
    t.write(async |tx| users::insert(tx, &anna, "old").await).await.unwrap();
    (anna.is_admin, anna.is_active) = (true, false);
    let edit = async |tx: &storage::db::Tx| {
        let revision = users::bump(tx, anna.id).await?;
        users::update(tx, &anna).await?;
        users::set_password(tx, anna.id, "new").await?;
        Ok(revision)
    };
    assert_eq!(t.write(edit).await.unwrap(), Some(2));
    let found = users::by_id(&t.db, anna.id).await.unwrap().unwrap();
    assert_eq!((found.is_admin, found.is_active, found.revision), (true, false, 2));
    let password = users::password_of(&t.db, &anna.username).await.unwrap().unwrap();
    assert_eq!((password.hash.as_str(), password.generation), ("new", 3));
    let nobody = t.new_user("nobody").id;
    assert_eq!(t.write(async |tx| users::bump(tx, nobody).await).await, Ok(None));
}

/// Rule 7: an activation must not restore what was made with the password before the deactivation.
#[both_engines]
async fn a_deactivation_alone_raises_the_generation_of_the_password(t: Tables) {
    let mut anna = t.new_user("anna");
    t.write(async |tx| users::insert(tx, &anna, "old").await).await.unwrap();
    for (is_active, generation) in [(true, 1), (false, 2), (false, 2), (true, 2), (false, 3)] {
        anna.is_active = is_active;
        t.write(async |tx| users::update(tx, &anna).await).await.unwrap();
        let password = users::password_of(&t.db, &anna.username).await.unwrap().unwrap();
        assert_eq!((password.hash.as_str(), password.generation), ("old", generation), "{is_active}");
    }
}

#[both_engines]
async fn users_are_paged_in_the_order_of_their_bytes(t: Tables) {
    for name in ["b", "ab", "a", "a_b", "a0", "a-b"] {
        t.user(name).await;
    }
    let names = async |after: &str, limit| {
        let page = users::after(&t.db, after, limit).await.unwrap();
        page.into_iter().map(|user| user.username.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("", 10).await, ["a", "a-b", "a0", "a_b", "ab", "b"]);
    assert_eq!(names("a-b", 2).await, ["a0", "a_b"]);
    assert!(names("b", 2).await.is_empty());
}

#[both_engines]
async fn only_an_active_administrator_is_another_one(t: Tables) {
    let [first, second] = [t.user("first").await, t.user("second").await];
    let has_other =
        async || t.write(async |tx| users::has_other_administrator(tx, first).await).await.unwrap();
    let set = async |is_admin: bool, is_active: bool| {
        let user = users::by_id(&t.db, second).await.unwrap().unwrap();
        let user = users::StoredUser { is_admin, is_active, ..user };
        t.write(async |tx| users::update(tx, &user).await).await.unwrap();
    };
    for (is_admin, is_active, expect) in [(false, true, false), (true, false, false), (true, true, true)] {
        set(is_admin, is_active).await;
        assert_eq!(has_other().await, expect, "{is_admin} {is_active}");
    }
}

#[both_engines]
async fn who_changes_administrators_second_sees_what_the_first_did(t: Tables) {
    let mut both = [t.new_user("one"), t.new_user("two")];
    for user in &mut both {
        user.is_admin = true;
        t.write(async |tx| users::insert(tx, user, "hash").await).await.unwrap();
        user.is_admin = false;
    }
    let step_down = async |tx: &storage::db::Tx, which: usize| {
        users::guard_administrators(tx).await?;
        let may = users::has_other_administrator(tx, both[which].id).await?;
        if may {
            users::update(tx, &both[which]).await?;
        }
        Ok::<_, DbError>(may)
    };
    let told = t.overlapping(async |tx| step_down(tx, 0).await, async |tx| step_down(tx, 1).await).await;
    assert_eq!(told, (true, Ok(false)));
}

#[both_engines]
async fn teams_come_back_renamed_paged_and_gone(t: Tables) {
    let (crew, band) = (team(&t, "crew"), team(&t, "band"));
    for team in [&crew, &band] {
        assert!(t.write(async |tx| teams::insert(tx, team).await).await.unwrap());
    }
    let again = team(&t, "crew");
    assert!(!t.write(async |tx| teams::insert(tx, &again).await).await.unwrap());
    let found = teams::by_name(&t.db, &crew.name).await.unwrap().unwrap();
    assert_eq!((found.id, found.created_at, found.revision), (crew.id, NOW, 1));
    let names = async |after: &str, limit| {
        let page = teams::after(&t.db, after, limit).await.unwrap();
        page.into_iter().map(|team| team.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names("", 9).await, names("band", 9).await),
        (vec!["band".into(), "crew".into()], vec!["crew".into()])
    );

    assert_eq!(t.write(async |tx| teams::bump(tx, crew.id).await).await, Ok(Some(2)));
    let gang = TeamName::parse("gang").unwrap();
    let rename =
        async |name: &TeamName| t.write(async |tx| teams::rename(tx, crew.id, name).await).await.unwrap();
    assert!(!rename(&band.name).await);
    // Its own name is not taken.
    assert!(rename(&crew.name).await && rename(&gang).await);
    assert_eq!(names("", 9).await, ["band", "gang"]);

    assert!(t.write(async |tx| teams::delete(tx, crew.id).await).await.unwrap());
    assert!(!t.write(async |tx| teams::delete(tx, crew.id).await).await.unwrap());
    assert_eq!(t.write(async |tx| teams::bump(tx, crew.id).await).await, Ok(None));
    assert!(teams::by_name(&t.db, &gang).await.unwrap().is_none());
}

#[both_engines]
async fn a_user_is_in_a_team_once_and_leaves_it_once(t: Tables) {
    let crew = team(&t, "crew");
    t.write(async |tx| teams::insert(tx, &crew).await).await.unwrap();
    let [bert, anna] = [t.user("bert").await, t.user("anna").await];
    let add = async |user| t.write(async |tx| teams::add_user(tx, crew.id, user).await).await;
    let remove = async |user| t.write(async |tx| teams::remove_user(tx, crew.id, user).await).await.unwrap();
    assert_eq!((add(bert).await, add(anna).await, add(anna).await), (Ok(true), Ok(true), Ok(false)));
    assert_eq!(teams::users(&t.db, crew.id).await.unwrap(), ["anna", "bert"]);
    for (after, limit, found) in [("", 1, &["anna"][..]), ("anna", 9, &["bert"]), ("bert", 9, &[])] {
        assert_eq!(teams::users_after(&t.db, crew.id, after, limit).await.unwrap(), found, "{after}");
    }
    let is_in =
        async |name: &str| teams::has_user(&t.db, crew.id, &Username::parse(name).unwrap()).await.unwrap();
    assert_eq!((is_in("anna").await, is_in("nobody").await), (true, false));
    assert_eq!(teams::count_users(&t.db, crew.id).await, Ok(2));
    assert!(remove(anna).await && !remove(anna).await);
    assert_eq!(teams::users(&t.db, crew.id).await.unwrap(), ["bert"]);
    let nobody = t.new_user("nobody").id;
    assert!(add(nobody).await.unwrap_err().is_conflict(Constraint::ForeignKey));
    t.write(async |tx| users::delete(tx, bert).await).await.unwrap();
    assert!(teams::users(&t.db, crew.id).await.unwrap().is_empty());
    assert_eq!(teams::count_users(&t.db, crew.id).await, Ok(0));
}

#[both_engines]
async fn members_are_set_listed_and_removed(t: Tables) {
    let (acme, other) = (t.namespace("acme").await, t.namespace("other").await);
    let crew = team(&t, "crew");
    t.write(async |tx| teams::insert(tx, &crew).await).await.unwrap();
    let [anna, bert] = [t.user("anna").await, t.user("bert").await];
    let set =
        async |member, role| t.write(async |tx| members::set(tx, acme, member, role).await).await.unwrap();
    for (member, first, second) in [
        (MemberId::User(anna), Role::Reader, Role::Admin),
        (MemberId::User(bert), Role::Writer, Role::Reader),
        (MemberId::Team(crew.id), Role::Admin, Role::Writer),
    ] {
        assert_eq!(members::role(&t.db, acme, member).await, Ok(None));
        set(member, first).await;
        set(member, second).await;
        assert_eq!(members::role(&t.db, acme, member).await, Ok(Some(second)));
        assert_eq!(members::role(&t.db, other, member).await, Ok(None));
    }
    let listed = async |after, limit| {
        let page = members::of_namespace(&t.db, acme, after, limit).await.unwrap();
        page.into_iter()
            .map(|member| format!("{}/{} {}", member.kind, member.name, member.role))
            .collect::<Vec<_>>()
    };
    let all = ["teams/crew writer", "users/anna admin", "users/bert reader"];
    assert_eq!(listed(("", ""), 9).await, all);
    assert_eq!(listed(("", ""), 2).await, all[..2]);
    assert_eq!(listed(("teams", "crew"), 9).await, all[1..]);
    assert_eq!(listed(("users", "anna"), 9).await, all[2..]);
    let remove = async |member| t.write(async |tx| members::remove(tx, acme, member).await).await.unwrap();
    for member in [MemberId::User(anna), MemberId::Team(crew.id)] {
        assert!(remove(member).await && !remove(member).await);
    }
    assert_eq!(listed(("", ""), 9).await, all[2..]);
}

#[both_engines]
async fn settings_have_defaults_until_somebody_changes_them(t: Tables) {
    assert_eq!(settings::all(&t.db).await, Ok(StoredSettings::default()));
    for revision in 2..4 {
        let before = settings::all(&t.db).await.unwrap();
        let mut limits = before.limits;
        limits.set(Limit::TokensPerUser, revision);
        let changed = StoredSettings {
            users_make_namespaces: revision == 2,
            own_namespaces: false,
            tokens_for_others: revision == 3,
            limits,
            revision,
        };
        let edit = async |tx: &storage::db::Tx| {
            let bumped = settings::bump(tx).await?;
            settings::update(tx, &before, &changed).await.map(|()| bumped)
        };
        assert_eq!(t.write(edit).await, Ok(revision));
        assert_eq!(settings::all(&t.db).await, Ok(changed));
        let rights = load(&t.db, &Who::Anonymous, None, &Aim::default(), NOW).await.unwrap().unwrap();
        assert_eq!(rights.users_make_namespaces, revision == 2);
    }
}

#[both_engines]
async fn a_namespace_is_bumped_opened_closed_and_somebodys_own(t: Tables) {
    let anna = t.new_user("anna");
    t.write(async |tx| users::insert(tx, &anna, "hash").await).await.unwrap();
    let mut own = t.new_namespace("anna");
    own.owner = Some(NamespaceOwner { id: anna.id, username: anna.username.clone() });
    t.write(async |tx| namespaces::insert(tx, &own, "").await).await.unwrap();
    t.namespace("other").await;
    let found = namespaces::owned_by(&t.db, anna.id).await.unwrap().unwrap();
    assert_eq!((found.id, found.owner.clone(), found.revision), (own.id, own.owner.clone(), 1));
    own.is_public = true;
    assert_eq!(t.write(async |tx| namespaces::bump(tx, own.id).await).await, Ok(Some(2)));
    t.write(async |tx| namespaces::set_visibility(tx, &own).await).await.unwrap();
    let found = namespaces::by_id(&t.db, own.id).await.unwrap().unwrap();
    assert_eq!((found.is_public, found.revision), (true, 2));

    let leave = async |tx: &storage::db::Tx| {
        let holds = namespaces::retire(tx, own.id).await?;
        namespaces::reopen_as_nobodys(tx, &own).await.map(|()| holds)
    };
    assert_eq!(t.write(leave).await, Ok(false));
    let found = namespaces::by_name(&t.db, &own.name).await.unwrap().unwrap();
    assert_eq!((found.id, found.owner), (own.id, None));
    assert!(namespaces::owned_by(&t.db, anna.id).await.unwrap().is_none());
}

#[both_engines]
async fn a_repository_that_comes_while_its_namespace_goes_is_seen_or_refused(t: Tables) {
    let acme = t.namespace("acme").await;
    let name = oci::RepositoryName::parse("acme/api").unwrap();
    let id = access::id::RepositoryId::mint(NOW, &t.random);
    let push = async |tx: &storage::db::Tx| {
        storage::repositories::ensure(tx, id, acme, &name, NOW).await.map(|_| ())
    };
    let ((), holds) = t.overlapping(push, async |tx| namespaces::retire(tx, acme).await).await;
    assert_eq!(holds, Ok(true));

    let other = t.namespace("other").await;
    let name = oci::RepositoryName::parse("other/api").unwrap();
    let id = access::id::RepositoryId::mint(NOW, &t.random);
    let push = async |tx: &storage::db::Tx| {
        storage::repositories::ensure(tx, id, other, &name, NOW).await.map(|_| ())
    };
    let remove = async |tx: &storage::db::Tx| {
        let holds = namespaces::retire(tx, other).await?;
        assert!(namespaces::delete(tx, other).await?);
        Ok(holds)
    };
    let (holds, pushed) = t.overlapping(remove, push).await;
    assert!(!holds && pushed.unwrap_err().is_conflict(Constraint::ForeignKey));
}

#[both_engines]
async fn a_token_made_while_its_owner_goes_waits_and_finds_nobody_or_ends_with_it(t: Tables) {
    let (acme, other) = (t.namespace("acme").await, t.namespace("other").await);
    let [anna, bert] = [t.user("anna").await, t.user("bert").await];
    let remove = async |tx: &storage::db::Tx| namespaces::delete(tx, acme).await;
    let told = t.overlapping(remove, async |tx| namespaces::hold(tx, acme).await).await;
    assert_eq!(told, (true, Ok(false)));
    let remove = async |tx: &storage::db::Tx| users::delete(tx, anna).await;
    let told = t.overlapping(remove, async |tx| users::hold(tx, anna).await).await;
    assert_eq!(told, (true, Ok(false)));

    let ci = t.new_token(of(other, "other"), "ci-bot");
    let make =
        async |tx: &storage::db::Tx| Ok(namespaces::hold(tx, other).await? && tokens::insert(tx, &ci).await?);
    let remove = async |tx: &storage::db::Tx| {
        namespaces::bump(tx, other).await?;
        leaving::end_all_of_namespace(tx, other, NOW, "deleted with it").await
    };
    let (made, ended) = t.overlapping(make, remove).await;
    assert_eq!((made, ended.unwrap()), (true, vec![(ci.id, "ci-bot".to_owned())]));
    let owner = StoredOwner::User { id: bert, username: "bert".into(), access: "account".into() };
    let laptop = t.new_token(owner, "laptop");
    let make =
        async |tx: &storage::db::Tx| Ok(users::hold(tx, bert).await? && tokens::insert(tx, &laptop).await?);
    let remove = async |tx: &storage::db::Tx| {
        users::bump(tx, bert).await?;
        leaving::end_all_of_user(tx, bert, NOW, "deleted with it").await
    };
    let (made, ended) = t.overlapping(make, remove).await;
    assert_eq!((made, ended.unwrap()), (true, vec![(laptop.id, "laptop".to_owned())]));
}

#[both_engines]
async fn tokens_end_with_their_namespace_or_user_and_with_no_other(t: Tables) {
    let (acme, other) = (t.namespace("acme").await, t.namespace("other").await);
    let anna = t.user("anna").await;
    let personal = StoredOwner::User { id: anna, username: "anna".into(), access: "account".into() };
    let ci = t.new_token(of(acme, "acme"), "ci-bot");
    let mut expired = t.new_token(of(acme, "acme"), "expired");
    expired.expiry = access::expiry::Expiry::At(after(1));
    let (elsewhere, laptop) = (t.new_token(of(other, "other"), "ci-bot"), t.new_token(personal, "laptop"));
    for token in [&ci, &expired, &elsewhere, &laptop] {
        t.add_token(token).await;
    }
    let ended =
        t.write(async |tx| leaving::end_all_of_namespace(tx, acme, after(2), "deleted with it").await).await;
    assert_eq!(ended.unwrap(), [(ci.id, "ci-bot".to_owned())]);
    let ended =
        t.write(async |tx| leaving::end_all_of_user(tx, anna, after(2), "deleted with it").await).await;
    assert_eq!(ended.unwrap(), [(laptop.id, "laptop".to_owned())]);
    for (token, lives) in [(&ci, false), (&laptop, false), (&elsewhere, true)] {
        assert_eq!(tokens::by_id(&t.db, token.id, after(2)).await.unwrap().is_some(), lives, "{token}");
    }
    // Again there is nothing to end.
    let again = t.write(async |tx| leaving::end_all_of_namespace(tx, acme, after(3), "again").await).await;
    assert!(again.unwrap().is_empty());
}

#[both_engines]
async fn what_a_user_made_elsewhere_is_listed_as_long_as_it_lives(t: Tables) {
    let anna = t.new_user("anna");
    t.write(async |tx| users::insert(tx, &anna, "hash").await).await.unwrap();
    let mut own = t.new_namespace("anna");
    own.owner = Some(NamespaceOwner { id: anna.id, username: anna.username.clone() });
    t.write(async |tx| namespaces::insert(tx, &own, "").await).await.unwrap();
    let acme = t.namespace("acme").await;
    let add = async |owner: StoredOwner, name: &str, by: String, expires: Option<i64>| {
        let mut token = t.new_token(owner, name);
        token.created_by_id = by;
        token.expiry = expires.map(after).into();
        t.add_token(&token).await;
        token.id
    };
    let by_anna = anna.id.to_string();
    add(of(own.id, "anna"), "own-token", by_anna.clone(), None).await;
    add(of(acme, "acme"), "of-others", t.new_user("bert").id.to_string(), None).await;
    add(of(acme, "acme"), "expired", by_anna.clone(), Some(1)).await;
    let ended = add(of(acme, "acme"), "ended", by_anna.clone(), None).await;
    t.write(async |tx| tokens::end(tx, ended, NOW, "deleted").await).await.unwrap();
    add(of(acme, "acme"), "ci-bot", by_anna.clone(), Some(9)).await;
    add(StoredOwner::Instance, "mirror", by_anna, None).await;

    let listed = leaving::made_elsewhere(&t.db, anna.id, after(2), 9).await.unwrap();
    let told: Vec<_> = listed
        .iter()
        .map(|token| (token.namespace.as_deref(), token.name.as_str(), token.expires_at))
        .collect();
    assert_eq!(told, [(None, "mirror", None), (Some("acme"), "ci-bot", Some(after(9)))]);
    assert_eq!(leaving::made_elsewhere(&t.db, anna.id, after(2), 1).await.unwrap().len(), 1);
}

#[both_engines]
async fn a_deactivated_owner_and_a_deleted_user_show_with_their_tokens(t: Tables) {
    let mut anna = t.new_user("anna");
    t.write(async |tx| users::insert(tx, &anna, "hash").await).await.unwrap();
    let mut own = t.new_namespace("anna");
    own.owner = Some(NamespaceOwner { id: anna.id, username: anna.username.clone() });
    t.write(async |tx| namespaces::insert(tx, &own, "").await).await.unwrap();
    let personal = StoredOwner::User { id: anna.id, username: "anna".into(), access: "account".into() };
    let (ci, laptop) = (t.new_token(of(own.id, "anna"), "ci-bot"), t.new_token(personal, "laptop"));
    for (token, hash) in [(&ci, 1), (&laptop, 2)] {
        t.add_token(token).await;
        t.add_secret(token.id, [hash; 32]).await;
    }
    let owner = async |hash: u8| {
        let who = Who::SecretHash(SecretHash::from_bytes(&[hash; 32]).unwrap());
        match load(&t.db, &who, None, &Aim::default(), NOW).await.unwrap().unwrap().principal {
            access::rights::Principal::Token(token) => token.owner,
            other => panic!("{other:?}"),
        }
    };
    let stopped_with = async || match owner(1).await {
        Owner::Namespace { stopped_with, .. } => stopped_with,
        other => panic!("{other:?}"),
    };
    assert_eq!(stopped_with().await, None);
    anna.is_active = false;
    t.write(async |tx| users::update(tx, &anna).await).await.unwrap();
    assert_eq!(stopped_with().await, Some(Username::parse("anna").unwrap()));

    assert!(matches!(owner(2).await, Owner::User { .. }));
    assert!(t.write(async |tx| users::delete(tx, anna.id).await).await.unwrap());
    assert!(matches!(owner(2).await, Owner::FormerUser));
    assert_eq!(stopped_with().await, None);
}
