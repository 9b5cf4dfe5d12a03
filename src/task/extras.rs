//! What few tasks have, kept beside their cells: a name, a public handle, a request to cancel, locals.
//!
//! A bit in the cell's header says that there is an entry here, so tasks without one pay nothing,
//! and the header stays one cache line. The table belongs to the thread, not to the executor, since
//! a join handle may outlive the executor and still be asked for its task's name.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::task::Waker;

use crate::clock::Instant;
use crate::error::{Cancelled, JoinError, Panicked};
use crate::executor::Core;
use crate::locals::{self, Locals};
use crate::observer::Event;
use crate::report;
use crate::sched::Rank;
use crate::scheduler::telling::with_audience;
use crate::task::Task;
use crate::task::header::Header;
use crate::task::id::{Called, Current, Spawned, TaskId};
use crate::timers::TimerKey;
use crate::wait_queue::{Ticket, WaitQueue};
use crate::waker::{self, Token};

/// What is known of one task beyond its header.
#[derive(Default)]
struct Extra {
    /// The public handle, made when first asked for; it carries the name.
    task: Option<Task>,
    /// The request to cancel it.
    request: Option<Request>,
    /// Who is to be woken when there is one.
    attentive: WaitQueue,
    /// What wakes it when the request is due.
    timer: Option<TimerKey>,
    /// The values that it has inherited.
    locals: Locals,
    /// Whether it helps an epilogue.
    is_helper: bool,
    /// What it was given for policies.
    rank: Option<Rank>,
}

/// A request to cancel a task.
pub(crate) struct Request {
    /// Where it was made.
    pub(crate) at: &'static Location<'static>,
    /// Why, if that was said.
    pub(crate) reason: Option<Cow<'static, str>>,
    /// When the task is dropped.
    pub(crate) due: Instant,
    /// What has the task woken then, if that is not at once.
    pub(crate) set_due: Option<SetDue>,
}

/// Has a task woken when a request is due, or no longer.
type SetDue = fn(&Core, &Header, Option<Instant>);

/// What is to be known of a special task before it is polled.
#[derive(Default)]
pub(crate) struct Special {
    /// When it is to be cancelled, if that was asked for.
    pub(crate) due: Option<Instant>,
    /// What has it woken then.
    pub(crate) set_due: Option<SetDue>,
    /// The values that it has inherited.
    pub(crate) locals: Locals,
    /// Whether it helps an epilogue.
    pub(crate) is_helper: bool,
}

/// A task's number, with the token that tells it from those of other executors.
type Key = (Token, TaskId);

/// Hashes keys that are counters in disguise: one multiplication spreads them (Fibonacci hashing,
/// Knuth, TAOCP 6.4), and nobody from outside chooses them.
#[derive(Default)]
pub(crate) struct Spreader(u64);

/// Makes [`Spreader`]s.
pub(crate) type Spread = BuildHasherDefault<Spreader>;

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
pub(crate) const MAIN: &str = "main";

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
    with_audience(|audience| audience.name(header.id(), &name));
    let task = Task::new(header.current(), Some(name));
    with_entry(key_of(header), |extra| extra.task = Some(task));
}

/// Gives the task what policies go by.
pub(crate) fn set_rank(header: &Header, rank: Rank) {
    header.set_extras();
    with_entry(key_of(header), |extra| extra.rank = Some(rank));
}

/// What a policy is told of a task: its public handle, if there is one, and what it was given.
pub(crate) fn handle_and_rank(header: &Header) -> (Option<Task>, Rank) {
    let known = EXTRAS.try_with(|extras| {
        let extras = extras.borrow();
        let extra = extras.get(&key_of(header))?;
        Some((extra.task.clone(), extra.rank))
    });
    let (task, rank) = known.ok().flatten().unwrap_or_default();
    (task, rank.unwrap_or(Rank::USUAL))
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

/// Whom a request to cancel wakes: the task, and who waits there for a request.
#[must_use = "the task does not see the request before it is woken"]
pub(crate) struct Wake(Token, Vec<Waker>);

impl Wake {
    /// Wakes them. Nothing may be borrowed.
    pub(crate) fn wake(self) {
        waker::wake(self.0);
        for waker in self.1 {
            waker::wake_kept(waker);
        }
    }
}

/// Notes a request to cancel. Of several the first stands, but the earliest is when it is due.
pub(crate) fn request_cancel(header: &Header, request: Request) -> Wake {
    header.set_special();
    with_audience(|audience| {
        audience.note(Event::CancelAsked {
            task: header.id(),
            by: audience.current(),
            at: request.at,
        });
    });
    let attentive = with_entry(key_of(header), |extra| {
        match &mut extra.request {
            Some(first) => {
                first.due = first.due.min(request.due);
                first.set_due = first.set_due.or(request.set_due);
            }
            none => *none = Some(request),
        }
        extra.attentive.wake_all(|()| true)
    });
    Wake(header.token(), attentive)
}

/// Whether a cancel was asked for; if not, `waker` is woken when it is.
///
/// The waker that is not needed comes back, to be dropped outside of a borrow.
pub(crate) fn poll_request(
    who: (Token, TaskId),
    ticket: &mut Option<Ticket>,
    waker: Waker,
) -> (bool, Option<Waker>) {
    with_entry(who, |extra| {
        if extra.request.is_some() {
            return (true, Some(waker));
        }
        (false, extra.attentive.wait(ticket, waker, ()))
    })
}

/// Takes back who waits for a request; the waker is to be dropped outside of a borrow.
pub(crate) fn stop_waiting(who: (Token, TaskId), ticket: Ticket) -> Option<Waker> {
    let left = EXTRAS.try_with(|extras| extras.borrow_mut().get_mut(&who)?.attentive.leave(ticket));
    left.ok().flatten()
}

/// What is to be known of a special task before it is polled.
pub(crate) fn special(header: &Header) -> Special {
    let special = EXTRAS.try_with(|extras| {
        let extras = extras.borrow();
        let extra = extras.get(&key_of(header))?;
        let request = extra.request.as_ref();
        Some(Special {
            due: request.map(|request| request.due),
            set_due: request.and_then(|request| request.set_due),
            locals: extra.locals.clone(),
            is_helper: extra.is_helper,
        })
    });
    special.ok().flatten().unwrap_or_default()
}

/// Sets what wakes the task when a request is due; returns what was set before.
pub(crate) fn set_timer(header: &Header, timer: Option<TimerKey>) -> Option<TimerKey> {
    with_entry(key_of(header), |extra| {
        std::mem::replace(&mut extra.timer, timer)
    })
}

/// Gives a new task what is handed down to it here.
#[cold]
pub(crate) fn inherit(header: &Header) {
    header.set_special();
    let (locals, is_helper) = (locals::current(), locals::is_help());
    with_entry(key_of(header), |extra| {
        extra.locals = locals;
        extra.is_helper = is_helper;
    });
}

/// Whether the task helps an epilogue: it was spawned by one, or by one that helps it.
pub(crate) fn is_helper(header: &Header) -> bool {
    let helps = EXTRAS.try_with(|extras| Some(extras.borrow().get(&key_of(header))?.is_helper));
    header.is_special() && helps.ok().flatten().unwrap_or(false)
}

/// The error of a task that is cancelled as was asked.
pub(crate) fn cancellation(header: &Header) -> JoinError {
    let asked = EXTRAS.try_with(|extras| {
        let extras = extras.borrow();
        let request = extras.get(&key_of(header))?.request.as_ref()?;
        Some((request.at, request.reason.clone()))
    });
    let (at, reason) = asked
        .ok()
        .flatten()
        .unwrap_or_else(|| (header.spawned_at(), None));
    JoinError::Cancelled(Cancelled::new(describe(header), at, reason))
}

/// Forgets what is known of a task whose cell is freed. Its values are the user's: a panic of their
/// destructors is reported.
#[cold]
pub(crate) fn forget(header: &Header) {
    let entry = EXTRAS.try_with(|extras| extras.borrow_mut().remove(&key_of(header)));
    let Some(mut entry) = entry.ok().flatten() else {
        return;
    };
    let task = entry.task.take();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(entry))) {
        let name = task.as_ref().and_then(Task::name);
        report::send_panic(Panicked::new(text(header, name), payload));
    }
}

/// The task as texts name it: by its name, or else its number, and by where it was spawned.
pub(crate) fn describe(header: &Header) -> String {
    let task = handle_if_made(header);
    text(header, task.as_ref().and_then(Task::name))
}

/// The task by its name or its number alone, for a text that says the rest itself.
pub(crate) fn call(header: &Header) -> String {
    let task = handle_if_made(header);
    let name = task.as_ref().and_then(Task::name);
    Called(name_or_main(header, name), header.id()).to_string()
}

/// The task's public handle, if it was ever asked for.
fn handle_if_made(header: &Header) -> Option<Task> {
    let task = EXTRAS.try_with(|extras| extras.borrow().get(&key_of(header))?.task.clone());
    task.ok().flatten()
}

/// A task of this name as texts name it.
fn text(header: &Header, name: Option<&str>) -> String {
    let name = name_or_main(header, name);
    Spawned(Called(name, header.id()), header.spawned_at()).to_string()
}

/// The name, which main tasks have without an entry.
fn name_or_main<'a>(header: &Header, name: Option<&'a str>) -> Option<&'a str> {
    name.or_else(|| header.is_main().then_some(MAIN))
}
