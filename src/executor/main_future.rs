//! The future given to `run`: it may borrow from its caller, so it lies there and not in a task's cell.
//!
//! It is polled in the name of a task that has a slot, a number and a name like any other, but whose own
//! future never is polled.

use std::task::{Context, Poll};

use crate::executor::{Core, Place};
use crate::observer::{Event, Finish};
use crate::task::cell::Turn;
use crate::task::extras;
use crate::waker::Token;

/// Polls the future given to `run`, whose value goes where that wants it; or drops it, if there is
/// nothing to poll it with. Never panics.
pub(super) type PollMain<'a> = dyn FnMut(Option<&mut Context<'_>>) -> Poll<()> + 'a;

/// The future given to `run`, and the task in whose name it is polled and dropped: it may borrow from
/// its caller, so it lies there and not in a task's cell.
pub(super) struct Main<'a> {
    /// Whose main future it is.
    core: &'a Core,
    /// The future.
    pub(super) poll: &'a mut PollMain<'a>,
    /// The task; `None` once it has ended.
    pub(super) token: Option<Token>,
}

impl Main<'_> {
    /// The main future, if this is the turn of its task.
    pub(super) fn of<'m>(turn: &Turn, main: &'m mut Option<Self>) -> Option<&'m mut Self> {
        let main = main.as_mut();
        main.filter(|main| main.token == Some(turn.token()))
    }
}

impl Drop for Main<'_> {
    /// Ends the task also when `run` unwinds.
    fn drop(&mut self) {
        if let Some(token) = self.token
            && let Some(turn) = self.core.scheduler.turn_of(token)
        {
            let _dropped = (self.poll)(None);
            if let Some(audience) = self.core.scheduler.audience() {
                let (task, how) = (turn.id(), Finish::Cancelled);
                audience.note(Event::Finished { task, how });
            }
            self.core.end(token, turn, &mut None);
        }
    }
}

impl Core {
    /// Turns until the main future has ended.
    pub(super) fn run_main<'a>(&'a self, poll: &'a mut PollMain<'a>, at: Place) {
        // The task in whose name the future is polled; its own future never is.
        let (token, task) = self.scheduler.spawn(std::future::pending::<()>(), at);
        task.set_main();
        if let Some(audience) = self.scheduler.audience() {
            audience.name(task.id(), extras::MAIN);
        }
        let token = Some(token);
        self.run(&mut Some(Main {
            core: self,
            poll,
            token,
        }));
    }
}
