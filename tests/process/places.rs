//! Whoever waits for a child knows where in the program: in a line of this file.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use bibelot::io::{PipeWriter, pipe};
use bibelot::process::{Command, Stdio};
use bibelot::task::{Builder, yield_now};
use bibelot::time::Duration;
use bibelot::{Executor, Report};

use super::one_at_a_time;

/// A command for a cat that waits as long as the writer is there.
fn cat() -> (Command, PipeWriter) {
    let (stdin, alive) = pipe().unwrap();
    let mut command = Command::new("cat");
    command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    (command, alive)
}

#[test]
fn whoever_waits_for_a_child_waits_here() {
    let _one = one_at_a_time();
    let places: Rc<RefCell<Vec<&Location<'_>>>> = Rc::default();
    let seen = Rc::clone(&places);
    let executor = Executor::builder()
        .slow_poll(Duration::ZERO) // so every poll is reported, and says where it came to wait
        .on_report(move |report: &Report| match report {
            Report::SlowPoll(poll) if poll.task().contains("waiter") => {
                seen.borrow_mut().extend(poll.waits_at());
            }
            _ => {}
        })
        .build()
        .unwrap();
    /// Has each of these wait in a task, and looks where.
    macro_rules! assert_each_waits_here {
        ($($future:expr;)*) => {$(
            let waiter = Builder::new().name("waiter").spawn(async move { drop($future.await) });
            yield_now().await;
            yield_now().await;
            let waits = places.take();
            waiter.cancel();
            drop(waiter.await);
            places.take();
            assert!(!waits.is_empty(), "{} did not wait", stringify!($future));
            for place in waits {
                assert!(place.file().ends_with("places.rs"), "waits in {place}");
            }
        )*};
    }
    executor.run(async {
        let ((mut one, _one), (mut two, _two)) = (cat(), cat());
        let mut child = one.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (waited, asked) = (one.spawn().unwrap(), one.spawn().unwrap());
        assert_each_waits_here! {
            stdout.read(&mut [0; 8]);
            child.wait();
            one.output();
            two.status();
            waited.wait_with_output();
            asked.communicate("");
        }
    });
}
