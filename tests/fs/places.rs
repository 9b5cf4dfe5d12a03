//! Who waits for a file knows where in the program, and that a thread is waited for.

use std::cell::RefCell;
use std::rc::Rc;

use bibelot::fs::{self, File};
use bibelot::task::{Builder, yield_now};
use bibelot::time::Duration;
use bibelot::worker::run_in_thread;
use bibelot::{Executor, Report, spawn};

use crate::{Folder, abandon, slow_to_read};

/// Has each of these futures wait in a task, and checks in which file.
macro_rules! assert_each_waits_here {
    ($seen:expr, $($future:expr;)*) => {$(
        let what = stringify!($future);
        let waiter = Builder::new().name("waiter").spawn(async move { drop($future.await) });
        yield_now().await;
        waiter.cancel();
        drop(waiter.await);
        let seen = $seen.take();
        assert!(!seen.is_empty(), "{what} did not wait");
        for place in seen {
            assert!(place.ends_with("places.rs"), "{what} waits in {place}");
        }
    )*};
}

/// The files in which the task named `waiter` was seen to wait.
type Seen = Rc<RefCell<Vec<&'static str>>>;

/// Runs a test that is told where the task named `waiter` waits.
fn with_places(test: impl AsyncFnOnce(&Seen)) {
    let seen = Seen::default();
    let sink = Rc::clone(&seen);
    let executor = Executor::builder()
        .thread_limit(1)
        .slow_poll(Duration::ZERO) // so every poll is reported, and says where it came to wait
        .on_report(move |report: &Report| match report {
            Report::SlowPoll(poll) if poll.task().contains("waiter") => {
                sink.borrow_mut()
                    .extend(poll.waits_at().map(|at| at.file()));
            }
            _ => {}
        })
        .build()
        .unwrap();
    executor.run(test(&seen));
}

/// The same while the only thread is taken.
fn without_a_thread(test: impl AsyncFnOnce(&Seen)) {
    with_places(async |seen| {
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let busy = spawn(run_in_thread(move || gate.recv().is_err()));
        yield_now().await;
        test(seen).await;
        drop(open);
        assert!(busy.await.unwrap());
    });
}

#[test]
fn a_wait_of_a_file_is_in_the_program() {
    let folder = Folder::new();
    let path: &'static _ = Box::leak(Box::new(folder.holding("text")));
    let std = std::fs::File::open(path).unwrap();
    let file: &File = Box::leak(Box::new(std.into()));
    without_a_thread(async |seen| {
        assert_each_waits_here!(
            seen,
            File::open(path);
            File::create(path);
            File::create_new(path);
            file.read(&mut [0; 4]);
            file.read_exact(&mut [0; 4]);
            file.read_to_end(&mut Vec::new());
            file.read_to_string(&mut String::new());
            file.write(b"text");
            file.write_all(b"text");
            writeln!(file, "text {}", 1);
            file.seek(bibelot::io::SeekFrom::Start(0));
            file.rewind();
            file.stream_position();
            file.sync_all();
            file.sync_data();
            file.set_len(0);
            file.metadata();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH);
            file.try_clone();
            file.read_at(&mut [0; 4], 0);
            file.read_exact_at(&mut [0; 4], 0);
            file.write_at(b"text", 0);
            file.write_all_at(b"text", 0);
        );
    });
}

#[test]
fn a_wait_for_a_whole_thing_is_in_the_program() {
    let folder = Folder::new();
    let path: &'static _ = Box::leak(Box::new(folder.holding("text")));
    without_a_thread(async |seen| {
        assert_each_waits_here!(
            seen,
            fs::read(path);
            fs::read_to_string(path);
            fs::write(path, "text");
            fs::copy(path, path);
            fs::rename(path, path);
            fs::remove_file(path);
            fs::hard_link(path, path);
            fs::symlink(path, path);
            fs::read_link(path);
            fs::metadata(path);
            fs::symlink_metadata(path);
            fs::exists(path);
            fs::canonicalize(path);
            fs::create_dir(path);
            fs::create_dir_all(path);
            fs::remove_dir(path);
            fs::remove_dir_all(path);
            fs::read_dir(path);
        );
    });
    assert_eq!(std::fs::read_to_string(path).unwrap(), "text");
}

#[test]
fn a_wait_behind_what_another_has_begun_is_in_the_program() {
    let (file, writer) = slow_to_read();
    let file: &File = Box::leak(Box::new(file));
    with_places(async |seen| {
        abandon(file.read(&mut [0; 4])).await;
        assert_each_waits_here!(
            seen,
            file.flush();
            file.read(&mut [0; 4]);
        );
    });
    drop(writer);
}
