//! [`CapacityLimiter`].

use std::cell::Cell;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::{Borrower, CapacityLimiter};
use bibelot::task::{current, yield_now};
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep};

use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::{now, waiting};

/// trio's `test_CapacityLimiter`.
#[test]
fn as_many_as_there_are_tokens_go_on_and_the_others_in_turn() {
    same_every_time(as_many_as_there_are_tokens_go_on_and_the_others_in_turn);
    let trace = Trace::new();
    Sim::new().run(async {
        let limiter = Rc::new(CapacityLimiter::new(2));
        for name in ["a", "b", "c", "d"] {
            let (limiter, trace) = (Rc::clone(&limiter), trace.clone());
            spawn(async move {
                let token = limiter.acquire().await;
                assert_eq!(token.borrower(), current().id().into());
                trace.say(format!("{name}: {} of 2", limiter.borrowed_tokens()));
                sleep(Duration::from_secs(1)).await;
            });
        }
    });
    assert_eq!(
        trace.take(),
        ["a: 1 of 2", "b: 2 of 2", "c: 2 of 2", "d: 2 of 2"]
    );
}

#[test]
fn nobody_borrows_two_but_on_behalf_of_another() {
    same_every_time(nobody_borrows_two_but_on_behalf_of_another);
    Sim::new().run(async {
        let limiter = CapacityLimiter::new(3);
        let _mine = limiter.acquire().await;
        let text = panic_of(|| limiter.try_acquire());
        assert!(text.contains("would wait for itself"), "{text}");
        let mut again = Box::pin(limiter.acquire_on_behalf_of(current().id()));
        let text = panic_of(|| poll_once(&mut again));
        assert!(text.contains("would wait for itself"), "{text}");
        let other = Borrower::new();
        assert_ne!(other, Borrower::new());
        let token = limiter.acquire_on_behalf_of(other).await;
        assert_eq!(limiter.borrowers(), [current().id().into(), other]);
        assert!(token.borrower() == other && limiter.available_tokens() == 1);
    });
}

/// trio's `test_CapacityLimiter_change_total_tokens`.
#[test]
fn the_total_can_be_changed_while_it_is_used() {
    let limiter = CapacityLimiter::new(1);
    let first = now(limiter.acquire());
    let mut second = waiting(limiter.acquire());
    let mut third = waiting(limiter.acquire());
    let mut fourth = waiting(limiter.acquire());
    limiter.set_total_tokens(3);
    assert_eq!(limiter.borrowed_tokens(), 3, "granted at once");
    let (second, third) = (poll_once(&mut second), poll_once(&mut third));
    assert!(second.is_ready() && third.is_ready());
    limiter.set_total_tokens(1);
    assert_eq!((limiter.total_tokens(), limiter.available_tokens()), (1, 0));
    drop((first, second));
    assert!(poll_once(&mut fourth).is_pending(), "one is borrowed still");
    assert!(limiter.try_acquire().is_err());
    assert_eq!(
        format!("{limiter:?}"),
        "CapacityLimiter { borrowed: 1, total: 1, waiting: 1 }"
    );
    drop(third);
    assert!(poll_once(&mut fourth).is_ready());
    assert_eq!(limiter.available_tokens(), 1);
    limiter.set_total_tokens(0);
    let mut never = waiting(limiter.acquire());
    limiter.set_total_tokens(usize::MAX);
    assert!(poll_once(&mut never).is_ready());
}

#[test]
fn a_token_that_was_granted_to_who_is_dropped_goes_to_the_next() {
    let limiter = CapacityLimiter::new(1);
    let first = now(limiter.acquire());
    let granted = waiting(limiter.acquire());
    let middle = waiting(limiter.acquire());
    let mut last = waiting(limiter.acquire());
    drop(first);
    assert!(limiter.try_acquire().is_err(), "it is granted");
    drop(granted);
    drop(middle);
    assert!(poll_once(&mut last).is_ready());
    assert_eq!(limiter.borrowed_tokens(), 0);
}

/// trio's issue of a limiter that remembered who had waited.
#[test]
fn a_borrower_whose_wait_was_dropped_may_borrow_again() {
    let limiter = CapacityLimiter::new(1);
    let borrower = Borrower::new();
    for _ in 0..2 {
        let held = now(limiter.acquire_on_behalf_of(Borrower::new()));
        let waits = waiting(limiter.acquire_on_behalf_of(borrower));
        drop(waits);
        drop(held);
        assert_eq!(limiter.borrowers(), []);
    }
    let held = now(limiter.acquire_on_behalf_of(Borrower::new()));
    let granted = waiting(limiter.acquire_on_behalf_of(borrower));
    drop(held);
    drop(granted);
    let token = now(limiter.acquire_on_behalf_of(borrower));
    assert_eq!(limiter.borrowers(), [borrower]);
    drop(token);
}

#[test]
fn all_tokens_are_back_whoever_is_cancelled_anywhere() {
    same_every_time(all_tokens_are_back_whoever_is_cancelled_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let limiter = Rc::new(CapacityLimiter::new(2));
        let inside = Rc::new(Cell::new(0));
        let works = async |limiter: Rc<CapacityLimiter>, inside: Rc<Cell<u32>>| {
            let _token = limiter.acquire().await;
            assert!(inside.get() < 2);
            inside.set(inside.get() + 1);
            let _out = crate::support::on_drop(|| inside.set(inside.get() - 1));
            yield_now().await;
        };
        let others = [(); 4].map(|()| spawn(works(Rc::clone(&limiter), Rc::clone(&inside))));
        yield_now().await;
        storm
            .strike(works(Rc::clone(&limiter), Rc::clone(&inside)))
            .await;
        for other in others {
            other.await.unwrap();
        }
        assert_eq!(limiter.borrowers(), []);
        assert_eq!(limiter.available_tokens(), 2);
    });
    assert_eq!(suspensions, 2);
}

#[test]
fn all_tokens_are_back_on_whosever_behalf_they_were_waited_for() {
    same_every_time(all_tokens_are_back_on_whosever_behalf_they_were_waited_for);
    let suspensions = cancel_storm(async |storm| {
        let limiter = Rc::new(CapacityLimiter::new(2));
        let (one, two) = (Borrower::new(), Borrower::new());
        let holds = |seconds| {
            let limiter = Rc::clone(&limiter);
            spawn(async move {
                let token = limiter.acquire_on_behalf_of(Borrower::new()).await;
                assert!(limiter.borrowers().contains(&token.borrower()));
                sleep(Duration::from_secs(seconds)).await;
            })
        };
        let before = [holds(1), holds(2)];
        yield_now().await;
        let struck = storm.strike(async {
            let first = limiter.acquire_on_behalf_of(one).await;
            let second = limiter.acquire_on_behalf_of(two).await;
            assert_eq!((first.borrower(), second.borrower()), (one, two));
            assert_eq!(limiter.available_tokens(), 0);
        });
        let behind = holds(1);
        struck.await;
        // Who waited may borrow again, when it is their turn.
        for who in [one, two] {
            drop(limiter.acquire_on_behalf_of(who).await);
        }
        for task in before.into_iter().chain([behind]) {
            task.await.unwrap();
        }
        assert_eq!(limiter.borrowers(), []);
        assert_eq!(limiter.available_tokens(), 2);
        assert_eq!(limiter.statistics().waiting, 0);
    });
    assert_eq!(suspensions, 2);
}
