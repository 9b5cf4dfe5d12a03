//! Programs to be looked at, and what looks at them.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use bibelot::net::UnixStream;
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::trace::{Event, Metrics, Recorder};
use bibelot::{Executor, task};

/// So many milliseconds.
pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// All that an observer was told.
pub(crate) type Told = Rc<RefCell<Vec<(Instant, Event)>>>;

/// An observer that keeps everything, and what it keeps.
pub(crate) fn keeper() -> (impl FnMut(Instant, &Event), Told) {
    let told = Told::default();
    let keep = told.clone();
    let observer = move |at: Instant, event: &Event| keep.borrow_mut().push((at, event.clone()));
    (observer, told)
}

/// Simulates `main`; what observers have made of it comes back.
pub(crate) fn look_at<F: Future>(
    capacity: usize,
    main: F,
) -> (Recorder, Metrics, Vec<(Instant, Event)>) {
    let (observer, told) = keeper();
    let (recorder, metrics) = (Recorder::new(capacity), Metrics::new());
    let builder = Executor::builder()
        .on_report(|_| ())
        .observer(observer)
        .observer(recorder.clone())
        .observer(metrics.clone());
    Sim::from_builder(builder).run(main);
    (recorder, metrics, told.take())
}

/// A task of this name that consumes so many milliseconds, and sleeps so many, three times.
pub(crate) async fn works_and_sleeps(work: u64, rest: u64) {
    for _ in 0..3 {
        task::consume(ms(work));
        sleep(ms(rest)).await;
    }
}

/// Wakes its task when it is dropped.
struct LeftBehind(Waker);

impl Drop for LeftBehind {
    fn drop(&mut self) {
        self.0.wake_by_ref();
    }
}

/// Works, and wakes its task when that has ended: with the destructor of its value, if nobody takes it.
pub(crate) async fn wakes_too_late() -> impl Sized {
    task::consume(ms(1));
    poll_fn(|cx| Poll::Ready(LeftBehind(cx.waker().clone()))).await
}

/// Names, parents, wakes by all kinds of causes, ends of all kinds, deadlines: everything but
/// descriptors, so that it is the same each time.
pub(crate) async fn a_bit_of_everything() {
    let name = |name: &str| task::Builder::new().name(name);
    let worker = name("worker").spawn(works_and_sleeps(2, 3));
    let never = name("never").spawn(pending::<()>());
    let broken = name("broken").spawn(async {
        task::yield_now().await;
        panic!("on purpose");
    });
    bibelot::spawn(wakes_too_late());
    let parent = name("parent").spawn(async {
        let child = bibelot::spawn(works_and_sleeps(1, 1));
        task::scope(async |s| {
            s.spawn(works_and_sleeps(1, 2));
            s.spawn(task::yield_now());
            task::consume(ms(1));
        })
        .await;
        child.await.unwrap();
    });
    for _ in 0..3 {
        task::yield_now().await;
    }
    let _in_time = timeout(ms(50), worker).await;
    let _too_late = timeout(ms(1), pending::<()>()).await;
    never.cancel();
    assert!(never.await.unwrap_err().is_cancelled());
    assert!(broken.await.unwrap_err().is_panic());
    parent.await.unwrap();
}

/// Somebody reads what another one writes into a socket.
pub(crate) async fn sockets() {
    let (one, other) = UnixStream::pair().unwrap();
    let reader = bibelot::spawn(async move {
        let mut buf = [0; 8];
        assert_eq!(one.read(&mut buf).await.unwrap(), 2);
    });
    task::yield_now().await;
    other.write_all(b"hi").await.unwrap();
    reader.await.unwrap();
}
