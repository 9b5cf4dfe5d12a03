//! Sockets, against the kernel: what std's promise, awaited, and the corners of edge-triggered
//! readiness, each by name.
//!
//! Nothing here sleeps to let things settle. What has to be seen to wait is polled by hand; what has
//! happened in the kernel is known to have reached the sources after [`look_outside`].

mod address;
mod connect;
mod descriptors;
mod places;
mod readiness;
mod serve;
mod tcp;
mod udp;
mod unix;
mod waiters;

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bibelot::net::{TcpListener, TcpStream, UnixStream};
use bibelot::time::{Duration, timeout};

/// How long a test may take before it counts as hung.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs a test that may fail with `?` and may not hang.
#[track_caller]
fn run<T>(test: impl Future<Output = io::Result<T>>) -> T {
    bibelot::run(limited(test)).expect("the test returned an error")
}

/// A test that may not hang.
async fn limited<T>(test: impl Future<Output = T>) -> T {
    let ended = timeout(LIMIT, test).await;
    ended.unwrap_or_else(|elapsed| panic!("the test hangs: {elapsed}"))
}

/// A connection: both its ends.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let one = TcpStream::connect(listener.local_addr()?).await?;
    let (other, _) = listener.accept().await?;
    Ok((one, other))
}

/// Whether the machine has IPv6; if not, says that a test is left out.
fn has_v6() -> bool {
    let has_v6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    if !has_v6 {
        eprintln!("no IPv6 here: left out");
    }
    has_v6
}

/// Writes until a write has to wait, and returns how much was written.
async fn fill(stream: &UnixStream) -> io::Result<usize> {
    let mut written = 0;
    loop {
        let mut write = pin!(stream.write(&[0; 4096]));
        match poll_once(write.as_mut()).await {
            Poll::Ready(count) => written += count?,
            Poll::Pending => return Ok(written),
        }
    }
}

/// Polls a future once, in the name of the running task.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// A future that has come to wait.
async fn waiting<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    let polled = poll_once(future.as_mut()).await;
    assert!(polled.is_pending(), "it did not have to wait");
    future
}

/// Returns when everything that had happened in the kernel by the call has been told to who waits.
async fn look_outside() -> io::Result<()> {
    let (here, there) = UnixStream::pair()?;
    let mut buf = [0];
    let read = waiting(here.read(&mut buf)).await;
    there.write_all(b"!").await?;
    read.await?;
    Ok(())
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    /// How often it was woken.
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Polls a future with this waker.
    fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(self));
        future.poll(&mut Context::from_waker(&waker))
    }
}
