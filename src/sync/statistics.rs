//! What [`statistics`](crate::sync::Mutex::statistics) returns: how things stand at this moment, for
//! reports and tests. trio's habit.
//!
//! By the time that a program acts on it, it may be otherwise only if the program has awaited; what
//! is shared with threads may be otherwise at once.

/// Of an [`Event`](crate::sync::Event), a [`Condvar`](crate::sync::Condvar) or a
/// [`OnceLock`](crate::sync::OnceLock), and of [`universal`](crate::sync::universal)'s `Event` and
/// `Outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitStatistics {
    /// How many wait.
    pub waiting: usize,
}

/// Of a [`Barrier`](crate::sync::Barrier).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BarrierStatistics {
    /// How many pass together.
    pub size: usize,
    /// How many are there and wait for the others.
    pub waiting: usize,
}

/// Of a [`Mutex`](crate::sync::Mutex).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MutexStatistics {
    /// Whether somebody holds it, or was granted it.
    pub is_locked: bool,
    /// How many wait.
    pub waiting: usize,
}

/// Of an [`RwLock`](crate::sync::RwLock).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RwLockStatistics {
    /// How many read, or were granted that.
    pub readers: usize,
    /// Whether somebody writes, or was granted that.
    pub has_writer: bool,
    /// How many wait.
    pub waiting: usize,
}

/// Of a [`Semaphore`](crate::sync::Semaphore).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SemaphoreStatistics {
    /// How many permits nobody holds.
    pub available: usize,
    /// How many there are.
    pub permits: usize,
    /// How many wait.
    pub waiting: usize,
}

/// Of a [`CapacityLimiter`](crate::sync::CapacityLimiter); who the borrowers are its
/// [`borrowers`](crate::sync::CapacityLimiter::borrowers) tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapacityLimiterStatistics {
    /// How many tokens are borrowed.
    pub borrowed_tokens: usize,
    /// How many there are.
    pub total_tokens: usize,
    /// How many wait.
    pub waiting: usize,
}

/// Of a [`Queue`](crate::sync::Queue), a [`PriorityQueue`](crate::sync::PriorityQueue) or a
/// [`universal::Queue`](crate::sync::universal::Queue).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStatistics {
    /// How many items lie in it.
    pub len: usize,
    /// How many may.
    pub capacity: Option<usize>,
    /// How many were ever put.
    pub put: u64,
    /// How many were ever taken.
    pub taken: u64,
    /// How many wait for an item.
    pub getters_waiting: usize,
    /// How many wait for room.
    pub putters_waiting: usize,
}

/// Of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStatistics {
    /// How many items lie in it.
    pub len: usize,
    /// How many may; 0 is a rendezvous.
    pub capacity: Option<usize>,
    /// How many handles can send.
    pub senders: usize,
    /// How many handles can receive.
    pub receivers: usize,
    /// How many wait to send, or for nobody to receive.
    pub senders_waiting: usize,
    /// How many wait to receive.
    pub receivers_waiting: usize,
}
