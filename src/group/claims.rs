//! Members that are wanted one by one: by their own handles, and by who waits for one to be ready.
//!
//! Who asks for one member claims it: the owner passes it over, and its value or failure is the
//! claimant's. A claimant that is dropped gives it back. While it is claimed its key is not among the
//! ended ones: the next member in the slot would be taken for it.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::error::JoinError;
use crate::group::ended::Ended;
use crate::group::members::{Members, Place, State};
use crate::task::{JoinHandle, TaskId};

impl<T: 'static, E: 'static> Members<T, E> {
    /// Claims a member for who joins it by its own handle, and asks how it has ended.
    ///
    /// # Panics
    ///
    /// Panics if the owner has asked before.
    pub(super) fn poll_member(
        &self,
        (key, id): (usize, TaskId),
        cx: &mut Context<'_>,
    ) -> Poll<Result<Result<T, E>, JoinError>> {
        let mut handle = self.claim((key, id));
        let Poll::Ready(outcome) = Pin::new(&mut handle).poll(cx) else {
            self.put_back(key, handle);
            return Poll::Pending;
        };
        let result = self.remove(key);
        self.wake_owner();
        Poll::Ready(outcome.map(|()| result.expect("it has left a result")))
    }

    /// Claims a member for who waits for it to be ready, and asks how it has ended.
    pub(super) fn poll_start(
        &self,
        (key, id): (usize, TaskId),
        cx: &mut Context<'_>,
    ) -> Poll<Ended<T, E>> {
        let handle = self.claim((key, id));
        let ended = ready!(self.ask(key, handle, cx));
        self.wake_owner();
        Poll::Ready(ended)
    }

    /// Claims a member, and takes its handle.
    ///
    /// # Panics
    ///
    /// Panics if the owner has asked before.
    fn claim(&self, (key, id): (usize, TaskId)) -> JoinHandle<()> {
        let State { entries, ended, .. } = &mut *self.state.borrow_mut();
        let entry = entries.get_mut(key).filter(|entry| entry.is(id));
        let entry = entry.expect("the value of this member was given to who joined its group");
        if !std::mem::replace(&mut entry.is_claimed, true) && entry.has_ended {
            ended.remove(key);
        }
        entry.handle.take().expect("it was looked at just before")
    }

    /// Asks of one member to be cancelled.
    pub(super) fn cancel(
        &self,
        which: (usize, TaskId),
        at: Place,
        reason: Option<Cow<'static, str>>,
    ) {
        let note = |handle: &JoinHandle<()>| handle.note_cancel(at, reason);
        if let Some(wake) = self.with_member(which, note).flatten() {
            wake.wake();
        }
    }

    /// Gives a claimed member back to the group.
    pub(super) fn unclaim(&self, (key, id): (usize, TaskId)) {
        let mut state = self.state.borrow_mut();
        let entry = state.entries.get_mut(key).filter(|entry| entry.is(id));
        if let Some(entry) = entry.filter(|entry| entry.is_claimed) {
            entry.is_claimed = false;
            if entry.has_ended {
                state.ended.push(key);
                drop(state);
                self.wake_owner();
            }
        }
    }

    /// Calls `f` with a member's handle, unless that is gone.
    pub(super) fn with_member<R>(
        &self,
        (key, id): (usize, TaskId),
        f: impl FnOnce(&JoinHandle<()>) -> R,
    ) -> Option<R> {
        let state = self.state.borrow();
        let entry = state.entries.get(key).filter(|entry| entry.is(id))?;
        entry.handle.as_ref().map(f)
    }
}
