//! What the owner of a group asks: who has ended, and how.
//!
//! A value that is there needs no question. Anybody else's handle is asked, and goes on standing in
//! line if its task still owes something; its wake comes with the end of the task then.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use crate::executor::context;
use crate::group::ended::Ended;
use crate::group::members::{Keeps, Members, Place};
use crate::task::waits::Waits;
use crate::task::yields::spend;
use crate::task::{JoinHandle, TaskId};
use crate::waker;

impl<T: 'static, E: 'static> Members<T, E> {
    /// Waits for the next one to end. `None` says that only daemons are left.
    pub(super) fn poll_next(&self, at: Place, cx: &mut Context<'_>) -> Poll<Option<Ended<T, E>>> {
        ready!(spend(cx, at));
        let next = self.take_next(cx);
        if next.is_some() || self.len() == 0 {
            return Poll::Ready(next);
        }
        self.wait(at, cx)
    }

    /// Waits for all to end, or for all but the daemons, and tells how; not of values that are there
    /// to be taken.
    pub(super) fn poll_each(
        &self,
        with_daemons: bool,
        at: Place,
        cx: &mut Context<'_>,
        mut tell: impl FnMut(Ended<T, E>),
    ) -> Poll<()> {
        ready!(spend(cx, at));
        while let Some(ended) = self.take_other(cx) {
            tell(ended);
            ready!(spend(cx, at));
        }
        let is_over = if with_daemons {
            self.are_gone()
        } else {
            self.state.borrow().members() == 0
        };
        if is_over {
            return Poll::Ready(());
        }
        self.wait(at, cx)
    }

    /// Takes the values that are there.
    pub(super) fn take_values(&self) -> Vec<(TaskId, T)> {
        self.state.borrow_mut().ended.take_values()
    }

    /// Takes the first one that has ended, with what it owed paid.
    fn take_next(&self, cx: &mut Context<'_>) -> Option<Ended<T, E>> {
        let failure = self.take_failure();
        if failure.is_some() {
            return failure;
        }
        let count = self.state.borrow().ended.others();
        for _ in 0..count {
            let ended = self.take_value().or_else(|| self.ask_first(cx));
            if ended.is_some() {
                return ended;
            }
        }
        self.take_value()
    }

    /// Takes the first one that has left something else than a value, with what it owed paid.
    fn take_other(&self, cx: &mut Context<'_>) -> Option<Ended<T, E>> {
        let count = self.state.borrow().ended.others();
        self.take_failure()
            .or_else(|| (0..count).find_map(|_| self.ask_first(cx)))
    }

    /// Takes the first failure that was reaped.
    fn take_failure(&self) -> Option<Ended<T, E>> {
        if self.keeps != Keeps::Failures {
            return None;
        }
        let failure = self.state.borrow_mut().failures.pop_front();
        failure.map(Ended::Failure)
    }

    /// Takes the value that is first in line.
    fn take_value(&self) -> Option<Ended<T, E>> {
        let first = self.state.borrow_mut().ended.pop_value();
        first.map(|(id, value)| Ended::Value(id, value))
    }

    /// Asks the first of the others how it has ended; it stands at the end again as long as it owes
    /// something.
    fn ask_first(&self, cx: &mut Context<'_>) -> Option<Ended<T, E>> {
        let key = self.state.borrow_mut().ended.pop()?;
        let handle = self.take_handle(key)?;
        match self.ask(key, handle, cx) {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => {
                self.state.borrow_mut().ended.push(key);
                None
            }
        }
    }

    /// Waits until there are at most `count`; those that have ended are gone then.
    pub(super) fn poll_at_most(&self, count: usize, at: Place, cx: &mut Context<'_>) -> Poll<()> {
        if self.len() <= count {
            return Poll::Ready(());
        }
        self.wait(at, cx)
    }

    /// Has the owner woken at the next end.
    fn wait<R>(&self, at: Place, cx: &mut Context<'_>) -> Poll<R> {
        context::note(Waits::JOIN, at);
        let replaced = self.owner.replace(Some(waker::keep(cx.waker())));
        drop(replaced);
        Poll::Pending
    }

    /// Takes somebody's handle, to be asked, unless somebody else does that already.
    fn take_handle(&self, key: usize) -> Option<JoinHandle<()>> {
        let mut state = self.state.borrow_mut();
        let entry = state
            .entries
            .get_mut(key)
            .filter(|entry| !entry.is_claimed)?;
        entry.handle.take()
    }

    /// Puts a handle back.
    pub(super) fn put_back(&self, key: usize, handle: JoinHandle<()>) {
        self.state.borrow_mut().entries[key].handle = Some(handle);
    }

    /// Takes somebody out of the group, with what it has come to.
    pub(super) fn remove(&self, key: usize) -> Option<Result<T, E>> {
        self.state.borrow_mut().remove(key)
    }

    /// Asks somebody how it has ended, who is out of the group then. One that still owes something
    /// has not.
    pub(super) fn ask(
        &self,
        key: usize,
        mut handle: JoinHandle<()>,
        cx: &mut Context<'_>,
    ) -> Poll<Ended<T, E>> {
        let Poll::Ready(outcome) = Pin::new(&mut handle).poll(cx) else {
            self.put_back(key, handle);
            return Poll::Pending;
        };
        let ended = Ended::new(&handle, outcome, self.remove(key));
        Poll::Ready(match ended {
            Ended::Value(..) if self.keeps != Keeps::Values => Ended::Silent(None),
            ended => ended,
        })
    }

    /// Drops what is not kept of those that have ended, so that a group of which nobody asks stays
    /// small.
    #[inline]
    pub(super) fn reap(&self) {
        if self.keeps != Keeps::Values {
            self.reap_ended();
        }
    }

    /// Drops what is not kept.
    fn reap_ended(&self) {
        let count = self.state.borrow().ended.others();
        for _ in 0..count {
            let Some(key) = self.state.borrow_mut().ended.pop() else {
                return;
            };
            let Some(handle) = self.take_handle(key) else {
                continue;
            };
            if !handle.is_finished() {
                self.put_back(key, handle);
                self.state.borrow_mut().ended.push(key);
            } else if self.keeps == Keeps::Nothing {
                self.remove(key);
                drop(handle);
            } else if let Poll::Ready(Ended::Failure(failure)) =
                self.ask(key, handle, &mut Context::from_waker(Waker::noop()))
            {
                self.state.borrow_mut().failures.push_back(failure);
            }
        }
    }
}
