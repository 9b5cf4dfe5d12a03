//! Sources that are probably empty, to be asked all at once.
//!
//! ```text
//!   a read fills its buffer, as the last one did before a would-block ─► doubt ─► [ fd key │ fd key ]
//!   before each wait ─────────── one `poll` for all of them ─► ask ─► more? ready : not ready
//! ```
//!
//! A message that fills its buffer does not tell by a short read that nothing is left behind it. The
//! next read would find that out, for a system call of its own; here it costs a quarter of one.
//!
//! Law: who is in doubt is asked before the executor sleeps, or leaves the thread to a host. No edge
//! tells of what was there before. A descriptor that was closed meanwhile, or whose number another one
//! has got, is asked in vain: its key finds no source. Read next: `reactor/source.rs`.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::reactor::{Event, Key};
use crate::sys;

/// Who is to be asked.
#[derive(Default)]
pub(crate) struct Doubts {
    /// What the kernel is asked.
    questions: Vec<libc::pollfd>,
    /// The source of each.
    keys: Vec<Key>,
}

impl Doubts {
    /// Whether there is nobody to be asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds a source.
    pub(crate) fn add(&mut self, fd: BorrowedFd<'_>, key: Key) {
        self.keys.push(key);
        self.questions.push(libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN | libc::POLLPRI,
            revents: 0,
        });
    }

    /// Asks all of them and forgets them; calls `each` with what there is to read, if anything.
    pub(crate) fn ask(&mut self, mut each: impl FnMut(Key, Option<Event>)) {
        let are_answered = sys::ask(&mut self.questions);
        for (key, asked) in self.keys.drain(..).zip(self.questions.drain(..)) {
            let answer = Event {
                read: true,
                write: false,
                more_than_data: asked.revents != libc::POLLIN,
            };
            // Without an answer a try will tell.
            let may_read = asked.revents != 0 || !are_answered;
            each(key, may_read.then_some(answer));
        }
    }
}
