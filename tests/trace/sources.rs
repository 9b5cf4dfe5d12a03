//! Which task a descriptor is watched for: the one that waits for it, whoever has been the first.

use std::rc::Rc;

use bibelot::net::UnixStream;
use bibelot::task;
use bibelot::trace::Event;

use crate::programs::look_at;

/// What is told of sources, and of whom; of each number, which one it was of all.
fn told_of<F: Future>(main: F) -> Vec<(usize, &'static str, u64)> {
    let (_, _, told) = look_at(1, main);
    let mut numbers = Vec::new();
    let mut nth = |fd: i32| {
        let known = numbers.iter().position(|it| *it == fd);
        known.unwrap_or_else(|| {
            numbers.push(fd);
            numbers.len() - 1
        })
    };
    let told = told.into_iter().filter_map(|(_, event)| match event {
        Event::SourceAdded { fd, task } => Some((nth(fd), "added", task?.get())),
        Event::SourceWanted { fd, task } => Some((nth(fd), "wanted", task?.get())),
        Event::SourceRemoved { fd } => Some((nth(fd), "removed", 0)),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_descriptor_that_is_handed_on_is_told_to_be_wanted_by_who_has_it() {
    let told = told_of(async {
        let (one, other) = UnixStream::pair().unwrap();
        let read = async |one: &UnixStream| {
            let mut buf = [0; 1];
            one.read_exact(&mut buf).await.unwrap();
        };
        // Task 2 waits twice, and gives it to task 3, which does so, too.
        let first = bibelot::spawn(async move {
            read(&one).await;
            read(&one).await;
            one
        });
        for _ in 0..2 {
            task::yield_now().await;
            other.write_all(b"a").await.unwrap();
            task::yield_now().await;
        }
        let one = first.await.unwrap();
        let second = bibelot::spawn(async move { read(&one).await });
        task::yield_now().await;
        other.write_all(b"b").await.unwrap();
        second.await.unwrap();
    });
    assert_eq!(told, [(0, "added", 2), (0, "wanted", 3), (0, "removed", 0)]);
}

#[test]
fn of_two_who_wait_by_turns_each_is_told() {
    let told = told_of(async {
        let (one, other) = UnixStream::pair().unwrap();
        let one = Rc::new(one);
        let readers = [Rc::clone(&one), one].map(|one| {
            bibelot::spawn(async move {
                let mut buf = [0; 1];
                one.read_exact(&mut buf).await.unwrap();
            })
        });
        task::yield_now().await;
        other.write_all(b"ab").await.unwrap();
        for reader in readers {
            reader.await.unwrap();
        }
    });
    // Any order of the first poll of the two.
    let tasks: Vec<u64> = told.iter().map(|it| it.2).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(
        (told[0].1, told[1].1, told[2].1),
        ("added", "wanted", "removed")
    );
    assert_eq!(tasks[0] + tasks[1], 5, "{told:?}");
}

#[test]
fn a_number_that_is_used_again_is_another_source() {
    let told = told_of(async {
        for _ in 0..2 {
            let (one, other) = UnixStream::pair().unwrap();
            let reader = bibelot::spawn(async move {
                let mut buf = [0; 1];
                one.read_exact(&mut buf).await.unwrap();
            });
            task::yield_now().await;
            other.write_all(b"a").await.unwrap();
            reader.await.unwrap();
        }
    });
    let what: Vec<_> = told.iter().map(|it| (it.1, it.2)).collect();
    assert_eq!(
        what,
        [("added", 2), ("removed", 0), ("added", 3), ("removed", 0)]
    );
}
