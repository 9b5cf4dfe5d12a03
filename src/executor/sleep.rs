//! What the executor does when no task is ready: sleep, jump, or say that all wait for each other.
//!
//! ```text
//!   real clock      sleep until the next deadline, an event or a wake
//!   virtual clock   is anything outside awaited? ─ no ──► jump to the next deadline
//!                                                └ yes ─► sleep as long as the deadline is away:
//!                                                         time goes on as the world does
//!   manual clock    is anything outside awaited? ─ yes ─► sleep until it comes
//!   no deadline that could come, nothing outside awaited, and asked to look: a deadlock
//! ```
//!
//! Before all that come those who wait for just this moment (`executor/idle.rs`).
//!
//! What is awaited is what the tasks have noted while they were polled (`task/waits.rs`). Nothing is
//! polled again to find out. Read next: `executor/deadlock.rs`.

use std::time::Duration;

use crate::clock::{self, Instant};
use crate::executor::Core;
use crate::observer::Event;

impl Core {
    /// Sleeps until a task may be ready, but no longer than `limit`; then wakes who is due.
    pub(super) fn sleep(&self, limit: Option<Duration>) {
        self.end_poll();
        if self.is_kept_awake() {
            return;
        }
        if let Some(idlers) = self.waiting_idlers() {
            return idlers.on_idle(self);
        }
        if self.note_asleep(|| self.coming_deadline()) {
            self.sleep_or_jump(limit);
        }
    }

    /// Tells observers what was noted, who may wake somebody or spawn: `true` says that one has.
    fn is_kept_awake(&self) -> bool {
        self.tell();
        self.scheduler.ready_len() > 0
    }

    /// Notes that a sleep begins, or a jump. `false` says that it does not: an observer has kept the
    /// executor awake.
    fn note_asleep(&self, until: impl FnOnce() -> Option<Instant>) -> bool {
        let Some(audience) = self.scheduler.audience() else {
            return true;
        };
        let until = until();
        audience.note(Event::Asleep { until });
        if self.is_kept_awake() {
            self.note_awake();
            return false;
        }
        true
    }

    /// Notes that a sleep has ended, or a jump.
    fn note_awake(&self) {
        if let Some(audience) = self.scheduler.audience() {
            audience.note(Event::Awake);
        }
    }

    /// Sleeps, or has a virtual clock jump, or says that this would be for ever.
    fn sleep_or_jump(&self, limit: Option<Duration>) {
        let deadline = self.coming_deadline();
        let has_remotes = self.inbox.has_remotes();
        let is_closed_world = !self.scheduler.awaits_outside()
            && !has_remotes
            && self.inbox.is_empty()
            && limit.is_none();
        match deadline {
            Some(deadline) if is_closed_world && self.clock.is_virtual() => {
                return self.jump_to(deadline);
            }
            None if is_closed_world && self.scheduler.len() > 0 => {
                if let Some(on_deadlock) = self.options.on_deadlock {
                    on_deadlock(self);
                    return;
                }
            }
            _ => {}
        }
        let until_deadline = deadline.map(|deadline| {
            let slack = self.options.timer_slack;
            deadline.saturating_add(slack) - self.clock.now()
        });
        let timeout = match (until_deadline, limit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.reactor.prepare(true);
        if !self.inbox.prepare_sleep(has_remotes) {
            // As good as a poll: threads that never stop waking, whom they may, would otherwise keep the
            // executor from its timers and sockets.
            self.note_awake();
            self.count_towards_look();
            return;
        }
        self.counters.sleeps.add(1);
        self.wake_all(&mut |wakers| {
            self.wait(timeout, wakers);
            self.inbox.end_sleep();
            self.note_awake();
            self.expire(wakers);
        });
    }

    /// Has a clock that is not real jump, and wakes who is due then.
    fn jump_to(&self, then: Instant) {
        self.clock.advance_to(then);
        self.note_awake();
        self.wake_all(&mut |wakers| self.expire(wakers));
    }

    /// Has the clock jump as those say who wait for a moment, and wakes who is due then.
    pub(super) fn jump_for_idlers(&self, then: Instant) {
        if self.note_asleep(|| Some(then)) {
            self.jump_to(then);
        }
    }

    /// The next deadline that comes by itself: under a manual clock, only one that has passed.
    fn coming_deadline(&self) -> Option<Instant> {
        let next = self.timers.borrow().next();
        next.filter(|next| !self.clock.is_manual() || *next <= self.clock.now())
    }

    /// Waits in the reactor; a virtual clock goes on by as much as the real one meanwhile, a manual one
    /// does not.
    fn wait(&self, timeout: Option<Duration>, wakers: &mut Vec<std::task::Waker>) {
        if !self.clock.is_virtual() || self.clock.is_manual() {
            self.reactor.wait(timeout, wakers);
            return;
        }
        let (real, before) = (clock::real_now(), self.clock.now());
        self.reactor.wait(timeout, wakers);
        let waited = clock::real_now() - real;
        let waited = timeout.map_or(waited, |timeout| waited.min(timeout));
        self.clock.advance_to(before.saturating_add(waited));
    }
}
