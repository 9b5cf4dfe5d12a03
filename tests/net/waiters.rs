//! Who waits on a socket: several at once, one that gives up, one that moves elsewhere.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;

use bibelot::Executor;
use bibelot::net::{TcpListener, TcpStream, UnixStream};
use bibelot::time::{Duration, timeout};

use crate::{Count, fill, look_outside, pair, poll_once, run, waiting};

#[test]
fn a_reader_that_is_dropped_after_its_wake_passes_it_on() {
    run(async {
        let (here, there) = pair().await?;
        let (mut first_buf, mut second_buf) = ([0; 1], [0; 1]);
        let mut first = Box::pin(here.read(&mut first_buf));
        let mut second = Box::pin(here.read(&mut second_buf));
        let (first_wakes, second_wakes) = (Arc::<Count>::default(), Arc::<Count>::default());
        assert!(first_wakes.poll(first.as_mut()).is_pending());
        assert!(second_wakes.poll(second.as_mut()).is_pending());
        there.write_all(b"a").await?;
        look_outside().await?;
        assert_eq!((first_wakes.get(), second_wakes.get()), (1, 0));
        drop(first); // woken, and never polled again
        assert_eq!(second_wakes.get(), 1);
        assert_eq!(second.await?, 1);
        assert_eq!(&second_buf, b"a");
        Ok(())
    });
}

#[test]
fn two_readers_are_served_in_the_order_they_came() {
    run(async {
        let (here, there) = pair().await?;
        let here = Rc::new(here);
        let log = Rc::new(RefCell::new(Vec::new()));
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let (here, log) = (Rc::clone(&here), Rc::clone(&log));
                bibelot::spawn(async move {
                    let mut byte = [0; 1];
                    here.read(&mut byte).await?;
                    log.borrow_mut().push((reader, char::from(byte[0])));
                    io::Result::Ok(())
                })
            })
            .collect();
        bibelot::task::yield_now().await;
        there.write_all(b"ab").await?; // one event for the first two
        look_outside().await?;
        there.write_all(b"cd").await?;
        for reader in readers {
            reader.join().await??;
        }
        assert_eq!(*log.borrow(), [(0, 'a'), (1, 'b'), (2, 'c'), (3, 'd')]);
        Ok(())
    });
}

#[test]
fn a_reader_and_a_writer_wait_on_one_socket_at_once() {
    run(async {
        let (here, there) = UnixStream::pair()?;
        let mut buf = [0; 16];
        let read = waiting(here.read(&mut buf)).await;
        let mut written = fill(&here).await?;
        let mut write = waiting(here.write(b"late")).await;

        // The reader is served while the writer still waits.
        there.write_all(b"answer").await?;
        assert_eq!(read.await?, 6);
        assert!(poll_once(write.as_mut()).await.is_pending());

        // And the writer when there is room.
        let drain = bibelot::spawn(async move {
            let mut all = Vec::new();
            there.read_to_end(&mut all).await?;
            io::Result::Ok(all.len())
        });
        written += write.await?;
        drop(here);
        assert_eq!(drain.await??, written);
        Ok(())
    });
}

#[test]
fn both_sides_write_and_read_more_than_any_buffer_holds_at_once() {
    const BYTES: usize = 8 << 20;
    run(async {
        let (here, there) = pair().await?;
        let mut tasks = Vec::new();
        for stream in [here, there] {
            let stream = Rc::new(stream);
            let writer = Rc::clone(&stream);
            tasks.push(bibelot::spawn(async move {
                writer.write_all(&vec![7; BYTES]).await
            }));
            tasks.push(bibelot::spawn(async move {
                let mut all = vec![0; BYTES];
                stream.read_exact(&mut all).await?;
                assert!(all.iter().all(|byte| *byte == 7));
                Ok(())
            }));
        }
        for task in tasks {
            task.await??;
        }
        Ok(())
    });
}

#[test]
fn an_event_of_a_closed_descriptor_does_not_reach_the_next_one_of_that_number() {
    /// How often another test's thread may have taken the number.
    const TRIES: usize = 1000;
    run(async {
        for _ in 0..TRIES {
            let (old, peer) = pair().await?;
            let still_open = old.try_clone()?; // keeps it alive in the kernel
            let number = old.as_raw_fd();
            drop(waiting(old.read(&mut [0; 1])).await);
            drop(old);
            let (new, _peer) = UnixStream::pair()?;
            if new.as_raw_fd() != number {
                continue;
            }
            let wakes = Arc::<Count>::default();
            let mut buf = [0; 1];
            let mut read = Box::pin(new.read(&mut buf));
            assert!(wakes.poll(read.as_mut()).is_pending());
            peer.write_all(b"!").await?;
            look_outside().await?; // before it is read, or there is nothing to tell
            assert_eq!(wakes.get(), 0);
            assert_eq!(still_open.read(&mut [0; 1]).await?, 1);
            return Ok(());
        }
        panic!("the number was never given out again");
    });
}

#[test]
fn a_reader_that_is_dropped_while_it_waits_is_forgotten() {
    run(async {
        let (here, there) = pair().await?;
        let wakes = Arc::<Count>::default();
        {
            let mut buf = [0; 1];
            let mut read = Box::pin(here.read(&mut buf));
            assert!(wakes.poll(read.as_mut()).is_pending());
        }
        assert_eq!(Arc::strong_count(&wakes), 1); // no waker is left behind
        there.write_all(b"a").await?;
        look_outside().await?;
        assert_eq!(wakes.get(), 0);
        assert_eq!(here.read(&mut [0; 16]).await?, 1);
        Ok(())
    });
}

#[test]
fn a_read_that_timed_out_has_lost_nothing() {
    run(async {
        let (here, there) = pair().await?;
        let mut buf = [0; 16];
        for _ in 0..3 {
            let read = timeout(Duration::from_millis(1), here.read(&mut buf));
            assert!(read.await.is_err());
        }
        there.write_all(b"abc").await?;
        assert_eq!(here.read(&mut buf).await?, 3);
        Ok(())
    });
}

#[test]
fn sockets_move_from_one_executor_to_another() {
    let (listener, waited) = run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        // Registered here, since it has had to wait.
        let accept = timeout(Duration::from_millis(1), listener.accept());
        assert!(accept.await.is_err());
        let (one, other) = pair().await?;
        let mut buf = [0; 1];
        let read = timeout(Duration::from_millis(1), one.read(&mut buf));
        assert!(read.await.is_err());
        Ok((listener, (one, other)))
    });
    run(async {
        let address = listener.local_addr()?;
        let client = bibelot::spawn(TcpStream::connect(address));
        listener.accept().await?;
        client.await??;
        let (one, other) = waited;
        let mut buf = [0; 1];
        let read = waiting(one.read(&mut buf)).await;
        other.write_all(b"!").await?;
        assert_eq!(read.await?, 1);
        Ok(())
    });
}

#[test]
fn a_socket_that_waited_outlives_its_executor() {
    let (one, _other) = run(async {
        let (one, other) = pair().await?;
        let mut buf = [0; 1];
        let read = timeout(Duration::from_millis(1), one.read(&mut buf));
        assert!(read.await.is_err());
        Ok((one, other))
    });
    drop(one);
}

#[test]
fn a_socket_is_heard_in_every_executor_that_lives() {
    let executors = || -> io::Result<()> {
        let [first, ended, third] = [Executor::new()?, Executor::new()?, Executor::new()?];
        let (one, other) = first.run(pair())?;
        let hear = async || {
            let mut buf = [0; 1];
            let read = waiting(one.read(&mut buf)).await;
            other.write_all(b"!").await?;
            assert_eq!(read.await?, 1);
            io::Result::Ok(())
        };
        [&first, &ended, &third]
            .into_iter()
            .try_for_each(|executor| executor.run(hear()))?;
        drop(ended);
        let young = Executor::new()?;
        [&young, &first, &third, &young]
            .into_iter()
            .try_for_each(|executor| executor.run(hear()))
    };
    executors().unwrap();
}

#[test]
fn clones_wait_each_for_itself() {
    run(async {
        let (here, there) = pair().await?;
        let again = here.try_clone()?;
        let (mut one, mut other) = ([0; 1], [0; 1]);
        let mut first = Box::pin(here.read(&mut one));
        let mut second = Box::pin(again.read(&mut other));
        assert!(poll_once(first.as_mut()).await.is_pending());
        assert!(poll_once(second.as_mut()).await.is_pending());
        there.write_all(b"ab").await?;
        assert_eq!(first.await?, 1);
        assert_eq!(second.await?, 1);
        assert_eq!([one[0], other[0]], *b"ab");

        drop(here);
        let read = waiting(again.read(&mut one)).await;
        there.write_all(b"c").await?;
        assert_eq!(read.await?, 1);
        Ok(())
    });
}
