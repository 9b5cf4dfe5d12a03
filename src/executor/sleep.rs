//! What the executor does when no task is ready: sleep, jump, or say that all wait for each other.
//!
//! ```text
//!   real clock      sleep until the next deadline, an event or a wake
//!   virtual clock   is anything outside awaited? ─ no ──► jump to the next deadline
//!                                                └ yes ─► sleep as long as the deadline is away:
//!                                                         time goes on as the world does
//!   no deadline, nothing outside awaited, and asked to look: a deadlock, with who waits where
//! ```
//!
//! What is awaited is what the tasks have noted while they were polled (`task/waits.rs`). Nothing is
//! polled again to find out.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock;
use crate::executor::Core;
use crate::task::extras;

impl Core {
    /// Sleeps until a task may be ready, but no longer than `limit`; then wakes who is due.
    pub(super) fn sleep(&self, limit: Option<Duration>) {
        self.end_poll();
        let deadline = self.timers.borrow().next();
        let has_remotes = self.inbox.has_remotes();
        let is_closed_world = !self.scheduler.awaits_outside()
            && !has_remotes
            && self.inbox.is_empty()
            && limit.is_none();
        match deadline {
            Some(deadline) if is_closed_world && self.clock.is_virtual() => {
                self.clock.advance_to(deadline);
                self.wake_all(&mut |wakers| self.expire(wakers));
                return;
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
            self.count_towards_look();
            return;
        }
        self.counters.sleeps.add(1);
        self.wake_all(&mut |wakers| {
            self.wait(timeout, wakers);
            self.inbox.end_sleep();
            self.expire(wakers);
        });
    }

    /// Waits in the reactor; a virtual clock goes on by as much as the real one meanwhile.
    fn wait(&self, timeout: Option<Duration>, wakers: &mut Vec<std::task::Waker>) {
        if !self.clock.is_virtual() {
            self.reactor.wait(timeout, wakers);
            return;
        }
        let (real, before) = (clock::real_now(), self.clock.now());
        self.reactor.wait(timeout, wakers);
        let waited = clock::real_now() - real;
        let waited = timeout.map_or(waited, |timeout| waited.min(timeout));
        self.clock.advance_to(before.saturating_add(waited));
    }

    /// Says in a panic who waits for what, and where, and where each was spawned, and by whom.
    pub(super) fn report_deadlock(&self) {
        if let Some(ledger) = self.ledger().filter(|_| self.is_shut_down.get()) {
            // A panic has said it before, or will: what still waits is a cleanup without a grace.
            ledger.give_up(self);
            return;
        }
        let mut names = HashMap::new();
        self.scheduler.for_each(|_, task, _| {
            names.insert(task.id(), extras::call(task));
        });
        let mut text = String::from("deadlock: every task is waiting and no deadline is to come");
        self.scheduler.for_each(|_, task, _| {
            text += &format!(
                "\n  {} (spawned at {}",
                names[&task.id()],
                task.spawned_at()
            );
            if let Some(parent) = task.current().parent {
                text += &match names.get(&parent) {
                    Some(name) => format!(" by {name}"),
                    None => format!(" by task {parent}, which has ended"),
                };
            }
            text += &format!(") waits for {}", task.waits());
            if let Some(at) = task.waits_at() {
                text += &format!(" at {at}");
            }
        });
        panic!("{text}");
    }
}
