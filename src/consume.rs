//! [`consume`]: work that can be simulated.

use std::hint;

use crate::clock;
use crate::executor::context;
use crate::time::Duration;

/// Works for so long, without a pause: on the real clock it burns the processor, on a virtual one it moves
/// the clock and returns at once.
///
/// So a workload can be run for real, and be simulated exactly, under the same
/// [policy](crate::sched): what a task consumes is what its poll has taken. It does not give way;
/// meanwhile timers fall due, and wait. They are looked at before the next task is polled, if the work took
/// 61 microseconds or more.
///
/// Without an executor it is the real clock's.
///
/// # Examples
///
/// ```
/// use bibelot::task::consume;
/// use bibelot::testing::Sim;
/// use bibelot::time::{Duration, Instant};
///
/// Sim::new().run(async {
///     let start = Instant::now();
///     consume(Duration::from_secs(3600));
///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
/// });
/// ```
pub fn consume(work: Duration) {
    let is_done = context::try_with(|core| {
        core.count_work(u64::try_from(work.as_micros()).unwrap_or(u64::MAX));
        let clock = core.clock();
        clock.advance_to(clock.now().saturating_add(work));
        clock.is_virtual()
    });
    if is_done == Some(true) {
        return;
    }
    let end = clock::real_now().saturating_add(work);
    while clock::real_now() < end {
        hint::spin_loop();
    }
}
