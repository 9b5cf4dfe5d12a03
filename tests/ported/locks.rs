//! `std::sync::Mutex` and `std::sync::RwLock`.

use crate::{gives, same};

#[test]
fn mutex_page_ten_increments() {
    const N: usize = 10;
    fn original() -> usize {
        use std::sync::mpsc::channel;
        use std::sync::{Arc, Mutex};
        use std::thread;

        let data = Arc::new(Mutex::new(0));
        let (tx, rx) = channel();
        for _ in 0..N {
            let (data, tx) = (Arc::clone(&data), tx.clone());
            thread::spawn(move || {
                let mut data = data.lock().unwrap();
                *data += 1;
                if *data == N {
                    tx.send(()).unwrap();
                }
            });
        }
        rx.recv().unwrap();
        *data.lock().unwrap()
    }
    async fn ported() -> usize {
        use bibelot::sync::mpsc::channel;
        use bibelot::sync::{Arc, Mutex};
        use bibelot::thread;

        let data = Arc::new(Mutex::new(0));
        let (tx, rx) = channel();
        for _ in 0..N {
            let (data, tx) = (Arc::clone(&data), tx.clone());
            thread::spawn(async move {
                let mut data = data.lock().await;
                *data += 1;
                if *data == N {
                    tx.send(()).unwrap();
                }
            });
        }
        rx.recv().await.unwrap();
        *data.lock().await
    }
    same(original, ported);
}

#[test]
fn mutex_page_unlock_sooner_than_the_end_of_the_scope() {
    const N: usize = 3;
    fn original() -> i32 {
        use std::sync::{Arc, Mutex};
        use std::thread;

        let data_mutex = Arc::new(Mutex::new(vec![1, 2, 3, 4]));
        let res_mutex = Arc::new(Mutex::new(0));
        let mut threads = Vec::with_capacity(N);
        (0..N).for_each(|_| {
            let data_mutex_clone = Arc::clone(&data_mutex);
            let res_mutex_clone = Arc::clone(&res_mutex);
            threads.push(thread::spawn(move || {
                let result = {
                    let mut data = data_mutex_clone.lock().unwrap();
                    let result = data.iter().fold(0, |acc, x| acc + x * 2);
                    data.push(result);
                    result
                };
                *res_mutex_clone.lock().unwrap() += result;
            }));
        });
        let mut data = data_mutex.lock().unwrap();
        let result = data.iter().fold(0, |acc, x| acc + x * 2);
        data.push(result);
        drop(data);
        *res_mutex.lock().unwrap() += result;
        for thread in threads {
            thread.join().expect("the thread has panicked");
        }
        *res_mutex.lock().unwrap()
    }
    async fn ported() -> i32 {
        use bibelot::sync::{Arc, Mutex};
        use bibelot::thread;

        let data_mutex = Arc::new(Mutex::new(vec![1, 2, 3, 4]));
        let res_mutex = Arc::new(Mutex::new(0));
        let mut threads = Vec::with_capacity(N);
        (0..N).for_each(|_| {
            let data_mutex_clone = Arc::clone(&data_mutex);
            let res_mutex_clone = Arc::clone(&res_mutex);
            threads.push(thread::spawn(async move {
                let result = {
                    let mut data = data_mutex_clone.lock().await;
                    let result = data.iter().fold(0, |acc, x| acc + x * 2);
                    data.push(result);
                    result
                };
                *res_mutex_clone.lock().await += result;
            }));
        });
        let mut data = data_mutex.lock().await;
        let result = data.iter().fold(0, |acc, x| acc + x * 2);
        data.push(result);
        drop(data);
        *res_mutex.lock().await += result;
        for thread in threads {
            thread.join().await.expect("the thread has panicked");
        }
        *res_mutex.lock().await
    }
    same(original, ported);
    gives(800, ported);
}

#[test]
fn mutex_lock_and_try_lock() {
    fn original() -> (i32, i32) {
        use std::sync::{Arc, Mutex};
        use std::thread;

        let mutex = Arc::new(Mutex::new(0));
        let c_mutex = Arc::clone(&mutex);
        thread::spawn(move || {
            *c_mutex.lock().unwrap() = 10;
        })
        .join()
        .expect("thread::spawn failed");
        let locked = *mutex.lock().unwrap();

        let c_mutex = Arc::clone(&mutex);
        thread::spawn(move || {
            let mut lock = c_mutex.try_lock();
            if let Ok(ref mut mutex) = lock {
                **mutex = 20;
            } else {
                println!("try_lock failed");
            }
        })
        .join()
        .expect("thread::spawn failed");
        (locked, *mutex.lock().unwrap())
    }
    async fn ported() -> (i32, i32) {
        use bibelot::sync::{Arc, Mutex};
        use bibelot::thread;

        let mutex = Arc::new(Mutex::new(0));
        let c_mutex = Arc::clone(&mutex);
        thread::spawn(async move {
            *c_mutex.lock().await = 10;
        })
        .join()
        .await
        .expect("thread::spawn failed");
        let locked = *mutex.lock().await;

        let c_mutex = Arc::clone(&mutex);
        thread::spawn(async move {
            let mut lock = c_mutex.try_lock();
            if let Ok(ref mut mutex) = lock {
                **mutex = 20;
            } else {
                println!("try_lock failed");
            }
        })
        .join()
        .await
        .expect("thread::spawn failed");
        (locked, *mutex.lock().await)
    }
    same(original, ported);
}

#[test]
fn mutex_into_inner_and_get_mut() {
    fn original() -> (i32, i32) {
        use std::sync::Mutex;

        let mut mutex = Mutex::new(0);
        *mutex.get_mut().unwrap() = 10;
        let seen = *mutex.lock().unwrap();
        (seen, mutex.into_inner().unwrap())
    }
    async fn ported() -> (i32, i32) {
        use bibelot::sync::Mutex;

        let mut mutex = Mutex::new(0);
        *mutex.get_mut() = 10;
        let seen = *mutex.lock().await;
        (seen, mutex.into_inner())
    }
    same(original, ported);
}

#[test]
fn rwlock_page_many_readers_one_writer() {
    fn original() -> (i32, i32, i32) {
        use std::sync::RwLock;

        let lock = RwLock::new(5);
        let read = {
            let r1 = lock.read().unwrap();
            let r2 = lock.read().unwrap();
            (*r1, *r2)
        };
        let written = {
            let mut w = lock.write().unwrap();
            *w += 1;
            *w
        };
        (read.0, read.1, written)
    }
    async fn ported() -> (i32, i32, i32) {
        use bibelot::sync::RwLock;

        let lock = RwLock::new(5);
        let read = {
            let r1 = lock.read().await;
            let r2 = lock.read().await;
            (*r1, *r2)
        };
        let written = {
            let mut w = lock.write().await;
            *w += 1;
            *w
        };
        (read.0, read.1, written)
    }
    same(original, ported);
}

#[test]
fn rwlock_read_in_another_thread() {
    fn original() -> (i32, bool) {
        use std::sync::{Arc, RwLock};
        use std::thread;

        let lock = Arc::new(RwLock::new(1));
        let c_lock = Arc::clone(&lock);
        let n = lock.read().unwrap();
        let read = thread::spawn(move || c_lock.read().is_ok()).join().unwrap();
        (*n, read)
    }
    async fn ported() -> (i32, bool) {
        use bibelot::sync::{Arc, RwLock};
        use bibelot::thread;

        let lock = Arc::new(RwLock::new(1));
        let c_lock = Arc::clone(&lock);
        let n = lock.read().await;
        // There is no error, so it is what can be done with it.
        let read = thread::spawn(async move { *c_lock.read().await == 1 });
        (*n, read.join().await.unwrap())
    }
    same(original, ported);
}

#[test]
fn rwlock_try_read_try_write_into_inner_and_get_mut() {
    fn original() -> (bool, bool, bool, String) {
        use std::sync::RwLock;

        let mut lock = RwLock::new(String::new());
        let (read, not_written) = {
            let read = lock.try_read();
            (read.is_ok(), lock.try_write().is_err())
        };
        let not_read = {
            let mut s = lock.write().unwrap();
            *s = "modified".to_owned();
            lock.try_read().is_err()
        };
        lock.get_mut().unwrap().push('!');
        (read, not_written, not_read, lock.into_inner().unwrap())
    }
    async fn ported() -> (bool, bool, bool, String) {
        use bibelot::sync::RwLock;

        let mut lock = RwLock::new(String::new());
        let (read, not_written) = {
            let read = lock.try_read();
            (read.is_ok(), lock.try_write().is_err())
        };
        let not_read = {
            let mut s = lock.write().await;
            *s = "modified".to_owned();
            lock.try_read().is_err()
        };
        lock.get_mut().push('!');
        (read, not_written, not_read, lock.into_inner())
    }
    same(original, ported);
}

/// std has it since 1.92.
#[test]
fn rwlock_write_guard_downgrade() {
    async fn ported() -> (i32, i32) {
        use bibelot::sync::{Arc, RwLock, RwLockWriteGuard};
        use bibelot::thread;

        let rw = Arc::new(RwLock::new(1));
        let mut write_guard = rw.write().await;
        let evil = thread::spawn({
            let rw = Arc::clone(&rw);
            async move {
                let mut guard = rw.write().await;
                *guard = 2;
            }
        });
        *write_guard = 0;
        thread::yield_now().await;
        let read_guard = RwLockWriteGuard::downgrade(write_guard);
        let seen = *read_guard;
        drop(read_guard);
        evil.join().await.unwrap();
        (seen, *rw.read().await)
    }
    gives((0, 2), ported);
}
