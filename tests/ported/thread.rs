//! `std::thread`: spawn, `Builder`, join, park, sleep, current.

use crate::{gives, same};

#[test]
fn thread_page_spawn_and_join() {
    fn original() -> i32 {
        use std::thread;

        let thread_join_handle = thread::spawn(move || 6 * 7);
        thread_join_handle.join().unwrap()
    }
    async fn ported() -> i32 {
        use bibelot::thread;

        let thread_join_handle = thread::spawn(async move { 6 * 7 });
        thread_join_handle.join().await.unwrap()
    }
    same(original, ported);
}

#[test]
fn thread_spawn_with_channels() {
    fn original() -> (String, String) {
        use std::sync::mpsc::channel;
        use std::thread;

        let (tx, rx) = channel();
        let sender = thread::spawn(move || {
            tx.send("Hello, thread".to_owned()).expect("unable to send");
        });
        let receiver = thread::spawn(move || rx.recv().expect("unable to receive"));
        sender.join().expect("the sender thread has panicked");
        let value = receiver.join().expect("the receiver thread has panicked");

        let computation = thread::spawn(|| "expensive".repeat(2));
        (value, computation.join().unwrap())
    }
    async fn ported() -> (String, String) {
        use bibelot::sync::mpsc::channel;
        use bibelot::thread;

        let (tx, rx) = channel();
        let sender = thread::spawn(async move {
            tx.send("Hello, thread".to_owned()).expect("unable to send");
        });
        let receiver = thread::spawn(async move { rx.recv().await.expect("unable to receive") });
        sender.join().await.expect("the sender thread has panicked");
        let value = receiver.join().await;
        let value = value.expect("the receiver thread has panicked");

        let computation = thread::spawn(async { "expensive".repeat(2) });
        (value, computation.join().await.unwrap())
    }
    same(original, ported);
}

/// The error has what std's is in `into_panic()`.
#[test]
fn thread_result_the_panic_of_a_thread() {
    use std::panic::resume_unwind;

    fn original() -> String {
        use std::thread;

        // Without a line on standard error.
        let joined = thread::spawn(|| resume_unwind(Box::new("oh no"))).join();
        let joined: thread::Result<()> = joined;
        let payload = joined.unwrap_err();
        payload.downcast_ref::<&str>().unwrap().to_string()
    }
    async fn ported() -> String {
        use bibelot::thread;

        let joined = thread::spawn(async { resume_unwind(Box::new("oh no")) });
        let joined: thread::Result<()> = joined.join().await;
        let payload = joined.unwrap_err().into_panic();
        payload.downcast_ref::<&str>().unwrap().to_string()
    }
    same(original, ported);
}

#[test]
fn builder_name_and_current() {
    fn original() -> (Option<String>, Option<String>) {
        use std::thread;

        let builder = thread::Builder::new().name("foo".into());
        let handler = builder.spawn(|| thread::current().name().map(str::to_owned));
        let handler = handler.unwrap();
        let outside = handler.thread().name().map(str::to_owned);
        (handler.join().unwrap(), outside)
    }
    async fn ported() -> (Option<String>, Option<String>) {
        use bibelot::thread;

        let builder = thread::Builder::new().name("foo".into());
        let handler = builder.spawn(async { thread::current().name().map(str::to_owned) });
        let handler = handler.unwrap();
        let outside = handler.thread().name().map(str::to_owned);
        (handler.join().await.unwrap(), outside)
    }
    same(original, ported);
}

#[test]
fn thread_id_of_another() {
    fn original() -> (bool, bool) {
        use std::thread;

        let other_thread = thread::spawn(|| thread::current().id());
        let seen_outside = other_thread.thread().id();
        let other_thread_id = other_thread.join().unwrap();
        (
            thread::current().id() != other_thread_id,
            seen_outside == other_thread_id,
        )
    }
    async fn ported() -> (bool, bool) {
        use bibelot::thread;

        let other_thread = thread::spawn(async { thread::current().id() });
        let seen_outside = other_thread.thread().id();
        let other_thread_id = other_thread.join().await.unwrap();
        (
            thread::current().id() != other_thread_id,
            seen_outside == other_thread_id,
        )
    }
    same(original, ported);
}

#[test]
fn thread_park_and_unpark() {
    fn original() -> bool {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, Ordering};
        use std::thread;

        let flag = Arc::new(AtomicBool::new(false));
        let flag2 = Arc::clone(&flag);
        let parked_thread = thread::spawn(move || {
            while !flag2.load(Ordering::Relaxed) {
                println!("Parking thread");
                thread::park();
                println!("Thread unparked");
            }
            flag2.load(Ordering::Relaxed)
        });
        flag.store(true, Ordering::Relaxed);
        println!("Unpark the thread");
        parked_thread.thread().unpark();
        parked_thread.join().unwrap()
    }
    async fn ported() -> bool {
        use bibelot::sync::Arc;
        use bibelot::sync::atomic::{AtomicBool, Ordering};
        use bibelot::thread;

        let flag = Arc::new(AtomicBool::new(false));
        let flag2 = Arc::clone(&flag);
        let parked_thread = thread::spawn(async move {
            while !flag2.load(Ordering::Relaxed) {
                println!("Parking thread");
                thread::park().await;
                println!("Thread unparked");
            }
            flag2.load(Ordering::Relaxed)
        });
        flag.store(true, Ordering::Relaxed);
        println!("Unpark the thread");
        parked_thread.thread().unpark();
        parked_thread.join().await.unwrap()
    }
    same(original, ported);
}

/// The page's own parks for two seconds, in a loop, as std's may return for no reason. Here somebody
/// outside might unpark the task, so it is the real clock that it waits by.
#[test]
fn thread_park_timeout() {
    async fn ported() -> bool {
        use bibelot::thread;
        use bibelot::time::{Duration, Instant};

        let timeout = Duration::from_millis(2);
        let beginning_park = Instant::now();
        let mut timeout_remaining = timeout;
        loop {
            thread::park_timeout(timeout_remaining).await;
            let elapsed = beginning_park.elapsed();
            if elapsed >= timeout {
                return true;
            }
            timeout_remaining = timeout - elapsed;
        }
    }
    gives(true, ported);
}

/// An unpark that came before ends it at once, and so does one that comes meanwhile.
#[test]
fn thread_park_timeout_is_ended_by_unpark() {
    fn original() -> &'static str {
        use std::thread;
        use std::time::Duration;

        let parked = thread::spawn(|| {
            thread::park_timeout(Duration::from_secs(1 << 20));
            "unparked"
        });
        parked.thread().unpark();
        parked.join().unwrap()
    }
    async fn ported() -> &'static str {
        use bibelot::thread;
        use bibelot::time::Duration;

        let parked = thread::spawn(async {
            thread::park_timeout(Duration::from_secs(1 << 20)).await;
            "unparked"
        });
        parked.thread().unpark();
        parked.join().await.unwrap()
    }
    same(original, ported);
}

#[test]
fn thread_sleep_and_sleep_until() {
    async fn ported() -> (u128, u128) {
        use bibelot::thread::{sleep, sleep_until};
        use bibelot::time::{Duration, Instant};

        let now = Instant::now();
        sleep(Duration::from_millis(10)).await;
        let slept = now.elapsed().as_millis();
        sleep_until(now + Duration::from_millis(16)).await;
        (slept, now.elapsed().as_millis())
    }
    gives((10, 16), ported);
}

#[test]
fn join_handle_is_finished_and_yield_now() {
    fn original() -> bool {
        use std::thread;

        let handle = thread::spawn(|| {});
        while !handle.is_finished() {
            thread::yield_now();
        }
        handle.join().is_ok()
    }
    async fn ported() -> bool {
        use bibelot::thread;

        let handle = thread::spawn(async {});
        while !handle.is_finished() {
            thread::yield_now().await;
        }
        handle.join().await.is_ok()
    }
    same(original, ported);
}

#[test]
fn thread_available_parallelism_and_panicking() {
    fn original() -> (usize, bool) {
        use std::thread;

        let count = thread::available_parallelism().unwrap().get();
        (count, thread::panicking())
    }
    async fn ported() -> (usize, bool) {
        use bibelot::thread;

        let count = thread::available_parallelism().unwrap().get();
        (count, thread::panicking())
    }
    same(original, ported);
}

/// The page's own has a value for each thread. Tasks are of one thread: theirs is a `task::Local`.
#[test]
fn local_key_page_each_its_own() {
    fn original() -> (u32, u32, u32) {
        use std::cell::Cell;
        use std::thread;

        thread_local!(static FOO: Cell<u32> = const { Cell::new(1) });

        FOO.set(2);
        let t = thread::spawn(move || {
            let before = FOO.get();
            FOO.set(3);
            (before, FOO.get())
        });
        let (before, after) = t.join().unwrap();
        (before, after, FOO.get())
    }
    async fn ported() -> (u32, u32, u32) {
        use bibelot::task::Local;
        use bibelot::thread;
        use std::cell::Cell;
        use std::rc::Rc;

        static FOO: Local<Rc<Cell<u32>>> = Local::new();

        let own = async {
            FOO.get().unwrap().set(2);
            let t = thread::spawn(FOO.scope(Rc::new(Cell::new(1)), async {
                let foo = FOO.get().unwrap();
                let before = foo.get();
                foo.set(3);
                (before, foo.get())
            }));
            let (before, after) = t.join().await.unwrap();
            (before, after, FOO.get().unwrap().get())
        };
        FOO.scope(Rc::new(Cell::new(1)), own).await
    }
    same(original, ported);
}
