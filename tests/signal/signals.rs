//! `Signals`: every delivery, in order, for all who want it.

use std::future::Future;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Wake, Waker};
use std::thread;

use bibelot::signal::{Signal, Signals, ctrl_c};
use bibelot::task::{Builder, join, race, yield_now};
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep, timeout};
use bibelot::{Executor, Report, spawn};
use rustix::process::{getpid, kill_process};

use super::{one_at_a_time, poll};

/// Sends a signal to this process, which must have been caught before.
fn send_only(signal: Signal) {
    let signal = rustix::process::Signal::from_named_raw(signal.as_raw()).unwrap();
    kill_process(getpid(), signal).unwrap();
}

/// Sends a signal, and returns when all who want it have it.
fn send(signal: Signal) {
    let mut witness = Signals::new([signal]).unwrap();
    send_only(signal);
    assert_eq!(bibelot::run(witness.next()), signal);
}

/// All that was delivered and not taken.
fn rest(signals: &mut Signals) -> Vec<Signal> {
    std::iter::from_fn(|| signals.try_next()).collect()
}

#[test]
fn deliveries_come_one_by_one_in_order() {
    let _one = one_at_a_time();
    let sent = [
        Signal::USER1,
        Signal::HANGUP,
        Signal::HANGUP,
        Signal::USER2,
        Signal::HANGUP,
    ];
    let mut signals = Signals::new(sent).unwrap();
    for signal in sent {
        send(signal);
    }
    bibelot::run(async {
        for signal in sent {
            assert_eq!(signals.next().await, signal);
        }
        assert!(poll(pin!(signals.next())).is_pending());
    });
}

#[test]
fn each_has_the_deliveries_it_wants_and_no_others() {
    let _one = one_at_a_time();
    let mut both = Signals::new([Signal::USER1, Signal::USER2]).unwrap();
    let mut one = Signals::new([Signal::USER1, Signal::USER1]).unwrap();
    let mut none = Signals::new([]).unwrap();
    send(Signal::USER2);
    send(Signal::USER1);
    assert_eq!(rest(&mut both), [Signal::USER2, Signal::USER1]);
    assert_eq!(rest(&mut one), [Signal::USER1]);
    assert_eq!(rest(&mut none), []);
}

#[test]
fn a_delivery_before_the_making_is_not_for_it_and_one_before_next_is() {
    let _one = one_at_a_time();
    send(Signal::USER1);
    let mut signals = Signals::new([Signal::USER1]).unwrap();
    assert_eq!(signals.latest(), None);
    assert!(poll(pin!(signals.next())).is_pending());
    send(Signal::USER1);
    assert_eq!(bibelot::run(signals.next()), Signal::USER1);
    assert_eq!(signals.try_next(), None);
}

#[test]
fn the_latest_delivery_is_a_level_that_stays() {
    let _one = one_at_a_time();
    let mut signals = Signals::new([Signal::USER1, Signal::USER2]).unwrap();
    send(Signal::USER1);
    send(Signal::USER2);
    assert_eq!(signals.latest(), Some(Signal::USER2));
    assert_eq!(rest(&mut signals), [Signal::USER1, Signal::USER2]);
    assert_eq!(signals.latest(), Some(Signal::USER2));
}

#[test]
fn every_executor_has_every_delivery() {
    let _one = one_at_a_time();
    let made = Arc::new(Barrier::new(4));
    let executors = [(); 3].map(|()| {
        let made = Arc::clone(&made);
        thread::spawn(move || {
            bibelot::run(async {
                let tasks = [(); 3].map(|()| {
                    let mut signals = Signals::new([Signal::USER1, Signal::USER2]).unwrap();
                    spawn(async move { [signals.next().await, signals.next().await] })
                });
                yield_now().await;
                made.wait();
                for task in tasks {
                    assert_eq!(task.await.unwrap(), [Signal::USER1, Signal::USER2]);
                }
            });
        })
    });
    made.wait();
    send(Signal::USER1);
    send(Signal::USER2);
    for executor in executors {
        executor.join().unwrap();
    }
}

#[test]
fn one_may_be_made_in_one_thread_and_awaited_in_another() {
    let _one = one_at_a_time();
    let mut signals = Signals::new([Signal::USER1]).unwrap();
    let waits = thread::spawn(move || bibelot::run(signals.next()));
    send(Signal::USER1);
    assert_eq!(waits.join().unwrap(), Signal::USER1);
}

#[test]
fn a_cancelled_wait_loses_no_delivery_wherever_it_is_cancelled() {
    let _one = one_at_a_time();
    let suspensions = cancel_storm(async |storm| {
        let mut signals = Signals::new([Signal::USER1, Signal::USER2]).unwrap();
        let sender = thread::spawn(|| {
            send(Signal::USER1);
            send(Signal::USER2);
        });
        let mut taken = Vec::new();
        let struck = storm.strike(async {
            for _ in 0..2 {
                taken.push(signals.next().await);
                yield_now().await;
            }
        });
        struck.await;
        while taken.len() < 2 {
            taken.push(signals.next().await);
        }
        assert_eq!(taken, [Signal::USER1, Signal::USER2]);
        assert_eq!(signals.try_next(), None);
        sender.join().unwrap();
    });
    assert!(suspensions >= 2);
}

/// Does nothing; the references to it are counted.
struct Counted;

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_wait_that_is_dropped_takes_its_waker_back() {
    let _one = one_at_a_time();
    let counted = Arc::new(Counted);
    let waker = Waker::from(Arc::clone(&counted));
    let mut signals = Signals::new([Signal::USER1]).unwrap();
    let mut next = Box::pin(signals.next());
    for _ in 0..2 {
        let polled = next.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        assert_eq!(Arc::strong_count(&counted), 3, "kept once");
    }
    drop(next);
    assert_eq!(Arc::strong_count(&counted), 2);
}

#[test]
fn a_wait_that_loses_a_race_or_times_out_leaves_the_delivery_to_the_next() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut signals = Signals::new([Signal::USER1]).unwrap();
        assert!(timeout(Duration::ZERO, signals.next()).await.is_err());
        let loses = async { assert_eq!(signals.next().await, Signal::INTERRUPT) };
        race(loses, yield_now()).await;
        send_only(Signal::USER1);
        let second = timeout(Duration::from_secs(60), signals.next());
        assert_eq!(second.await, Ok(Signal::USER1));
    });
}

#[test]
fn ctrl_c_and_signals_see_the_same_interrupt() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut signals = Signals::new([Signal::INTERRUPT]).unwrap();
        let interrupted = ctrl_c();
        send_only(Signal::INTERRUPT);
        let (interrupted, signal) = join(interrupted, signals.next()).await;
        interrupted.unwrap();
        assert_eq!(signal, Signal::INTERRUPT);
    });
}

#[test]
fn virtual_time_waits_for_a_signal_from_outside() {
    let _one = one_at_a_time();
    let sender = Sim::new().run(async {
        let mut signals = Signals::new([Signal::USER1]).unwrap();
        sleep(Duration::from_secs(3600)).await;
        let sender = thread::spawn(|| send_only(Signal::USER1));
        assert_eq!(signals.next().await, Signal::USER1);
        sender
    });
    sender.join().unwrap();
}

#[test]
fn what_cannot_be_caught_is_an_error() {
    for number in [
        libc::SIGKILL,
        libc::SIGSTOP,
        libc::SIGILL,
        libc::SIGFPE,
        libc::SIGSEGV,
        0,
        -1,
        128,
        i32::MAX,
        i32::MIN,
    ] {
        let signal = Signal::from_raw(number);
        let error = Signals::new([Signal::USER1, signal]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{signal}");
        assert_eq!(error.to_string(), format!("{signal} cannot be caught"));
    }
    // In range, but the system has none of that number, or keeps it to itself.
    for number in [32, 127] {
        let error = Signals::new([Signal::from_raw(number)]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    }
}

#[test]
fn a_signal_that_was_caught_stays_caught_when_nobody_is_interested() {
    let _one = one_at_a_time();
    drop(Signals::new([Signal::USER2]).unwrap());
    send_only(Signal::USER2);
    // Whoever is interested later is not told of what came before, but of what comes then; the system
    // may take the two for one.
    send(Signal::USER2);
}

#[test]
fn interest_that_ends_while_deliveries_come_in_disturbs_nobody() {
    let _one = one_at_a_time();
    let mut all = Signals::new([Signal::USER1]).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let sender = {
        let is_over = Arc::clone(&is_over);
        thread::spawn(move || {
            let mut sent = 0;
            while !is_over.load(Ordering::Relaxed) {
                send(Signal::USER1);
                sent += 1;
            }
            sent
        })
    };
    bibelot::run(async {
        for round in 0..200 {
            let mut signals = Signals::new([Signal::USER1]).unwrap();
            match round % 3 {
                0 => {}
                1 => drop(timeout(Duration::ZERO, signals.next()).await),
                _ => assert_eq!(signals.next().await, Signal::USER1),
            }
        }
    });
    is_over.store(true, Ordering::Relaxed);
    let sent = sender.join().unwrap();
    assert_eq!(rest(&mut all).len(), sent);
}

#[test]
fn a_child_is_born_with_nothing_caught() {
    let _one = one_at_a_time();
    let mut signals = Signals::new([Signal::TERMINATE]).unwrap();
    let status = Command::new("sh").args(["-c", "kill -TERM $$"]).status();
    assert_eq!(status.unwrap().signal(), Some(libc::SIGTERM));
    assert_eq!(signals.try_next(), None);
}

#[test]
#[expect(
    unsafe_code,
    reason = "only so can a child act before it is another program"
)]
fn a_signal_to_a_child_that_is_not_yet_another_program_is_not_ours() {
    use std::os::unix::process::CommandExt;
    let _one = one_at_a_time();
    let mut signals = Signals::new([Signal::USER1]).unwrap();
    let mut command = Command::new("true");
    // It has our handlers and our pipe still.
    let signals_itself = || {
        kill_process(getpid(), rustix::process::Signal::USR1)?;
        Ok(())
    };
    // SAFETY: two system calls, which are all that a child may do there.
    unsafe { command.pre_exec(signals_itself) };
    assert!(command.status().unwrap().success());
    send(Signal::USER1);
    assert_eq!(
        rest(&mut signals),
        [Signal::USER1],
        "the one that we have sent"
    );
}

/// Holds up the thread from which signals are delivered, until it may go on.
struct HoldsUp {
    is_held: Barrier,
    go_on: Barrier,
}

impl HoldsUp {
    /// It is held up when this returns, in a delivery of `SIGUSR2`.
    fn new() -> Arc<Self> {
        let hold = Arc::new(Self {
            is_held: Barrier::new(2),
            go_on: Barrier::new(2),
        });
        let mut held = Signals::new([Signal::USER2]).unwrap();
        let mut next = pin!(held.next());
        let waker = Waker::from(Arc::clone(&hold));
        let polled = next.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        send_only(Signal::USER2);
        hold.is_held.wait();
        hold
    }

    /// Lets it go on.
    fn go_on(&self) {
        self.go_on.wait();
    }
}

impl Wake for HoldsUp {
    fn wake(self: Arc<Self>) {
        self.is_held.wait();
        self.go_on.wait();
    }
}

/// Sends a signal to this thread: it has been handled when this returns, whoever may want it.
#[expect(unsafe_code, reason = "it is in no safe library of ours")]
fn raise(signal: Signal) {
    // SAFETY: its handler is ours, which may interrupt a thread anywhere.
    let raised = unsafe { libc::raise(signal.as_raw()) };
    assert_eq!(raised, 0);
}

#[test]
fn a_delivery_on_its_way_is_not_for_who_comes_after_it() {
    let _one = one_at_a_time();
    let mut early = Signals::new([Signal::USER1, Signal::INTERRUPT]).unwrap();
    let hold = HoldsUp::new();
    raise(Signal::USER1);
    raise(Signal::USER1);
    raise(Signal::INTERRUPT);
    let mut late = Signals::new([Signal::USER1, Signal::INTERRUPT]).unwrap();
    let mut interrupted = Box::pin(ctrl_c());
    assert!(poll(interrupted.as_mut()).is_pending());
    let made = Arc::new(Barrier::new(2));
    let other = {
        let made = Arc::clone(&made);
        thread::spawn(move || {
            bibelot::run(async {
                let mut late = Signals::new([Signal::USER1]).unwrap();
                made.wait();
                assert_eq!(late.next().await, Signal::USER1);
                late
            })
        })
    };
    made.wait();
    raise(Signal::USER1);
    hold.go_on();
    send(Signal::HANGUP);
    let user = Signal::USER1;
    assert_eq!(rest(&mut early), [user, user, Signal::INTERRUPT, user]);
    assert_eq!(rest(&mut late), [user]);
    assert_eq!(late.latest(), Some(user));
    assert_eq!(rest(&mut other.join().unwrap()), []);
    assert!(poll(interrupted.as_mut()).is_pending());
    raise(Signal::INTERRUPT);
    bibelot::run(interrupted).unwrap();
    send(Signal::HANGUP);
    assert_eq!(rest(&mut late), [Signal::INTERRUPT]);
}

#[test]
fn what_was_raised_before_the_making_never_comes() {
    let _one = one_at_a_time();
    let mut all = Signals::new([Signal::USER1]).unwrap();
    for _ in 0..1000 {
        raise(Signal::USER1);
        let late = Signals::new([Signal::USER1]).unwrap();
        assert_eq!(bibelot::run(all.next()), Signal::USER1);
        assert_eq!(late.latest(), None);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_without_a_name_is_delivered_as_any_other() {
    let _one = one_at_a_time();
    let realtime = Signal::from_raw(libc::SIGRTMIN());
    let mut signals = Signals::new([realtime]).unwrap();
    raise(realtime);
    assert_eq!(bibelot::run(signals.next()), realtime);
}

#[test]
fn a_flood_that_fills_the_pipe_is_counted_to_the_last() {
    /// More than a pipe holds.
    const FLOOD: usize = 70_000;
    let _one = one_at_a_time();
    let mut signals = Signals::new([Signal::USER1]).unwrap();
    let hold = HoldsUp::new();
    (0..FLOOD).for_each(|_| raise(Signal::USER1));
    // The pipe is full, and some wait beside it.
    let mut late = Signals::new([Signal::USER1]).unwrap();
    raise(Signal::USER1);
    hold.go_on();
    bibelot::run(async {
        for _ in 0..=FLOOD {
            assert_eq!(signals.next().await, Signal::USER1);
        }
    });
    send(Signal::HANGUP);
    assert_eq!(signals.try_next(), None);
    assert_eq!(rest(&mut late), [Signal::USER1]);
}

#[test]
fn whoever_waits_for_a_signal_waits_here() {
    let _one = one_at_a_time();
    let waits = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&waits);
    let executor = Executor::builder()
        .slow_poll(Duration::ZERO) // so every poll is reported, and says where it came to wait
        .on_report(move |report: &Report| match report {
            Report::SlowPoll(poll) if poll.task().contains("waiter") => {
                let place = poll.waits_at().unwrap();
                assert!(place.file().ends_with("signals.rs"), "waits in {place}");
                seen.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        })
        .build()
        .unwrap();
    executor.run(async {
        let mut signals = Signals::new([Signal::USER1]).unwrap();
        let first = async move { signals.next().await };
        let second = async { ctrl_c().await.unwrap() };
        let first = Builder::new().name("waiter").spawn(first);
        let second = Builder::new().name("waiter").spawn(second);
        yield_now().await;
        first.cancel();
        second.cancel();
    });
    assert_eq!(waits.load(Ordering::Relaxed), 2);
}

#[test]
fn signals_have_names() {
    assert_eq!(Signal::INTERRUPT.to_string(), "SIGINT");
    assert_eq!(format!("{:?}", Signal::from_raw(99)), "Signal(signal 99)");
    assert_eq!(i32::from(Signal::TERMINATE), libc::SIGTERM);
    let signals = Signals::new([Signal::USER1]).unwrap();
    assert_eq!(format!("{signals:?}"), "[Signal(SIGUSR1)]");
}

#[test]
#[cfg(feature = "stream")]
fn signals_are_a_stream() {
    use futures_core::Stream;
    let _one = one_at_a_time();
    let mut signals = Signals::new([Signal::USER1]).unwrap();
    send(Signal::USER1);
    let next = bibelot::run(std::future::poll_fn(|cx| pin!(&mut signals).poll_next(cx)));
    assert_eq!(next, Some(Signal::USER1));
}
