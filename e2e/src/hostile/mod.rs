//! A server under hostile load: attackers spend everything that one tenant, one address or an anonymous caller may
//! spend, while honest clients of another tenant log in, push and pull. No honest request may fail, its median latency
//! stays within ten times the idle one, and the server stays below a memory limit.
//!
//! Attackers and honest clients have loopback addresses of their own (127.0.0.0/8), because the server shares its
//! resources by address and by principal.

mod attack;
mod attackers;
mod documents;
mod honest;
mod measured;
mod memory;
mod setup;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub use attack::{Attack, Tally};
pub use measured::Measured;

use memory::Watch;

use crate::Installation;

/// How much memory the server may have in RAM, in KiB. A server that exceeds it is killed, as a container would be.
const MEMORY_LIMIT_KIB: u64 = 512 * 1024;
/// How long honest clients are measured before the attack begins.
const IDLE_TIME: Duration = Duration::from_secs(10);
/// How long the attackers run before honest clients are measured again: the attack must be complete by then.
const RAMP_TIME: Duration = Duration::from_secs(3);
/// The greatest allowed ratio of an honest client's median latency under attack to the idle one.
const MAX_SLOWDOWN: f64 = 10.0;
/// Failures that a report quotes; their number is reported anyway.
const QUOTED_FAILURES: usize = 5;

/// What one server did.
#[derive(Debug)]
pub struct Report {
    /// The program that was attacked.
    pub program: PathBuf,
    /// Honest latencies without an attack, by action.
    pub idle: Measured,
    /// Honest latencies during the attack, by action.
    pub attacked: Measured,
    /// How often each attack was answered with which status; 0 stands for a broken connection.
    pub attacks: BTreeMap<&'static str, BTreeMap<u16, u64>>,
    /// The server's peak memory in RAM, in KiB.
    pub peak_kib: u64,
    /// Whether the server exceeded the memory limit or ended during the attack.
    pub is_killed: bool,
    /// Lines of the server's log that report a fault of its own.
    pub faults: Vec<String>,
}

impl Report {
    /// Everything that must not happen and did.
    pub fn defects(&self) -> Vec<String> {
        let mut defects = self.failures();
        defects.extend(self.slow_actions());
        defects
    }

    /// Defects that do not depend on the machine's speed.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if self.is_killed {
            failures.push(format!("the server ended or exceeded {} MiB", MEMORY_LIMIT_KIB / 1024));
        }
        for measured in [&self.idle, &self.attacked] {
            let failed = measured.failures();
            if !failed.is_empty() {
                let quoted = &failed[..failed.len().min(QUOTED_FAILURES)];
                failures.push(format!("{} honest requests failed: {quoted:#?}", failed.len()));
            }
        }
        failures.extend(self.faults.iter().map(|line| format!("the server logged a fault: {line}")));
        failures
    }

    /// Honest actions that the attack delays too much.
    fn slow_actions(&self) -> Vec<String> {
        let slow = self.idle.medians().filter_map(|(action, idle)| match self.attacked.median(action) {
            None => Some(format!("no honest client completed \"{action}\" during the attack")),
            Some(attacked) if attacked.as_secs_f64() > MAX_SLOWDOWN * idle.as_secs_f64() => {
                Some(format!("\"{action}\" takes more than {MAX_SLOWDOWN} times the idle median"))
            }
            Some(_) => None,
        });
        slow.collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.program.display())?;
        writeln!(
            f,
            "  {:<22}{:>12}{:>16}{:>9}{:>10}",
            "honest action", "idle median", "attack median", "ratio", "requests"
        )?;
        for (action, idle) in self.idle.medians() {
            let attacked = self.attacked.median(action);
            let shown = |time: Option<Duration>| {
                time.map_or("none".to_owned(), |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0))
            };
            let ratio = attacked.map_or("-".to_owned(), |attacked| {
                format!("{:.1}", attacked.as_secs_f64() / idle.as_secs_f64())
            });
            let count = self.attacked.count(action);
            writeln!(
                f,
                "  {action:<22}{:>12}{:>16}{ratio:>9}{count:>10}",
                shown(Some(idle)),
                shown(attacked)
            )?;
        }
        writeln!(f, "  attacks, with the count of each status (0: the connection broke)")?;
        for (attack, statuses) in &self.attacks {
            writeln!(f, "  {attack:<40}{statuses:?}")?;
        }
        let killed = if self.is_killed { ", and the server ended" } else { "" };
        writeln!(f, "  peak memory {} MiB{killed}", self.peak_kib / 1024)?;
        let defects = self.defects();
        write!(f, "  defects: {}", defects.len())?;
        defects.iter().try_for_each(|defect| write!(f, "\n  - {defect}"))
    }
}

/// Attacks a fresh server of `program` for `length` with all `attacks` at once; `say` gets a line for each phase.
///
/// # Panics
/// If the server does not start or the preparations fail: then nothing was measured.
pub async fn attack(
    program: &Path,
    attacks: &[Attack],
    length: Duration,
    say: &(dyn Fn(&str) + Sync),
) -> Report {
    let mut installation = Installation::new();
    installation.set_program(program);
    let run = installation.start(&[]).await.ready();
    let people = setup::first_logins(length);
    say("preparing tenants, tokens and images");
    let target = setup::prepare(&run.host, &run.password().expect("its password"), people).await;
    let watch = Watch::start(run.id(), MEMORY_LIMIT_KIB);

    say(&format!("measuring honest clients for {} s without an attack", IDLE_TIME.as_secs()));
    let idle = honest::measure(&target, IDLE_TIME, setup::Logins::BeforeAttack).await;

    say(&format!("attacking for {} s", length.as_secs()));
    let is_over = Arc::new(AtomicBool::new(false));
    let attacking = attackers::start(target.clone(), attacks.to_vec(), Arc::clone(&is_over));
    tokio::time::sleep(RAMP_TIME).await;
    let attacked = honest::measure(&target, length, setup::Logins::DuringAttack).await;
    is_over.store(true, Ordering::SeqCst);
    let tally =
        tokio::task::spawn_blocking(|| attacking.join()).await.expect("a task").expect("the attackers");

    let is_served = honest::is_served(&target).await;
    let (peak_kib, is_exceeded) = watch.end();
    Report {
        program: program.to_owned(),
        idle,
        attacked,
        attacks: tally.counts(),
        peak_kib,
        is_killed: is_exceeded || !is_served,
        faults: faults(&run.log()),
    }
}

/// The program that this workspace builds.
pub fn program() -> PathBuf {
    crate::server::binary()
}

fn faults(log: &str) -> Vec<String> {
    let is_fault = |line: &&str| line.contains(" ERROR ") || line.contains("panicked at");
    log.lines().filter(is_fault).map(str::to_owned).collect()
}
