//! Who waits for the executor to have nothing to do, and who moves its clock then.
//!
//! ```text
//!   nobody is ready ─► look outside, without waiting ─► still nobody: idle
//!        idle ─► somebody waits for just that ────► all of them are woken, and nothing else happens
//!             ├► it is a moment somebody waits for ─► they are woken
//!             ├► that moment is to come ────────────► the clock goes on, but no further than a deadline
//!             └► nobody waits: sleep, jump, or a deadlock (`executor/sleep.rs`)
//! ```
//!
//! The laws: whoever waits for idleness alone comes before the clock, so that nothing is due behind its
//! back; the clock goes by one deadline at a time, and what that wakes has come to rest before the next,
//! and before those go on who wait for the moment. So all that falls due on the way happens in order, each
//! thing at its own moment, and nothing of it is left at the end.
//!
//! Few programs ask for this, so it is a pointer in the executor, made by who asks first: the others have
//! none of its code. Read next: `testing/settle.rs`, who asks.

#![cfg_attr(not(feature = "testing"), allow(dead_code, reason = "nobody asks"))]

use std::cell::RefCell;
use std::task::Waker;

use crate::clock::Instant;
use crate::executor::Core;
use crate::wait_queue::{Ticket, WaitQueue};
use crate::waker;

/// What is asked of those who wait for an executor to be idle.
pub(crate) trait Idles {
    /// Whether there are any who were not woken.
    fn is_waiting(&self) -> bool;

    /// Looks outside once more; if that brings nothing, the executor is idle: wakes whose time has come, or
    /// moves the clock.
    fn on_idle(&self, core: &Core);

    /// Takes a place, or keeps it: to be woken when the executor is idle at `until` or later;
    /// [`Instant::PAST`] is at once, and before all others. The waker that is replaced comes back, to be
    /// dropped outside of a borrow.
    fn wait(&self, ticket: &mut Option<Ticket>, waker: Waker, until: Instant) -> Option<Waker>;

    /// Whether the one with this place was woken.
    fn is_woken(&self, ticket: Ticket) -> bool;

    /// Gives a place up; its waker comes back, to be dropped outside of a borrow.
    fn leave(&self, ticket: Ticket) -> Option<Waker>;
}

/// Those who wait, in the order in which they came, and until when.
#[derive(Default)]
struct Idlers(RefCell<WaitQueue<Instant>>);

impl Idles for Idlers {
    fn is_waiting(&self) -> bool {
        self.0.borrow().wants().next().is_some()
    }

    fn on_idle(&self, core: &Core) {
        core.look_outside();
        if core.scheduler.ready_len() > 0 || !core.inbox.is_empty() {
            return;
        }
        loop {
            let mut due = self
                .0
                .borrow_mut()
                .wake_all(|until| *until == Instant::PAST);
            if due.is_empty() {
                let now = core.clock.now();
                due = self.0.borrow_mut().wake_all(|until| *until <= now);
            }
            if !due.is_empty() {
                due.into_iter().for_each(waker::wake_kept);
                return;
            }
            let Some(until) = self.0.borrow().wants().min().copied() else {
                return;
            };
            let deadline = core.timers.borrow().next();
            match deadline.filter(|deadline| *deadline <= until) {
                Some(deadline) => return core.jump_for_idlers(deadline),
                None => core.jump_for_idlers(until),
            }
        }
    }

    fn wait(&self, ticket: &mut Option<Ticket>, waker: Waker, until: Instant) -> Option<Waker> {
        self.0.borrow_mut().wait(ticket, waker, until)
    }

    fn is_woken(&self, ticket: Ticket) -> bool {
        self.0.borrow().is_woken(ticket)
    }

    fn leave(&self, ticket: Ticket) -> Option<Waker> {
        self.0.borrow_mut().leave(ticket)
    }
}

impl Core {
    /// Those who wait for the executor to be idle; made when first asked for.
    pub(crate) fn idlers(&self) -> &dyn Idles {
        &**self.idlers.get_or_init(|| Box::<Idlers>::default())
    }

    /// Those of them whom something is to be done for before the executor sleeps.
    pub(super) fn waiting_idlers(&self) -> Option<&dyn Idles> {
        let idlers = self.idlers.get().filter(|_| cfg!(feature = "testing"))?;
        idlers.is_waiting().then_some(&**idlers)
    }
}
