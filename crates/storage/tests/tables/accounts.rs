//! Users, and namespaces with their members.

use access::{name::Username, role::Role};
use oci::NamespaceName;
use storage::{
    namespaces::{self, StoredNamespace},
    users,
};
use testkit::both_engines;

use crate::setting::{NOW, Tables};

fn names(page: &[StoredNamespace]) -> Vec<&str> {
    page.iter().map(|namespace| namespace.name.as_str()).collect()
}

#[both_engines]
async fn a_store_knows_whether_it_has_users(t: Tables) {
    assert!(!users::any(&t.db).await.unwrap());
    t.user("anna").await;
    t.user("bert").await;
    assert!(users::any(&t.db).await.unwrap());
}

#[both_engines]
async fn a_user_comes_back_as_it_went_in(t: Tables) {
    let mut root = t.new_user("root");
    (root.is_admin, root.is_active) = (true, false);
    t.write(async |tx| users::insert(tx, &root, "$argon2id$root").await).await.unwrap();
    let anna = t.user("anna").await;

    let found = users::by_id(&t.db, root.id).await.unwrap().unwrap();
    assert_eq!((found.id, found.username, found.created_at), (root.id, root.username.clone(), NOW));
    assert_eq!((found.is_admin, found.is_active), (true, false));
    let password = users::password_of(&t.db, &root.username).await.unwrap().unwrap();
    assert_eq!((password.id, password.hash.as_str(), password.generation), (root.id, "$argon2id$root", 1));
    let found = users::by_id(&t.db, anna).await.unwrap().unwrap();
    assert_eq!((found.is_admin, found.is_active), (false, true));

    assert!(users::by_id(&t.db, t.new_user("nobody").id).await.unwrap().is_none());
    assert!(users::password_of(&t.db, &Username::parse("nobody").unwrap()).await.unwrap().is_none());
}

#[both_engines]
async fn a_username_is_given_once(t: Tables) {
    let (first, second) = (t.new_user("anna"), t.new_user("anna"));
    let (is_first_new, is_second_new) = t
        .overlapping(
            async |tx| users::insert(tx, &first, "first").await,
            async |tx| users::insert(tx, &second, "second").await,
        )
        .await;
    assert_eq!((is_first_new, is_second_new), (true, Ok(false)));
    assert_eq!(users::password_of(&t.db, &first.username).await.unwrap().unwrap().hash, "first");
}

#[both_engines]
async fn a_namespace_comes_back_as_it_went_in(t: Tables) {
    let mut open = t.new_namespace("open");
    open.is_public = true;
    t.write(async |tx| namespaces::insert(tx, &open, "").await).await.unwrap();
    t.namespace("acme").await;

    for found in [
        namespaces::by_id(&t.db, open.id).await.unwrap().unwrap(),
        namespaces::by_name(&t.db, &open.name).await.unwrap().unwrap(),
    ] {
        assert_eq!((found.id, found.name, found.is_public), (open.id, open.name.clone(), true));
        assert_eq!((found.created_at, found.created_by.as_str()), (NOW, "user admin"));
    }
    let acme = NamespaceName::parse("acme").unwrap();
    assert!(!namespaces::by_name(&t.db, &acme).await.unwrap().unwrap().is_public);
    assert!(namespaces::by_id(&t.db, t.new_namespace("other").id).await.unwrap().is_none());
    let other = NamespaceName::parse("other").unwrap();
    assert!(namespaces::by_name(&t.db, &other).await.unwrap().is_none());
}

#[both_engines]
async fn a_namespaces_name_is_given_once(t: Tables) {
    let (first, second) = (t.new_namespace("acme"), t.new_namespace("acme"));
    let (is_first_new, is_second_new) = t
        .overlapping(
            async |tx| namespaces::insert(tx, &first, "").await,
            async |tx| namespaces::insert(tx, &second, "").await,
        )
        .await;
    assert_eq!((is_first_new, is_second_new), (true, Ok(false)));
    assert_eq!(namespaces::by_name(&t.db, &first.name).await.unwrap().unwrap().id, first.id);
}

#[both_engines]
async fn namespaces_are_paged_in_the_order_of_their_bytes(t: Tables) {
    // A dictionary would put the signs first or leave them out.
    let ordered = ["a", "a-b", "a.b", "a0", "a_b", "ab", "b"];
    let anna = t.user("anna").await;
    for name in ["b", "ab", "a", "a_b", "a0", "a-b", "a.b"] {
        let namespace = t.namespace(name).await;
        t.member(namespace, anna, Role::Reader).await;
    }
    assert_eq!(names(&namespaces::all(&t.db, "", 10).await.unwrap()), ordered);
    assert_eq!(names(&namespaces::of_user(&t.db, anna, "", 10).await.unwrap()), ordered);
    for (after, limit, expect) in [
        ("", 2, &ordered[..2]),
        ("a-b", 3, &ordered[2..5]),
        // The name itself need not be there.
        ("a/", 1, &ordered[3..4]),
        ("b", 3, &[]),
    ] {
        assert_eq!(names(&namespaces::all(&t.db, after, limit).await.unwrap()), expect, "{after}");
        assert_eq!(names(&namespaces::of_user(&t.db, anna, after, limit).await.unwrap()), expect, "{after}");
    }
}

#[both_engines]
async fn a_user_sees_the_namespaces_of_its_own_roles_and_of_its_teams(t: Tables) {
    let (anna, bert) = (t.user("anna").await, t.user("bert").await);
    let [own, through_team, both, others] =
        [t.namespace("a").await, t.namespace("b").await, t.namespace("c").await, t.namespace("d").await];
    t.member(own, anna, Role::Reader).await;
    t.member(both, anna, Role::Writer).await;
    t.member(others, bert, Role::Admin).await;
    t.team("one", anna, through_team, Role::Reader).await;
    t.team("two", anna, both, Role::Reader).await;
    t.team("three", anna, both, Role::Admin).await;

    assert_eq!(names(&namespaces::of_user(&t.db, anna, "", 10).await.unwrap()), ["a", "b", "c"]);
    assert_eq!(names(&namespaces::of_user(&t.db, bert, "", 10).await.unwrap()), ["d"]);
    let nobody = t.new_user("nobody").id;
    assert!(namespaces::of_user(&t.db, nobody, "", 10).await.unwrap().is_empty());
}
