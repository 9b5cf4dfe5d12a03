//! [`Event`].

use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::Event;
use bibelot::task::yield_now;
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep, timeout};

use crate::support::{Trace, poll_once, same_every_time};
use crate::{now, waiting};

#[test]
fn set_releases_all_in_the_order_in_which_they_came_and_does_not_switch() {
    same_every_time(set_releases_all_in_the_order_in_which_they_came_and_does_not_switch);
    let trace = Trace::new();
    Sim::new().run(async {
        let event = Rc::new(Event::new());
        for name in ["a", "b", "c"] {
            let (event, trace) = (Rc::clone(&event), trace.clone());
            spawn(async move {
                trace.say(format!("{name} waits"));
                event.wait().await;
                trace.say(format!("{name} goes on"));
            });
        }
        yield_now().await;
        trace.say(format!("{event:?}"));
        event.set();
        trace.say(format!("{event:?}"));
        event.wait().await;
        trace.say("a set event lets the setter pass at once");
    });
    let expected = [
        "a waits",
        "b waits",
        "c waits",
        "Event { is_set: false, waiting: 3 }",
        "Event { is_set: true, waiting: 0 }",
        "a set event lets the setter pass at once",
        "a goes on",
        "b goes on",
        "c goes on",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn who_was_released_goes_on_although_the_event_is_cleared_again() {
    let event = Event::new();
    let mut before = waiting(event.wait());
    event.set();
    event.clear();
    let mut after = waiting(event.wait());
    assert!(poll_once(&mut before).is_ready());
    assert!(poll_once(&mut after).is_pending());
    event.set();
    assert!(poll_once(&mut after).is_ready());
}

#[test]
fn an_event_stays_set_until_it_is_cleared() {
    let event = Event::default();
    assert!(!event.is_set());
    event.clear();
    assert!(!event.is_set());
    event.set();
    event.set();
    assert!(event.is_set());
    now(event.wait());
    now(event.wait());
    event.clear();
    assert!(!event.is_set());
    drop(waiting(event.wait()));
}

#[test]
fn a_waiter_that_is_cancelled_or_out_of_time_leaves_the_others_in_order() {
    same_every_time(a_waiter_that_is_cancelled_or_out_of_time_leaves_the_others_in_order);
    let trace = Trace::new();
    Sim::new().run(async {
        let event = Rc::new(Event::new());
        let waiter = |name: &'static str, limit: Duration| {
            let (event, trace) = (Rc::clone(&event), trace.clone());
            spawn(async move {
                let waited = timeout(limit, event.wait()).await;
                trace.say(format!("{name}: {}", waited.is_ok()));
            })
        };
        let hour = Duration::from_secs(3600);
        waiter("a", hour);
        waiter("out of time", Duration::from_secs(1));
        let cancelled = waiter("cancelled", hour);
        waiter("b", hour);
        let start = Instant::now();
        sleep(Duration::from_secs(2)).await;
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        trace.say(format!("{event:?}"));
        event.set();
        yield_now().await;
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    });
    let expected = [
        "out of time: false",
        "Event { is_set: false, waiting: 2 }",
        "a: true",
        "b: true",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_forgotten_waiter_hinders_nobody() {
    let event = Event::new();
    std::mem::forget(waiting(event.wait()));
    let mut other = waiting(event.wait());
    event.set();
    assert!(poll_once(&mut other).is_ready());
    assert_eq!(format!("{event:?}"), "Event { is_set: true, waiting: 0 }");
}

#[test]
fn an_event_may_lie_in_a_thread_local() {
    thread_local! {
        static IS_UP: Rc<Event> = Rc::default();
        static PLAIN: Event = const { Event::new() };
    }
    Sim::new().run(async {
        let waiter = spawn(async {
            let is_up = IS_UP.with(Rc::clone);
            is_up.wait().await;
        });
        yield_now().await;
        IS_UP.with(|event| event.set());
        waiter.await.unwrap();
    });
    PLAIN.with(Event::set);
    assert!(PLAIN.with(Event::is_set));
}
