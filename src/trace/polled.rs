//! [`Polled`]: who is being polled, and whose time it is.
//!
//! ```text
//!   task 1  ├────────┐         ┌────┤      1 has 12, 2 has 9: the innermost has the time
//!   task 2           ├─────────┤
//! ```

use crate::clock::Instant;
use crate::task::TaskId;
use crate::time::Duration;

/// Who is being polled: a task, and within it perhaps a child of its scope, and so on.
#[derive(Debug, Clone, Default)]
pub(super) struct Polled {
    /// The innermost comes last.
    stack: Vec<TaskId>,
    /// Since when the innermost is.
    since: Option<Instant>,
}

impl Polled {
    /// These are being polled since `since`.
    pub(super) fn since(since: Option<Instant>, stack: Vec<TaskId>) -> Self {
        Self { stack, since }
    }

    /// A poll begins. Who was polled so far comes back, and for how long it was the innermost.
    pub(super) fn begin(&mut self, at: Instant, task: TaskId) -> Option<(TaskId, Duration)> {
        let outer = self.charge(at);
        self.stack.push(task);
        outer
    }

    /// A poll ends. Whose it was comes back, and for how long that was the innermost; `None` if it was
    /// not being polled, as one that is dropped.
    pub(super) fn end(&mut self, at: Instant, task: TaskId) -> Option<(TaskId, Duration)> {
        if self.stack.last() != Some(&task) {
            return None;
        }
        let charged = self.charge(at);
        self.stack.pop();
        charged
    }

    /// The time of the innermost up to now.
    fn charge(&mut self, at: Instant) -> Option<(TaskId, Duration)> {
        let since = self.since.replace(at);
        let innermost = *self.stack.last()?;
        Some((innermost, at - since.unwrap_or(at)))
    }

    /// How many are being polled.
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Who is being polled, the innermost last.
    pub(super) fn stack(&self) -> &[TaskId] {
        &self.stack
    }

    /// Nobody is: a turn begins, or a sleep.
    pub(super) fn clear(&mut self) {
        self.stack.clear();
    }
}
