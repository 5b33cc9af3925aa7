//! The server's memory limit: a watch that kills a process as the kernel kills a container that exceeds its limit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// Often enough that a process cannot grow by much in between.
const WATCH_INTERVAL: Duration = Duration::from_millis(20);

/// What a watch saw so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    peak_kib: AtomicU64,
    is_exceeded: AtomicBool,
    is_over: AtomicBool,
}

impl Watch {
    /// Watches process `id` on a thread of its own until the process ends or [`Watch::end`] is called.
    pub(super) fn start(id: u32, limit_kib: u64) -> Self {
        let watch = Self::default();
        let seen = Arc::clone(&watch.0);
        std::thread::spawn(move || {
            while !seen.is_over.load(Ordering::SeqCst) {
                let Some(peak) = peak_kib(id) else { return };
                seen.peak_kib.store(peak, Ordering::SeqCst);
                if peak > limit_kib {
                    seen.is_exceeded.store(true, Ordering::SeqCst);
                    kill(id);
                    return;
                }
                std::thread::sleep(WATCH_INTERVAL);
            }
        });
        watch
    }

    /// Ends the watch. Returns the peak in KiB, and whether the limit was exceeded.
    pub(super) fn end(&self) -> (u64, bool) {
        self.0.is_over.store(true, Ordering::SeqCst);
        (self.0.peak_kib.load(Ordering::SeqCst), self.0.is_exceeded.load(Ordering::SeqCst))
    }
}

/// The most memory that process `id` ever had in RAM, in KiB (proc(5), `VmHWM`); `None` if there is no such process.
fn peak_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn kill(id: u32) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // A process that has ended in the meantime needs no signal.
        let _ = kill_process(pid, Signal::KILL);
    }
}
