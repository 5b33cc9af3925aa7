//! A server that is killed again and again (issue 7, "kill -9"): clients push, mount, move tags, delete and play with
//! tokens, at a random instant the process gets SIGKILL, another one takes the store over, and everything that was
//! acknowledged has to be there; what was not answered has happened or has not, and nothing in between.
//!
//! SIGKILL takes nothing from the system's memory: that bytes are on the disk, and in which order they came there, is
//! what the tests of `storage` show with a disk that fails.

mod chance;
mod check;
mod client;
mod line;
mod store;
mod world;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chance::Chance;
use check::Fate;
use client::{Client, Login, NoticeBoard};
use line::{Line, Stop};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Running, Store};
use testkit::Engine;
use tokio::task::JoinSet;
use world::World;

use crate::ADMIN_PASSWORD;

/// Clients that work at once, each in a repository of its own.
const CLIENTS: u64 = 4;
/// How long a server lives at most once it has answered, in milliseconds.
const LONGEST_LIFE: u64 = 400;
/// One in so many is killed on its way up too, this many milliseconds after it began at most.
const KILLED_STARTING: u64 = 8;
const LONGEST_START: u64 = 60;
/// After so many kills a store is checked by `fsck` and another one is begun: what a check costs rises with it.
const KILLS_OF_A_STORE: u64 = 200;
/// With so many defects a run ends: one cause shows many times.
const MOST_DEFECTS: usize = 3;
/// How often a run says how far it is, in kills.
const KILLS_BETWEEN_REPORTS: u64 = 50;

/// How long a run goes on.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// So many kills have been survived.
    Cycles(u64),
    /// This time is over; the cycle that is under way ends first.
    Time(Duration),
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Report {
    /// How often a serving process was killed, and survived.
    pub cycles: u64,
    /// How often a process was killed before it answered.
    pub killed_starting: u64,
    /// What was acknowledged, and how often.
    pub acknowledged: BTreeMap<&'static str, u64>,
    /// Requests without an answer that had happened, and those that had not.
    pub unanswered: [u64; 2],
    /// Stores that `sealock fsck --read` found clean.
    pub clean_stores: u64,
    /// What must not have come about.
    pub defects: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [happened, lost] = self.unanswered;
        writeln!(f, "{} kills survived, {} more on the way up", self.cycles, self.killed_starting)?;
        writeln!(f, "unanswered: {happened} had happened, {lost} had not")?;
        let total: u64 = self.acknowledged.values().sum();
        writeln!(f, "acknowledged and found again: {total}")?;
        for (what, count) in &self.acknowledged {
            writeln!(f, "  {count:>7} x {what}")?;
        }
        writeln!(f, "fsck --read: {} stores clean", self.clean_stores)?;
        write!(f, "defects: {}", self.defects.len())?;
        self.defects.iter().try_for_each(|defect| write!(f, "\n- {defect}"))
    }
}

/// Kills servers on `engine` until it is enough; `say` hears now and then how far it is. The same `seed` makes the same
/// decisions.
pub async fn kill(engine: Engine, seed: u64, until: Until, say: &(dyn Fn(&str) + Sync)) -> Report {
    let is_over = Arc::new(AtomicBool::new(false));
    if let Until::Time(time) = until {
        let is_over = Arc::clone(&is_over);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            is_over.store(true, Ordering::SeqCst);
        });
    }
    let mut run = Run { report: Report::default(), until, is_over, say };
    let mut nth_store = 0;
    while !run.is_enough() {
        nth_store += 1;
        let store = Store::fresh(engine).await;
        let worn = run.wear_out(&store, &Chance::of(seed, nth_store << 32)).await;
        let checked = match worn {
            Ok(()) => run.check_store(&store).await,
            Err(defect) => Err(defect),
        };
        if let Err(defect) = checked {
            run.report.defects.push(format!("{defect}\n  its store: {}", store.folder().display()));
            store.keep();
        }
    }
    run.report
}

struct Run<'a> {
    report: Report,
    until: Until,
    is_over: Arc<AtomicBool>,
    say: &'a (dyn Fn(&str) + Sync),
}

impl Run<'_> {
    fn is_enough(&self) -> bool {
        let has_all = matches!(self.until, Until::Cycles(cycles) if self.report.cycles >= cycles);
        has_all || self.is_over.load(Ordering::SeqCst) || self.report.defects.len() >= MOST_DEFECTS
    }

    /// Kills the servers of one store, one after the other.
    async fn wear_out(&mut self, store: &Store, chance: &Chance) -> Result<(), String> {
        let first = store.start().await?;
        let mut clients = set_up(&first.line(), chance).await.map_err(told)?;
        let mut running = first;
        for _ in 0..KILLS_OF_A_STORE {
            clients = self.work_until_killed(running, clients, chance).await?;
            if chance.one_in(KILLED_STARTING) {
                let starting = store.begin();
                tokio::time::sleep(Duration::from_millis(chance.below(LONGEST_START))).await;
                starting.kill().await;
                self.report.killed_starting += 1;
            }
            running = store.start().await?;
            clients = self.check(&running, clients).await?;
            self.report.cycles += 1;
            if self.report.cycles.is_multiple_of(KILLS_BETWEEN_REPORTS) {
                (self.say)(&format!("{} kills survived", self.report.cycles));
            }
            if self.is_enough() {
                break;
            }
        }
        running.kill().await;
        for (what, count) in clients.into_iter().flat_map(|client| client.tally) {
            *self.report.acknowledged.entry(what).or_default() += count;
        }
        Ok(())
    }

    async fn work_until_killed(
        &self,
        running: Running,
        clients: Vec<Client>,
        chance: &Chance,
    ) -> Result<Vec<Client>, String> {
        let mut working = JoinSet::new();
        for mut client in clients {
            let line = running.line();
            working.spawn(async move { (client.work(&line).await, client) });
        }
        tokio::time::sleep(Duration::from_millis(chance.below(LONGEST_LIFE))).await;
        running.kill().await;
        let mut clients = Vec::new();
        for (stop, client) in working.join_all().await {
            if let Stop::Defect(defect) = stop {
                return Err(defect);
            }
            clients.push(client);
        }
        // In their order again, whoever stopped first: each decides by its own chance.
        clients.sort_by(|one, other| one.repository.cmp(&other.repository));
        Ok(clients)
    }

    async fn check(&mut self, running: &Running, clients: Vec<Client>) -> Result<Vec<Client>, String> {
        let mut checking = JoinSet::new();
        for mut client in clients {
            let line = running.line();
            checking.spawn(async move { (client.check(&line).await, client) });
        }
        let mut clients = Vec::new();
        for (fate, client) in checking.join_all().await {
            match fate.map_err(told)? {
                Fate::None => {}
                Fate::Happened => self.report.unanswered[0] += 1,
                Fate::Lost => self.report.unanswered[1] += 1,
            }
            clients.push(client);
        }
        clients.sort_by(|one, other| one.repository.cmp(&other.repository));
        Ok(clients)
    }

    /// What only the operator sees: the log has no fault of ours, and `fsck` finds nothing.
    async fn check_store(&mut self, store: &Store) -> Result<(), String> {
        if let Some(fault) = store.faults().first() {
            return Err(format!("the log tells of a fault: {fault}"));
        }
        let found = store.fsck().await;
        if !found.success {
            return Err(format!("fsck --read: {found:?}"));
        }
        self.report.clean_stores += 1;
        Ok(())
    }
}

fn told(stop: Stop) -> String {
    match stop {
        Stop::Killed => "the server went away by itself".to_owned(),
        Stop::Defect(defect) => defect,
    }
}

/// The namespace, and a client for each repository with what it takes to work.
async fn set_up(line: &Line, chance: &Chance) -> Result<Vec<Client>, Stop> {
    let by_password = Login { name: "admin".to_owned(), secret: ADMIN_PASSWORD.to_owned() };
    let made = post(line, &by_password, "/api/v1/users/admin/tokens", json!({ "name": "soak" })).await?;
    // Not by password: checking one takes the server longer than everything else.
    let admin = Login { name: by_password.name, secret: text(&made, "secret") };
    post(line, &admin, "/api/v1/namespaces", json!({ "name": "acme" })).await?;
    let board = NoticeBoard::default();
    let mut clients = Vec::new();
    for nth in 0..CLIENTS {
        clients.push(client(line, &admin, &board, nth, chance.below(u64::MAX)).await?);
    }
    Ok(clients)
}

async fn client(
    line: &Line,
    admin: &Login,
    board: &NoticeBoard,
    nth: u64,
    seed: u64,
) -> Result<Client, Stop> {
    let tokens = "/api/v1/namespaces/acme/tokens";
    let (name, toy) = (format!("client-{nth}"), format!("toy-{nth}"));
    let everything =
        json!([{ "type": "repository", "path": "acme/*", "actions": ["pull", "push", "delete"] }]);
    let own = post(line, admin, tokens, json!({ "name": name, "scopes": everything })).await?;
    let made = post(line, admin, tokens, json!({ "name": toy, "permission": "pull" })).await?;
    let mut world = World::default();
    world.token.secret = Some(text(&made, "secret"));
    Ok(Client {
        repository: format!("acme/{name}"),
        login: Login { name, secret: text(&own, "secret") },
        admin: admin.clone(),
        token: (text(&made, "id"), toy),
        world,
        in_flight: None,
        tally: BTreeMap::new(),
        chance: Chance::of(seed, nth),
        board: board.clone(),
    })
}

async fn post(line: &Line, login: &Login, path: &str, body: Value) -> Result<Value, Stop> {
    let request = line.request(Method::POST, path, (&login.name, &login.secret)).json(&body);
    Ok(line.send(request).await?.with_one_of(path, &[201])?.json())
}

fn text(made: &Value, name: &str) -> String {
    made[name].as_str().unwrap_or_default().to_owned()
}
