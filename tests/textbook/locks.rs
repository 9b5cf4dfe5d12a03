//! What goes wrong behind locks, and the remedies: Sha, Rajkumar and Lehoczky, "Priority inheritance
//! protocols", IEEE Transactions on Computers 39 (1990); Blasgen, Gray, Mitoma and Price, "The convoy
//! phenomenon", ACM SIGOPS Review 13 (1979); and herds.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bibelot::sched::{FairShare, Fifo, Policy, Priority};
use bibelot::spawn;
use bibelot::sync::{Condvar, Mutex};
use bibelot::task::{Builder, consume, yield_now};
use bibelot::time::{Instant, sleep, sleep_until};

use crate::support::same_every_time;
use crate::{ms, sim};

/// Works for so many milliseconds, and gives way after each.
async fn work(millis: u64) {
    for _ in 0..millis {
        consume(ms(1));
        yield_now().await;
    }
}

/// How the task of low priority works while it has the lock.
#[derive(Clone, Copy)]
enum Section {
    /// As a task of low priority does.
    Usual,
    /// In a task that has the highest priority of those who use the lock: the priority ceiling.
    AtCeiling,
    /// Without giving way.
    AtOneGo,
}

/// What happened to the Pathfinder on Mars: the high one comes at 2 and wants a lock for a millisecond, which
/// the low one has taken at 0 for 4 milliseconds of work; the middle one wants no lock, comes at 1 and works
/// for `middle`. When the high one is done.
fn pathfinder(section: Section, middle: u64) -> u64 {
    let done = Rc::new(Cell::new(0));
    sim(Priority::aging(u64::MAX)).run(async {
        let (start, bus) = (Instant::now(), Rc::new(Mutex::new(())));
        let low = Rc::clone(&bus);
        drop(Builder::new().priority(1).spawn(async move {
            let critical = async move {
                let held = low.lock().await;
                match section {
                    Section::AtOneGo => consume(ms(4)),
                    _ => work(4).await,
                }
                drop(held);
            };
            match section {
                Section::AtCeiling => {
                    let ceiling = Builder::new().priority(3);
                    ceiling.spawn(critical).await.expect("it only works");
                }
                _ => critical.await,
            }
        }));
        drop(Builder::new().priority(2).spawn(async move {
            sleep_until(start + ms(1)).await;
            work(middle).await;
        }));
        let done = Rc::clone(&done);
        drop(Builder::new().priority(3).spawn(async move {
            sleep_until(start + ms(2)).await;
            let held = bus.lock().await;
            work(1).await;
            drop(held);
            done.set(start.elapsed().as_millis() as u64);
        }));
    });
    done.get()
}

#[test]
fn a_priority_inversion_lasts_as_long_as_those_between_like() {
    same_every_time(a_priority_inversion_lasts_as_long_as_those_between_like);
    for middle in [10, 100, 1000] {
        // All of the middle one's work, and then what was left of the section.
        assert_eq!(pathfinder(Section::Usual, middle), middle + 5);
    }
}

#[test]
fn the_priority_ceiling_bounds_an_inversion_by_one_critical_section() {
    same_every_time(the_priority_ceiling_bounds_an_inversion_by_one_critical_section);
    for middle in [10, 100, 1000] {
        assert_eq!(pathfinder(Section::AtCeiling, middle), 5);
        assert_eq!(pathfinder(Section::AtOneGo, middle), 5);
    }
}

/// Ten quick tasks come at 1, 2, … milliseconds and want a lock for one, which a slow task takes at the start
/// and has for `held` in all, `at_once` at a time. When each of the quick ones is done.
fn convoy(policy: impl Policy + 'static, held: u64, at_once: u64) -> Vec<u64> {
    let done = Rc::new(RefCell::new(Vec::new()));
    sim(policy).run(async {
        let (start, lock) = (Instant::now(), Rc::new(Mutex::new(())));
        let slow = Rc::clone(&lock);
        drop(spawn(async move {
            for _ in 0..held / at_once {
                let guard = slow.lock().await;
                work(at_once).await;
                drop(guard);
            }
        }));
        for nth in 1..=10 {
            let (lock, done) = (Rc::clone(&lock), Rc::clone(&done));
            drop(Builder::new().priority(1).spawn(async move {
                sleep_until(start + ms(nth)).await;
                let guard = lock.lock().await;
                consume(ms(1));
                drop(guard);
                done.borrow_mut().push(start.elapsed().as_millis() as u64);
            }));
        }
    });
    done.take()
}

#[test]
fn no_policy_dissolves_a_convoy_behind_a_lock() {
    same_every_time(no_policy_dissolves_a_convoy_behind_a_lock);
    // The lock is handed over first come, first served: who comes next is not the policy's choice.
    let lined_up: Vec<u64> = (101..=110).collect();
    assert_eq!(convoy(Fifo::default(), 100, 100), lined_up);
    assert_eq!(convoy(Priority::new(), 100, 100), lined_up);
    assert_eq!(convoy(FairShare::new(), 100, 100), lined_up);
    // Whoever holds it for less time does: the slow one stands in line with all others, 5 at a time.
    let dissolved = convoy(Fifo::default(), 100, 5);
    assert_eq!(dissolved, [6, 7, 8, 9, 15, 16, 17, 18, 19, 20]);
}

/// `heads` wait for one place, one after the other: how often anybody looked whether it is free.
fn herd(heads: u64, notify: fn(&Condvar)) -> u64 {
    let looks = Rc::new(Cell::new(0));
    sim(Fifo::default()).run(async {
        let place = Rc::new((Mutex::new(true), Condvar::new()));
        for _ in 0..heads {
            let (place, looks) = (Rc::clone(&place), Rc::clone(&looks));
            drop(spawn(async move {
                let (is_free, freed) = &*place;
                let looking = |is_free: &mut bool| {
                    looks.set(looks.get() + 1);
                    !*is_free
                };
                *freed.wait_while(is_free.lock().await, looking).await = false;
                sleep(ms(1)).await;
                *is_free.lock().await = true;
                notify(freed);
            }));
        }
    });
    looks.get()
}

#[test]
fn a_herd_looks_as_often_as_its_size_squared_unless_one_is_woken_at_a_time() {
    same_every_time(a_herd_looks_as_often_as_its_size_squared_unless_one_is_woken_at_a_time);
    for heads in [1, 10, 100] {
        // All look at once at first; then, each time the place is freed, all who are left.
        assert_eq!(
            herd(heads, Condvar::notify_all),
            heads + heads * (heads - 1) / 2
        );
        // One of all who have looked at first is told each time.
        assert_eq!(herd(heads, Condvar::notify_one), heads + (heads - 1));
    }
}
