//! What is looked up before a task is polled, or after, for the few tasks where there is something: a
//! request to cancel, values that it has inherited, an executor that shuts down; and the main future,
//! which does not lie in its task.
//!
//! A bit in the task's status says so (`task/header.rs`), and `task/extras.rs` has it. What only few
//! programs ask for is a pointer there, so that the others have none of its code.

use std::task::{Context, Poll};

use crate::clock::{self, Instant};
use crate::executor::Core;
use crate::executor::main_future::Main;
use crate::executor::shutdown;
use crate::locals;
use crate::observer::{Audience, Event};
use crate::scheduler::choice::Outside;
use crate::task::cell::Turn;
use crate::task::extras;
use crate::task::header::Header;
use crate::waker::Token;

impl Core {
    /// Polls the main future, or a task that has inherited values; drops one that is to be cancelled.
    /// One whose future has ended is only here to pay what it owes.
    #[cold]
    pub(super) fn poll_special(
        &self,
        turn: &mut Turn,
        main: &mut Option<Main<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let Some(main) = Main::of(turn, main) {
            return (main.poll)(Some(cx));
        }
        if turn.has_ended() {
            return Poll::Ready(());
        }
        let special = extras::special(turn);
        let poll = || {
            if self.is_shut_down.get() && turn.is_detached() {
                turn.cancel(shutdown::cancellation(turn, turn.spawned_at()));
                return Poll::Ready(());
            }
            match special.due {
                Some(due) if due <= self.reading.get() => {
                    turn.cancel(extras::cancellation(turn));
                    Poll::Ready(())
                }
                due => {
                    if let Some(set_due) = special.set_due {
                        set_due(self, turn, due);
                    }
                    turn.poll(cx)
                }
            }
        };
        locals::within_help(special.is_helper, || locals::within(special.locals, poll))
    }

    /// Ends the last poll, for the policy: the time that passes from now on is no task's.
    pub(super) fn end_poll(&self) {
        if let Some(choice) = self.scheduler.choice() {
            choice.end_poll();
            self.count_work(choice.take_worked());
        }
    }

    /// Brings the next look outside nearer: by each microsecond of work as by a short poll.
    pub(crate) fn count_work(&self, micros: u64) {
        self.next_look
            .set(self.next_look.get().saturating_sub(micros));
    }

    /// Has a task woken when the request to cancel it is due, or no longer.
    pub(crate) fn set_due(&self, task: &Header, due: Option<Instant>) {
        let timers = &self.timers;
        let timer = due.map(|due| timers.borrow_mut().insert(due, task.token().waker()));
        if let Some(before) = extras::set_timer(task, timer) {
            // A waker of ours, which owns nothing.
            drop(timers.borrow_mut().remove(before));
        }
    }

    /// Pays what a task owes. Ready says that it owes nothing any more.
    #[cold]
    pub(super) fn pay(&self, turn: &Turn) -> Poll<()> {
        let waker = turn.token().waker();
        match self.ledger() {
            Some(ledger) => ledger.pay(self, turn, &mut Context::from_waker(&waker)),
            None => Poll::Ready(()),
        }
    }

    /// Forgets what there was to know of a task that has ended: when a request to cancel it was due,
    /// and what it still owes, which is another's to pay then.
    pub(super) fn end_special(&self, turn: &Turn) {
        if turn.is_plain() {
            return;
        }
        if let Some(set_due) = extras::special(turn).set_due {
            set_due(self, turn, None);
        }
        if let Some(ledger) = self.ledger().filter(|_| turn.owes()) {
            ledger.hand_over(self, turn);
        }
    }

    /// Polls, and looks at it: while the executor shuts down, tasks go on that somebody waits for, and
    /// the others end; and slow polls are reported.
    #[cold]
    pub(super) fn poll_watched(
        &self,
        turn: &mut Turn,
        main: &mut Option<Main<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.is_shut_down.get() && turn.is_detached() && !turn.has_ended() {
            turn.set_special();
        }
        if let Some(audience) = self.scheduler.audience() {
            self.note_turn(audience);
            audience.note(Event::Polled { task: turn.id() });
        }
        let slow = self
            .options
            .on_slow_poll
            .map(|report| (report, clock::real_now()));
        let polled = self.poll_and_pay(turn, main, cx);
        if let Some(audience) = self.scheduler.audience() {
            audience.note(self.what_has_become_of(turn, polled));
        }
        if let Some((report_if_slow, started)) = slow {
            report_if_slow(self, turn, started);
        }
        polled
    }

    /// The turn of the next ready task, chosen by the policy if there is one. What observers have not been
    /// told they are told before.
    #[cold]
    pub(super) fn next_told(&self) -> Option<(Token, Turn)> {
        match self.scheduler.audience() {
            None => self.choose(),
            Some(audience) => self.tell_and_choose(audience),
        }
    }

    /// Tells observers what was noted, and chooses.
    #[inline(never)]
    fn tell_and_choose(&self, audience: &Audience) -> Option<(Token, Turn)> {
        audience.tell();
        self.choose()
    }

    /// The turn of the next ready task, chosen by the policy if there is one.
    #[inline]
    fn choose(&self) -> Option<(Token, Turn)> {
        match self.scheduler.choice() {
            None => self.scheduler.next_in_order(),
            Some(choice) => choice.choose(&self.scheduler, self),
        }
    }

    /// Tells observers what was noted.
    pub(crate) fn tell(&self) {
        if let Some(audience) = self.scheduler.audience() {
            audience.tell();
        }
    }

    /// Notes the turn of the executor, when the first of its polls begins.
    fn note_turn(&self, audience: &Audience) {
        let turn = self.counters.turns.get();
        if self.noted_turn.replace(turn) != turn {
            let ready = self.scheduler.ready_len() + 1;
            audience.note(Event::Turn { ready });
        }
    }

    /// What observers are told of the end of a poll.
    fn what_has_become_of(&self, turn: &Turn, polled: Poll<()>) -> Event {
        let task = turn.id();
        match polled {
            Poll::Pending => Event::parked(task, self.scheduler.waits(), self.scheduler.waits_at()),
            Poll::Ready(()) => Event::Finished {
                task,
                how: turn.finish(),
            },
        }
    }
}

impl Outside for Core {
    fn count(&self, micros: u64) -> bool {
        self.count_work(micros);
        self.is_look_due()
    }

    fn look(&self) {
        self.look_outside();
    }
}
