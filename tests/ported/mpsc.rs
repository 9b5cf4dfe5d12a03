//! `std::sync::mpsc`.

use crate::{gives, same};

#[test]
fn mpsc_page_simple_usage() {
    fn original() -> i32 {
        use std::sync::mpsc::channel;
        use std::thread;

        let (tx, rx) = channel();
        thread::spawn(move || {
            tx.send(10).unwrap();
        });
        rx.recv().unwrap()
    }
    async fn ported() -> i32 {
        use bibelot::sync::mpsc::channel;
        use bibelot::thread;

        let (tx, rx) = channel();
        thread::spawn(async move {
            tx.send(10).unwrap();
        });
        rx.recv().await.unwrap()
    }
    same(original, ported);
}

#[test]
fn mpsc_page_shared_usage() {
    fn original() -> Vec<bool> {
        use std::sync::mpsc::channel;
        use std::thread;

        let (tx, rx) = channel();
        for i in 0..10 {
            let tx = tx.clone();
            thread::spawn(move || {
                tx.send(i).unwrap();
            });
        }
        let mut seen = vec![false; 10];
        for _ in 0..10 {
            let j: usize = rx.recv().unwrap();
            seen[j] = true;
        }
        seen
    }
    async fn ported() -> Vec<bool> {
        use bibelot::sync::mpsc::channel;
        use bibelot::thread;

        let (tx, rx) = channel();
        for i in 0..10 {
            let tx = tx.clone();
            thread::spawn(async move {
                tx.send(i).unwrap();
            });
        }
        let mut seen = vec![false; 10];
        for _ in 0..10 {
            let j: usize = rx.recv().await.unwrap();
            seen[j] = true;
        }
        seen
    }
    same(original, ported);
}

#[test]
fn mpsc_page_propagating_panics() {
    fn original() -> String {
        use std::sync::mpsc::channel;

        let (tx, rx) = channel::<i32>();
        drop(tx);
        rx.recv().unwrap_err().to_string()
    }
    async fn ported() -> String {
        use bibelot::sync::mpsc::channel;

        let (tx, rx) = channel::<i32>();
        drop(tx);
        rx.recv().await.unwrap_err().to_string()
    }
    same(original, ported);
}

#[test]
fn mpsc_page_synchronous_channels() {
    fn original() -> i32 {
        use std::sync::mpsc::sync_channel;
        use std::thread;

        let (tx, rx) = sync_channel::<i32>(0);
        thread::spawn(move || {
            tx.send(53).unwrap();
        });
        rx.recv().unwrap()
    }
    async fn ported() -> i32 {
        use bibelot::sync::mpsc::sync_channel;
        use bibelot::thread;

        let (tx, rx) = sync_channel::<i32>(0);
        thread::spawn(async move {
            tx.send(53).await.unwrap();
        });
        rx.recv().await.unwrap()
    }
    same(original, ported);
}

#[test]
fn mpsc_page_unbounded_receive_loop() {
    fn original() -> Vec<&'static str> {
        use std::sync::mpsc::sync_channel;
        use std::thread;

        let (tx, rx) = sync_channel(3);
        for _ in 0..3 {
            let tx = tx.clone();
            thread::spawn(move || tx.send("ok").unwrap());
        }
        drop(tx);
        let mut got = Vec::new();
        while let Ok(msg) = rx.recv() {
            got.push(msg);
        }
        got
    }
    async fn ported() -> Vec<&'static str> {
        use bibelot::sync::mpsc::sync_channel;
        use bibelot::thread;

        let (tx, rx) = sync_channel(3);
        for _ in 0..3 {
            let tx = tx.clone();
            thread::spawn(async move { tx.send("ok").await.unwrap() });
        }
        drop(tx);
        let mut got = Vec::new();
        while let Ok(msg) = rx.recv().await {
            got.push(msg);
        }
        got
    }
    same(original, ported);
}

#[test]
fn mpsc_sync_channel_the_second_send_waits() {
    fn original() -> (i32, i32) {
        use std::sync::mpsc::sync_channel;
        use std::thread;

        let (sender, receiver) = sync_channel(1);
        sender.send(1).unwrap();
        thread::spawn(move || {
            sender.send(2).unwrap();
        });
        (receiver.recv().unwrap(), receiver.recv().unwrap())
    }
    async fn ported() -> (i32, i32) {
        use bibelot::sync::mpsc::sync_channel;
        use bibelot::thread;

        let (sender, receiver) = sync_channel(1);
        sender.send(1).await.unwrap();
        thread::spawn(async move {
            sender.send(2).await.unwrap();
        });
        (
            receiver.recv().await.unwrap(),
            receiver.recv().await.unwrap(),
        )
    }
    same(original, ported);
}

#[test]
fn mpsc_sender_send_to_nobody() {
    fn original() -> i32 {
        use std::sync::mpsc::channel;

        let (tx, rx) = channel();
        tx.send(1).unwrap();
        drop(rx);
        tx.send(1).unwrap_err().0
    }
    async fn ported() -> i32 {
        use bibelot::sync::mpsc::channel;

        let (tx, rx) = channel();
        tx.send(1).unwrap();
        drop(rx);
        tx.send(1).unwrap_err().0
    }
    same(original, ported);
}

#[test]
fn mpsc_sync_sender_send_is_a_rendezvous() {
    fn original() -> (&'static str, bool) {
        use std::sync::mpsc::sync_channel;
        use std::thread;

        let (sync_sender, receiver) = sync_channel(0);
        let thread = thread::spawn(move || {
            println!("sending message...");
            let sent = sync_sender.send("Hello").is_ok();
            println!("...message received!");
            sent
        });
        println!("waiting for message...");
        (receiver.recv().unwrap(), thread.join().unwrap())
    }
    async fn ported() -> (&'static str, bool) {
        use bibelot::sync::mpsc::sync_channel;
        use bibelot::thread;

        let (sync_sender, receiver) = sync_channel(0);
        let thread = thread::spawn(async move {
            println!("sending message...");
            let sent = sync_sender.send("Hello").await.is_ok();
            println!("...message received!");
            sent
        });
        println!("waiting for message...");
        (receiver.recv().await.unwrap(), thread.join().await.unwrap())
    }
    same(original, ported);
}

#[test]
fn mpsc_sync_sender_try_send() {
    fn original() -> (i32, i32, String) {
        use std::sync::mpsc::sync_channel;
        use std::thread;

        let (sync_sender, receiver) = sync_channel(1);
        let sync_sender2 = sync_sender.clone();
        thread::spawn(move || {
            sync_sender.send(1).unwrap();
            sync_sender.send(2).unwrap();
        });
        let (first, second) = (receiver.recv().unwrap(), receiver.recv().unwrap());
        sync_sender2.try_send(3).unwrap();
        let full = sync_sender2.try_send(4).unwrap_err();
        (first, second, full.to_string())
    }
    async fn ported() -> (i32, i32, String) {
        use bibelot::sync::mpsc::sync_channel;
        use bibelot::thread;

        let (sync_sender, receiver) = sync_channel(1);
        let sync_sender2 = sync_sender.clone();
        thread::spawn(async move {
            sync_sender.send(1).await.unwrap();
            sync_sender.send(2).await.unwrap();
        });
        let (first, second) = (
            receiver.recv().await.unwrap(),
            receiver.recv().await.unwrap(),
        );
        sync_sender2.try_send(3).unwrap();
        let full = sync_sender2.try_send(4).unwrap_err();
        (first, second, full.to_string())
    }
    same(original, ported);
}

#[test]
fn mpsc_receiver_recv_buffering() {
    fn original() -> Vec<Result<u8, std::sync::mpsc::RecvError>> {
        use std::sync::mpsc;
        use std::thread;

        let (send, recv) = mpsc::channel();
        let handle = thread::spawn(move || {
            send.send(1u8).unwrap();
            send.send(2).unwrap();
            send.send(3).unwrap();
            drop(send);
        });
        handle.join().unwrap();
        vec![recv.recv(), recv.recv(), recv.recv(), recv.recv()]
    }
    async fn ported() -> Vec<Result<u8, std::sync::mpsc::RecvError>> {
        use bibelot::sync::mpsc;
        use bibelot::thread;

        let (send, recv) = mpsc::channel();
        let handle = thread::spawn(async move {
            send.send(1u8).unwrap();
            send.send(2).unwrap();
            send.send(3).unwrap();
            drop(send);
        });
        handle.join().await.unwrap();
        vec![
            recv.recv().await,
            recv.recv().await,
            recv.recv().await,
            recv.recv().await,
        ]
    }
    same(original, ported);
}

#[test]
fn mpsc_receiver_try_recv() {
    fn original() -> (String, i32, String) {
        use std::sync::mpsc::channel;

        let (tx, receiver) = channel();
        let empty = receiver.try_recv().unwrap_err().to_string();
        tx.send(1).unwrap();
        let got = receiver.try_recv().unwrap();
        drop(tx);
        (empty, got, receiver.try_recv().unwrap_err().to_string())
    }
    async fn ported() -> (String, i32, String) {
        use bibelot::sync::mpsc::channel;

        let (tx, receiver) = channel();
        let empty = receiver.try_recv().unwrap_err().to_string();
        tx.send(1).unwrap();
        let got = receiver.try_recv().unwrap();
        drop(tx);
        (empty, got, receiver.try_recv().unwrap_err().to_string())
    }
    same(original, ported);
}

#[test]
fn mpsc_receiver_recv_timeout_before_the_timeout() {
    fn original() -> Result<char, std::sync::mpsc::RecvTimeoutError> {
        use std::sync::mpsc;
        use std::thread;
        use std::time::Duration;

        let (send, recv) = mpsc::channel();
        thread::spawn(move || {
            send.send('a').unwrap();
        });
        recv.recv_timeout(Duration::from_secs(400))
    }
    async fn ported() -> Result<char, std::sync::mpsc::RecvTimeoutError> {
        use bibelot::sync::mpsc;
        use bibelot::thread;
        use bibelot::time::Duration;

        let (send, recv) = mpsc::channel();
        thread::spawn(async move {
            send.send('a').unwrap();
        });
        recv.recv_timeout(Duration::from_secs(400)).await
    }
    same(original, ported);
}

/// The sender sleeps for twice as long.
#[test]
fn mpsc_receiver_recv_timeout_reaching_the_timeout() {
    use std::sync::mpsc::RecvTimeoutError;

    async fn ported() -> Result<char, RecvTimeoutError> {
        use bibelot::sync::mpsc;
        use bibelot::thread::{self, sleep};
        use bibelot::time::Duration;

        let (send, recv) = mpsc::channel();
        thread::spawn(async move {
            sleep(Duration::from_millis(800)).await;
            // The receiver has gone by now.
            let _ = send.send('a');
        });
        recv.recv_timeout(Duration::from_millis(400)).await
    }
    gives(Err(RecvTimeoutError::Timeout), ported);
}

#[test]
fn mpsc_receiver_iter_and_into_iter() {
    fn original() -> (Vec<u8>, Vec<u8>) {
        use std::sync::mpsc::channel;
        use std::thread;

        let (send, recv) = channel();
        thread::spawn(move || {
            send.send(1).unwrap();
            send.send(2).unwrap();
            send.send(3).unwrap();
        });
        let mut seen = Vec::new();
        for x in recv.iter() {
            seen.push(x);
        }
        let (send, recv) = channel();
        thread::spawn(move || {
            send.send(1).unwrap();
            send.send(2).unwrap();
        });
        let mut owned = Vec::new();
        for x in recv {
            owned.push(x);
        }
        (seen, owned)
    }
    async fn ported() -> (Vec<u8>, Vec<u8>) {
        use bibelot::sync::mpsc::channel;
        use bibelot::thread;

        let (send, recv) = channel();
        thread::spawn(async move {
            send.send(1).unwrap();
            send.send(2).unwrap();
            send.send(3).unwrap();
        });
        let mut seen = Vec::new();
        let mut iter = recv.iter();
        while let Some(x) = iter.next().await {
            seen.push(x);
        }
        let (send, recv) = channel();
        thread::spawn(async move {
            send.send(1).unwrap();
            send.send(2).unwrap();
        });
        let mut owned = Vec::new();
        let mut iter = recv.into_iter();
        while let Some(x) = iter.next().await {
            owned.push(x);
        }
        (seen, owned)
    }
    same(original, ported);
}

/// The page's own gives the sender two seconds.
#[test]
fn mpsc_receiver_try_iter() {
    async fn ported() -> (bool, Vec<u8>) {
        use bibelot::sync::mpsc::channel;
        use bibelot::thread::{self, sleep};
        use bibelot::time::Duration;

        let (sender, receiver) = channel();
        let nothing_yet = receiver.try_iter().next().is_none();
        thread::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            sender.send(1).unwrap();
            sender.send(2).unwrap();
            sender.send(3).unwrap();
        });
        sleep(Duration::from_secs(2)).await;
        let mut seen = Vec::new();
        for x in receiver.try_iter() {
            seen.push(x);
        }
        (nothing_yet, seen)
    }
    gives((true, vec![1, 2, 3]), ported);
}

#[test]
fn mpsc_receiver_page_a_delayed_message() {
    async fn ported() -> (&'static str, &'static str, u64) {
        use bibelot::sync::mpsc::channel;
        use bibelot::thread::{self, sleep};
        use bibelot::time::{Duration, Instant};

        let start = Instant::now();
        let (send, recv) = channel();
        thread::spawn(async move {
            send.send("Hello world!").unwrap();
            sleep(Duration::from_secs(2)).await;
            send.send("Delayed for 2 seconds").unwrap();
        });
        let first = recv.recv().await.unwrap();
        let second = recv.recv().await.unwrap();
        (first, second, start.elapsed().as_secs())
    }
    gives(("Hello world!", "Delayed for 2 seconds", 2), ported);
}
