//! The end of an executor: every task is dropped, newest first, on its own thread.

use std::panic::Location;
use std::rc::Rc;

use crate::error::{Cancelled, JoinError};
use crate::executor::{Core, context};
use crate::registry;
use crate::task::extras;
use crate::waker::Token;

impl Core {
    /// Drops all tasks, newest first; `at` is where it was asked for. Tasks that are spawned by the
    /// destructors end cancelled, unpolled.
    pub(super) fn shut_down(self: &Rc<Self>, at: &'static Location<'static>) {
        self.is_shut_down.set(true);
        context::enter(self, || {
            self.inbox.close();
            loop {
                let tasks = self.newest_first();
                if tasks.is_empty() {
                    break;
                }
                for token in tasks {
                    self.drop_task(token, at);
                }
            }
        });
    }

    /// The tokens of all tasks, newest first.
    fn newest_first(&self) -> Vec<Token> {
        let mut tasks = Vec::with_capacity(self.scheduler.len());
        self.scheduler
            .for_each(|token, task, _| tasks.push((task.id(), token)));
        tasks.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        tasks.into_iter().map(|(_, token)| token).collect()
    }

    /// Drops one task, unless it has ended meanwhile.
    fn drop_task(&self, token: Token, at: &'static Location<'static>) {
        if let Some(mut task) = self.scheduler.take(token) {
            task.cancel(JoinError::Cancelled(Cancelled {
                task: extras::describe(&task),
                at,
            }));
            self.end(token, task);
        }
    }

    /// Takes the executor's number back; called once, at the very end.
    pub(super) fn strike_off(&self) {
        let next = self.generation(self.spawned.get() + 1);
        drop(registry::strike_off(self.scheduler.id(), next));
    }
}
