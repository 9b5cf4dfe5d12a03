//! What becomes of a child whose task does not wait for it any more: it is gone when the one who
//! cancelled goes on.

use std::cell::RefCell;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Wake, Waker};

use bibelot::io::{PipeReader, pipe};
use bibelot::process::{Command, Stdio};
use bibelot::task::{self, JoinError, race, yield_now};
use bibelot::testing::cancel_storm;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, spawn};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::support::{Trace, reporting_to};
use super::{Talker, children, hear, one_at_a_time, sh, until};

/// Says goodbye when it is asked to end. A shell is sure to notice that in a `wait`: in a `read` it
/// does not if it is asked just before.
const POLITE: &str = "exec 3<&0; cat <&3 >/dev/null 2>&1 & \
                      trap 'echo bye >&2; exit 0' TERM; echo ready >&2; wait";
/// Does not care.
const STUBBORN: &str = "trap '' TERM; echo ready >&2; while read -r x; do :; done";
/// Too long to be waited for.
const LONG: Duration = Duration::from_secs(3600);
/// Short enough to be waited for.
const SHORT: Duration = Duration::from_millis(30);

#[test]
fn a_cancelled_output_asks_its_child_to_end_and_waits_for_that() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut talker = Talker::new(POLITE).unwrap();
        let mut command = talker.command;
        command.grace(LONG);
        let handle = spawn(async move { command.output().await });
        assert_eq!(hear(&mut talker.said).await, "ready");
        handle.cancel();
        assert!(matches!(handle.join().await, Err(JoinError::Cancelled(_))));
        assert_eq!(children(), []);
        assert_eq!(hear(&mut talker.said).await, "bye");
    });
}

#[test]
fn a_child_that_ignores_sigterm_is_killed_after_the_grace() {
    let _one = one_at_a_time();
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let pid = executor.run(async {
        let mut talker = Talker::new(STUBBORN).unwrap();
        talker.command.grace(SHORT);
        let mut command = talker.command;
        let handle = spawn(async move { command.status().await });
        assert_eq!(hear(&mut talker.said).await, "ready");
        let pid = children()[0].0;
        let start = Instant::now();
        handle.cancel();
        assert!(handle.join().await.is_err());
        assert!(start.elapsed() >= SHORT);
        assert_eq!(children(), []);
        pid
    });
    let [report] = &trace.take()[..] else {
        panic!("one report");
    };
    assert!(report.starts_with(&format!(
        "the child process {pid} of tests/process/cancel.rs"
    )));
    assert!(report.ends_with("did not end when asked to, and was killed"));
}

#[test]
fn a_grace_of_zero_kills_without_a_word() {
    let _one = one_at_a_time();
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    executor.run(async {
        let mut talker = Talker::new(POLITE).unwrap();
        let mut command = talker.command;
        command.grace(Duration::ZERO);
        let handle = spawn(async move { command.output().await });
        assert_eq!(hear(&mut talker.said).await, "ready");
        handle.cancel();
        assert!(handle.join().await.is_err());
        assert_eq!(children(), []);
        assert_eq!(hear(&mut talker.said).await, "");
    });
    assert!(trace.is_empty(), "it was not asked, so it did not refuse");
}

#[test]
fn the_grace_of_the_executor_is_not_exceeded_and_nothing_is_abandoned() {
    let _one = one_at_a_time();
    let trace = Trace::new();
    let executor = reporting_to(&trace).grace(SHORT).build().unwrap();
    let start = Instant::now();
    executor.run(async {
        let mut talker = Talker::new(STUBBORN).unwrap();
        let mut command = talker.command;
        command.grace(LONG);
        let handle = spawn(async move { command.output().await });
        assert_eq!(hear(&mut talker.said).await, "ready");
        handle.cancel();
        assert!(handle.join().await.is_err());
        assert_eq!(children(), []);
    });
    assert!(start.elapsed() < LONG);
    let reports = trace.take();
    assert_eq!(reports.len(), 1);
    assert!(
        reports[0].ends_with("and was killed"),
        "and no cleanup was given up"
    );
}

#[test]
fn a_timeout_and_a_race_return_when_the_child_is_gone() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut talker = Talker::new(STUBBORN).unwrap();
        talker.command.grace(SHORT);
        let elapsed = timeout(SHORT, talker.command.output()).await;
        assert!(elapsed.is_err());
        assert_eq!(children(), []);

        let mut talker = Talker::new(STUBBORN).unwrap();
        talker.command.grace(SHORT);
        let loses = async { drop(talker.command.status().await) };
        race(loses, async { drop(hear(&mut talker.said).await) }).await;
        assert_eq!(children(), []);
    });
}

#[test]
fn a_scope_that_fails_has_its_children_ended() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut talker = Talker::new(STUBBORN).unwrap();
        talker.command.grace(SHORT);
        let (mut command, mut said) = (talker.command, talker.said);
        let failed = task::try_scope(async |scope| {
            scope.spawn(async { command.output().await.map(drop) });
            hear(&mut said).await;
            Err::<(), _>(std::io::Error::other("on purpose"))
        });
        assert!(failed.await.is_err());
        assert_eq!(children(), []);
    });
}

#[test]
fn a_child_that_is_dropped_lives_on_unless_it_is_to_be_killed() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        drop(child);
        stdin.write_all(b"here").await.unwrap();
        let mut buf = [0; 4];
        stdout.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"here");
        drop((stdin, stdout));
        until("the cat has ended", || children().is_empty());

        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let stdin = child.stdin.take();
        let handle = spawn(async move { drop(child) });
        handle.await.unwrap();
        assert_eq!(children(), [], "the task has waited for that");
        drop(stdin);
    });
}

#[test]
fn a_task_that_panics_has_its_child_ended() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let child = Command::new("cat")
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let handle = spawn(async move {
            let mut child = child.unwrap();
            let _stdin = child.stdin.take();
            yield_now().await;
            panic!("on purpose");
        });
        assert!(matches!(handle.join().await, Err(JoinError::Panicked(_))));
        assert_eq!(children(), []);
    });
}

#[test]
fn an_executor_that_is_shut_down_ends_its_children() {
    let _one = one_at_a_time();
    for grace in [SHORT, Duration::ZERO] {
        let executor = Executor::builder().grace(grace).build().unwrap();
        let mut talker = Talker::new(STUBBORN).unwrap();
        let mut command = talker.command;
        executor.spawn(async move { drop(command.output().await) });
        executor.run(async { assert_eq!(hear(&mut talker.said).await, "ready") });
        drop(executor);
        assert_eq!(children(), []);
    }
}

#[test]
fn a_child_that_is_dropped_where_no_executor_runs_is_killed_at_once() {
    let _one = one_at_a_time();
    let mut talker = Talker::new(STUBBORN).unwrap();
    let child = talker
        .command
        .kill_on_drop(true)
        .grace(LONG)
        .spawn()
        .unwrap();
    bibelot::run(async { assert_eq!(hear(&mut talker.said).await, "ready") });
    drop(child);
    until("the child is killed", || children().is_empty());
}

/// Panics when it is dropped.
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("in a drop, on purpose");
    }
}

#[test]
fn a_destructor_that_panics_beside_a_child_does_not_save_it() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let handle = spawn(async {
            let _inner = PanicsInDrop;
            let mut talker = Talker::new(STUBBORN).unwrap();
            talker.command.grace(SHORT);
            drop(talker.command.output().await);
        });
        yield_now().await;
        yield_now().await;
        handle.cancel();
        assert!(matches!(handle.join().await, Err(JoinError::Panicked(_))));
        assert_eq!(children(), []);
    });
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        bibelot::run(async {
            let _child = Command::new("cat")
                .stdin(Stdio::piped())
                .kill_on_drop(true)
                .spawn();
            let _inner = PanicsInDrop;
        });
    }));
    assert!(dropped.is_err());
    until("the cat is gone", || children().is_empty());
}

/// A standard input that ends in a moment, and not before somebody has had to wait for that.
fn ends_soon() -> PipeReader {
    let (reader, writer) = pipe().unwrap();
    spawn(async move {
        sleep(Duration::from_millis(1)).await;
        drop(writer);
    });
    reader
}

#[test]
fn wherever_output_and_status_are_cancelled_no_child_is_left() {
    let _one = one_at_a_time();
    let suspensions = cancel_storm(async |storm| {
        let mut command = sh("echo out; echo err >&2; cat");
        command.stdin(ends_soon());
        let output = storm.strike(command.output()).await;
        assert_eq!(children(), []);
        if let Some(output) = output {
            assert_eq!(output.unwrap().stdout, b"out\n");
        }
    });
    assert!(suspensions > 0);
    let suspensions = cancel_storm(async |storm| {
        let mut command = sh("cat; exit 3");
        command.stdin(ends_soon());
        let status = storm.strike(command.status()).await;
        assert_eq!(children(), []);
        if let Some(status) = status {
            assert_eq!(status.unwrap().code(), Some(3));
        }
    });
    assert!(suspensions > 0);
}

#[test]
fn wherever_a_talk_with_a_child_is_cancelled_no_child_is_left() {
    let _one = one_at_a_time();
    let input = vec![b'x'; 200_000];
    let suspensions = cancel_storm(async |storm| {
        let mut command = Command::new("cat");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn().unwrap();
        let output = storm.strike(child.communicate(&input)).await;
        assert_eq!(children(), []);
        if let Some(output) = output {
            assert!(output.unwrap().stdout == input);
        }
    });
    assert!(suspensions > 0);
}

/// Looks, when the last read or write of a child is forgotten, whether the child was asked to end. It
/// is stopped, so it has not taken notice.
struct Looks {
    pid: Pid,
    was_asked: Arc<OnceLock<bool>>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Looks {
    fn drop(&mut self) {
        let status = format!("/proc/{}/status", self.pid.as_raw_nonzero());
        let status = fs::read_to_string(status).unwrap();
        let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
        let pending = u64::from_str_radix(pending.unwrap().trim(), 16).unwrap();
        let was_asked = pending >> (libc::SIGTERM - 1) & 1 == 1;
        self.was_asked.set(was_asked).unwrap();
    }
}

#[test]
fn a_child_is_asked_to_end_before_its_pipes_are_closed() {
    let _one = one_at_a_time();
    for in_talk in [true, false] {
        bibelot::run(async {
            let mut command = Command::new("cat");
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let child = command.kill_on_drop(true).grace(LONG).spawn().unwrap();
            let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
            kill_process(pid, Signal::STOP).unwrap();
            let options = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
            waitid(WaitId::Pid(pid), options).unwrap();
            let was_asked = Arc::new(OnceLock::new());
            let looks = Arc::new(Looks {
                pid,
                was_asked: Arc::clone(&was_asked),
            });
            if in_talk {
                let mut talk = Box::pin(child.communicate(vec![0; 1_000_000]));
                let waker = Waker::from(looks);
                let mut cx = Context::from_waker(&waker);
                assert!(talk.as_mut().poll(&mut cx).is_pending());
                drop(waker);
                assert_eq!(was_asked.get(), None);
                drop(talk);
            } else {
                drop(child);
                drop(looks);
            }
            assert_eq!(was_asked.get(), Some(&true));
            kill_process(pid, Signal::CONT).unwrap();
        });
        assert_eq!(children(), []);
    }
}

#[test]
fn wherever_a_wait_is_cancelled_the_next_one_has_the_status() {
    let _one = one_at_a_time();
    let suspensions = cancel_storm(async |storm| {
        let mut child = sh("cat; exit 5").stdin(ends_soon()).spawn().unwrap();
        let said = Rc::new(RefCell::new(None));
        if let Some(status) = storm.strike(child.wait()).await {
            said.replace(Some(status.unwrap()));
        }
        let status = child.wait().await.unwrap();
        assert_eq!(status.code(), Some(5));
        assert!(said.take().is_none_or(|said| said == status));
        assert_eq!(children(), []);
    });
    assert!(suspensions > 0);
}
