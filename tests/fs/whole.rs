//! What is one job, whole, is done or not when it is dropped, and never half.

use bibelot::fs::{self, File};
use bibelot::{Executor, worker};

use crate::cancel::storm;
use crate::{Folder, dropped_at};

#[test]
fn a_whole_thing_that_is_dropped_is_done_or_not_and_never_half() {
    let folder = Folder::new();
    let (one, two) = (folder.at("one"), folder.at("two"));
    let much = vec![7; 250_000];
    // With one thread, what comes next comes when that which was dropped has ended.
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    executor.run(async {
        for _ in 0..50 {
            drop(dropped_at(1, fs::write(&one, &much)).await);
            if fs::exists(&one).await.unwrap() {
                assert!(fs::read(&one).await.unwrap() == much);
            }
            fs::write(&one, &much).await.unwrap();
            drop(dropped_at(1, fs::copy(&one, &two)).await);
            if fs::exists(&two).await.unwrap() {
                assert!(fs::read(&two).await.unwrap() == much);
                fs::remove_file(&two).await.unwrap();
            }
            drop(dropped_at(1, fs::rename(&one, &two)).await);
            let (old, new) = (fs::exists(&one).await, fs::exists(&two).await);
            assert!(old.unwrap() != new.unwrap());
            drop(dropped_at(1, fs::remove_dir_all(folder.path())).await);
            fs::create_dir_all(folder.path()).await.unwrap();
        }
    });
}

#[test]
fn a_whole_thing_that_only_looks_is_the_same_after_a_storm() {
    let folder = Folder::new();
    let path = folder.holding("text");
    storm(async |storm| {
        drop(storm.strike(fs::read(&path)).await);
        drop(storm.strike(File::open(&path)).await);
        drop(storm.strike(fs::read_dir(folder.path())).await);
        assert_eq!(fs::read(&path).await.unwrap(), b"text");
        let file = File::open(&path).await.unwrap();
        assert_eq!(file.stream_position().await.unwrap(), 0);
    });
}

#[test]
fn what_is_done_to_files_takes_the_tokens_of_the_workers_limiter() {
    let folder = Folder::new();
    let path = folder.holding("text");
    bibelot::run(async {
        let limiter = worker::limiter();
        limiter.set_total_tokens(0);
        let reading = bibelot::spawn(async move {
            let file = File::open(&path).await?;
            file.metadata().await
        });
        while limiter.statistics().waiting == 0 {
            bibelot::task::yield_now().await;
        }
        limiter.set_total_tokens(1);
        assert!(reading.await.unwrap().unwrap().is_file());
        assert_eq!(limiter.borrowed_tokens(), 0);
    });
}
