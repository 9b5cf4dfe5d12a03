//! The end of an executor: every task is dropped, newest first, on its own thread.

use std::collections::BinaryHeap;
use std::panic::Location;
use std::rc::Rc;

use crate::error::{Cancelled, JoinError};
use crate::executor::{Core, context};
use crate::registry;
use crate::task::extras;
use crate::task::id::TaskId;
use crate::waker::Token;

impl Core {
    /// Drops all tasks, newest first; `at` is where it was asked for. Tasks that are spawned by the
    /// destructors end cancelled, unpolled.
    pub(super) fn shut_down(self: &Rc<Self>, at: &'static Location<'static>) {
        self.is_shut_down.set(true);
        context::enter(self, &mut || {
            self.inbox.close();
            loop {
                let mut tasks = self.tasks();
                if tasks.is_empty() {
                    break;
                }
                while let Some((_, token)) = tasks.pop() {
                    self.drop_task(token, at);
                }
            }
            self.scheduler.forget_ready();
            self.reactor.end();
        });
    }

    /// The tasks there are, the newest on top.
    fn tasks(&self) -> BinaryHeap<(TaskId, Token)> {
        let mut tasks = BinaryHeap::with_capacity(self.scheduler.len());
        self.scheduler
            .for_each(|token, task, _| tasks.push((task.id(), token)));
        tasks
    }

    /// Drops one task, unless it has ended meanwhile.
    fn drop_task(&self, token: Token, at: &'static Location<'static>) {
        if let Some(mut turn) = self.scheduler.turn_of(token) {
            let cancelled = Cancelled::new(extras::describe(&turn), at);
            turn.cancel(JoinError::Cancelled(cancelled));
            self.end(token, turn);
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
