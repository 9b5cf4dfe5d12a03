//! The workloads of the table of structure, in bibelot, tokio and moro.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn, ready};
use std::hint::black_box;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use ::bibelot::spawn;
use ::bibelot::task::{TaskGroup, finally, scope};
use ::bibelot::time::{sleep, timeout};
use ::tokio::task::{JoinSet, spawn_local};

use crate::cells::Yield;
use crate::counting::allocations;
use crate::machine::cpu;
use crate::runtime::Runtime;

/// How many members a group has, and how many tasks are joined together.
pub const MEMBERS: u64 = 1_000;
/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(30);

/// What a cell has cost per operation.
#[derive(Clone, Copy)]
pub struct Cost {
    pub nanos: f64,
    pub allocations: f64,
}

thread_local! {
    /// What the batch has cost.
    static COST: Cell<Option<Cost>> = const { Cell::new(None) };
}

/// What the batch has cost, which has ended.
pub fn cost() -> Cost {
    COST.take().expect("a workload was run")
}

/// When a batch began.
struct Since {
    nanos: u64,
    allocations: u64,
}

impl Since {
    fn now() -> Since {
        Since {
            allocations: allocations(),
            nanos: cpu(),
        }
    }

    /// Ends the batch of so many operations.
    fn end(self, ops: u64) {
        let nanos = cpu() - self.nanos;
        let allocations = allocations() - self.allocations;
        COST.set(Some(Cost {
            nanos: nanos as f64 / ops as f64,
            allocations: allocations as f64 / ops as f64,
        }));
    }
}

/// Runs a workload in a task of bibelot.
pub fn ours(work: impl AsyncFn() + 'static) -> io::Result<()> {
    crate::bibelot::Bibelot::run(async {
        drop(spawn(async move { work().await }).await);
    })
}

/// Runs a workload in a task of tokio.
pub fn tokio(work: impl AsyncFn() + 'static) -> io::Result<()> {
    crate::tokio::Set::run(async {
        drop(spawn_local(async move { work().await }).await);
    })
}

/// A workload that is measured when its tables have grown.
fn warm(ops: u64, work: impl AsyncFn(u64) + 'static) -> impl AsyncFn() + 'static {
    async move || {
        work(MEMBERS).await;
        let since = Since::now();
        work(ops).await;
        since.end(ops);
    }
}

pub fn spawn_and_join(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        let mut handles = Vec::with_capacity(MEMBERS as usize);
        for _ in 0..ops / MEMBERS {
            for n in 0..MEMBERS {
                handles.push(spawn(async move { n }));
            }
            for handle in handles.drain(..) {
                assert!(handle.await.is_ok());
            }
        }
    })
}

pub fn group(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        for _ in 0..ops / MEMBERS {
            let group = TaskGroup::new();
            for n in 0..MEMBERS {
                group.spawn(async move { Ok::<_, Infallible>(n) });
            }
            assert!(group.join().await.is_ok());
        }
    })
}

pub fn tokio_spawn_and_join(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        let mut handles = Vec::with_capacity(MEMBERS as usize);
        for _ in 0..ops / MEMBERS {
            for n in 0..MEMBERS {
                handles.push(spawn_local(async move { n }));
            }
            for handle in handles.drain(..) {
                assert!(handle.await.is_ok());
            }
        }
    })
}

pub fn join_set(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        for _ in 0..ops / MEMBERS {
            let mut set = JoinSet::new();
            for n in 0..MEMBERS {
                set.spawn_local(async move { n });
            }
            assert_eq!(set.join_all().await.len(), MEMBERS as usize);
        }
    })
}

pub fn sleep_once(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        for _ in 0..ops {
            once(pin!(sleep(LONG))).await;
        }
    })
}

pub fn sleep_unpolled(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        for _ in 0..ops {
            drop(black_box(sleep(LONG)));
        }
    })
}

pub fn timeout_ready(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        for n in 0..ops {
            assert!(timeout(LONG, ready(n)).await.is_ok());
        }
    })
}

pub fn timeout_yield(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        for _ in 0..ops {
            assert!(timeout(LONG, Yield::default()).await.is_ok());
        }
    })
}

pub fn finally_ready(ops: u64) -> impl AsyncFn() + 'static {
    warm(ops, async |ops| {
        for n in 0..ops {
            assert_eq!(finally(ready(n), ready(())).await, n);
        }
    })
}

pub fn finally_dropped(ops: u64, has_cleanup: bool) -> impl AsyncFn() + 'static {
    warm(ops, async move |ops| {
        for _ in 0..ops {
            if has_cleanup {
                once(pin!(finally(pending::<()>(), ready(())))).await;
            } else {
                once(pin!(pending::<()>())).await;
            }
            Yield::default().await;
        }
    })
}

/// Polls a future that is not ready, once.
async fn once(mut future: Pin<&mut impl Future>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending(), "it is not ready");
        Poll::Ready(())
    })
    .await;
}

/// At the bottom: wakes itself, and returns pending.
async fn bottom(ops: u64) {
    for _ in 0..10 {
        Yield::default().await;
    }
    let since = Since::now();
    for _ in 0..ops {
        Yield::default().await;
    }
    since.end(ops);
}

pub fn in_groups(depth: u64, ops: u64) -> io::Result<()> {
    type Boxed = Pin<Box<dyn Future<Output = Result<(), Infallible>>>>;
    fn nested(depth: u64, ops: u64) -> Boxed {
        Box::pin(async move {
            if depth == 0 {
                bottom(ops).await;
            } else {
                let group = TaskGroup::new();
                group.spawn(nested(depth - 1, ops));
                assert!(group.join().await.is_ok());
            }
            Ok(())
        })
    }
    crate::bibelot::Bibelot::run(async move {
        assert!(nested(depth, ops).await.is_ok());
    })
}

pub fn in_scopes(depth: u64, ops: u64) -> io::Result<()> {
    fn nested(depth: u64, ops: u64) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            if depth == 0 {
                bottom(ops).await;
            } else {
                scope(async |s| {
                    s.spawn(nested(depth - 1, ops));
                })
                .await;
            }
        })
    }
    crate::bibelot::Bibelot::run(nested(depth, ops))
}

pub fn in_sets(depth: u64, ops: u64) -> io::Result<()> {
    fn nested(depth: u64, ops: u64) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            if depth == 0 {
                bottom(ops).await;
            } else {
                let mut set = JoinSet::new();
                set.spawn_local(nested(depth - 1, ops));
                assert!(set.join_next().await.is_some());
            }
        })
    }
    crate::tokio::Set::run(nested(depth, ops))
}

/// moro's scopes run in any task; here in one of tokio's.
pub fn in_moro(depth: u64, ops: u64) -> io::Result<()> {
    fn nested(depth: u64, ops: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                bottom(ops).await;
            } else {
                moro::async_scope!(|scope| scope.spawn(nested(depth - 1, ops)).await).await;
            }
        })
    }
    crate::tokio::Set::run(async move { drop(spawn_local(nested(depth, ops)).await) })
}
