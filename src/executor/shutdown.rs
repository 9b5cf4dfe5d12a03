//! The end of an executor: every task is dropped, newest first, on its own thread; then what they
//! owe is paid, side by side, under one grace.
//!
//! ```text
//!   drop all ──► is anything owed? ─ yes ─► turn, until it is paid or the grace is over ─┐
//!      ▲                           └ no ──► ended                                        │
//!      └─────── who has helped with that, and what else was spawned meanwhile ◄──────────┘
//! ```
//!
//! What has started is never paused, so an epilogue that is under way already keeps the tasks that it
//! has spawned, as one does that begins now: those that somebody may join are not dropped at first.

use std::collections::BinaryHeap;
use std::panic::Location;
use std::rc::Rc;

use crate::error::{Cancelled, JoinError};
use crate::executor::{Core, context};
use crate::locals;
use crate::observer::Event;
use crate::registry;
use crate::task::extras;
use crate::task::header::Header;
use crate::task::id::TaskId;
use crate::waker::Token;

/// The error of a task that ends with its executor; `at` is where that was asked for.
pub(super) fn cancellation(task: &Header, at: &'static Location<'static>) -> JoinError {
    let reason = Some("its executor was shut down".into());
    JoinError::Cancelled(Cancelled::new(extras::describe(task), at, reason))
}

impl Core {
    /// Drops all tasks, newest first, and has paid what they owe; `at` is where it was asked for.
    /// Tasks that are spawned meanwhile and detached end cancelled, unpolled.
    pub(super) fn shut_down(self: &Rc<Self>, at: &'static Location<'static>) {
        self.is_shut_down.set(true);
        self.is_watched.set(true);
        let grace = self.options.grace;
        self.limit.set(self.clock.now().saturating_add(grace));
        context::enter(self, &mut || {
            self.inbox.close(|token| self.scheduler.wake(token));
            self.inbox.end_sleep();
            self.drop_tasks(at, |task| !extras::is_helper(task) || task.is_detached());
            self.run(&mut None);
            loop {
                while self.scheduler.len() > 0 {
                    self.drop_tasks(at, |_| true);
                    self.run(&mut None);
                }
                // That drops the policy, whose destructor may spawn.
                self.scheduler.forget_ready();
                if self.scheduler.len() == 0 {
                    break;
                }
            }
            self.reactor.end();
        });
    }

    /// Drops all such tasks, newest first.
    fn drop_tasks(&self, at: &'static Location<'static>, is_such: fn(&Header) -> bool) {
        let mut tasks = self.tasks(is_such);
        while let Some((_, token)) = tasks.pop() {
            self.drop_task(token, at);
        }
    }

    /// The tasks of which that is so, the newest on top.
    fn tasks(&self, is_such: fn(&Header) -> bool) -> BinaryHeap<(TaskId, Token)> {
        let mut tasks = BinaryHeap::with_capacity(self.scheduler.len());
        self.scheduler.for_each(|token, task, _| {
            if is_such(task) {
                tasks.push((task.id(), token));
            }
        });
        tasks
    }

    /// Drops one task, unless it has ended meanwhile. One that owes something stays until that is
    /// paid.
    fn drop_task(&self, token: Token, at: &'static Location<'static>) {
        let Some(mut turn) = self.scheduler.turn_of(token) else {
            return;
        };
        let special = turn.is_special().then(|| extras::special(&turn));
        let locals = special.unwrap_or_default().locals;
        let cancelled = cancellation(&turn, at);
        locals::within(locals, || turn.cancel(cancelled));
        if turn.owes() {
            self.scheduler.park(turn);
            self.scheduler.wake(token);
        } else {
            if let Some(audience) = self.scheduler.audience() {
                audience.note(Event::Finished {
                    task: turn.id(),
                    how: turn.finish(),
                });
            }
            self.end(token, turn, &mut None);
        }
    }

    /// Takes the executor's number back; called once, at the very end.
    pub(super) fn strike_off(&self) {
        drop(registry::strike_off(
            self.scheduler.id(),
            self.scheduler.next_generation(),
        ));
    }
}
