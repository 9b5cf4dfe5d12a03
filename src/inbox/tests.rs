//! What rings, and what does not; the interleavings are in `inbox/models.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Bell, Inbox, MESSAGES_PER_TAKE, Message, Token};

/// Counts its rings.
#[derive(Clone, Default)]
struct CountingBell(Arc<AtomicUsize>);

impl Bell for CountingBell {
    fn ring(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// An inbox whose executor is awake, and the count of its rings.
fn inbox() -> (Arc<Inbox>, impl Fn() -> usize) {
    let bell = CountingBell::default();
    let inbox = Arc::new(Inbox::new(Box::new(bell.clone())));
    inbox.end_sleep();
    (inbox, move || bell.0.load(Ordering::Relaxed))
}

/// The token of the task in this slot.
fn task(slot: u32) -> Token {
    Token::new(1, 1, slot)
}

/// The slots woken, with `None` for a call.
fn take(inbox: &Inbox) -> Vec<Option<usize>> {
    let mut taken = Vec::new();
    while !inbox.is_empty() {
        inbox.take(|message| {
            taken.push(match message {
                Message::Wake(token) => Some(token.slot()),
                Message::Call(_) => None,
            });
        });
    }
    taken
}

#[test]
fn a_thousand_wakes_of_a_running_executor_ring_for_nobody() {
    let (inbox, rings) = inbox();
    let waking = Arc::clone(&inbox);
    let thread = thread::spawn(move || (0..1000).for_each(|nth| waking.wake(task(nth % 2))));
    thread.join().unwrap();
    assert_eq!(rings(), 0);
    assert_eq!(take(&inbox).len(), 1000);
}

#[test]
fn a_thousand_wakes_of_a_sleeping_executor_ring_once() {
    let (inbox, rings) = inbox();
    assert!(inbox.prepare_sleep(false));
    for nth in 0..1000 {
        inbox.wake(task(nth % 2));
    }
    assert_eq!(rings(), 1);
    inbox.end_sleep();
    assert_eq!(take(&inbox).len(), 1000);
    inbox.wake(task(0));
    assert_eq!(rings(), 1, "it is awake");
}

#[test]
fn equal_wakes_in_a_row_are_one_message() {
    let (inbox, _) = inbox();
    for slot in [0, 0, 0, 1, 0, 0] {
        inbox.wake(task(slot));
    }
    assert_eq!(take(&inbox), [Some(0), Some(1), Some(0)]);
    // Once taken, the next is a new one.
    inbox.wake(task(0));
    assert_eq!(take(&inbox), [Some(0)]);
    assert_eq!(take(&inbox), []);
}

#[test]
fn a_call_stands_between_equal_wakes() {
    let (inbox, _) = inbox();
    inbox.wake(task(0));
    assert!(inbox.call(Box::new(|| {})).is_ok());
    inbox.wake(task(0));
    assert_eq!(take(&inbox), [Some(0), None, Some(0)]);
}

/// A wake that comes while the messages are taken is left for the next time, and an equal one after
/// it is not lost.
#[test]
fn what_comes_during_the_taking_is_left_for_the_next() {
    let (inbox, _) = inbox();
    inbox.wake(task(0));
    let mut taken = 0;
    inbox.take(|_| {
        taken += 1;
        inbox.wake(task(1));
    });
    inbox.wake(task(1));
    assert_eq!(taken, 1);
    assert_eq!(take(&inbox), [Some(1)]);
}

#[test]
fn one_taking_is_no_longer_than_its_limit() {
    let (inbox, _) = inbox();
    (0..1000).for_each(|nth| inbox.wake(task(nth % 2)));
    let mut taken = 0;
    inbox.take(|_| taken += 1);
    assert_eq!(taken, MESSAGES_PER_TAKE);
    assert_eq!(take(&inbox).len(), 1000 - MESSAGES_PER_TAKE);
}

#[test]
fn an_executor_does_not_sleep_on_a_message() {
    let (inbox, rings) = inbox();
    inbox.wake(task(0));
    assert!(!inbox.prepare_sleep(false));
    assert_eq!(take(&inbox), [Some(0)]);
    assert!(inbox.prepare_sleep(false));
    inbox.end_sleep();
    inbox.add_remote();
    assert!(
        !inbox.prepare_sleep(false),
        "somebody may call since it looked"
    );
    assert!(inbox.prepare_sleep(true));
    inbox.remove_remote();
    assert_eq!(rings(), 1, "nobody can call any more");
}

#[test]
fn an_executor_left_to_a_host_rings_for_what_is_there() {
    let (inbox, rings) = inbox();
    inbox.leave_to_host(false);
    assert_eq!(rings(), 0);
    inbox.wake(task(0));
    assert_eq!(rings(), 1);
    inbox.leave_to_host(false);
    assert_eq!(rings(), 2, "a message is left");
    take(&inbox);
    inbox.leave_to_host(true);
    assert_eq!(rings(), 3, "a task is ready");
}

#[test]
fn a_closed_inbox_gives_calls_back_and_bears_wakes() {
    let (inbox, _) = inbox();
    inbox.close(|_| {});
    assert!(inbox.call(Box::new(|| {})).is_err());
    inbox.wake(task(0));
    assert_eq!(take(&inbox), [Some(0)], "a cleanup may wait for it");
}

#[test]
fn wakes_that_were_not_taken_outlive_the_calls_when_the_inbox_is_closed() {
    let (inbox, _) = inbox();
    inbox.wake(task(0));
    assert!(inbox.call(Box::new(|| unreachable!("never made"))).is_ok());
    inbox.wake(task(1));
    let mut woken = Vec::new();
    inbox.close(|token| woken.push(token.slot()));
    assert_eq!(woken, [0, 1]);
    assert_eq!(take(&inbox), []);
}
