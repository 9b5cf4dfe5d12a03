//! What few tasks have, kept beside their cells: a name, a public handle, a request to cancel.
//!
//! A bit in the cell's header says that there is an entry here, so tasks without one pay nothing,
//! and the header stays one cache line. The table belongs to the thread, not to the executor, since
//! a join handle may outlive the executor and still be asked for its task's name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;

use crate::error::{Cancelled, JoinError};
use crate::scheduler::Current;
use crate::task::Task;
use crate::task::header::Header;
use crate::task::id::TaskId;
use crate::waker::Token;

/// What is known of one task beyond its header.
#[derive(Default)]
struct Extra {
    /// The public handle, made when first asked for; it carries the name.
    task: Option<Task>,
    /// Where a cancel was asked for.
    cancel_at: Option<&'static Location<'static>>,
}

/// A task's number, with the token that tells it from those of other executors.
type Key = (Token, TaskId);

/// Hashes keys that are counters in disguise: one multiplication spreads them (Fibonacci hashing,
/// Knuth, TAOCP 6.4), and nobody from outside chooses them.
#[derive(Default)]
struct Spreader(u64);

/// Makes [`Spreader`]s.
type Spread = BuildHasherDefault<Spreader>;

impl Hasher for Spreader {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The name of main tasks, which have no entry for it: a run costs none.
const MAIN: &str = "main";

thread_local! {
    /// The entries of this thread's tasks.
    static EXTRAS: RefCell<HashMap<Key, Extra, Spread>> = RefCell::default();
}

/// Calls `f` with the entry of a task, which is made if there is none. During the end of the thread
/// the table is gone, and what `f` writes is lost.
fn with_entry<R>(key: Key, f: impl FnOnce(&mut Extra) -> R) -> R {
    let mut f = Some(f);
    let done = EXTRAS.try_with(|extras| {
        let f = f.take().expect("called once");
        f(extras.borrow_mut().entry(key).or_default())
    });
    match (done, f) {
        (Ok(done), _) => done,
        (Err(_), Some(f)) => f(&mut Extra::default()),
        (Err(_), None) => unreachable!("an error means that the closure was not called"),
    }
}

/// The key of the task whose header this is.
fn key_of(header: &Header) -> Key {
    (header.token(), header.id())
}

/// Gives the task a name.
pub(crate) fn set_name(header: &Header, name: String) {
    header.set_extras();
    let task = Task::new(header.current(), Some(name));
    with_entry(key_of(header), |extra| extra.task = Some(task));
}

/// The task's public handle.
pub(crate) fn task_of(header: &Header) -> Task {
    header.set_extras();
    task_at(header.current())
}

/// The public handle of a task whose header has, or will have, its bit set.
pub(crate) fn task_at(current: Current) -> Task {
    with_entry((current.token, current.id), |extra| {
        let make = || Task::new(current, current.is_main.then(|| String::from(MAIN)));
        extra.task.get_or_insert_with(make).clone()
    })
}

/// Notes where a cancel was asked for, the first time.
pub(crate) fn set_cancelled(header: &Header, at: &'static Location<'static>) {
    header.set_extras();
    with_entry(key_of(header), |extra| {
        extra.cancel_at.get_or_insert(at);
    });
}

/// The error of a task that is cancelled as was asked.
pub(crate) fn cancellation(header: &Header) -> JoinError {
    let at = EXTRAS.try_with(|extras| extras.borrow().get(&key_of(header))?.cancel_at);
    let at = at.ok().flatten().unwrap_or_else(|| header.spawned_at());
    JoinError::Cancelled(Cancelled::new(describe(header), at))
}

/// Forgets what is known of a task whose cell is freed.
#[cold]
pub(crate) fn forget(header: &Header) {
    let entry = EXTRAS.try_with(|extras| extras.borrow_mut().remove(&key_of(header)));
    drop(entry);
}

/// The task as texts name it: by its name, or by number and place.
pub(crate) fn describe(header: &Header) -> String {
    let named = EXTRAS.try_with(|extras| {
        let extras = extras.borrow();
        let task = extras.get(&key_of(header))?.task.as_ref()?;
        Some(format!("task {:?}", task.name()?))
    });
    match named {
        Ok(Some(name)) => name,
        _ if header.is_main() => format!("task {MAIN:?}"),
        _ => format!("task {} (spawned at {})", header.id(), header.spawned_at()),
    }
}
