//! How one who is in a group has ended.

use crate::error::{Cancelled, JoinError};
use crate::group_error::{Failure, FailureKind};
use crate::task::{JoinHandle, TaskId};

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
    /// How one has ended that has left this result, if any, and of whose task this is the handle.
    pub(super) fn new(
        handle: &JoinHandle<()>,
        outcome: Result<(), JoinError>,
        result: Option<Result<T, E>>,
    ) -> Self {
        match (outcome, result) {
            (Ok(()), Some(Ok(value))) => Self::Value(handle.id(), value),
            (Ok(()), Some(Err(error))) => Self::failure(handle, FailureKind::Error(error)),
            (Ok(()), None) => Self::Silent(None),
            (Err(JoinError::Panicked(panicked)), _) => {
                Self::failure(handle, FailureKind::Panicked(panicked))
            }
            (Err(JoinError::Cancelled(cancelled)), _) => Self::Silent(Some(cancelled)),
        }
    }

    /// A failure of the task whose handle this is.
    fn failure(handle: &JoinHandle<()>, kind: FailureKind<E>) -> Self {
        let (task, spawned_at) = handle.describe();
        Self::Failure(Failure::new(task, spawned_at, kind))
    }

    /// The failure, if it is one.
    pub(super) fn into_failure(self) -> Option<Failure<E>> {
        match self {
            Self::Failure(failure) => Some(failure),
            _ => None,
        }
    }
}
