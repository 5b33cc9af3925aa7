//! The use of tokens, as batches bring it.

use access::id::{SecretId, TokenId};
use storage::{
    tokens::{self, StoredOwner, StoredUse},
    usage::{self, DayOfUse, Use},
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after};

const TODAY: i64 = 20_454; // 2026-01-01

async fn token(t: &Tables, name: &str) -> (TokenId, SecretId) {
    let token = t.new_token(StoredOwner::Instance, name);
    t.add_token(&token).await;
    let secret = t.add_secret(token.id, [name.len() as u8; 32]).await;
    (token.id, secret)
}

fn used((token, secret): (TokenId, SecretId), hours: i64, by: &str, (pulls, pushes): (i64, i64)) -> Use {
    let day = TODAY + hours.div_euclid(24);
    let from = format!("192.0.2.{}", by.len()).parse().ok();
    let (at, by) = (after(hours), by.to_owned());
    Use { token, secret, at, from, by, day, pulls, pushes }
}

async fn add(t: &Tables, used: &Use) {
    t.write(async |tx| usage::add(tx, used).await).await.unwrap();
}

async fn use_of(t: &Tables, token: TokenId) -> StoredUse {
    tokens::by_id(&t.db, token, NOW).await.unwrap().unwrap().used
}

#[both_engines]
async fn uses_add_up_and_the_latest_stays_whatever_the_order(t: Tables) {
    let ci = token(&t, "ci-bot").await;
    assert_eq!(use_of(&t, ci.0).await, StoredUse::default());
    // As two replicas may bring them: the later one first.
    for used in [used(ci, 2, "docker/28.2", (3, 1)), used(ci, 1, "curl/8.5", (4, 0))] {
        add(&t, &used).await;
    }
    let expect = StoredUse {
        last_used_at: Some(after(2)),
        last_used_from: "192.0.2.11".to_owned(),
        last_used_by: "docker/28.2".to_owned(),
        pulls: 7,
        pushes: 1,
    };
    assert_eq!(use_of(&t, ci.0).await, expect);
}

#[both_engines]
async fn each_secret_has_its_own_last_use(t: Tables) {
    let (token, old) = token(&t, "ci-bot").await;
    let new = t.add_secret(token, [9; 32]).await;
    add(&t, &used((token, old), 1, "old/1", (0, 0))).await;
    add(&t, &used((token, new), 2, "newer/1", (0, 0))).await;
    let told: Vec<_> = storage::secrets::living(&t.db, token, NOW)
        .await
        .unwrap()
        .into_iter()
        .map(|secret| (secret.id, secret.last_used_at, secret.last_used_by))
        .collect();
    assert_eq!(told.len(), 2);
    assert!(told.contains(&(old, Some(after(1)), "old/1".to_owned())), "{told:?}");
    assert!(told.contains(&(new, Some(after(2)), "newer/1".to_owned())), "{told:?}");
}

#[both_engines]
async fn days_are_counted_apart_and_only_where_something_was_done(t: Tables) {
    let (ci, other) = (token(&t, "ci-bot").await, token(&t, "other").await);
    for used in [
        used(ci, 0, "a", (1, 0)),
        used(ci, 1, "a", (2, 5)),
        used(ci, 48, "a", (1, 1)),
        used(ci, 72, "a", (0, 0)),
        used(other, 0, "a", (9, 9)),
    ] {
        add(&t, &used).await;
    }
    let day = |since: i64, pulls, pushes| DayOfUse { day: TODAY + since, pulls, pushes };
    assert_eq!(usage::since(&t.db, ci.0, TODAY).await.unwrap(), [day(0, 3, 5), day(2, 1, 1)]);
    assert_eq!(usage::since(&t.db, ci.0, TODAY + 1).await.unwrap(), [day(2, 1, 1)]);
}

#[both_engines]
async fn the_days_of_several_tokens_are_found_together_however_many_they_are(t: Tables) {
    let mut tokens = Vec::new();
    for number in 0..30 {
        // Of different lengths, which tell their secrets apart here.
        let named = token(&t, &"bot".repeat(1 + number as usize)).await;
        add(&t, &used(named, 24 * (number % 2), "a", (number + 1, 0))).await;
        tokens.push(named.0);
    }
    let found = usage::since_of_several(&t.db, &tokens, TODAY).await.unwrap();
    assert_eq!(found.len(), 30);
    for (number, token) in (0..).zip(&tokens) {
        let expect = DayOfUse { day: TODAY + number % 2, pulls: number + 1, pushes: 0 };
        assert!(found.contains(&(*token, expect)), "{number}: {found:?}");
    }
    assert_eq!(usage::since_of_several(&t.db, &tokens, TODAY + 1).await.unwrap().len(), 15);
    let few = usage::since_of_several(&t.db, &tokens[..1], TODAY).await.unwrap();
    assert_eq!(few, [(tokens[0], DayOfUse { day: TODAY, pulls: 1, pushes: 0 })]);
    assert_eq!(usage::since_of_several(&t.db, &[], TODAY).await.unwrap(), []);
}

#[both_engines]
async fn the_use_of_a_token_that_is_gone_is_dropped(t: Tables) {
    let ci = token(&t, "ci-bot").await;
    t.sql("DELETE FROM tokens WHERE id = $1", ci.0.to_string()).await.unwrap();
    add(&t, &used(ci, 1, "docker/28.2", (1, 1))).await;
    assert_eq!(usage::since(&t.db, ci.0, 0).await.unwrap(), []);
}
