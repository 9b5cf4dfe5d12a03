//! How one who is in a group has ended, asked of the handle to its task.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::error::{Cancelled, JoinError};
use crate::group_error::Failure;
use crate::task::{JoinHandle, TaskId};

/// What the task of a member gives.
pub(super) type Outcome<T, E> = Result<Result<T, E>, JoinError>;

/// The task of one who is in a group.
pub(super) enum Handle<T, E> {
    /// A member.
    Member(JoinHandle<Result<T, E>>),
    /// A daemon, for which nobody waits.
    Daemon(JoinHandle<()>),
}

/// How one who was in a group has ended, as the owner sees it.
pub(super) enum Ended<T, E> {
    /// With a value.
    Value(TaskId, T),
    /// With a failure.
    Failure(Failure<E>),
    /// It was cancelled, or is a daemon that has nothing to tell.
    Silent(Option<Cancelled>),
}

impl<T, E> Ended<T, E> {
    /// The failure, if it is one.
    pub(super) fn into_failure(self) -> Option<Failure<E>> {
        match self {
            Self::Failure(failure) => Some(failure),
            _ => None,
        }
    }
}

impl<T, E> Handle<T, E> {
    /// Whether the task has ended.
    pub(super) fn is_finished(&self) -> bool {
        match self {
            Self::Member(handle) => handle.is_finished(),
            Self::Daemon(handle) => handle.is_finished(),
        }
    }

    /// Asks how it has ended.
    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended<T, E>> {
        Poll::Ready(match self {
            Self::Member(handle) => match ready!(Pin::new(&mut *handle).poll(cx)) {
                Ok(Ok(value)) => Ended::Value(handle.id(), value),
                Ok(Err(error)) => Ended::Failure(Failure::error(handle.describe(), error)),
                Err(error) => abnormal(handle, error),
            },
            Self::Daemon(handle) => match ready!(Pin::new(&mut *handle).poll(cx)) {
                Ok(()) => Ended::Silent(None),
                Err(error) => abnormal(handle, error),
            },
        })
    }
}

/// How a task has ended that came to no end of its own.
#[cold]
fn abnormal<R, T, E>(handle: &JoinHandle<R>, error: JoinError) -> Ended<T, E> {
    match error {
        JoinError::Panicked(panicked) => {
            Ended::Failure(Failure::panicked(handle.describe(), panicked))
        }
        JoinError::Cancelled(cancelled) => Ended::Silent(Some(cancelled)),
    }
}
