//! `std::sync::Condvar`, `std::sync::Barrier` and `std::sync::OnceLock`.

use crate::{gives, same};

#[test]
fn condvar_page_wait_until_started() {
    fn original() -> bool {
        use std::sync::{Arc, Condvar, Mutex};
        use std::thread;

        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let pair2 = Arc::clone(&pair);
        thread::spawn(move || {
            let (lock, cvar) = &*pair2;
            let mut started = lock.lock().unwrap();
            *started = true;
            cvar.notify_one();
        });
        let (lock, cvar) = &*pair;
        let mut started = lock.lock().unwrap();
        while !*started {
            started = cvar.wait(started).unwrap();
        }
        *started
    }
    async fn ported() -> bool {
        use bibelot::sync::{Arc, Condvar, Mutex};
        use bibelot::thread;

        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let pair2 = Arc::clone(&pair);
        thread::spawn(async move {
            let (lock, cvar) = &*pair2;
            let mut started = lock.lock().await;
            *started = true;
            cvar.notify_one();
        });
        let (lock, cvar) = &*pair;
        let mut started = lock.lock().await;
        while !*started {
            started = cvar.wait(started).await;
        }
        *started
    }
    same(original, ported);
}

#[test]
fn condvar_wait_while_and_notify_all() {
    fn original() -> bool {
        use std::sync::{Arc, Condvar, Mutex};
        use std::thread;

        let pair = Arc::new((Mutex::new(true), Condvar::new()));
        let pair2 = Arc::clone(&pair);
        thread::spawn(move || {
            let (lock, cvar) = &*pair2;
            let mut pending = lock.lock().unwrap();
            *pending = false;
            cvar.notify_all();
        });
        let (lock, cvar) = &*pair;
        let guard = cvar.wait_while(lock.lock().unwrap(), |pending| *pending);
        *guard.unwrap()
    }
    async fn ported() -> bool {
        use bibelot::sync::{Arc, Condvar, Mutex};
        use bibelot::thread;

        let pair = Arc::new((Mutex::new(true), Condvar::new()));
        let pair2 = Arc::clone(&pair);
        thread::spawn(async move {
            let (lock, cvar) = &*pair2;
            let mut pending = lock.lock().await;
            *pending = false;
            cvar.notify_all();
        });
        let (lock, cvar) = &*pair;
        let guard = cvar.wait_while(lock.lock().await, |pending| *pending);
        *guard.await
    }
    same(original, ported);
}

#[test]
fn condvar_wait_timeout_and_wait_timeout_while() {
    fn original() -> (bool, bool, bool) {
        use std::sync::{Arc, Condvar, Mutex};
        use std::thread;
        use std::time::Duration;

        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let timed_out = {
            let (lock, cvar) = &*pair;
            let limit = Duration::from_millis(1);
            let result = cvar.wait_timeout_while(lock.lock().unwrap(), limit, |started| !*started);
            result.unwrap().1.timed_out()
        };
        let pair2 = Arc::clone(&pair);
        let (lock, cvar) = &*pair;
        let mut started = lock.lock().unwrap();
        thread::spawn(move || {
            let (lock, cvar) = &*pair2;
            let mut started = lock.lock().unwrap();
            *started = true;
            cvar.notify_one();
        });
        let timed_out_then = loop {
            let result = cvar
                .wait_timeout(started, Duration::from_secs(100))
                .unwrap();
            started = result.0;
            if *started {
                break result.1.timed_out();
            }
        };
        (timed_out, *started, timed_out_then)
    }
    async fn ported() -> (bool, bool, bool) {
        use bibelot::sync::{Arc, Condvar, Mutex};
        use bibelot::thread;
        use bibelot::time::Duration;

        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let timed_out = {
            let (lock, cvar) = &*pair;
            let limit = Duration::from_millis(1);
            let result = cvar.wait_timeout_while(lock.lock().await, limit, |started| !*started);
            result.await.1.timed_out()
        };
        let pair2 = Arc::clone(&pair);
        let (lock, cvar) = &*pair;
        let mut started = lock.lock().await;
        thread::spawn(async move {
            let (lock, cvar) = &*pair2;
            let mut started = lock.lock().await;
            *started = true;
            cvar.notify_one();
        });
        let timed_out_then = loop {
            let result = cvar.wait_timeout(started, Duration::from_secs(100)).await;
            started = result.0;
            if *started {
                break result.1.timed_out();
            }
        };
        (timed_out, *started, timed_out_then)
    }
    // The original's first wait may end for no reason, which its `while` takes no notice of; and std's own
    // page locks after the spawn, so that its thread may notify when nobody waits yet.
    same(original, ported);
}

#[test]
fn barrier_page_all_before_come_before_all_after() {
    const N: usize = 5;
    fn original() -> (Vec<String>, usize) {
        use std::sync::{Arc, Barrier, Mutex};
        use std::thread;

        let barrier = Arc::new(Barrier::new(N));
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut handles = Vec::with_capacity(N);
        for _ in 0..N {
            let (c, said) = (Arc::clone(&barrier), Arc::clone(&said));
            handles.push(thread::spawn(move || {
                said.lock().unwrap().push(String::from("before wait"));
                let is_leader = c.wait().is_leader();
                said.lock().unwrap().push(String::from("after wait"));
                is_leader
            }));
        }
        let mut leaders = 0;
        for handle in handles {
            leaders += usize::from(handle.join().unwrap());
        }
        let said = said.lock().unwrap().clone();
        (said, leaders)
    }
    async fn ported() -> (Vec<String>, usize) {
        use bibelot::sync::{Arc, Barrier, Mutex};
        use bibelot::thread;

        let barrier = Arc::new(Barrier::new(N));
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut handles = Vec::with_capacity(N);
        for _ in 0..N {
            let (c, said) = (Arc::clone(&barrier), Arc::clone(&said));
            handles.push(thread::spawn(async move {
                said.lock().await.push(String::from("before wait"));
                let is_leader = c.wait().await.is_leader();
                said.lock().await.push(String::from("after wait"));
                is_leader
            }));
        }
        let mut leaders = 0;
        for handle in handles {
            leaders += usize::from(handle.join().await.unwrap());
        }
        let said = said.lock().await.clone();
        (said, leaders)
    }
    same(original, ported);
}

/// The page's own has it in a `static`, which is for `sync::universal::Outcome`.
#[test]
fn once_lock_page_set_and_get_or_init() {
    fn original() -> (bool, String, Result<(), String>) {
        use std::sync::{Arc, OnceLock};
        use std::thread;

        let cell = Arc::new(OnceLock::new());
        let was_empty = cell.get().is_none();
        let c_cell = Arc::clone(&cell);
        let value = thread::spawn(move || {
            let value: &String = c_cell.get_or_init(|| "Hello, World!".to_string());
            value.clone()
        });
        let value = value.join().unwrap();
        (was_empty, value, cell.set("late".to_string()))
    }
    async fn ported() -> (bool, String, Result<(), String>) {
        use bibelot::sync::{Arc, OnceLock};
        use bibelot::thread;

        let cell = Arc::new(OnceLock::new());
        let was_empty = cell.get().is_none();
        let c_cell = Arc::clone(&cell);
        let value = thread::spawn(async move {
            let value: &String = c_cell
                .get_or_init(async || "Hello, World!".to_string())
                .await;
            value.clone()
        });
        let value = value.join().await.unwrap();
        (was_empty, value, cell.set("late".to_string()))
    }
    same(original, ported);
}

#[test]
fn once_lock_wait_take_and_into_inner() {
    fn original() -> (u32, Option<u32>, Option<u32>, Option<u32>) {
        use std::sync::{Arc, OnceLock};
        use std::thread;

        let cell = Arc::new(OnceLock::new());
        let c_cell = Arc::clone(&cell);
        let setter = thread::spawn(move || {
            c_cell.set(1).unwrap();
        });
        let waited = *cell.wait();
        setter.join().unwrap();
        let mut cell = Arc::into_inner(cell).unwrap();
        *cell.get_mut().unwrap() += 1;
        let taken = cell.take();
        (waited, taken, cell.get().copied(), cell.into_inner())
    }
    async fn ported() -> (u32, Option<u32>, Option<u32>, Option<u32>) {
        use bibelot::sync::{Arc, OnceLock};
        use bibelot::thread;

        let cell = Arc::new(OnceLock::new());
        let c_cell = Arc::clone(&cell);
        let setter = thread::spawn(async move {
            c_cell.set(1).unwrap();
        });
        let waited = *cell.wait().await;
        setter.join().await.unwrap();
        let mut cell = Arc::into_inner(cell).unwrap();
        *cell.get_mut().unwrap() += 1;
        let taken = cell.take();
        (waited, taken, cell.get().copied(), cell.into_inner())
    }
    same(original, ported);
}

/// What std's page has in a `static`, with a task that waits beside threads.
#[test]
fn once_lock_page_a_static_is_an_outcome() {
    async fn ported() -> usize {
        use bibelot::sync::universal::Outcome;

        static CELL: Outcome<usize> = Outcome::new();

        assert!(CELL.get().is_none());
        let thread = std::thread::spawn(|| CELL.set(12345));
        let value = *CELL.wait().await;
        let set = bibelot::worker::run_in_thread(move || thread.join().unwrap());
        assert_eq!(set.await, Ok(()));
        value
    }
    gives(12345, ported);
}

#[test]
fn lazy_lock_and_once_pages() {
    fn original() -> (usize, u32) {
        use std::sync::{LazyLock, Once};
        use std::thread;

        static HELLO: LazyLock<String> = LazyLock::new(|| "hello".to_uppercase());
        static START: Once = Once::new();

        let length = thread::spawn(|| HELLO.len()).join().unwrap();
        let mut calls = 0;
        START.call_once(|| calls += 1);
        START.call_once(|| calls += 1);
        (length, calls)
    }
    async fn ported() -> (usize, u32) {
        use bibelot::sync::{LazyLock, Once};
        use bibelot::thread;

        static HELLO: LazyLock<String> = LazyLock::new(|| "hello".to_uppercase());
        static START: Once = Once::new();

        let length = thread::spawn(async { HELLO.len() }).join().await.unwrap();
        let mut calls = 0;
        START.call_once(|| calls += 1);
        START.call_once(|| calls += 1);
        (length, calls)
    }
    same(original, ported);
}
