//! bibelot.

use std::future::Future;
use std::io;
use std::time::Duration;

use ::bibelot::Executor;

use crate::runtime::Runtime;

/// bibelot, as it comes.
pub struct Bibelot;

impl Runtime for Bibelot {
    const SERVES: bool = false;
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        Ok(Executor::new()?.run(main))
    }

    fn run_timers<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        let slack = Duration::from_micros(50);
        Ok(Executor::builder().timer_slack(slack).build()?.run(main))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static {
        ::bibelot::spawn(task)
    }

    fn detach(task: impl Future<Output = ()> + 'static) {
        ::bibelot::spawn(task);
    }

    fn sleep(time: Duration) -> impl Future + 'static {
        ::bibelot::time::sleep(time)
    }

    async fn serve(_: impl FnOnce(u16) + 'static, _: usize) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
