//! [`Member`]: one member of a group, for who wants this one alone.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::error::JoinError;
use crate::executor::context;
use crate::executor::spawn::Builder;
use crate::group::TaskGroup;
use crate::group::members::{Members, Place};
use crate::place;
use crate::task::waits::Waits;
use crate::task::{Task, TaskId};

/// A handle to one member of a [`TaskGroup`]. It need not be kept: the member
/// belongs to its group.
///
/// It keeps what the group knows of its members, but neither the group nor the member.
pub struct Member<T: 'static, E: 'static> {
    /// The group's members.
    pub(super) members: Rc<Members<T, E>>,
    /// Which one it is.
    pub(super) which: (usize, TaskId),
}

impl<T: 'static, E: 'static> Member<T, E> {
    /// The handle to a member.
    pub(super) fn new(members: Rc<Members<T, E>>, which: (usize, TaskId)) -> Self {
        members.wants.set(members.wants.get() + 1);
        Self { members, which }
    }

    /// Gives the member's task what it was built with.
    pub(super) fn fit_out(&self, builder: Builder) {
        self.members
            .with_member(self.which, |handle| builder.fit_out(handle));
    }

    /// The member's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.which.1
    }

    /// The handle that names the member's task and can unpark it; `None` if the value was taken.
    #[must_use]
    pub fn task(&self) -> Option<Task> {
        self.members.with_member(self.which, |handle| handle.task())
    }

    /// Whether the member has ended, in whatever way.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let is_finished = self
            .members
            .with_member(self.which, |handle| handle.is_finished());
        is_finished.unwrap_or(true)
    }

    /// Asks that this member be cancelled, and returns at once; see
    /// [`JoinHandle::cancel`](crate::task::JoinHandle::cancel). That is no failure: the others go on.
    #[track_caller]
    pub fn cancel(&self) {
        self.members.cancel(self.which, Location::caller(), None);
    }

    /// Waits for this member and returns its value, which the group then does not: nor does a
    /// failure count there any more.
    ///
    /// # Errors
    ///
    /// Returns an error if the member was cancelled or has panicked; within the value, its own.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if the value was given to who joined the group.
    ///
    /// # Cancel safety
    ///
    /// The member belongs to its group again, as does its value.
    #[track_caller]
    pub fn join(self) -> JoinMember<T, E> {
        JoinMember {
            member: self,
            at: place::here(),
        }
    }
}

impl<T: 'static, E: 'static> Drop for Member<T, E> {
    fn drop(&mut self) {
        self.members.wants.set(self.members.wants.get() - 1);
    }
}

impl<T: 'static, E: 'static> fmt::Debug for Member<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("id", &self.id())
            .field("is_finished", &self.is_finished())
            .finish()
    }
}

impl Builder {
    /// Starts the task as a member of a group; see [`TaskGroup::spawn`].
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    pub fn spawn_in<T, E, F>(self, group: &TaskGroup<T, E>, future: F) -> Member<T, E>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let member = group.spawn(future);
        member.fit_out(self);
        member
    }
}

/// The future of [`Member::join`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct JoinMember<T: 'static, E: 'static> {
    /// Whom it waits for.
    member: Member<T, E>,
    /// Where the task waits.
    at: Place,
}

impl<T: 'static, E: 'static> Future for JoinMember<T, E> {
    type Output = Result<Result<T, E>, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.member.members.poll_member(self.member.which, cx);
        if polled.is_pending() {
            context::note(Waits::JOIN, self.at);
        }
        polled
    }
}

impl<T: 'static, E: 'static> Drop for JoinMember<T, E> {
    fn drop(&mut self) {
        self.member.members.unclaim(self.member.which);
    }
}
