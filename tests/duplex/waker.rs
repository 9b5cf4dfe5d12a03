//! Wakes that go to somebody who is no more, and wakers that do what no waker should.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bibelot::io::{Duplex, duplex};

use crate::now;

/// Counts its wakes.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Polls with a waker that counts.
fn poll<F: Future>(future: Pin<&mut F>, count: &Arc<Count>) -> Poll<F::Output> {
    poll_by(future, &Waker::from(Arc::clone(count)))
}

fn poll_by<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

#[test]
fn a_woken_reader_that_is_dropped_passes_the_wake_on() {
    let (a, b) = duplex(4);
    let counts = [(); 3].map(|()| Arc::new(Count::default()));
    let mut bufs = [[0_u8; 4]; 3];
    let [one, two, three] = &mut bufs;
    let mut first = Box::pin(b.read(one));
    let mut second = Box::pin(b.read(two));
    let mut third = Box::pin(b.read(three));
    assert!(poll(first.as_mut(), &counts[0]).is_pending());
    assert!(poll(second.as_mut(), &counts[1]).is_pending());
    assert!(poll(third.as_mut(), &counts[2]).is_pending());
    let wakes = || counts.each_ref().map(|count| count.get());

    drop(second);
    assert_eq!(wakes(), [0, 0, 0], "who was not woken passes nothing on");
    now(a.write_all(b"ab")).unwrap();
    assert_eq!(wakes(), [1, 0, 0], "the first in line");
    now(a.write_all(b"cd")).unwrap();
    assert_eq!(wakes(), [1, 0, 0], "it is woken already");
    drop(first);
    assert_eq!(wakes(), [1, 0, 1], "passed on, past the one that had left");
    assert!(matches!(
        poll(third.as_mut(), &counts[2]),
        Poll::Ready(Ok(4))
    ));
    drop(third);
    assert_eq!(&bufs[2], b"abcd");
}

#[test]
fn a_woken_writer_that_is_dropped_passes_the_wake_on() {
    let (a, b) = duplex(1);
    now(a.write_all(b"x")).unwrap();
    let counts = [(); 2].map(|()| Arc::new(Count::default()));
    let mut first = Box::pin(a.write(b"1"));
    let mut second = Box::pin(a.write(b"2"));
    assert!(poll(first.as_mut(), &counts[0]).is_pending());
    assert!(poll(second.as_mut(), &counts[1]).is_pending());

    let mut byte = [0];
    now(b.read_exact(&mut byte)).unwrap();
    assert_eq!([counts[0].get(), counts[1].get()], [1, 0]);
    drop(first);
    assert_eq!([counts[0].get(), counts[1].get()], [1, 1]);
    assert!(matches!(
        poll(second.as_mut(), &counts[1]),
        Poll::Ready(Ok(1))
    ));
    now(b.read_exact(&mut byte)).unwrap();
    assert_eq!(
        &byte, b"2",
        "nothing was written by the one that was dropped"
    );
}

#[test]
fn who_comes_while_others_wait_stands_behind_them() {
    let (a, b) = duplex(4);
    let count = Arc::new(Count::default());
    let (mut one, mut two) = ([0], [0]);
    let mut first = Box::pin(b.read(&mut one));
    assert!(poll(first.as_mut(), &count).is_pending());
    now(a.write_all(b"ab")).unwrap();
    let mut late = Box::pin(b.read(&mut two));
    assert!(
        poll(late.as_mut(), &count).is_pending(),
        "it is not its turn"
    );
    assert!(poll(first.as_mut(), &count).is_ready());
    assert!(poll(late.as_mut(), &count).is_ready());
    drop((first, late));
    assert_eq!((one, two), (*b"a", *b"b"));
}

/// What [`Meddler`] does when it is cloned, woken or dropped.
type Meddling = Box<dyn Fn(&str)>;

thread_local! {
    static MEDDLING: RefCell<Option<Meddling>> = const { RefCell::new(None) };
}

/// A waker that uses the very streams it waits for.
struct Meddler;

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        meddle("wake");
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        meddle("drop");
    }
}

fn meddle(when: &str) {
    let meddling = MEDDLING.take();
    if let Some(meddling) = &meddling {
        meddling(when);
    }
    MEDDLING.set(meddling);
}

fn meddler() -> Waker {
    Waker::from(Arc::new(Meddler))
}

/// A waker is woken, and dropped, when nothing is borrowed: it may use the stream.
#[test]
fn a_waker_may_use_the_stream_that_wakes_it() {
    let (a, b) = duplex(4);
    let (a, b): (&'static Duplex, &'static Duplex) = (Box::leak(a.into()), Box::leak(b.into()));
    let seen = std::rc::Rc::new(RefCell::new(Vec::new()));
    MEDDLING.set(Some(Box::new({
        let seen = seen.clone();
        move |when| {
            let mut buf = [0; 4];
            // In line behind who waits, so nothing is stolen from it.
            let read = crate::poll_once(b.read(&mut buf)).is_ready();
            let wrote = crate::poll_once(a.write(b"!")).is_ready();
            seen.borrow_mut().push(format!("{when}: {read} {wrote}"));
        }
    })));
    let mut buf = [0; 8];
    let mut read = Box::pin(b.read(&mut buf));
    assert!(poll_by(read.as_mut(), &meddler()).is_pending());
    assert_eq!(seen.take(), [""; 0]);
    let waker = meddler();
    assert!(poll_by(read.as_mut(), &waker).is_pending());
    assert_eq!(seen.take(), ["drop: false true"], "the waker before it");
    assert!(matches!(poll_by(read.as_mut(), &waker), Poll::Ready(Ok(1))));
    drop(read);

    let mut read = Box::pin(b.read(&mut buf));
    assert!(poll_by(read.as_mut(), &waker).is_pending());
    now(a.write_all(b"?")).unwrap();
    assert_eq!(seen.take(), ["wake: false true"]);
    assert!(matches!(poll_by(read.as_mut(), &waker), Poll::Ready(Ok(2))));
    drop(read);
    assert_eq!(&buf[..2], b"?!");
    MEDDLING.set(None);
}
