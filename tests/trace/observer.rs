//! What an observer is told: everything, in order, with the time, when nothing is borrowed.

use std::cell::{Cell, RefCell};
use std::os::fd::AsRawFd;
use std::rc::Rc;

use bibelot::net::UnixStream;
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::trace::{Event, Finish, Wait, WaitKind};
use bibelot::{Executor, Report, task};

use crate::support::same_every_time;

/// What an observer has written.
type Lines = Rc<RefCell<Vec<String>>>;

/// An observer that writes a line for each event: the milliseconds since the first, and the event
/// without the name of this file. The lines come out as well.
fn log() -> (impl FnMut(Instant, &Event), Lines) {
    let lines = Lines::default();
    let log = lines.clone();
    let mut start = None;
    let observer = move |at: Instant, event: &Event| {
        let since = (at - *start.get_or_insert(at)).as_millis();
        let text = event.to_string().replace(file!(), "here");
        let text = match text.split_once(" at here") {
            None => text,
            Some((what, place)) => {
                let by = place.split_once(' ').map(|(_, by)| format!(" {by}"));
                what.to_owned() + &by.unwrap_or_default()
            }
        };
        log.borrow_mut().push(format!("{since} {text}"));
    };
    (observer, lines)
}

/// Simulates `main`, and returns what an observer was told.
fn told_of<F: Future>(main: F) -> Vec<String> {
    let (observer, lines) = log();
    Sim::from_builder(Executor::builder().observer(observer)).run(main);
    lines.take()
}

#[test]
fn the_life_of_a_task_is_told_from_its_birth_to_its_end() {
    same_every_time(the_life_of_a_task_is_told_from_its_birth_to_its_end);
    let told = told_of(async {
        let fetch = task::Builder::new().name("fetch");
        let handle = fetch.spawn(sleep(Duration::from_millis(5)));
        handle.await.unwrap();
    });
    assert_eq!(
        told,
        [
            "0 task 1 \"main\" spawned",
            "0 turn of 1",
            "0 task 1 polled",
            "0 task 2 \"fetch\" spawned by task 1",
            "0 task 1 waits for a task to end",
            "0 turn of 1",
            "0 task 2 polled",
            "0 timer 0 set to Instant(+5ms) by task 2",
            "0 task 2 waits for a deadline",
            "0 asleep until Instant(+5ms)",
            "5 awake",
            "5 timer 0 fired",
            "5 task 2 woken by the world outside",
            "5 turn of 1",
            "5 task 2 polled",
            "5 task 2 returned",
            "5 task 1 woken by task 2",
            "5 turn of 1",
            "5 task 1 polled",
            "5 task 1 returned",
        ]
    );
}

#[test]
fn children_of_a_scope_are_told_of_as_tasks_within_their_own() {
    same_every_time(children_of_a_scope_are_told_of_as_tasks_within_their_own);
    let told = told_of(task::scope(async |s| {
        s.spawn(async { task::yield_now().await });
    }));
    assert_eq!(
        told,
        [
            "0 task 1 \"main\" spawned",
            "0 turn of 1",
            "0 task 1 polled",
            "0 task 2 \"body\" spawned by task 1",
            "0 task 2 polled",
            "0 task 3 spawned by task 2",
            "0 task 2 returned",
            "0 task 1 woken by itself",
            "0 task 1 waits for its turn",
            "0 turn of 1",
            "0 task 1 polled",
            "0 task 3 polled",
            "0 task 3 woken by itself",
            "0 task 1 woken by task 3",
            "0 task 3 waits for its turn",
            "0 task 1 waits for its turn",
            "0 turn of 1",
            "0 task 1 polled",
            "0 task 3 polled",
            "0 task 3 returned",
            "0 task 1 returned",
        ]
    );
}

#[test]
fn a_request_to_cancel_is_told_and_how_tasks_end() {
    same_every_time(a_request_to_cancel_is_told_and_how_tasks_end);
    let told = told_of(async {
        let cancelled = bibelot::spawn(std::future::pending::<()>());
        let panicked = bibelot::spawn(async { panic!("on purpose") });
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        assert!(panicked.await.unwrap_err().is_panic());
    });
    let ends = |line: &&str| line.contains("cancel") || line.contains("panicked");
    let ends: Vec<_> = told.iter().map(String::as_str).filter(ends).collect();
    assert_eq!(
        ends,
        [
            "0 task 2 to be cancelled, asked by task 1",
            "0 task 2 was cancelled",
            "0 task 3 panicked",
        ]
    );
}

#[test]
fn what_is_dropped_with_the_executor_is_told_as_cancelled() {
    let (observer, lines) = log();
    let executor = Executor::builder().observer(observer).build().unwrap();
    executor.spawn(std::future::pending::<()>());
    executor.run(task::yield_now());
    lines.borrow_mut().clear();
    drop(executor);
    assert_eq!(lines.take().len(), 1);
    let (observer, lines) = log();
    let executor = Executor::builder().observer(observer).build().unwrap();
    executor.run(async {
        bibelot::spawn(async {
            let _far = timeout(Duration::MAX, std::future::pending::<()>()).await;
        });
        task::yield_now().await;
    });
    executor.shutdown();
    let lines = lines.take();
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("task 2 was cancelled"))
    );
}

#[test]
fn a_deadline_that_is_taken_back_is_told() {
    same_every_time(a_deadline_that_is_taken_back_is_told);
    let told = told_of(async { timeout(Duration::from_secs(1), task::yield_now()).await });
    let timers = |line: &&String| line.contains("timer");
    let timers: Vec<_> = told.iter().filter(timers).collect();
    assert_eq!(
        timers,
        ["0 timer 0 set to Instant(+1s) by task 1", "0 timer 0 unset",]
    );
}

#[test]
fn descriptors_are_told_of_when_they_are_watched_ready_and_left() {
    let (observer, lines) = log();
    let fd = Rc::new(Cell::new(0));
    let number = fd.clone();
    let executor = Executor::builder().observer(observer).build().unwrap();
    executor.run(async move {
        let (one, other) = UnixStream::pair().unwrap();
        number.set(one.as_raw_fd());
        let reader = bibelot::spawn(async move {
            let mut buf = [0; 8];
            assert_eq!(one.read(&mut buf).await.unwrap(), 2);
        });
        task::yield_now().await;
        other.write_all(b"hi").await.unwrap();
        reader.await.unwrap();
    });
    let lines = lines.take();
    let of = format!(" descriptor {}", fd.get());
    let of_it = lines
        .iter()
        .filter_map(|line| Some(line.split_once(&of)?.1));
    assert_eq!(
        // An edge tells of everything.
        of_it
            .map(|text| text.trim_end_matches(" or written"))
            .collect::<Vec<_>>(),
        [" watched by task 2", " may be read", " left"]
    );
}

#[test]
fn an_observer_may_do_what_a_task_may() {
    same_every_time(an_observer_may_do_what_a_task_may);
    let spawned = Rc::new(Cell::new(0));
    let count = spawned.clone();
    let mut first = true;
    let observer = move |_: Instant, event: &Event| {
        if let Event::Finished { .. } = event
            && std::mem::take(&mut first)
        {
            let count = count.clone();
            bibelot::spawn(async move { count.set(count.get() + 1) });
        }
    };
    Sim::from_builder(Executor::builder().observer(observer)).run(async {
        bibelot::spawn(async {}).await.unwrap();
    });
    assert_eq!(spawned.get(), 1);
}

#[test]
fn one_that_panics_is_removed_and_reported_and_the_others_go_on() {
    same_every_time(one_that_panics_is_removed_and_reported_and_the_others_go_on);
    let reports = Rc::new(RefCell::new(Vec::new()));
    let reported = reports.clone();
    let (calls, heard) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (broken, whole) = (calls.clone(), heard.clone());
    let builder = Executor::builder()
        .on_report(move |report: &Report| reported.borrow_mut().push(report.to_string()))
        .observer(move |_: Instant, _: &Event| {
            broken.set(broken.get() + 1);
            panic!("on purpose");
        })
        .observer(move |_: Instant, _: &Event| whole.set(whole.get() + 1));
    Sim::from_builder(builder).run(async { bibelot::spawn(async {}).await.unwrap() });
    assert_eq!(calls.get(), 1);
    assert!(heard.get() > 5);
    assert_eq!(reports.take(), ["an observer panicked: on purpose"]);
}

#[test]
fn the_last_events_are_told_although_the_run_ends_in_a_panic() {
    same_every_time(the_last_events_are_told_although_the_run_ends_in_a_panic);
    let (observer, lines) = log();
    let sim = Sim::from_builder(Executor::builder().observer(observer));
    let run = std::panic::AssertUnwindSafe(|| sim.run(std::future::pending::<()>()));
    std::panic::catch_unwind(run).expect_err("a deadlock");
    assert!(lines.take().contains(&String::from("0 asleep")));
}

#[test]
fn an_observer_is_told_the_same_whatever_the_order_of_equal_seeds() {
    same_every_time(an_observer_is_told_the_same_whatever_the_order_of_equal_seeds);
    let run = |seed| {
        let (observer, lines) = log();
        let builder = Executor::builder().observer(observer);
        Sim::from_builder(builder).seed(seed).run(async {
            for _ in 0..20 {
                bibelot::spawn(task::yield_now());
            }
        });
        lines.take()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_wait_says_its_kind_and_its_words() {
    same_every_time(a_wait_says_its_kind_and_its_words);
    let waits: Rc<RefCell<Vec<(WaitKind, String)>>> = Rc::default();
    let seen = waits.clone();
    let observer = move |_: Instant, event: &Event| match event {
        Event::Parked { on, .. } => {
            let on: &Wait = on;
            seen.borrow_mut().push((on.kind(), on.to_string()));
        }
        Event::Finished { how, .. } => assert_eq!(*how, Finish::Returned),
        _ => {}
    };
    Sim::from_builder(Executor::builder().observer(observer)).run(async {
        let second = Duration::from_secs(1);
        let _late = timeout(second, std::future::pending::<()>()).await;
        let handle = bibelot::spawn(task::yield_now());
        timeout(second, handle).await.unwrap().unwrap();
    });
    let waits = waits.take();
    let of = |kind, text: &str| (kind, String::from(text));
    assert_eq!(
        waits,
        [
            of(WaitKind::Time, "a deadline"),
            of(WaitKind::Join, "a task to end or a deadline"),
            of(WaitKind::Turn, "its turn"),
        ]
    );
}
