//! The database goes away, or hangs, and comes back: 503 in between, never "allow", and no answer that a client would
//! take to heart; nothing of what was refused is left (DESIGN §5, 6 and 8).

mod doors;

use std::time::Duration;

use access::time::{Clock, Length};
use doors::{Door, Doors, UnderWay};
use futures_util::future::join_all;
use registry::HowToCheck;
use testkit::{
    Answer, TestServer,
    postgres::{Paused, Postgres, dump},
};

/// How long the server may take to notice that its database is back.
const RECOVERY: Duration = Duration::from_secs(30);
/// Longer than all that one request waits for a database: with no answer by then there never will be one.
const PATIENCE: Duration = Duration::from_secs(60);
/// So much later no file counts as young any more.
const LATER: Length = Length::hours(2);
const LOOK: HowToCheck = HowToCheck { read: true, repair: false };

/// What becomes of the database.
#[derive(Clone, Copy)]
enum Way {
    /// It stops, and connections break.
    Gone,
    /// Its machine stops: connections stay, and nobody answers.
    Hangs,
}

/// A database that is away.
enum Away<'a> {
    Gone(&'a Postgres),
    Hangs(Paused),
}

impl<'a> Away<'a> {
    async fn go(cluster: &'a Postgres, way: Way) -> Self {
        match way {
            Way::Gone => {
                tokio::task::block_in_place(|| cluster.stop());
                Self::Gone(cluster)
            }
            Way::Hangs => Self::Hangs(cluster.pause().await),
        }
    }

    fn come_back(self) {
        match self {
            Self::Gone(cluster) => tokio::task::block_in_place(|| cluster.start()),
            Self::Hangs(paused) => drop(paused),
        }
    }
}

/// Every row of the database.
async fn rows(t: &TestServer) -> String {
    match &t.database {
        registry::DatabaseLocation::Postgres { url } => dump(url).await,
        registry::DatabaseLocation::Sqlite { .. } => panic!("not PostgreSQL"),
    }
}

#[track_caller]
fn asks_for_patience(answer: &Answer) {
    let retry_after = answer.header("retry-after").parse::<u32>();
    assert!(answer.status == 503 && retry_after.is_ok_and(|seconds| seconds > 0), "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), "", "{answer:?}");
}

/// Knocks at everything at once while the database is away, and ends what was begun before.
async fn nothing_opens(t: &TestServer, doors: &Doors, under_way: Vec<UnderWay>) {
    let anonymous = t.anonymous();
    let answered = futures_util::future::join4(
        join_all(doors.all().map(Door::knock)),
        join_all(under_way.into_iter().map(UnderWay::ends)),
        anonymous.get("/readyz"),
        anonymous.get("/healthz"),
    );
    let (knocked, ended, ready, healthy) =
        tokio::time::timeout(PATIENCE, answered).await.expect("an answer to everybody");
    knocked.iter().chain(&ended).for_each(asks_for_patience);
    ready.is(503);
    healthy.is(200);
}

async fn until_it_is_ready(t: &TestServer) {
    let recovered = async {
        while t.anonymous().get("/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(RECOVERY, recovered).await.expect("ready again without a restart");
}

async fn goes_away_and_comes_back(way: Way) {
    let Some(cluster) = Postgres::own() else { return };
    let t = TestServer::on_cluster(&cluster).await;
    t.agree_on_the_time().await;
    let doors = Doors::of(&t).await;
    for door in &doors.reads {
        door.opens().await;
    }
    let mut under_way = Vec::new();
    for upload in &doors.uploads {
        under_way.push(upload.begun().await);
    }
    let before = rows(&t).await;

    let away = Away::go(&cluster, way).await;
    nothing_opens(&t, &doors, under_way).await;

    away.come_back();
    // Its clock went on all the while.
    t.agree_on_the_time().await;
    until_it_is_ready(&t).await;
    assert!(rows(&t).await == before, "something was written");
    let (left, _) = t.check_store(LOOK, t.clock.now().plus(LATER)).await;
    assert_eq!(left, [], "something was left");
    for door in doors.uploads.iter().chain(&doors.writes).chain(&doors.reads) {
        door.opens().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_server_asks_for_patience_leaves_nothing_and_goes_on_by_itself() {
    goes_away_and_comes_back(Way::Gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_away_and_nobody_waits_for_it_without_end() {
    goes_away_and_comes_back(Way::Hangs).await;
}
