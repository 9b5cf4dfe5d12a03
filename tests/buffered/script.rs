//! The other ends: a source and a sink that do what a script says, and note what was asked of
//! them; and ways to poll a future that drop it at chosen moments.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bibelot::io::{ErrorKind, Read, Result, Write};

/// What a script says to do next.
#[derive(Clone)]
pub(crate) enum Step {
    /// Be pending once.
    Wait,
    /// A source gives these bytes, by several reads if they ask for fewer.
    Give(Vec<u8>),
    /// A sink takes at most so many bytes.
    Take(usize),
    /// Fail with this kind.
    Fail(ErrorKind),
}

pub(crate) use Step::{Fail, Take, Wait};

pub(crate) fn give(bytes: impl AsRef<[u8]>) -> Step {
    Step::Give(bytes.as_ref().to_vec())
}

/// A source that gives what its script says, then ends; or a sink that takes what its script says,
/// then everything.
#[derive(Default)]
pub(crate) struct Script {
    steps: RefCell<VecDeque<Step>>,
    trace: RefCell<Vec<String>>,
    taken: RefCell<Vec<u8>>,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Script {
            steps: RefCell::new(steps.into_iter().collect()),
            ..Script::default()
        }
    }

    /// Returns what was asked since the last call, and what the answers were.
    pub(crate) fn trace(&self) -> Vec<String> {
        self.trace.take()
    }

    /// Returns all that was written.
    pub(crate) fn taken(&self) -> String {
        String::from_utf8(self.taken.borrow().clone()).expect("tests write text")
    }

    fn note(&self, line: String) {
        self.trace.borrow_mut().push(line);
    }

    /// Takes the next step, having waited where the script says so.
    async fn step(&self, asked: &str) -> Option<Step> {
        poll_fn(|cx| {
            let step = self.steps.borrow_mut().pop_front();
            if let Some(Wait) = step {
                self.note(format!("{asked}: waits"));
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(step)
        })
        .await
    }
}

impl Read for Script {
    async fn read(&self, buf: &mut [u8]) -> Result<usize> {
        let asked = format!("read {}", buf.len());
        match self.step(&asked).await {
            Some(Step::Give(bytes)) => {
                let (now, later) = bytes.split_at(bytes.len().min(buf.len()));
                buf[..now.len()].copy_from_slice(now);
                self.note(format!("{asked}: {}", String::from_utf8_lossy(now)));
                if !later.is_empty() {
                    self.steps.borrow_mut().push_front(give(later));
                }
                Ok(now.len())
            }
            Some(Fail(kind)) => {
                self.note(format!("{asked}: {kind}"));
                Err(kind.into())
            }
            _ => {
                self.note(format!("{asked}: end"));
                Ok(0)
            }
        }
    }
}

impl Write for Script {
    async fn write(&self, buf: &[u8]) -> Result<usize> {
        let asked = format!("write {}", String::from_utf8_lossy(buf));
        let most = match self.step(&asked).await {
            Some(Take(most)) => most,
            Some(Fail(kind)) => {
                self.note(format!("{asked}: {kind}"));
                return Err(kind.into());
            }
            _ => usize::MAX,
        };
        let n = buf.len().min(most);
        self.taken.borrow_mut().extend_from_slice(&buf[..n]);
        self.note(format!("{asked}: {n}"));
        Ok(n)
    }

    async fn flush(&self) -> Result<()> {
        if let Some(Fail(kind)) = self.step("flush").await {
            self.note(format!("flush: {kind}"));
            return Err(kind.into());
        }
        self.note("flush".to_owned());
        Ok(())
    }
}

/// Polls until the future is ready; every wait of a script is over at the next poll.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return value;
        }
    }
}

/// Polls once, and drops the future.
pub(crate) fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Says which suspensions end in a cancel.
pub(crate) struct Cancels {
    /// Bit n set: the future is dropped at suspension n, and the call made again.
    plan: u64,
    /// How many suspensions there were.
    pub(crate) seen: Cell<u32>,
}

impl Cancels {
    pub(crate) fn new(plan: u64) -> Self {
        Cancels {
            plan,
            seen: Cell::new(0),
        }
    }

    /// Makes the call until it returns, dropping its future where the plan says so.
    pub(crate) fn call<T>(&self, mut make: impl AsyncFnMut() -> T) -> T {
        loop {
            let mut future = pin!(make());
            loop {
                let poll = future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(value) = poll {
                    return value;
                }
                let now = self.seen.replace(self.seen.get() + 1);
                if self.plan >> now & 1 == 1 {
                    break;
                }
            }
        }
    }
}

/// Runs the scenario, which waits fewer than 12 times, with every choice of waits cancelled.
pub(crate) fn every_choice_of_cancels(scenario: impl Fn(&Cancels)) {
    let calm = Cancels::new(0);
    scenario(&calm);
    let waits = calm.seen.get();
    assert!((1..12).contains(&waits), "{waits} waits");
    for plan in 1..1 << waits {
        scenario(&Cancels::new(plan));
    }
}
