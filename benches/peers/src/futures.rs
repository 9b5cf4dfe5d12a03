//! futures' `LocalPool`: tasks only, neither timers nor sockets.

use std::cell::RefCell;
use std::future::{Future, pending, ready};
use std::io;
use std::time::Duration;

use ::futures::executor::{LocalPool, LocalSpawner};
use ::futures::task::LocalSpawnExt;

use crate::runtime::Runtime;

/// A `LocalPool`.
pub struct Pool;

thread_local! {
    static SPAWNER: RefCell<Option<LocalSpawner>> = const { RefCell::new(None) };
}

fn with_spawner<T>(use_it: impl FnOnce(&LocalSpawner) -> T) -> T {
    SPAWNER.with_borrow(|spawner| use_it(spawner.as_ref().expect("inside of run")))
}

impl Runtime for Pool {
    const SLEEPS: bool = false;
    const SERVES: bool = false;
    const IN_MAIN: bool = true;

    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        let mut pool = LocalPool::new();
        SPAWNER.set(Some(pool.spawner()));
        Ok(pool.run_until(main))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static {
        with_spawner(|spawner| spawner.spawn_local_with_handle(task)).expect("the pool lives")
    }

    fn detach(task: impl Future<Output = ()> + 'static) {
        with_spawner(|spawner| spawner.spawn_local(task)).expect("the pool lives");
    }

    fn sleep(_: Duration) -> impl Future + 'static {
        pending::<()>()
    }

    fn serve(
        _: impl FnOnce(u16) + 'static,
        _: usize,
    ) -> impl Future<Output = io::Result<()>> + 'static {
        ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
