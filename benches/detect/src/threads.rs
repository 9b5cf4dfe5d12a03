//! The planted bugs in threads, as shuttle and loom have them: one text for both.

use std::panic;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The cases, on the threads and locks of a tool.
macro_rules! cases {
    ($name:ident, $tool:ident) => {
        pub mod $name {
            use $tool::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
            use $tool::sync::{Arc, Condvar, Mutex};
            use $tool::thread;

            /// In the order of `bugs::ALL`. A thread cannot be cancelled.
            pub const ALL: [Option<crate::Case>; 7] = [
                Some(lost_update),
                Some(lock_order),
                Some(missed_notify),
                Some(double_release),
                None,
                Some(late_starter),
                Some(three_in_a_row),
            ];

            /// So many steps on nothing that is shared. Not `yield_now`, by which both tools mean a thread
            /// that waits for another to do something.
            fn pause(times: usize) {
                let steps = AtomicUsize::new(0);
                for _ in 0..times {
                    steps.fetch_add(1, SeqCst);
                }
            }

            fn lost_update() {
                let balance = Arc::new(AtomicUsize::new(0));
                let deposit = |amount, before| {
                    let balance = Arc::clone(&balance);
                    thread::spawn(move || {
                        pause(before);
                        let read = balance.load(SeqCst);
                        pause(1);
                        balance.store(read + amount, SeqCst);
                    })
                };
                let (one, other) = (deposit(1, 0), deposit(2, 2));
                one.join().unwrap();
                other.join().unwrap();
                assert_eq!(balance.load(SeqCst), 3, "an update was lost");
            }

            fn lock_order() {
                let locks = Arc::new((Mutex::new(()), Mutex::new(())));
                let both = |is_first: bool, before| {
                    let locks = Arc::clone(&locks);
                    thread::spawn(move || {
                        pause(before);
                        let (first, second) = match is_first {
                            true => (&locks.0, &locks.1),
                            false => (&locks.1, &locks.0),
                        };
                        let _first = first.lock().unwrap();
                        pause(1);
                        let _second = second.lock().unwrap();
                    })
                };
                let (one, other) = (both(true, 0), both(false, 2));
                one.join().unwrap();
                other.join().unwrap();
            }

            fn missed_notify() {
                let shared = Arc::new((Mutex::new(false), Condvar::new()));
                let (waiting, notifying) = (Arc::clone(&shared), Arc::clone(&shared));
                let waiter = thread::spawn(move || {
                    let guard = waiting.0.lock().unwrap();
                    if !*guard {
                        drop(guard);
                        pause(1);
                        let guard = waiting.0.lock().unwrap();
                        drop(waiting.1.wait(guard));
                    }
                });
                let notifier = thread::spawn(move || {
                    pause(3);
                    *notifying.0.lock().unwrap() = true;
                    notifying.1.notify_one();
                });
                waiter.join().unwrap();
                notifier.join().unwrap();
            }

            fn double_release() {
                let free = Arc::new(AtomicUsize::new(0));
                let is_held = Arc::new(AtomicBool::new(true));
                let release = |free: &AtomicUsize| {
                    assert!(
                        free.fetch_add(1, SeqCst) == 0,
                        "a slot was given back twice"
                    );
                };
                let (slots, held) = (Arc::clone(&free), Arc::clone(&is_held));
                let worker = thread::spawn(move || {
                    pause(1);
                    if held.load(SeqCst) {
                        pause(1);
                        held.store(false, SeqCst);
                        release(&slots);
                    }
                });
                let (slots, held) = (Arc::clone(&free), Arc::clone(&is_held));
                let watcher = thread::spawn(move || {
                    pause(4);
                    if held.swap(false, SeqCst) {
                        release(&slots);
                    }
                });
                worker.join().unwrap();
                watcher.join().unwrap();
            }

            fn late_starter() {
                let is_closed = Arc::new(AtomicBool::new(false));
                let closed = Arc::clone(&is_closed);
                let writer = thread::spawn(move || {
                    assert!(!closed.load(SeqCst), "writing to a closed file");
                });
                pause(20);
                is_closed.store(true, SeqCst);
                writer.join().unwrap();
            }

            fn three_in_a_row() {
                let open = Arc::new(AtomicUsize::new(0));
                let window = |nth, before| {
                    let open = Arc::clone(&open);
                    thread::spawn(move || {
                        pause(before);
                        if open.load(SeqCst) == nth {
                            assert!(nth < 2, "all three at once");
                            open.store(nth + 1, SeqCst);
                            pause(1);
                            open.store(nth, SeqCst);
                        }
                    })
                };
                for thread in [window(0, 5), window(1, 3), window(2, 1)] {
                    thread.join().unwrap();
                }
            }
        }
    };
}

cases!(shuttle_cases, shuttle);
cases!(loom_cases, loom);

/// Runs a case in loom; prints how many permutations it took to fail, or `none`, and how many milliseconds.
pub fn loom_child(nth: usize, limit: usize) {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let case = loom_cases::ALL[nth].expect("a case that loom can express");
    let start = crate::now();
    panic::set_hook(Box::new(move |_| {
        let runs = RUNS.load(Ordering::Relaxed);
        println!("{runs} {}", crate::now() - start);
        process::exit(0);
    }));
    let mut builder = loom::model::Builder::new();
    builder.max_permutations = Some(limit);
    // At these it looks whether there were too many.
    builder.checkpoint_interval = 1;
    builder.check(move || {
        RUNS.fetch_add(1, Ordering::Relaxed);
        case();
    });
    println!("none {}", crate::now() - start);
}
