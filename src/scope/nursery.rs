//! The children of one scope: who they are, who of them is ready, and how all of them end.
//!
//! ```text
//!   add ──► children ◄── step: taken out, polled, put back; nothing is borrowed meanwhile
//!              ▲  │
//!   ready list─┘  └─ ended ──► gone, or among the failed, if nobody has come for its failure
//! ```
//!
//! The laws are the executor's, one floor up. A poll of the scope makes at most as many polls as
//! children were ready when it began, then has the scope woken: a child that wakes itself starves
//! nobody. When the task has used up what it may do in one poll (`scheduler.rs`), the rest of the
//! children have their turn in the next: they would only give way, and fall behind the one that does
//! much. The body is a child as well, the oldest one, so it is polled only when it is meant.
//!
//! What borrows has to be dropped before what it borrows from. The list is in a `ManuallyDrop`, which
//! makes a scope that nothing of its lifetime is dropped with; so children may hold a reference to the
//! scope as long as the scope is there, and a [`Guard`] empties the list before. If that is
//! forgotten with all the rest, nobody polls or drops the children any more: a wake finds their list,
//! and ends there.
//!
//! Read next: `scheduler/children.rs` (how a wake finds the list), `scope/child.rs`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::mem::{ManuallyDrop, take};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::error::JoinError;
use crate::executor::context;
use crate::group_error::Failure;
use crate::observer::{Event, Finish};
use crate::report::discard;
use crate::scheduler::Scheduler;
use crate::scheduler::children::{Children, ReadyList};
use crate::scheduler::roster::{self, Known};
use crate::scope::child::{Child, Fate, Manner, Origin, Packet, Request, Running};
use crate::task::extras::Spread;
use crate::task::id::TaskId;
use crate::task::waits::{Tally, Waits};
use crate::waker::{self, Token};

/// A child in its box.
type BoxedChild<'scope, E> = Pin<Box<dyn Child<E> + 'scope>>;

/// A child in the list.
struct Entry<'scope, E> {
    /// The child; `None` while it is polled.
    child: Option<BoxedChild<'scope, E>>,
    /// Its number: the later it was spawned, the higher.
    id: TaskId,
    /// Whether it is the body.
    is_body: bool,
    /// What it waits for.
    waits: Waits,
}

/// What is asked of a scope from inside.
#[derive(Default)]
pub(super) struct Orders {
    /// The children are to be dropped, and no more are taken; where that was asked for.
    cancel: RefCell<Option<Request>>,
    /// Whether that is still to be done.
    is_due: Cell<bool>,
    /// The body is to be dropped as well.
    with_body: Cell<bool>,
}

impl Orders {
    /// Has all children dropped, and takes no more.
    pub(super) fn cancel(&self, request: Request) {
        let mut cancel = self.cancel.borrow_mut();
        if cancel.is_none() {
            *cancel = Some(request);
            self.is_due.set(true);
        }
    }

    /// Has the scope ended, because of a failure.
    pub(super) fn end(&self, at: &'static Location<'static>) {
        let reason = Some("its scope has failed".into());
        self.cancel(Request { at, reason });
        if !self.with_body.replace(true) {
            self.is_due.set(true);
        }
    }

    /// Why a child that comes now ends unpolled, if it does.
    fn refusal(&self) -> Option<Request> {
        self.cancel.borrow().clone()
    }
}

/// The children of a scope, and what they failed with.
pub(super) struct Nursery<'scope, E> {
    /// Those that have not ended, the body among them.
    children: RefCell<ManuallyDrop<HashMap<Token, Entry<'scope, E>, Spread>>>,
    /// Those that have failed, in the order in which they did.
    failed: RefCell<ManuallyDrop<Vec<BoxedChild<'scope, E>>>>,
    /// Those that are ready.
    list: Rc<ReadyList>,
    /// Where their tokens are known: with the executor that polls them.
    known: RefCell<Option<Rc<Children>>>,
    /// What they wait for.
    tally: Tally,
    /// What is asked of the scope.
    pub(super) orders: Orders,
    /// Where the scope is.
    pub(super) at: &'static Location<'static>,
}

impl<'scope, E> Nursery<'scope, E> {
    /// One without children.
    pub(super) fn new(at: &'static Location<'static>) -> Self {
        Self {
            children: RefCell::default(),
            failed: RefCell::default(),
            list: Rc::default(),
            known: RefCell::default(),
            tally: Tally::default(),
            orders: Orders::default(),
            at,
        }
    }

    /// Adds a child, or drops it unpolled if the scope takes none any more.
    pub(super) fn spawn<F, M>(&self, future: F, origin: Origin) -> Rc<Packet<F::Output>>
    where
        F: Future + 'scope,
        M: Manner<F::Output, Error = E> + 'scope,
    {
        let Some(refusal) = self.orders.refusal() else {
            return self.add::<F, M>(future, origin, false);
        };
        // It has ended, so nothing is ever woken by this token.
        let packet = Packet::new(None, Token::new(0, 0, 0), origin, false);
        packet.finish(Err(packet.cancellation(&refusal)), false);
        Rc::new(packet)
    }

    /// Adds the body.
    pub(super) fn add_body<F, M>(&self, future: F) -> Rc<Packet<F::Output>>
    where
        F: Future + 'scope,
        M: Manner<F::Output, Error = E> + 'scope,
    {
        self.add::<F, M>(future, Origin::at(self.at), true)
    }

    /// Adds a child or the body.
    fn add<F, M>(&self, future: F, origin: Origin, is_body: bool) -> Rc<Packet<F::Output>>
    where
        F: Future + 'scope,
        M: Manner<F::Output, Error = E> + 'scope,
    {
        let (id, token) = context::with(|core| {
            let scheduler = core.scheduler();
            self.enroll(scheduler);
            let (id, token) = scheduler.adopt(&self.list);
            if let Some(roster) = scheduler.children().roster() {
                let known = Known::born(id, origin.name.clone(), origin.at, is_body);
                roster.add(token, known, scheduler.current_token());
            }
            (id, token)
        });
        let packet = Rc::new(Packet::new(Some(id), token, origin, is_body));
        packet.announce();
        let child: BoxedChild<'scope, E> =
            Box::pin(Running::<F, M>::new(future, Rc::clone(&packet)));
        let entry = Entry {
            child: Some(child),
            id,
            is_body,
            waits: Waits::NOTHING,
        };
        self.children.borrow_mut().insert(token, entry);
        packet
    }

    /// Polls those that are ready. Ready says that all have ended, the body included.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let core = context::with(Rc::clone);
        let scheduler = core.scheduler();
        self.enroll(scheduler);
        drop(self.list.set_waker(Some(waker::keep(cx.waker()))));
        for _ in 0..self.list.len() {
            let Some(token) = self.list.pop() else {
                break;
            };
            self.step(scheduler, token);
            self.obey(scheduler);
            if scheduler.is_spent() {
                break;
            }
        }
        if self.children.borrow().is_empty() {
            return Poll::Ready(());
        }
        let mut waits = self.tally.union();
        if self.list.len() > 0 {
            waits = waits | Waits::TURN;
            if let Some(waker) = self.list.set_waker(None) {
                waker::wake_kept(waker);
            }
        }
        scheduler.note(waits, scheduler.waits_at().unwrap_or(self.at));
        Poll::Pending
    }

    /// Polls one child, unless it has ended.
    fn step(&self, scheduler: &Scheduler, token: Token) {
        scheduler.children().begin(token);
        let child = self
            .children
            .borrow_mut()
            .get_mut(&token)
            .map(|entry| entry.child.take());
        let Some(mut child) = child.flatten() else {
            return;
        };
        let waker = token.waker();
        let cx = &mut Context::from_waker(&waker);
        scheduler.note_of(token, |task| Event::Polled { task });
        let (polled, waits) = scheduler.noting(|| child.as_mut().poll(cx));
        let Poll::Ready(fate) = polled else {
            if let Some(roster) = scheduler.children().roster() {
                roster.park(token, waits, scheduler.waits_at());
            }
            let parked = |id| Event::parked(id, waits, scheduler.waits_at());
            scheduler.note_of(token, parked);
            let mut children = self.children.borrow_mut();
            let entry = children.get_mut(&token).expect("there until it has ended");
            entry.child = Some(child);
            self.tally.change(entry.waits, waits);
            entry.waits = waits;
            return;
        };
        let how = child.finish();
        scheduler.note_of(token, |task| Event::Finished { task, how });
        scheduler.children().remove(token);
        let entry = self.children.borrow_mut().remove(&token);
        let waits = entry.map_or(Waits::NOTHING, |entry| entry.waits);
        self.tally.change(waits, Waits::NOTHING);
        match fate {
            Fate::Well => child.discard(),
            Fate::Failed => self.failed.borrow_mut().push(child),
            Fate::Grave => {
                self.failed.borrow_mut().push(child);
                self.orders.end(self.at);
            }
        }
    }

    /// Does what was asked meanwhile: drops the children, newest first, and then the body.
    fn obey(&self, scheduler: &Scheduler) {
        while self.orders.is_due.take() {
            let request = self.orders.cancel.borrow().clone();
            let request = request.expect("it says why");
            let with_body = self.orders.with_body.get();
            for token in self.newest_first(|entry| with_body || !entry.is_body) {
                if let Some(entry) = self.children.borrow().get(&token)
                    && let Some(child) = &entry.child
                {
                    child.request_cancel(&request);
                }
                self.step(scheduler, token);
            }
        }
    }

    /// The tokens of some of the children, from the newest to the oldest.
    fn newest_first(&self, is_meant: impl Fn(&Entry<'scope, E>) -> bool) -> Vec<Token> {
        let children = self.children.borrow();
        let meant = children.iter().filter(|(_, entry)| is_meant(entry));
        let mut meant: Vec<_> = meant.map(|(token, entry)| (entry.id, *token)).collect();
        meant.sort_unstable_by(|a, b| b.cmp(a));
        meant.into_iter().map(|(_, token)| token).collect()
    }

    /// Has the executor that polls the scope know the children, who all are ready if it is another
    /// one than before.
    fn enroll(&self, scheduler: &Scheduler) {
        let is_known = |known: &Rc<Children>| Rc::ptr_eq(known, scheduler.children());
        if self.known.borrow().as_ref().is_some_and(is_known) {
            return;
        }
        let mut tokens = self.newest_first(|_| true);
        let before = self.known.replace(Some(Rc::clone(scheduler.children())));
        self.list.clear();
        let mut children = self.children.borrow_mut();
        while let Some(old) = tokens.pop() {
            let (_, token) = scheduler.adopt(&self.list);
            if let Some(before) = &before {
                roster::pass_on(before, old, scheduler.children(), token);
                before.remove(old);
            }
            let entry = children.remove(&old).expect("it was there just now");
            if let Some(child) = &entry.child {
                child.rename(token);
            }
            children.insert(token, entry);
        }
    }

    /// Takes what the children have failed with that nobody has come for.
    pub(super) fn take_failures(&self) -> Vec<Failure<E>> {
        let failed = take(&mut **self.failed.borrow_mut());
        let failures = failed
            .iter()
            .filter_map(|child| child.take_failure())
            .collect();
        failed.into_iter().for_each(Child::discard);
        failures
    }

    /// Drops all children, newest first, and reports panics that nobody has come for.
    fn clear(&self) {
        let tokens = self.newest_first(|_| true);
        let reason = Some("its scope was dropped".into());
        self.orders.cancel(Request {
            at: self.at,
            reason,
        });
        let mut panic = None;
        for token in tokens {
            let how = Finish::Cancelled;
            waker::with_current(|scheduler| {
                scheduler.note_of(token, |task| Event::Finished { task, how });
            });
            if let Some(known) = &*self.known.borrow() {
                known.remove(token);
            }
            let entry = self.children.borrow_mut().remove(&token);
            let Some(child) = entry.and_then(|entry| entry.child) else {
                continue;
            };
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| child.discard())) {
                match panic {
                    None => panic = Some(payload),
                    Some(_) => discard(payload),
                }
            }
        }
        drop(take(&mut **self.children.borrow_mut()));
        self.take_failures()
            .into_iter()
            .for_each(Failure::report_if_panic);
        drop(self.list.set_waker(None));
        match panic {
            Some(payload) if std::thread::panicking() => discard(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }
}

/// Raises the panic of a child, or of the body, again.
pub(super) fn raise(error: JoinError) -> ! {
    resume_unwind(error.into_panic())
}

/// Empties a scope before it ends.
pub(super) struct Guard<'scope, E>(pub(super) &'scope Nursery<'scope, E>);

impl<E> Drop for Guard<'_, E> {
    fn drop(&mut self) {
        self.0.clear();
    }
}
