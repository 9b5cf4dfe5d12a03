//! The future of one who is in a group: its end is noticed, however it comes.

use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::group::members::Members;

pin_project! {
    /// The future of one who is in a group.
    pub(super) struct Watched<F, T: 'static, E: 'static> {
        #[pin]
        future: F,
        // Behind the future, so that it is dropped after it.
        end: End<T, E>,
    }
}

impl<F, T: 'static, E: 'static> Watched<F, T, E> {
    /// The future of who has this key.
    pub(super) fn new(future: F, members: &Rc<Members<T, E>>, key: usize) -> Self {
        let members = Rc::downgrade(members);
        let end = End { members, key };
        Self { future, end }
    }
}

impl<F: Future, T, E> Future for Watched<F, T, E> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

/// Says that one who is in a group has ended.
struct End<T: 'static, E: 'static> {
    /// The group, unless that is gone.
    members: Weak<Members<T, E>>,
    /// Who has ended.
    key: usize,
}

impl<T: 'static, E: 'static> Drop for End<T, E> {
    fn drop(&mut self) {
        if let Some(members) = self.members.upgrade() {
            members.note_end(self.key);
        }
    }
}
