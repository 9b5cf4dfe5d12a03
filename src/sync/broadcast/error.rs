//! What a receiver may find instead of a value.

use std::error::Error;
use std::fmt;

/// The error of [`Receiver::recv`](super::Receiver::recv).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvError {
    /// All was received, and all senders have been dropped.
    Closed,
    /// So many values were missed.
    Lagged(u64),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("receiving on a closed channel"),
            Self::Lagged(missed) => write!(f, "{missed} values were missed"),
        }
    }
}

impl Error for RecvError {}

/// The error of [`Receiver::try_recv`](super::Receiver::try_recv).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is nothing yet.
    Empty,
    /// All was received, and all senders have been dropped.
    Closed,
    /// So many values were missed.
    Lagged(u64),
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("receiving on an empty channel"),
            Self::Closed => RecvError::Closed.fmt(f),
            Self::Lagged(missed) => RecvError::Lagged(*missed).fmt(f),
        }
    }
}

impl Error for TryRecvError {}
