//! The executors of this process, by number: how a token on a foreign thread finds its inbox.
//!
//! Numbers are given out again, those that have been free for longest first, and each remembers how
//! far its generations had come, so that a stale token of an executor that has ended does not fit a
//! young one that got its number.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::inbox::Inbox;
use crate::primitive::real::Mutex;
use crate::waker::{GENERATIONS, Token};

/// What is known of one number.
struct Entry {
    /// The inbox of the executor that has it.
    inbox: Option<Arc<Inbox>>,
    /// The generation at which its tasks begin.
    generation: u16,
}

/// All numbers.
struct Registry {
    /// By number.
    entries: Vec<Entry>,
    /// Those that no executor has, the one free for longest first.
    free: VecDeque<u16>,
}

/// The one of this process.
static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    entries: Vec::new(),
    free: VecDeque::new(),
});

/// How many numbers are kept free before one is given out again, while there are fresh ones.
const FREE_MIN: usize = 16;

/// Gives an executor its number, and the generation at which its tasks begin.
///
/// # Errors
///
/// Returns an error if there are as many executors as a token can tell apart (65 535).
pub(crate) fn enlist(inbox: Arc<Inbox>) -> io::Result<(u16, u16)> {
    let registry = &mut *REGISTRY.lock();
    // The last number is never used: all bits set is "no token" to the inbox.
    let is_full = registry.entries.len() == GENERATIONS - 1;
    if registry.free.len() > FREE_MIN || is_full {
        let id = registry
            .free
            .pop_front()
            .ok_or_else(|| io::Error::other("no more executors: their numbers are used up"))?;
        let entry = &mut registry.entries[usize::from(id)];
        entry.inbox = Some(inbox);
        return Ok((id, entry.generation));
    }
    let id = registry.entries.len() as u16;
    registry.entries.push(Entry {
        inbox: Some(inbox),
        generation: 0,
    });
    Ok((id, 0))
}

/// Takes the number back from an executor that has ended, whose next task would have had this
/// generation. The inbox comes back to be dropped by the caller: what is in it may be user code.
pub(crate) fn strike_off(id: u16, generation: u16) -> Option<Arc<Inbox>> {
    let registry = &mut *REGISTRY.lock();
    let entry = &mut registry.entries[usize::from(id)];
    entry.generation = generation;
    registry.free.push_back(id);
    entry.inbox.take()
}

/// Brings a wake to the executor of its task, or nowhere if that has ended. From any thread.
#[cold]
#[inline(never)]
pub(crate) fn deliver(token: Token) {
    let inbox = {
        let registry = REGISTRY.lock();
        let entry = registry.entries.get(usize::from(token.executor()));
        entry.and_then(|entry| entry.inbox.clone())
    };
    if let Some(inbox) = inbox {
        inbox.wake(token);
    }
}
