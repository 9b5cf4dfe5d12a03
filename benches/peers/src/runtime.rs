//! What a workload asks of a runtime. Everything else about a runtime stays in its own file.

use std::future::Future;
use std::io;
use std::time::Duration;

/// One way to run tasks on one thread.
///
/// Each function is the one that a user of the runtime would write; nothing is boxed on the way.
pub trait Runtime: 'static {
    /// Has a `sleep` of its own.
    const SLEEPS: bool = true;
    /// Has sockets of its own.
    const SERVES: bool = true;

    /// Joins its tasks at less cost from the main future than from a task.
    const IN_MAIN: bool = false;

    /// Runs `main` to its end on this thread. An error means that the machine lacks what the
    /// runtime needs.
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T>;

    /// The same with what the runtime offers for many timers at once.
    fn run_timers<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        Self::run(main)
    }

    /// Spawns a task; the future is the runtime's own join handle.
    fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static;

    /// Spawns a task that nobody joins.
    fn detach(task: impl Future<Output = ()> + 'static);

    /// The runtime's own sleep.
    fn sleep(time: Duration) -> impl Future + 'static;

    /// Listens on a free port of 127.0.0.1, tells it, and echoes for ever: one task for each
    /// client, one buffer of `buffer` bytes for each task, Nagle's delay off.
    fn serve(
        listening: impl FnOnce(u16) + 'static,
        buffer: usize,
    ) -> impl Future<Output = io::Result<()>> + 'static;
}
