//! Whoever waits knows where in the program: in a line of this file, not in one of the library.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use bibelot::io::{IoSlice, IoSliceMut};
use bibelot::net::{
    TcpListener, TcpStream, ToSocketAddrs, UdpSocket, UnixDatagram, UnixListener, UnixStream,
    lookup_host, serve,
};
use bibelot::task::{Builder, yield_now};
use bibelot::time::Duration;
use bibelot::{Executor, Report};

use crate::{fill, limited, pair};

/// Where the task named `waiter` was seen to wait: the files, in order.
type Files = Rc<RefCell<Vec<&'static str>>>;

/// Has a future wait in a task, and checks in which file. Returns whether it had to wait.
async fn waits_here<F: Future + 'static>(files: &Files, what: &str, future: F) -> bool {
    let waiter = Builder::new().name("waiter").spawn(future);
    yield_now().await;
    yield_now().await;
    waiter.cancel();
    let _cancelled = waiter.await;
    let files = files.take();
    for file in &files {
        assert!(file.ends_with("places.rs"), "{what} waits in {file}");
    }
    !files.is_empty()
}

/// Has each of these futures wait, and checks in which file.
macro_rules! assert_each_waits_here {
    ($files:expr, $($future:expr;)*) => {$(
        let what = stringify!($future);
        let waited = waits_here($files, what, async move { $future.await }).await;
        assert!(waited, "{what} did not wait");
    )*};
}

/// Runs a test that is told where the task named `waiter` waits.
fn with_places<F: Future<Output = io::Result<()>>>(test: impl FnOnce(Files) -> F) {
    let files = Files::default();
    let seen = Rc::clone(&files);
    let executor = Executor::builder()
        .slow_poll(Duration::ZERO) // so every poll is reported, and says where it came to wait
        .on_report(move |report: &Report| match report {
            Report::SlowPoll(poll) if poll.task().contains("waiter") => {
                seen.borrow_mut()
                    .extend(poll.waits_at().map(|at| at.file()));
            }
            _ => {}
        })
        .build()
        .expect("an executor");
    executor.run(limited(test(files))).expect("no error");
}

#[test]
fn a_wait_of_a_stream_is_in_the_program() {
    with_places(async |files| {
        let (stream, _peer) = pair().await?;
        let (full, _slow) = UnixStream::pair()?;
        fill(&full).await?;
        let (stream, full): (&_, &_) = (Box::leak(Box::new(stream)), Box::leak(Box::new(full)));
        assert_each_waits_here!(
            &files,
            stream.read(&mut [0]);
            stream.read_vectored(&mut [IoSliceMut::new(&mut [0])]);
            stream.read_exact(&mut [0]);
            stream.read_to_end(&mut Vec::new());
            stream.read_to_string(&mut String::new());
            stream.peek(&mut [0]);
            full.write(&[0]);
            full.write_vectored(&[IoSlice::new(&[0])]);
            full.write_all(&[0]);
            full.write_fmt(format_args!("!"));
        );
        Ok(())
    });
}

#[test]
fn a_wait_for_a_client_is_in_the_program() {
    with_places(async |files| {
        let listener: &_ = Box::leak(Box::new(TcpListener::bind("127.0.0.1:0").await?));
        let path = std::env::temp_dir().join(format!("bibelot-{}-places", std::process::id()));
        let unix: &_ = Box::leak(Box::new(UnixListener::bind(&path)?));
        std::fs::remove_file(path)?;
        assert_each_waits_here!(
            &files,
            listener.accept();
            listener.incoming().next();
            unix.accept();
            unix.incoming().next();
            serve(listener, |_, _| async { Ok(()) });
            serve(listener, |_, _| async { Ok(()) }).until(listener.accept());
        );
        Ok(())
    });
}

#[test]
fn a_wait_for_a_datagram_is_in_the_program() {
    with_places(async |files| {
        let udp: &_ = Box::leak(Box::new(UdpSocket::bind("127.0.0.1:0").await?));
        let (unix, _peer) = UnixDatagram::pair()?;
        let unix: &_ = Box::leak(Box::new(unix));
        assert_each_waits_here!(
            &files,
            udp.recv(&mut [0]);
            udp.recv_from(&mut [0]);
            udp.peek(&mut [0]);
            udp.peek_from(&mut [0]);
            unix.recv(&mut [0]);
            unix.recv_from(&mut [0]);
        );
        Ok(())
    });
}

#[test]
fn a_wait_for_a_name_is_in_the_program() {
    with_places(async |files| {
        let udp: &_ = Box::leak(Box::new(UdpSocket::bind("127.0.0.1:0").await?));
        // A resolver that is faster than the poll leaves nothing to wait for, and to check.
        waits_here(&files, "look up", lookup_host("not an address:1")).await;
        waits_here(&files, "look up", lookup_host(("not an address", 1))).await;
        waits_here(&files, "look up", "not an address:1".to_socket_addrs()).await;
        waits_here(&files, "bind", TcpListener::bind("not an address:1")).await;
        waits_here(&files, "bind", UdpSocket::bind("not an address:1")).await;
        waits_here(&files, "connect", TcpStream::connect("not an address:1")).await;
        waits_here(&files, "connect", udp.connect("not an address:1")).await;
        waits_here(&files, "send to", udp.send_to(b"", "not an address:1")).await;
        Ok(())
    });
}
