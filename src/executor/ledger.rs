//! The ledger: what tasks still have to do for futures that were dropped before their end.
//!
//! ```text
//!   dropped inside          the page of the task            polled by the task beside its body, in
//!   timeout k7 ───────────► k7 │ cleanup a ► │ cleanup b    the same turns: a and c run, b waits for
//!   no canceller ─────────► 0  │ cleanup c ► │              a, and the timeout waits for a and b
//! ```
//!
//! A future that is dropped cannot await, so what it still owes, its *epilogue* (`epilogue.rs`), goes
//! to the task. The laws:
//!
//! 1. The task pays, whoever is forgotten: it does not end before its page is empty.
//! 2. Under one key one epilogue runs after another, in the order in which Rust dropped their owners:
//!    inner before outer, and what one owes itself right behind it. Under several keys they run side
//!    by side.
//! 3. What has started is never paused, wherever it was polled before.
//! 4. A canceller leaves when nothing is owed under its key; if it is dropped before, what is owed
//!    passes to the key around it.
//! 5. Each epilogue has a limit. One that is not done by then is dropped and reported, and so is what
//!    it owes itself. Only a wait for what has a limit of its own has none: for tasks that were cancelled,
//!    for a child process that was told to end. Nobody leaves before them.
//!
//! No user code runs while the ledger is borrowed: an epilogue is taken out to be polled. Why not a
//! list in each canceller: a canceller that is forgotten would take it along. Why not a task for each
//! epilogue: it would not be its task's, with that one's name, handle and locals.
//!
//! Read next: `canceller.rs`, `epilogue.rs`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::clock::Instant;
use crate::error::Panicked;
use crate::executor::{Core, Place, context};
use crate::frame::{self, Frame, Key};
use crate::locals::{self, Locals};
use crate::report::{self, Abandoned, Report, discard};
use crate::task::cell::Turn;
use crate::task::extras::{self, Spread};
use crate::timers::TimerKey;
use crate::waker::{self, Token};

/// What has to be done.
pub(crate) type Epilogue = Pin<Box<dyn Future<Output = ()>>>;

/// On what terms an epilogue is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terms {
    /// It starts when it is the first of its key.
    InTurn,
    /// It has been polled before, and goes on at once.
    Started,
    /// As `InTurn`. What it waits for has a limit of its own, and it needs none: tasks that were
    /// cancelled, a child process that is killed in the end.
    Limited,
}

/// One epilogue that is owed.
struct Debt {
    /// Under which name.
    key: Key,
    /// The epilogue; `None` while it is polled.
    epilogue: Option<Epilogue>,
    /// Whether it has been polled.
    has_started: bool,
    /// When it is given up.
    limit: Instant,
    /// What wakes the task then.
    timer: Option<TimerKey>,
    /// The values it sees.
    locals: Locals,
    /// Where it was asked for.
    at: Place,
}

/// What one task owes.
#[derive(Default)]
struct Page {
    /// In the order in which it came to be owed; what an epilogue owes itself, right behind it.
    debts: Vec<Debt>,
    /// Where that is, while one is polled or dropped.
    behind: Option<usize>,
    /// The cancellers that wait for a key to be empty.
    waiters: Vec<(Key, Waker)>,
}

impl Page {
    /// The first debt from `from` on that may run.
    fn payable(&self, from: usize) -> Option<usize> {
        let is_first = |nth: usize| {
            let key = self.debts[nth].key;
            self.debts[..nth].iter().all(|debt| debt.key != key)
        };
        (from..self.debts.len()).find(|&nth| self.debts[nth].has_started || is_first(nth))
    }

    /// Takes the waker of who waits for a key.
    fn take_waiter(&mut self, key: Key) -> Option<Waker> {
        let nth = self.waiters.iter().position(|(of, _)| *of == key)?;
        Some(self.waiters.swap_remove(nth).1)
    }
}

/// What is asked of a ledger. An executor has one from the first debt on, so that a program in which
/// nothing is ever owed has none of its code.
pub(crate) trait Pays {
    /// Has the running task pay an epilogue, or, where none is running, one that is made for it.
    fn owe(&self, core: &Core, epilogue: Epilogue, terms: Terms, at: Place);

    /// Polls what a task owes. Ready says that it owes nothing any more.
    fn pay(&self, core: &Core, turn: &Turn, cx: &mut Context<'_>) -> Poll<()>;

    /// Has another task pay what this one owes, which cannot be polled any more.
    fn hand_over(&self, core: &Core, turn: &Turn);

    /// Has all that is owed given up, by its tasks in their next turns.
    fn give_up(&self, core: &Core);

    /// Whether something is owed under a key; then `waker` is woken when nothing is any more. The
    /// waker that is not needed comes back, to be dropped outside of a borrow.
    fn wait(&self, token: Token, key: Key, waker: Waker) -> (bool, Option<Waker>);

    /// Passes what a task owes under one key to another, whose waiter is woken at the end instead.
    /// The waker of who waited comes back, to be dropped outside of a borrow.
    ///
    /// An epilogue that is being polled keeps its key: it drops the very canceller that waits for it,
    /// and would wait for itself if it did that within one of its own.
    fn pass_on(&self, token: Token, from: Key, to: Key) -> Option<Waker>;
}

/// What the tasks of one executor owe.
#[derive(Default)]
struct Ledger {
    /// A page for each task that owes something.
    pages: RefCell<HashMap<Token, Page, Spread>>,
    /// The last one that was paid, for the room it has.
    spare: Cell<Page>,
}

impl Pays for Ledger {
    fn wait(&self, token: Token, key: Key, waker: Waker) -> (bool, Option<Waker>) {
        let mut pages = self.pages.borrow_mut();
        let Some(page) = pages.get_mut(&token) else {
            return (false, Some(waker));
        };
        if page.debts.iter().all(|debt| debt.key != key) {
            return (false, Some(waker));
        }
        let before = page.take_waiter(key);
        page.waiters.push((key, waker));
        (true, before)
    }

    fn pass_on(&self, token: Token, from: Key, to: Key) -> Option<Waker> {
        let mut pages = self.pages.borrow_mut();
        let page = pages.get_mut(&token)?;
        for debt in &mut page.debts {
            if debt.key == from && debt.epilogue.is_some() {
                debt.key = to;
            }
        }
        page.take_waiter(from)
    }

    fn owe(&self, core: &Core, epilogue: Epilogue, terms: Terms, at: Place) {
        let frame = frame::current();
        let debt = Debt {
            key: frame.key,
            epilogue: Some(epilogue),
            has_started: terms == Terms::Started,
            limit: match terms {
                Terms::Limited => Instant::NEVER,
                _ => limit_of(core),
            },
            timer: None,
            locals: locals::current(),
            at,
        };
        let token = core.scheduler.current_token();
        let token = token.unwrap_or_else(|| spawn_payer(core, at));
        let mut pages = self.pages.borrow_mut();
        let page = pages.entry(token);
        let page = page.or_insert_with(|| self.spare.take());
        let nth = page.behind.unwrap_or(page.debts.len());
        page.behind = page.behind.map(|nth| nth + 1);
        page.debts.insert(nth, debt);
        core.scheduler.set_owes(token);
    }

    fn hand_over(&self, core: &Core, turn: &Turn) {
        let page = self.pages.borrow_mut().remove(&turn.token());
        if let Some(page) = page {
            let token = spawn_payer(core, turn.spawned_at());
            self.pages.borrow_mut().insert(token, page);
            core.scheduler.set_owes(token);
        }
        turn.set_owes(false);
    }

    fn give_up(&self, core: &Core) {
        // In the order of the slots: that of the map hangs on the executor's number, and is another one in
        // every run.
        let mut tokens = Vec::new();
        core.scheduler.for_each(|token, _, _| tokens.push(token));
        let mut pages = self.pages.borrow_mut();
        for token in tokens {
            if let Some(page) = pages.get_mut(&token) {
                for debt in &mut page.debts {
                    debt.limit = Instant::PAST;
                }
                core.scheduler.wake(token);
            }
        }
    }

    fn pay(&self, core: &Core, turn: &Turn, cx: &mut Context<'_>) -> Poll<()> {
        let token = turn.token();
        let mut from = 0;
        while let Some((nth, mut epilogue, frame, locals, at)) = self.take_payable(token, from) {
            let polled = frame::within(frame, || {
                let pay = || {
                    if frame.limit <= core.reading.get() {
                        let abandoned = match frame.limit {
                            Instant::PAST => Abandoned::stuck,
                            _ => Abandoned::too_late,
                        };
                        let abandoned = abandoned(extras::describe(turn), at);
                        report::send(&Report::Abandoned(abandoned));
                    } else if epilogue_is_pending(turn, &mut epilogue, cx) {
                        return Some(epilogue);
                    }
                    contain(turn, || drop(epilogue));
                    None
                };
                locals::within_help(true, || locals::within(locals, pay))
            });
            match polled {
                Some(epilogue) => {
                    self.put_back(core, token, nth, epilogue);
                    from = nth + 1;
                }
                None => {
                    self.strike_out(core, turn, nth);
                    from = nth;
                }
            }
        }
        let mut pages = self.pages.borrow_mut();
        if pages.get(&token).is_some_and(|page| !page.debts.is_empty()) {
            return Poll::Pending;
        }
        let page = pages.remove(&token);
        turn.set_owes(false);
        if pages.is_empty() {
            core.scheduler.end_owing();
        }
        drop(pages);
        if let Some(mut page) = page {
            page.waiters.clear();
            drop(self.spare.replace(page));
        }
        Poll::Ready(())
    }
}

impl Ledger {
    /// Takes the next epilogue that may run, to be polled.
    fn take_payable(
        &self,
        token: Token,
        from: usize,
    ) -> Option<(usize, Epilogue, Frame, Locals, Place)> {
        let mut pages = self.pages.borrow_mut();
        let page = pages.get_mut(&token)?;
        let nth = page.payable(from)?;
        let debt = &mut page.debts[nth];
        let frame = Frame {
            key: debt.key,
            limit: debt.limit,
            ..Frame::OPEN
        };
        let epilogue = debt.epilogue.take()?;
        page.behind = Some(nth + 1);
        Some((nth, epilogue, frame, debt.locals.clone(), debt.at))
    }

    /// Puts an epilogue back that is not done, with its limit set.
    fn put_back(&self, core: &Core, token: Token, nth: usize, epilogue: Epilogue) {
        let mut pages = self.pages.borrow_mut();
        let page = pages
            .get_mut(&token)
            .expect("a debt stays until it is struck out");
        page.behind = None;
        let debt = &mut page.debts[nth];
        debt.epilogue = Some(epilogue);
        debt.has_started = true;
        let mut timers = core.timers.borrow_mut();
        debt.timer
            .get_or_insert_with(|| timers.insert(debt.limit, token.waker()));
    }

    /// Strikes a debt out that is paid, and wakes who waited for the last one of its key.
    fn strike_out(&self, core: &Core, turn: &Turn, nth: usize) {
        let mut pages = self.pages.borrow_mut();
        let page = pages
            .get_mut(&turn.token())
            .expect("a debt stays until it is struck out");
        page.behind = None;
        let debt = page.debts.remove(nth);
        let is_last = page.debts.iter().all(|other| other.key != debt.key);
        let waiter = is_last.then(|| page.take_waiter(debt.key)).flatten();
        drop(pages);
        if let Some(timer) = debt.timer {
            let waker = core.timers.borrow_mut().remove(timer);
            drop(waker);
        }
        contain(turn, || drop(debt.locals));
        if let Some(waiter) = waiter {
            waker::wake_kept(waiter);
        }
    }
}

/// When what is owed from now on is given up.
fn limit_of(core: &Core) -> Instant {
    let grace_ends = core.clock.now().saturating_add(core.options.grace);
    grace_ends.min(frame::current().limit).min(core.limit.get())
}

/// When what is owed from now on is given up; `None` where no executor runs, which is at once.
#[cfg(feature = "process")]
pub(crate) fn limit() -> Option<Instant> {
    context::try_with(|core| limit_of(core))
}

/// Starts a task that does nothing but pay.
fn spawn_payer(core: &Core, at: Place) -> Token {
    let (token, handle) = core.scheduler.spawn(ready(()), at);
    drop(handle);
    core.inbox.ring_if_asleep();
    token
}

/// Polls an epilogue. A panic ends it and is reported.
fn epilogue_is_pending(turn: &Turn, epilogue: &mut Epilogue, cx: &mut Context<'_>) -> bool {
    contain(turn, || epilogue.as_mut().poll(cx)).is_some_and(|polled| polled.is_pending())
}

/// Calls user code in the name of a task. A panic is reported as that task's.
fn contain<R>(turn: &Turn, f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(done) => Some(done),
        Err(payload) => {
            report::send_panic(Panicked::new(extras::describe(turn), payload));
            None
        }
    }
}

/// Has the running task pay an epilogue: it is polled to its end beside whatever the task does. Where
/// no executor runs it is dropped and reported.
pub(crate) fn owe(epilogue: Epilogue, terms: Terms, at: Place) {
    match context::try_with(Rc::clone) {
        Some(core) => {
            let ledger = core.ledger.get_or_init(|| Box::new(Ledger::default()));
            ledger.owe(&core, epilogue, terms, at);
        }
        None => {
            report::send(&Report::Abandoned(Abandoned::without_executor(at)));
            discard(epilogue);
        }
    }
}
