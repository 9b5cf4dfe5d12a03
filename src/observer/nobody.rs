//! [`Nobody`]: who listens in a program without the feature `trace`.
//!
//! It has no value, so an `Option` of it is none, and the compiler leaves out whatever would be noted.

use crate::observer::Event;
use crate::task::TaskId;

/// Somebody who cannot be made.
pub(crate) enum Nobody {}

impl Nobody {
    /// See `Listens`.
    pub(crate) fn note(&self, _: Event) {
        match *self {}
    }

    /// See `Listens`.
    pub(crate) fn note_woken(&self, _: TaskId, _: Option<TaskId>) {
        match *self {}
    }

    /// See `Listens`.
    pub(crate) fn name(&self, _: TaskId, _: &str) {
        match *self {}
    }

    /// See `Listens`.
    pub(crate) fn note_wait(&self, _: i32) {
        match *self {}
    }

    /// See `Listens`.
    pub(crate) fn note_ready(&self, _: i32, _: bool, _: bool) {
        match *self {}
    }

    /// See `Listens`.
    pub(crate) fn note_left(&self, _: i32) {
        match *self {}
    }

    /// See `Listens`.
    pub(crate) fn current(&self) -> Option<TaskId> {
        match *self {}
    }

    /// See `Listens`.
    pub(crate) fn tell(&self) {
        match *self {}
    }
}
