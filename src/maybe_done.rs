//! A future, and then its value: what joins, epilogues and cancellers keep of what is inside.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

pin_project! {
    /// A future, or its value until that is taken.
    #[project = Projection]
    pub(crate) enum MaybeDone<F: Future> {
        // It has not ended.
        Running { #[pin] future: F },
        // It has, or was dropped; `None` as well once the value is taken.
        Done { output: Option<F::Output> },
    }
}

impl<F: Future> MaybeDone<F> {
    /// A future that has not been polled.
    pub(crate) fn new(future: F) -> Self {
        Self::Running { future }
    }

    /// Whether the future is still there.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// Polls the future, unless it has ended; then drops it and keeps its value.
    #[track_caller]
    pub(crate) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Projection::Running { future } = self.as_mut().project() {
            let output = Some(ready!(future.poll(cx)));
            self.set(Self::Done { output });
        }
        Poll::Ready(())
    }

    /// Drops the future, or the value.
    pub(crate) fn clear(mut self: Pin<&mut Self>) {
        self.set(Self::Done { output: None });
    }

    /// Takes the value; `None` if the future has not ended, was dropped, or if it was taken before.
    pub(crate) fn take(self: Pin<&mut Self>) -> Option<F::Output> {
        match self.project() {
            Projection::Running { .. } => None,
            Projection::Done { output } => output.take(),
        }
    }
}
