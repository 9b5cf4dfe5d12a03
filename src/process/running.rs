//! [`Running`]: a child process that somebody has to reap, and what becomes of it when it is dropped.
//!
//! ```text
//!   dropped ─┬─ Policy::Leave ─► adopted by the reaper
//!            ├─ Policy::End ───► SIGTERM, owed: ends ─────────────────────────► reaped
//!            │                            └─ the grace is over ─► SIGKILL ────► reaped
//!            └─ Policy::Kill ──► SIGKILL, adopted by the reaper
//! ```
//!
//! Law: std's `Child` alone reaps, and it is asked before each signal whether it has. Until then the
//! number of the process is not given to another, even if it has ended.
//!
//! The end that is owed is an epilogue (`epilogue.rs`): the task that has dropped the child pays it,
//! and who cancelled that waits for it. If it is dropped itself, as its executor is in haste, it kills
//! at once. Where no executor runs there is nobody to wait, and the child is killed at once, too. Read
//! next: `process/end.rs` (how an end is waited for), `process/reaper.rs`.

use std::io;
use std::panic::Location;
use std::process::{Child, ExitStatus};

use rustix::process::Signal;

use super::end::End;
use super::reaper;
use crate::clock::Instant;
use crate::executor::context;
use crate::executor::ledger::{self, Terms};
use crate::io::AsyncFd;
use crate::report::{self, Report};
use crate::time::{Duration, timeout, timeout_at};

/// How long the end of a child that was killed is waited for. It comes at once, unless the system
/// itself holds the child (a disk that does not answer); then the reaper waits on.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

/// What becomes of a child that is dropped while it runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Policy {
    /// It lives on.
    Leave,
    /// It is asked to end, and killed when the grace is over.
    End(Duration),
    /// It is killed.
    Kill,
}

/// A child process that was not reaped yet, or whose status std's `Child` remembers.
pub(super) struct Running {
    /// The two halves; `None` only on the way out.
    parts: Option<Parts>,
    /// What a drop does.
    policy: Policy,
    /// Where it was spawned.
    at: &'static Location<'static>,
}

/// The process, and how its end is seen.
struct Parts {
    /// std's, which reaps it.
    child: Child,
    /// What becomes readable then.
    end: AsyncFd<End>,
}

impl Parts {
    /// Sends a signal, unless it has ended.
    fn send(&mut self, signal: Signal) -> io::Result<()> {
        match self.child.try_wait()? {
            Some(_) => Ok(()),
            None => self.end.get_ref().send(self.child.id(), signal),
        }
    }
}

impl Running {
    /// Takes in a child that was spawned just now. For the time being a drop kills it.
    ///
    /// # Errors
    ///
    /// Returns the system's error if its end could not be seen; then it is killed, and reaped when it
    /// ends, which is not waited for.
    pub(super) fn new(mut child: Child, at: &'static Location<'static>) -> io::Result<Self> {
        match End::of(&child) {
            Ok(end) => {
                let end = AsyncFd::from_nonblocking(end);
                Ok(Self {
                    parts: Some(Parts { child, end }),
                    policy: Policy::Kill,
                    at,
                })
            }
            Err(error) => {
                // A failure says that it may not be killed; it is reaped when it ends.
                let _not_allowed = child.kill();
                reaper::adopt(child, None);
                Err(error)
            }
        }
    }

    /// Sets what a drop does.
    pub(super) fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// The two halves.
    fn parts(&mut self) -> &mut Parts {
        let parts = self.parts.as_mut();
        parts.expect("taken out only when it is dropped")
    }

    /// The number of the process.
    pub(super) fn id(&self) -> u32 {
        let parts = self.parts.as_ref();
        parts.map_or(0, |parts| parts.child.id())
    }

    /// Waits for the end, and reaps.
    #[track_caller]
    pub(super) fn ended(&mut self) -> impl Future<Output = io::Result<ExitStatus>> {
        let Parts { child, end } = self.parts();
        end.read_with(|_| match child.try_wait()? {
            Some(status) => Ok(status),
            None => Err(io::ErrorKind::WouldBlock.into()),
        })
    }

    /// Reaps if it has ended.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.parts().child.try_wait()
    }

    /// Sends a signal, unless it has ended.
    pub(super) fn send(&mut self, signal: Signal) -> io::Result<()> {
        self.parts().send(signal)
    }

    /// The epilogue: has the process end, at `limit` at the latest if it was asked to, or at once.
    async fn end_by(mut self, limit: Instant, is_asked: bool) {
        if is_asked && timeout_at(limit, self.ended()).await.is_ok() {
            return;
        }
        if self.send(Signal::KILL).is_err() {
            // It may not be killed; the reaper waits on, when this is dropped.
            return;
        }
        drop(timeout(KILL_PATIENCE, self.ended()).await);
        if is_asked {
            report::send(&Report::ChildKilled {
                id: self.id(),
                at: self.at,
            });
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut parts) = self.parts.take() else {
            return;
        };
        // An error says that somebody else has reaped it.
        if !matches!(parts.child.try_wait(), Ok(None)) {
            return;
        }
        if let Policy::End(grace) = self.policy
            && let Some(limit) = ledger::limit()
        {
            let now = context::now();
            let limit = limit.min(now.saturating_add(grace));
            // Now and not in the epilogue, before its pipes are closed, which are dropped next.
            let is_asked = now < limit && parts.send(Signal::TERM).is_ok();
            let doomed = Self {
                parts: Some(parts),
                policy: Policy::Kill,
                at: self.at,
            };
            let epilogue = Box::pin(doomed.end_by(limit, is_asked));
            ledger::owe(epilogue, Terms::Limited, self.at);
            return;
        }
        if !matches!(self.policy, Policy::Leave) {
            // A failure says that it may not be killed; it is reaped when it ends.
            let _not_allowed = parts.send(Signal::KILL);
        }
        reaper::adopt(parts.child, Some(parts.end.into_inner()));
    }
}
