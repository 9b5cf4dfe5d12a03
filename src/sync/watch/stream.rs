//! A watch as a stream: the newest value, each time it is another than was seen.
//!
//! Who is slow misses what was in between, as by [`Receiver::changed`], and both may be used in turn: what
//! was seen by one of them is seen.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::place;
use crate::sync::watch::Receiver;

/// It begins with the next value, if the present one was seen, and ends when all senders have been
/// dropped and the newest was seen. The value is borrowed while it is cloned.
impl<T: Clone> Stream for Receiver<T> {
    type Item = T;

    #[track_caller]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        let at = place::here();
        loop {
            let Self { shared, seen, seat } = &mut *this;
            let is_there = |_| seen.get() != shared.version.get() || shared.senders.count() == 0;
            ready!(seat.poll(&shared.line, at, cx, (), is_there));
            seat.leave(&shared.line);
            if this.is_news() {
                return Poll::Ready(Some(this.borrow_and_update().clone()));
            }
            if this.is_over() {
                return Poll::Ready(None);
            }
            // Somebody else has seen it by this very receiver.
        }
    }
}
