//! SQLite compiles a statement once for each connection, whatever the values of its parameters.

use access::{
    id::{AuditId, UploadId, UserId},
    secret::SecretHash,
    time::Instant,
};
use oci::{RepositoryName, Tag};
use storage::{
    audit::{self, Record},
    blobs::{BlobStore, FileStore},
    db::MAX_KEPT_STATEMENTS,
    links, manifests,
    rights::{Aim, Who, load},
    tags,
    uploads::{self, SessionKey},
};
use testkit::{Engine, engine::tell};

use crate::{
    setting::{NOW, Tables, after, digest, of},
    statements,
};

/// How many connections read, at most: one for each processor, one more, and the writer.
fn rounds() -> usize {
    3 * (std::thread::available_parallelism().map_or(2, usize::from) + 2)
}

async fn read_rights(t: &Tables, who: Who, repository: &str, now: Instant) {
    let repository = RepositoryName::parse(repository).unwrap();
    let aim =
        Aim { namespace: Some(repository.namespace()), repository: Some(&repository), ..Aim::default() };
    for signed_by in [None, Some("key")] {
        load(&t.db, &who, signed_by, &aim, now).await.unwrap();
    }
}

#[test]
fn other_parameters_never_compile_a_statement_again() {
    tell(Engine::Sqlite, "other_parameters_never_compile", async |engine| {
        let t = Tables::on(engine).await;
        let before = t.db.recompilations().unwrap();
        for round in 0..rounds() {
            request_everything(&t, u8::try_from(round).unwrap()).await;
        }
        assert_eq!(t.db.recompilations().unwrap(), before);
    });
}

/// Logs in, pulls and pushes, as far as the tables are concerned, with values that differ from those of any other round.
async fn request_everything(t: &Tables, round: u8) {
    let name = format!("team-{round}");
    let (namespace, user) = (t.namespace(&name).await, t.user(&format!("user-{round}")).await);
    let token = t.new_token(of(namespace, &name), "ci-bot");
    t.add_token(&token).await;
    let secret = t.add_secret(token.id, [round; 32]).await;
    let now = after(i64::from(round));
    let path = format!("{name}/api");
    for who in [
        Who::SecretHash(SecretHash::from_bytes(&[round; 32]).unwrap()),
        Who::Secret(secret),
        Who::User { id: user, password_generation: 1 },
        Who::User { id: UserId::mint(NOW, &t.random), password_generation: 1 },
        Who::Anonymous,
    ] {
        read_rights(t, who, &path, now).await;
    }
    let repository = t.repository(namespace, &path).await;
    let (layer, blob) = (digest(path.as_bytes()), t.new_blob(5));
    let manifest = t.manifest(repository, name.as_bytes()).await;
    let tag = Tag::parse(&name).unwrap();
    let random = std::sync::Arc::new(testkit::randomness::SeededRandomness::new(u64::from(round)));
    let store = FileStore::open(&t.folder.path().join("blobs"), random).unwrap();
    let state = store.begin(None).await.unwrap();
    let id = UploadId::mint(NOW, &t.random);
    let repository_name = RepositoryName::parse(&path).unwrap();
    let key = SessionKey { id, namespace, repository: &repository_name, principal: &name };
    t.write(async |tx| {
        uploads::insert(tx, key, &state, after(24)).await?;
        let claimed = uploads::claim(tx, key, now, after(48)).await?.unwrap();
        links::insert(tx, repository, &layer, &blob, now).await?;
        assert!(manifests::needs_blob(tx, manifest.id, repository, &layer).await?);
        tags::point(tx, repository, &tag, manifest.id, now).await?;
        assert!(uploads::delete_claimed(tx, id, claimed.claim).await?);
        let record = Record { event: "manifest.pushed", target: path.clone(), ..Record::default() };
        audit::record(tx, AuditId::mint(now, &t.random), now, &record).await
    })
    .await
    .unwrap();
    assert!(links::linked(&t.db, repository, &layer).await.unwrap().is_some());
    assert!(manifests::by_tag(&t.db, repository, &tag).await.unwrap().is_some());
    assert!(manifests::by_digest(&t.db, repository, &manifest.digest).await.unwrap().is_some());
    manifests::referrers(&t.db, repository, &layer, &name, "", 10).await.unwrap();
}

#[test]
fn a_connection_keeps_every_statement_prepared() {
    let count = statements::all().len();
    // Transactions and the connection's own statements are the others.
    assert!(count + 16 <= MAX_KEPT_STATEMENTS, "{count} statements");
}
