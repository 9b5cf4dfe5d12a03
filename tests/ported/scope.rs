//! `std::thread::scope`.

use crate::same;

#[test]
fn scope_page_two_threads_borrow() {
    fn original() -> (Vec<i32>, i32) {
        use std::thread;

        let mut a = vec![1, 2, 3];
        let mut x = 0;
        thread::scope(|s| {
            s.spawn(|| {
                println!("hello from the first scoped thread");
                // We can borrow `a` here.
                a.iter().for_each(|item| println!("{item}"));
            });
            s.spawn(|| {
                println!("hello from the second scoped thread");
                // We can even mutably borrow `x` here, because no other threads are using it.
                x += a[0] + a[2];
            });
            println!("hello from the main thread");
        });
        // After the scope, we can modify and access our variables again:
        a.push(4);
        (a, x)
    }
    async fn ported() -> (Vec<i32>, i32) {
        use bibelot::thread;

        let mut a = vec![1, 2, 3];
        let mut x = 0;
        thread::scope(async |s| {
            s.spawn(async {
                println!("hello from the first scoped thread");
                // We can borrow `a` here.
                a.iter().for_each(|item| println!("{item}"));
            });
            s.spawn(async {
                println!("hello from the second scoped thread");
                // We can even mutably borrow `x` here, because no other threads are using it.
                x += a[0] + a[2];
            });
            println!("hello from the main thread");
        })
        .await;
        // After the scope, we can modify and access our variables again:
        a.push(4);
        (a, x)
    }
    same(original, ported);
}

#[test]
fn scope_spawn_and_join_handles() {
    fn original() -> (i32, bool) {
        use std::thread;

        thread::scope(|s| {
            let t1 = s.spawn(|| 6 * 7);
            let t2 = s.spawn(|| std::panic::resume_unwind(Box::new("oh no")));
            let t2: thread::ScopedJoinHandle<'_, ()> = t2;
            (t1.join().unwrap(), t2.join().is_err())
        })
    }
    async fn ported() -> (i32, bool) {
        use bibelot::thread;

        thread::scope(async |s| {
            let t1 = s.spawn(async { 6 * 7 });
            let t2 = s.spawn(async { std::panic::resume_unwind(Box::new("oh no")) });
            let t2: thread::ScopedJoinHandle<'_, ()> = t2;
            (t1.join().await.unwrap(), t2.join().await.is_err())
        })
        .await
    }
    same(original, ported);
}

#[test]
fn scope_spawn_from_within() {
    fn original() -> u32 {
        use std::sync::atomic::{AtomicU32, Ordering};
        use std::thread;

        let count = AtomicU32::new(0);
        thread::scope(|s| {
            s.spawn(|| {
                count.fetch_add(1, Ordering::Relaxed);
                s.spawn(|| count.fetch_add(1, Ordering::Relaxed));
            });
        });
        count.into_inner()
    }
    async fn ported() -> u32 {
        use bibelot::sync::atomic::{AtomicU32, Ordering};
        use bibelot::thread;

        let count = AtomicU32::new(0);
        thread::scope(async |s| {
            s.spawn(async {
                count.fetch_add(1, Ordering::Relaxed);
                s.spawn(async { count.fetch_add(1, Ordering::Relaxed) });
            });
        })
        .await;
        count.into_inner()
    }
    same(original, ported);
}

#[test]
fn builder_spawn_scoped() {
    fn original() -> (Vec<i32>, i32) {
        use std::thread;

        let mut a = vec![1, 2, 3];
        let mut x = 0;

        thread::scope(|s| {
            thread::Builder::new()
                .name("first".to_string())
                .spawn_scoped(s, || {
                    println!(
                        "hello from the {:?} scoped thread",
                        thread::current().name()
                    );
                    // We can borrow `a` here.
                    println!("{a:?}");
                })
                .unwrap();
            thread::Builder::new()
                .name("second".to_string())
                .spawn_scoped(s, || {
                    println!(
                        "hello from the {:?} scoped thread",
                        thread::current().name()
                    );
                    // We can even mutably borrow `x` here, because no other threads are using it.
                    x += a[0] + a[2];
                })
                .unwrap();
            println!("hello from the main thread");
        });

        // After the scope, we can modify and access our variables again:
        a.push(4);
        assert_eq!(x, a.len() as i32);
        (a, x)
    }
    // To a child `current()` is the task around: its name is for what is told of it.
    async fn ported() -> (Vec<i32>, i32) {
        use bibelot::thread;

        let mut a = vec![1, 2, 3];
        let mut x = 0;

        thread::scope(async |s| {
            thread::Builder::new()
                .name("first".to_string())
                .spawn_scoped(s, async {
                    println!(
                        "hello from the {:?} scoped thread",
                        thread::current().name()
                    );
                    // We can borrow `a` here.
                    println!("{a:?}");
                })
                .unwrap();
            thread::Builder::new()
                .name("second".to_string())
                .spawn_scoped(s, async {
                    println!(
                        "hello from the {:?} scoped thread",
                        thread::current().name()
                    );
                    // We can even mutably borrow `x` here, because no other threads are using it.
                    x += a[0] + a[2];
                })
                .unwrap();
            println!("hello from the main thread");
        })
        .await;

        // After the scope, we can modify and access our variables again:
        a.push(4);
        assert_eq!(x, a.len() as i32);
        (a, x)
    }
    same(original, ported);
}
