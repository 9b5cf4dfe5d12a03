//! What is told of a schedule that fails, and of a test that cannot be explored.

use std::cell::{Cell, RefCell};
use std::env;
use std::process::Command;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::Event;
use bibelot::task::{Builder, finally, yield_now};
use bibelot::testing::{Explorer, Found, Sim, explore};
use bibelot::time::{Duration, sleep};

use crate::folder;
use crate::support::{Trace, panic_of, text_of, without_places};

/// A test may return it by `?`, as whatever error.
const _: fn() = || {
    fn holds<T: Send + Sync + std::error::Error + 'static>() {}
    holds::<Found>();
    holds::<bibelot::testing::ReplayError>();
};

/// The second of two tasks must not begin before the first one.
async fn in_line() {
    let has_begun = Rc::new(Cell::new(false));
    let begun = Rc::clone(&has_begun);
    drop(
        Builder::new()
            .name("first")
            .spawn(async move { begun.set(true) }),
    );
    drop(Builder::new().name("second").spawn(async move {
        assert!(has_begun.get(), "out of line");
    }));
}

fn explorer(name: &str) -> Explorer {
    Explorer::new().replay_dir(folder(name))
}

#[test]
fn the_text_says_what_failed_and_how_and_how_to_see_it_again() {
    let text = panic_of(|| explorer("text").run(in_line));
    let (text, replay) = text
        .split_once("\nto see it again:  ")
        .expect("how to see it again");
    let expected = "\
a schedule was found under which the test at here fails

  task \"second\" (spawned at here) panicked: out of line; nobody was left to join it
    at here

found by exhaustive search, fewest overtakes first (seed 0), as schedule number 2, with 2 different ones seen
it overtakes 1 time in 1 decision, after 1 run to make it small (it was 1 time):
     1   main (spawned at here) begins
     2 ! task 3 \"second\" (spawned at here) begins, ahead of task 2 \"first\"
";
    let without: Vec<String> = text
        .lines()
        .map(|line| without_places(line) + "\n")
        .collect();
    assert_eq!(without.concat(), expected, "{text}");
    assert!(replay.starts_with("Sim::replay(\"/"), "{replay}");
    assert!(
        replay.ends_with(".replay\").unwrap().run(async { … })"),
        "{replay}"
    );
}

#[test]
fn it_is_told_how_many_different_schedules_were_seen_until_one_failed() {
    // One of 24 orders fails, and chance takes some of the others more than once before it.
    let test = async || {
        let order = Rc::new(RefCell::new(Vec::new()));
        for nth in 0..4 {
            let order = Rc::clone(&order);
            drop(spawn(async move {
                order.borrow_mut().push(nth);
                assert_ne!(*order.borrow(), [3, 2, 1, 0], "backwards");
            }));
        }
    };
    let found = explorer("distinct").random(10_000).try_run(test);
    let found = found.unwrap_err();
    let (schedules, distinct) = (found.schedules(), found.distinct());
    assert!(1 < distinct && distinct < schedules, "{found}");
    assert!(distinct <= 24, "{found}");
    let expected = format!(
        "found by random choice (seed 0), as schedule number {schedules}, with {distinct} different ones seen\n"
    );
    let text = found.to_string();
    assert!(text.contains(&expected), "{text}");
    // In the plain order.
    let found = explorer("plain").try_run(async || panic!("at once"));
    let found = found.unwrap_err();
    assert_eq!((found.schedules(), found.distinct()), (1, 1));
    let text = found.to_string();
    assert!(
        text.contains("as schedule number 1, with 1 different one seen\n"),
        "{text}"
    );
}

#[test]
fn one_of_a_thing_is_told_as_one() {
    let explored = explorer("one").run(async || {});
    assert_eq!(
        explored.to_string(),
        "1 schedule was run, 1 different one: all there are; the longest had 0 decisions in 1 poll"
    );
    let explored = explorer("two")
        .overtakes_max(1)
        .exhaustive(3)
        .run(async || {
            for _ in 0..3 {
                drop(spawn(async {}));
            }
        });
    let text = explored.to_string();
    assert!(
        text.starts_with("3 schedules were run, 3 different ones"),
        "{text}"
    );
}

#[test]
fn a_panic_of_a_task_on_the_way_to_that_of_the_test_is_told_as_well() {
    let found = explorer("on the way").try_run(async || {
        let task = spawn(async { panic!("the cause") });
        task.await.unwrap();
    });
    let text = found.unwrap_err().to_string();
    assert!(
        text.contains("fails\n\n  the test panicked: called `Result::unwrap()`"),
        "{text}"
    );
    assert!(
        text.contains("on the way, at tests/explore/report.rs"),
        "{text}"
    );
    assert!(
        text.contains("it is the plain order: first come, first served"),
        "{text}"
    );
}

#[test]
fn a_deadlock_is_told_with_who_waits_for_what() {
    let found = explorer("deadlock").try_run(async || {
        let event = Rc::new(Event::new());
        let waiting = Rc::clone(&event);
        drop(Builder::new().name("waiter").spawn(async move {
            // Who should have set it may have gone without.
            if Rc::strong_count(&waiting) == 1 {
                waiting.wait().await;
            }
        }));
        drop(spawn(async move { drop(event) }));
    });
    let found = found.unwrap_err();
    assert!(
        found
            .message()
            .starts_with("deadlock: every task is waiting"),
        "{found}"
    );
    assert!(found.message().contains("task \"waiter\""), "{found}");
    assert_eq!(found.overtakes(), 1);
}

#[test]
fn a_test_without_an_end_is_told_so_and_its_file_has_an_end() {
    let test = async || {
        let is_over = Rc::new(Cell::new(false));
        let over = Rc::clone(&is_over);
        drop(spawn(async move { over.set(true) }));
        // Waits if it comes first, and is alone then: this never ends.
        if !is_over.get() {
            yield_now().await;
        }
        while !is_over.replace(false) {
            yield_now().await;
        }
        while !is_over.get() {
            yield_now().await;
        }
    };
    let found = explorer("no end").polls_max(500).try_run(test).unwrap_err();
    assert!(
        found.message().starts_with("no end after 500 polls"),
        "{found}"
    );
    assert!(
        found.to_string().contains("         …\n"),
        "not all of them: {found}"
    );
    let sim = Sim::replay(found.replay_file().unwrap()).unwrap();
    let text = panic_of(|| sim.run(test()));
    assert!(text.starts_with("no end after 500 polls"), "{text}");
}

#[test]
fn what_tasks_owe_is_done_when_a_run_is_ended() {
    let trace = Trace::new();
    let found = explorer("owed").polls_max(300).try_run(async || {
        let patient = trace.clone();
        let forever = || async {
            loop {
                yield_now().await;
            }
        };
        drop(spawn(finally(forever(), async move {
            sleep(Duration::from_secs(1)).await;
            patient.say("cleaned up");
        })));
        // One that never ends is given up when its grace is over, on the run's own clock.
        let given_up = trace.on_drop("given up");
        drop(spawn(finally(forever(), async move {
            let _given_up = given_up;
            forever().await;
        })));
    });
    assert!(found.unwrap_err().message().starts_with("no end after"));
    let said = trace.take();
    assert_eq!(said[..2], ["cleaned up", "given up"], "{said:?}");
}

/// What is said of a test that does not do the same twice.
fn complaint(found: Result<bibelot::testing::Explored, Found>) -> String {
    let found = found.unwrap_err();
    assert!(found.replay_file().is_none());
    let text = found.to_string();
    assert!(text.contains("cannot be explored: "), "{text}");
    assert!(text.contains("no counter that outlives a run"), "{text}");
    text
}

#[test]
fn a_test_that_does_not_do_the_same_twice_is_told_so() {
    let runs = Cell::new(0);
    let next = || runs.replace(runs.get() + 1);
    // The very first runs differ.
    let text = complaint(explorer("twice").try_run(async || {
        for _ in 0..next() % 2 + 1 {
            drop(spawn(yield_now()));
        }
    }));
    let expected = "under one schedule poll 2 was of task 2 (spawned at ";
    assert!(
        text.contains(expected) && text.contains("with 1 and 2 tasks ready"),
        "{text}"
    );
    // A later one does.
    runs.set(0);
    let text = complaint(explorer("later").try_run(async || {
        for _ in 0..(if next() < 4 { 2 } else { 3 }) {
            drop(spawn(yield_now()));
        }
    }));
    assert!(
        text.contains("other tasks were ready than in an earlier run"),
        "{text}"
    );
    // A later one comes to no decision at all, so that none can be seen to differ.
    runs.set(0);
    let text = complaint(explorer("less").exhaustive(50).try_run(async || {
        for _ in 0..(if next() < 2 { 2 } else { 1 }) {
            drop(spawn(async {}));
        }
    }));
    assert!(
        text.contains("ended before a decision that it came to in an earlier run"),
        "{text}"
    );
    // One fails, and not again.
    runs.set(0);
    let text = complaint(explorer("once").random(100).try_run(async || {
        drop(spawn(yield_now()));
        assert_ne!(next(), 30, "once");
    }));
    assert!(
        text.contains("under the same schedule once more it did not"),
        "{text}"
    );
}

#[test]
fn a_file_that_cannot_be_written_takes_nothing_from_the_rest() {
    let found = Explorer::new()
        .replay_dir("/proc/none/such")
        .try_run(in_line);
    let found = found.unwrap_err();
    assert_eq!(found.replay_file(), None);
    let text = found.to_string();
    assert!(
        text.contains("the replay file could not be written: "),
        "{text}"
    );
    assert!(text.contains("! task 3 \"second\""), "{text}");
}

#[test]
fn exploring_inside_an_executor_is_refused() {
    let text = panic_of(|| bibelot::run(async { explore(async || {}) }));
    assert!(text.contains("explore outside of it"), "{text}");
}

/// Fails in most schedules; run by the next test in a process of its own.
#[test]
fn fails_quietly() {
    let found = explorer("quiet").try_run(in_line);
    assert!(found.is_err());
    if env::var_os("BIBELOT_TEST_IS_LOUD").is_some() {
        // When it is over, panics are printed as ever.
        let loud = std::panic::catch_unwind(|| panic!("out loud"));
        assert_eq!(text_of(&*loud.unwrap_err()), "out loud");
    }
}

#[test]
fn panics_are_not_printed_while_it_explores_and_are_after() {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "report::fails_quietly", "--nocapture"])
        .env("BIBELOT_TEST_IS_LOUD", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("out loud"), "{said}");
    assert!(!said.contains("out of line"), "{said}");
}
