//! The futures of those who are in a group: their ends are noticed, however they come.
//!
//! ```text
//!   value, nothing owed, nobody has a handle         ─► the value is the group's at once
//!   any other end: failure, cancel, panic, debts     ─► its key; the owner asks the handle
//! ```
//!
//! The group has the handles, and these futures have the group: a ring of counts that cannot be
//! forgotten, since every future is dropped at its task's end, or with the executor.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::group::members::Members;

pin_project! {
    /// The future of a member. Its result goes to the group, so its task has no value.
    pub(super) struct Watched<F, T: 'static, E: 'static> {
        // `None` once it has ended.
        #[pin]
        future: Option<F>,
        // Behind the future, so that it is dropped after it.
        end: End<T, E>,
    }
}

impl<F, T: 'static, E: 'static> Watched<F, T, E> {
    /// The future of who has this key.
    pub(super) fn new(future: F, members: &Rc<Members<T, E>>, key: usize) -> Self {
        let future = Some(future);
        let end = End::new(members, key);
        Self { future, end }
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> Future for Watched<F, T, E> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut();
        let result = ready!(future.expect("there until it has ended").poll(cx));
        // Before the result is told: what it owes is known then.
        this.future.set(None);
        this.end.tell(result);
        Poll::Ready(())
    }
}

pin_project! {
    /// The future of a daemon.
    pub(super) struct Daemon<F, T: 'static, E: 'static> {
        #[pin]
        future: F,
        // Behind the future, so that it is dropped after it.
        end: End<T, E>,
    }
}

impl<F, T: 'static, E: 'static> Daemon<F, T, E> {
    /// The future of who has this key.
    pub(super) fn new(future: F, members: &Rc<Members<T, E>>, key: usize) -> Self {
        let end = End::new(members, key);
        Self { future, end }
    }
}

impl<F: Future<Output = ()>, T, E> Future for Daemon<F, T, E> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().future.poll(cx)
    }
}

/// Says that one who is in a group has ended.
struct End<T: 'static, E: 'static> {
    /// The group, until it was told.
    members: Option<Rc<Members<T, E>>>,
    /// Who has ended.
    key: usize,
}

impl<T: 'static, E: 'static> End<T, E> {
    /// That of who has this key.
    fn new(members: &Rc<Members<T, E>>, key: usize) -> Self {
        let members = Some(Rc::clone(members));
        Self { members, key }
    }

    /// Gives the group the result of a member.
    fn tell(&mut self, result: Result<T, E>) {
        let members = self.members.take().expect("it has not been told");
        members.take_result(self.key, result);
    }
}

impl<T: 'static, E: 'static> Drop for End<T, E> {
    #[inline]
    fn drop(&mut self) {
        // Given away, not lent: no address is taken, so a spawn makes the future where it stays, and
        // not on the stack first.
        if let Some(members) = self.members.take() {
            members.note_end(self.key);
        }
    }
}
