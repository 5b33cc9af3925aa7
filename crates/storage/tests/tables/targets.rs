//! Many repositories in one statement: how a principal stands to them, and which of them holds a blob.

use access::{
    id::{NamespaceId, TokenId, UserId},
    rights::Namespace,
    role::{Actions, Role},
};
use oci::RepositoryName;
use storage::{
    checks, links,
    links::PullReach,
    namespaces,
    targets::{self, MAX_TARGETS},
};
use testkit::{Engine, both_engines};

use crate::setting::{NOW, Tables, digest, of};

/// anna reads `own` and, through a team, `team`; anyone may pull from `public`; `private` is another tenant's. Each has the
/// repositories `api`, which holds the blob, and `web`, which does not.
struct Tenants {
    t: Tables,
    anna: UserId,
    own: NamespaceId,
}

const NAMESPACES: [&str; 4] = ["own", "team", "public", "private"];

impl Tenants {
    async fn on(engine: Engine) -> Self {
        let t = Tables::on(engine).await;
        let anna = t.user("anna").await;
        let mut ids = Vec::new();
        for name in NAMESPACES {
            let mut namespace = t.new_namespace(name);
            namespace.is_public = name == "public";
            t.write(async |tx| namespaces::insert(tx, &namespace, "admin").await).await.unwrap();
            let api = t.repository(namespace.id, &format!("{name}/api")).await;
            t.repository(namespace.id, &format!("{name}/web")).await;
            let blob = t.new_blob(5);
            t.write(async |tx| links::insert(tx, api, &digest(b"layer"), &blob, NOW).await).await.unwrap();
            ids.push(namespace.id);
        }
        t.member(ids[0], anna, Role::Writer).await;
        t.team("devs", anna, ids[1], Role::Reader).await;
        Self { t, anna, own: ids[0] }
    }

    /// A service token of `own` with these scopes.
    async fn token(&self, name: &str, scopes: &[(&str, Actions)]) -> TokenId {
        let mut token = self.t.new_token(of(self.own, "own"), name);
        token.scopes = scopes.iter().map(|(path, actions)| self.t.scope(path, *actions)).collect();
        self.t.add_token(&token).await;
        token.id
    }

    async fn holder(&self, reach: PullReach) -> Option<String> {
        let found = links::pullable_holder(&self.t.db, &digest(b"layer"), reach).await.unwrap();
        found.map(|name| name.to_string())
    }

    async fn remove(&self, namespace: &str) {
        let id =
            namespaces::by_name(&self.t.db, &oci::NamespaceName::parse(namespace).unwrap()).await.unwrap();
        self.t.delete_namespace(id.unwrap().id).await;
    }
}

fn name(text: &str) -> RepositoryName {
    RepositoryName::parse(text).unwrap()
}

fn in_words(namespace: &Option<Namespace>) -> String {
    let Some(namespace) = namespace else { return "none".to_owned() };
    let role = namespace.role.map_or("no role", Role::as_str);
    let repository = if namespace.repository.is_some() { "there" } else { "absent" };
    format!("{}, public {}, {role}, {repository}", namespace.name, namespace.is_public)
}

#[both_engines]
async fn every_target_is_found_in_its_place(tenants: Tenants) {
    let names = ["private/api", "own/absent", "nobody/api", "team/web", "public/api", "own/api"].map(name);
    let names: Vec<_> = names.iter().collect();
    let found = targets::of_repositories(&tenants.t.db, Some(tenants.anna), &names).await.unwrap();
    let found: Vec<_> = found.iter().map(in_words).collect();
    assert_eq!(
        found,
        [
            "private, public false, no role, there",
            "own, public false, writer, absent",
            "none",
            "team, public false, reader, there",
            "public, public true, no role, there",
            "own, public false, writer, there",
        ]
    );
    let anonymous = targets::of_repositories(&tenants.t.db, None, &names).await.unwrap();
    assert_eq!(in_words(&anonymous[5]), "own, public false, no role, there");
}

#[both_engines]
async fn as_many_targets_as_a_request_may_name_are_read_at_once(tenants: Tenants) {
    let names: Vec<_> = (1..MAX_TARGETS).map(|number| name(&format!("none/{number}"))).collect();
    let last = name("own/api");
    let names: Vec<_> = names.iter().chain([&last]).collect();
    let found = targets::of_repositories(&tenants.t.db, Some(tenants.anna), &names).await.unwrap();
    assert_eq!(found.iter().filter(|found| found.is_some()).count(), 1);
    assert!(found[MAX_TARGETS - 1].is_some());
}

#[both_engines]
async fn only_repositories_that_hold_the_blob_whole_are_holders(tenants: Tenants) {
    let names = ["own/web", "own/api", "own/absent", "none/api"].map(name);
    let names: Vec<_> = names.iter().collect();
    let holders = async || {
        let found = targets::of_holders(&tenants.t.db, None, &digest(b"layer"), &names).await.unwrap();
        found.iter().map(Option::is_some).collect::<Vec<_>>()
    };
    assert_eq!(holders().await, [false, true, false, false]);
    let key = links::stored(&tenants.t.db, &digest(b"layer")).await.unwrap().unwrap().key;
    tenants.t.write(async |tx| checks::mark(tx, &digest(b"layer"), &key).await).await.unwrap();
    assert_eq!(holders().await, [false; 4]);
    assert_eq!(tenants.holder(PullReach { is_everywhere: true, ..PullReach::default() }).await, None);
}

#[both_engines]
async fn a_holder_is_looked_for_where_a_user_may_pull(tenants: Tenants) {
    let anna = PullReach { user: Some(tenants.anna), ..PullReach::default() };
    let nobody = PullReach::default();
    assert_eq!(tenants.holder(nobody).await.as_deref(), Some("public/api"));
    tenants.remove("public").await;
    assert_eq!(tenants.holder(nobody).await, None);
    let found = tenants.holder(anna).await.unwrap();
    assert!(["own/api", "team/api"].contains(&found.as_str()), "{found}");
    tenants.remove("own").await;
    assert_eq!(tenants.holder(anna).await.as_deref(), Some("team/api"));
    tenants.remove("team").await;
    assert_eq!(tenants.holder(anna).await, None);
    let everywhere = PullReach { is_everywhere: true, ..PullReach::default() };
    assert_eq!(tenants.holder(everywhere).await.as_deref(), Some("private/api"));
}

#[both_engines]
async fn a_holder_is_looked_for_in_the_scopes_of_a_token(tenants: Tenants) {
    tenants.remove("public").await;
    let pull = Actions::PULL;
    type Case<'a> = (&'a str, &'a [(&'a str, Actions)], bool);
    let cases: [Case<'_>; 9] = [
        ("none", &[], false),
        ("every", &[("*", pull)], true),
        ("exact", &[("own/api", Actions::PULL_PUSH)], true),
        ("inside", &[("own/web", pull), ("o*n/a*i", pull)], true),
        ("elsewhere", &[("own/web", pull), ("own/ap", pull), ("own/api/*", pull)], false),
        // `_` stands for any character in LIKE, and for itself in a path.
        ("underscore", &[("own/a_i", pull)], false),
        ("delete-only", &[("own/*", Actions::from(access::role::Action::Delete))], false),
        ("hostile", &[(&"a*".repeat(120), pull), (&format!("*{}", "i*".repeat(100)), pull)], false),
        ("last", &[("own/x*", pull), ("*i", pull)], true),
    ];
    for (token, scopes, is_found) in cases {
        let scopes_of = Some(tenants.token(&format!("t-{token}"), scopes).await);
        let reach = PullReach { namespace: Some(tenants.own), scopes_of, ..PullReach::default() };
        let found = tenants.holder(reach).await;
        assert_eq!(found.as_deref(), is_found.then_some("own/api"), "{token}");
    }
}
