//! A simulation and the real world: sockets, threads and wakers of others work in it, and time goes on as
//! it does outside while somebody waits for them.

use std::future::poll_fn;
use std::io::{Read, Write};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use bibelot::net::{TcpListener, TcpStream};
use bibelot::task::join;
use bibelot::testing::{Sim, advance, settle};
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, spawn};

use crate::{SECOND, s};

/// Says something over a real connection, and hears it again.
async fn echoes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let mut buf = [0; 64];
        let n = client.read(&mut buf).await.unwrap();
        client.write_all(&buf[..n]).await.unwrap();
    });
    let client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"hello").await.unwrap();
    let mut buf = [0; 5];
    client.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"hello");
    server.await.unwrap();
}

#[test]
fn a_real_socket_works_and_no_timeout_around_it_runs_out_meanwhile() {
    Sim::new().run(async {
        let start = Instant::now();
        // An hour would be over at once if the clock jumped.
        timeout(s(3600), echoes()).await.unwrap();
        assert!(start.elapsed() < s(60));
    });
}

#[test]
fn under_a_manual_clock_no_time_passes_while_sockets_are_waited_for() {
    Sim::new().manual().run(async {
        let start = Instant::now();
        timeout(Duration::from_nanos(1), echoes()).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn when_the_world_outside_is_done_with_time_jumps_again() {
    Sim::new().run(async {
        echoes().await;
        let start = Instant::now();
        sleep(s(3600)).await;
        assert_eq!(start.elapsed(), s(3600));
    });
}

#[test]
fn a_manual_clock_does_not_hang_or_panic_while_something_outside_is_awaited() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let ours = bibelot::io::AsyncFd::new(ours).unwrap();
    let (ready, go) = mpsc::channel();
    let writer = thread::spawn(move || {
        go.recv().unwrap();
        (&theirs).write_all(b"x").unwrap();
    });
    Sim::new().manual().run(async {
        let sleeper = spawn(sleep(SECOND));
        settle().await;
        ready.send(()).unwrap();
        let read = ours.read_with(|mut stream| stream.read(&mut [0]));
        assert_eq!(read.await.unwrap(), 1);
        assert!(!sleeper.is_finished());
        advance(SECOND).await;
        assert!(sleeper.is_finished());
    });
    writer.join().unwrap();
}

#[test]
fn an_advance_does_not_wait_for_the_world_outside() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let ours = bibelot::io::AsyncFd::new(ours).unwrap();
    Sim::new().run(async {
        let start = Instant::now();
        let read = timeout(s(60), ours.read_with(|mut stream| stream.read(&mut [0])));
        let (read, ()) = join(read, advance(s(3600))).await;
        assert!(read.is_err(), "nobody writes, and the time is over");
        assert_eq!(start.elapsed(), s(3600));
    });
    drop(theirs);
}

#[test]
fn what_has_come_from_outside_is_taken_at_every_step_of_an_advance() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let ours = bibelot::io::AsyncFd::new(ours).unwrap();
    Sim::new().manual().run(async {
        let start = Instant::now();
        let reader = spawn(async move {
            ours.read_with(|mut stream| stream.read(&mut [0]))
                .await
                .unwrap();
            start.elapsed()
        });
        let writer = spawn(async move {
            sleep(SECOND).await;
            (&theirs).write_all(b"x").unwrap();
            sleep(s(10)).await;
        });
        advance(s(20)).await;
        assert_eq!(reader.await.unwrap(), SECOND);
        writer.await.unwrap();
    });
}

#[test]
fn a_foreign_waker_that_somebody_keeps_is_waited_for_and_no_deadlock() {
    Sim::new().manual().run(async {
        let mut is_first = true;
        poll_fn(|cx| {
            if !std::mem::take(&mut is_first) {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            drop(thread::spawn(move || waker.wake()));
            Poll::Pending
        })
        .await;
    });
}

#[test]
fn a_socket_that_was_made_under_another_executor_works_in_a_simulation() {
    let bound = Executor::new()
        .unwrap()
        .run(TcpListener::bind("127.0.0.1:0"));
    let listener = bound.unwrap();
    let address = listener.local_addr().unwrap();
    Sim::new().run(async {
        let (accepted, connected) = join(listener.accept(), TcpStream::connect(address)).await;
        assert_eq!(
            accepted.unwrap().1,
            connected.unwrap().local_addr().unwrap()
        );
    });
}
