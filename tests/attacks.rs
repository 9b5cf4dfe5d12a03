//! Attacks: safe programs that try to have a task freed twice, polled twice at once, woken never, or
//! dropped by nobody. Each re-enters the executor from a place where it expects nobody.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io::Write;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use bibelot::net::UdpSocket;
use bibelot::task::{JoinHandle, yield_now};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, spawn};

use support::foreign::{self, Call};
use support::{Trace, on_drop, panic_of, poll_once, reporting_to, same_every_time, text_of};

/// A place for a handle that its own task can reach.
type Place<T> = Rc<RefCell<Option<JoinHandle<T>>>>;

/// Not at all.
const NOW: Option<Duration> = Some(Duration::ZERO);

// Who drops what, and when.

#[test]
fn a_task_may_drop_its_own_handle_in_its_poll() {
    same_every_time(a_task_may_drop_its_own_handle_in_its_poll);
    let trace = Trace::new();
    Sim::new().run(async {
        let place: Place<_> = Place::default();
        let handle = spawn({
            let (place, said) = (Rc::clone(&place), trace.clone());
            async move {
                drop(place.take());
                on_drop(move || said.say("output"))
            }
        });
        *place.borrow_mut() = Some(handle);
    });
    assert_eq!(trace.take(), ["output"]);
}

#[test]
fn a_task_may_drop_its_own_handle_in_its_destructor() {
    same_every_time(a_task_may_drop_its_own_handle_in_its_destructor);
    let trace = Trace::new();
    for ends in [true, false] {
        Sim::new().run(async {
            let place: Place<_> = Place::default();
            let handle = spawn({
                let (place, said) = (Rc::clone(&place), trace.clone());
                async move {
                    let _own = on_drop(move || drop(place.take()));
                    if !ends {
                        pending::<()>().await;
                    }
                    on_drop(move || said.say("output"))
                }
            });
            *place.borrow_mut() = Some(handle);
            yield_now().await;
            if let Some(handle) = &*place.borrow() {
                handle.cancel();
            }
        });
        assert_eq!(trace.take().len(), usize::from(ends));
    }
}

#[test]
fn a_destructor_may_join_the_task_that_it_is_dropped_with() {
    let said = Trace::new();
    Executor::new().unwrap().run(async {
        let place: Place<()> = Place::default();
        let own = {
            let (place, said) = (Rc::clone(&place), said.clone());
            on_drop(move || {
                let mut handle = place.take().expect("dropped once");
                let polled = poll_once(&mut handle);
                said.say(format!("{}", polled.is_pending()));
                *place.borrow_mut() = Some(handle);
            })
        };
        let handle = spawn(async move {
            let _own = own;
            pending::<()>().await;
        });
        *place.borrow_mut() = Some(handle);
        yield_now().await;
        place.borrow().as_ref().unwrap().cancel();
        yield_now().await;
        let handle = place.take().unwrap();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
    assert_eq!(said.take(), ["true"]);
}

#[test]
fn an_output_that_holds_its_own_handle_lives_until_somebody_takes_it() {
    #[expect(dead_code, reason = "it is there to be dropped")]
    struct Output(Place<Output>, Box<u64>);
    let place: Place<Output> = Place::default();
    bibelot::run(async {
        let own = Rc::clone(&place);
        let handle = spawn(async move { Output(own, Box::new(7)) });
        *place.borrow_mut() = Some(handle);
    });
    assert_eq!(Rc::strong_count(&place), 2);
    let handle = place.take().unwrap();
    drop(handle);
    assert_eq!(Rc::strong_count(&place), 1);
}

#[test]
fn the_slow_poll_hook_may_drop_the_handle_of_the_task_that_it_is_told_about() {
    for panics in [false, true] {
        let place: Place<Box<u64>> = Place::default();
        let reported = Rc::new(RefCell::new(Vec::new()));
        let executor = Executor::builder()
            .slow_poll(Duration::ZERO)
            .on_report({
                let (place, reported) = (Rc::clone(&place), Rc::clone(&reported));
                move |report| {
                    if report.to_string().contains("\"slow\"") {
                        reported.borrow_mut().push(report.to_string());
                        drop(place.take());
                    }
                }
            })
            .build()
            .unwrap();
        executor.run(async {
            let builder = bibelot::task::Builder::new().name("slow");
            let handle = builder.spawn(async move {
                assert!(!panics, "on purpose");
                Box::new(7)
            });
            *place.borrow_mut() = Some(handle);
            yield_now().await;
        });
        let panicked = reported
            .borrow()
            .iter()
            .filter(|line| line.contains("on purpose"))
            .count();
        assert_eq!(panicked, usize::from(panics), "{reported:?}");
        assert!(place.borrow().is_none());
        assert_eq!(executor.stats().tasks, 0);
    }
}

#[test]
fn handles_may_outlive_executor_and_end_with_the_thread_in_any_order() {
    thread_local! {
        static EARLY: RefCell<Vec<JoinHandle<Box<u64>>>> = const { RefCell::new(Vec::new()) };
        static LATE: RefCell<Vec<JoinHandle<Box<u64>>>> = const { RefCell::new(Vec::new()) };
    }
    thread::spawn(|| {
        EARLY.with_borrow(Vec::len);
        let executor = Executor::new().unwrap();
        let handles: Vec<_> = (0..8)
            .map(|number| {
                executor.spawn(async move {
                    if number % 2 == 0 {
                        pending::<()>().await;
                    }
                    Box::new(number)
                })
            })
            .collect();
        executor.turn(NOW);
        drop(executor);
        for (index, handle) in handles.into_iter().enumerate() {
            assert!(handle.task().name().is_none());
            let list = if index < 4 { &EARLY } else { &LATE };
            list.with_borrow_mut(|list| list.push(handle));
        }
    })
    .join()
    .unwrap();
}

#[test]
fn what_is_forgotten_is_leaked_and_nothing_else() {
    let executor = Executor::new().unwrap();
    executor.run(async {
        mem::forget(spawn(async { 7 }));
        let mut forgotten = Box::pin(sleep(Duration::from_millis(1)));
        poll_fn(|cx| {
            assert!(forgotten.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        mem::forget(forgotten);
        sleep(Duration::from_millis(2)).await;
    });
    let handle = executor.spawn(pending::<()>());
    let waker = Rc::new(RefCell::new(None));
    executor.spawn({
        let waker = Rc::clone(&waker);
        poll_fn(move |cx| {
            *waker.borrow_mut() = Some(cx.waker().clone());
            Poll::<()>::Pending
        })
    });
    executor.turn(NOW);
    mem::forget(executor);
    handle.cancel();
    let waker = waker.take().unwrap();
    thread::spawn(move || waker.wake()).join().unwrap();
    assert!(!handle.is_finished());
}

#[test]
fn cells_of_all_sizes_and_alignments_come_and_go() {
    same_every_time(cells_of_all_sizes_and_alignments_come_and_go);
    #[repr(align(64))]
    struct Aligned([u8; 64]);
    async fn of<const N: usize>(value: u8) -> [u8; N] {
        let before = [value; N];
        yield_now().await;
        before
    }
    Sim::new().seed(1).run(async {
        for round in 0..50_u8 {
            let small: Vec<_> = (0..8).map(|n| spawn(of::<1>(n))).collect();
            let odd: Vec<_> = (0..8).map(|n| spawn(of::<13>(n))).collect();
            let kept: Vec<_> = (0..8).map(|n| spawn(of::<400>(n))).collect();
            let great: Vec<_> = (0..8).map(|n| spawn(of::<5000>(n))).collect();
            let aligned = spawn(async move {
                let aligned = Aligned([round; 64]);
                yield_now().await;
                assert_eq!((&raw const aligned).addr() % 64, 0);
                aligned
            });
            for (n, handle) in (0..).zip(small) {
                assert_eq!(handle.await.unwrap(), [n; 1]);
            }
            for (n, handle) in (0..).zip(odd) {
                assert_eq!(handle.await.unwrap(), [n; 13]);
            }
            for (n, handle) in (0..).zip(kept) {
                if round % 3 == 0 {
                    drop(handle);
                } else {
                    assert_eq!(handle.await.unwrap(), [n; 400]);
                }
            }
            for (n, handle) in (0..).zip(great) {
                assert_eq!(handle.await.unwrap(), [n; 5000]);
            }
            assert_eq!(aligned.await.unwrap().0, [round; 64]);
        }
    });
}

/// Tasks that do whatever can be done to each other, in polls and in destructors, in random order.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a small world, and what can happen in it"
)]
fn whatever_tasks_do_to_each_other_all_of_it_is_dropped_once() {
    /// What the tasks share.
    struct World {
        handles: RefCell<Vec<JoinHandle<Alive>>>,
        wakers: RefCell<Vec<Waker>>,
        alive: Cell<i64>,
        seed: Cell<u64>,
        spawns: Cell<u32>,
    }
    /// Counts itself, and acts when it is dropped.
    struct Alive(Rc<World>);
    impl Alive {
        fn new(world: &Rc<World>) -> Self {
            world.alive.set(world.alive.get() + 1);
            Self(Rc::clone(world))
        }
    }
    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.alive.set(self.0.alive.get() - 1);
            act(&self.0);
            if !thread::panicking() && self.0.below(16) == 0 {
                panic!("in a destructor, on purpose");
            }
        }
    }
    impl World {
        fn below(&self, bound: u64) -> u64 {
            let seed = self
                .seed
                .get()
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            self.seed.set(seed);
            (seed >> 33) % bound
        }
        fn handle(&self) -> Option<JoinHandle<Alive>> {
            let len = self.handles.borrow().len() as u64;
            let index = (len > 0).then(|| self.below(len))? as usize;
            Some(self.handles.borrow_mut().swap_remove(index))
        }
    }
    fn act(world: &Rc<World>) {
        match world.below(7) {
            0 | 1 if world.spawns.get() > 0 => {
                world.spawns.set(world.spawns.get() - 1);
                let handle = spawn(live(Rc::clone(world), Alive::new(world)));
                world.handles.borrow_mut().push(handle);
            }
            2 => drop(world.handle()),
            3 => {
                if let Some(handle) = world.handle() {
                    handle.cancel();
                    world.handles.borrow_mut().push(handle);
                }
            }
            4 => {
                let waker = world.wakers.borrow_mut().pop();
                waker.iter().for_each(Waker::wake_by_ref);
            }
            5 => {
                if let Some(mut handle) = world.handle() {
                    let polled = poll_once(&mut handle);
                    if polled.is_pending() {
                        world.handles.borrow_mut().push(handle);
                    }
                }
            }
            _ => {}
        }
    }
    async fn live(world: Rc<World>, alive: Alive) -> Alive {
        for _ in 0..world.below(6) {
            act(&world);
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            match world.below(4) {
                0 => world.wakers.borrow_mut().push(waker),
                1 => panic!("in a poll, on purpose"),
                _ => yield_now().await,
            }
            if world.below(3) == 0
                && let Some(handle) = world.handle()
            {
                drop(timeout(Duration::from_millis(1), handle).await);
            }
        }
        alive
    }
    for seed in 0..300 {
        let world = Rc::new(World {
            handles: RefCell::default(),
            wakers: RefCell::default(),
            alive: Cell::new(0),
            seed: Cell::new(seed),
            spawns: Cell::new(100),
        });
        let builder = Executor::builder().on_report(|_| {});
        let sim = Sim::from_builder(builder).seed(seed);
        sim.run(async {
            while world.spawns.get() > 0 {
                // What it joins here may panic when it is dropped, and the main task is to go on.
                drop(catch_unwind(AssertUnwindSafe(|| act(&world))));
                yield_now().await;
            }
        });
        while let Some(handle) = world.handle() {
            // Outside of an executor nothing can be spawned.
            world.spawns.set(0);
            drop(handle);
        }
        assert_eq!(world.alive.get(), 0, "seed {seed}");
        assert_eq!(Rc::strong_count(&world), 1, "seed {seed}");
    }
}

// Executors inside of executors.

#[test]
fn a_shutdown_from_below_another_executor_is_a_clear_panic() {
    let outer = Rc::new(Executor::new().unwrap());
    let said = Trace::new();
    outer.run({
        let (outer, said) = (Rc::clone(&outer), said.clone());
        async move {
            let inner = Executor::new().unwrap();
            let end = on_drop(move || said.say(panic_of(|| outer.shutdown())));
            drop(inner.spawn(async move {
                let _end = end;
                pending::<()>().await;
            }));
            // The inner executor's tasks are dropped here, in a task of the outer one.
            drop(inner);
        }
    });
    let [line] = &said.take()[..] else {
        panic!("one line")
    };
    assert!(
        line.contains("cannot be shut down by one of its own tasks"),
        "{line}"
    );
    assert_eq!(outer.stats().tasks, 0);
}

#[test]
fn an_executor_that_ends_with_the_thread_is_not_entered_twice() {
    struct Guest(Rc<Executor>);
    impl Drop for Guest {
        fn drop(&mut self) {
            let (said, heard) = mpsc::channel();
            let executor = Rc::clone(&self.0);
            self.0.run(async move {
                said.send(panic_of(|| executor.turn(NOW))).unwrap();
                said.send(panic_of(|| executor.run(async {}))).unwrap();
                said.send(panic_of(|| executor.shutdown())).unwrap();
            });
            let lines: Vec<_> = heard.iter().collect();
            RESULT.lock().unwrap().extend(lines);
        }
    }
    thread_local! {
        static GUEST: RefCell<Option<Guest>> = const { RefCell::new(None) };
    }
    static RESULT: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    thread::spawn(|| {
        GUEST.with_borrow(Option::is_none);
        let executor = Rc::new(Executor::new().unwrap());
        executor.run(async {});
        GUEST.set(Some(Guest(executor)));
    })
    .join()
    .unwrap();
    let lines = RESULT.lock().unwrap();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("already running"), "{lines:?}");
    assert!(lines[1].contains("already running"), "{lines:?}");
    assert!(lines[2].contains("cannot be shut down"), "{lines:?}");
}

#[test]
fn a_sleep_may_move_to_another_executor_and_outlive_both() {
    let (one, two) = (Executor::new().unwrap(), Executor::new().unwrap());
    let mut nap = Box::pin(sleep(Duration::from_secs(3600)));
    one.run(async { assert!(timeout(Duration::ZERO, nap.as_mut()).await.is_err()) });
    assert_eq!(one.stats().timers, 1);
    two.run(async { assert!(timeout(Duration::ZERO, nap.as_mut()).await.is_err()) });
    assert_eq!((one.stats().timers, two.stats().timers), (0, 1));
    drop((one, two));
    drop(nap);
}

#[test]
fn a_socket_outlives_the_executors_that_waited_for_it() {
    let (one, two) = (Executor::new().unwrap(), Executor::new().unwrap());
    let socket = one.run(UdpSocket::bind("127.0.0.1:0")).unwrap();
    for executor in [&one, &two, &one] {
        let mut buf = [0; 8];
        let wait = timeout(Duration::ZERO, socket.recv(&mut buf));
        assert!(executor.run(wait).is_err());
    }
    drop((one, two));
    bibelot::run(async {
        socket
            .send_to(b"hello", socket.local_addr().unwrap())
            .await
            .unwrap();
        let mut buf = [0; 8];
        assert_eq!(socket.recv(&mut buf).await.unwrap(), 5);
    });
}

#[test]
fn a_socket_keeps_nothing_of_the_executors_that_have_ended() {
    let open = || std::fs::read_dir("/dev/fd").unwrap().count();
    let socket = bibelot::run(UdpSocket::bind("127.0.0.1:0")).unwrap();
    let before = open();
    for _ in 0..200 {
        let mut buf = [0; 8];
        let wait = timeout(Duration::ZERO, socket.recv(&mut buf));
        assert!(bibelot::run(wait).is_err());
    }
    // Other tests run meanwhile, and have a few.
    assert!(open() < before + 100);
}

#[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
#[test]
fn a_descriptor_that_cannot_be_waited_for_says_why() {
    use bibelot::io::{AsyncFd, Error, ErrorKind};

    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let ours = Rc::new(ours);
    let [one, two] = [(); 2].map(|()| AsyncFd::new(Rc::clone(&ours)).unwrap());
    let file = std::fs::File::open("Cargo.toml").unwrap();
    let file = AsyncFd::new(file).unwrap();
    bibelot::run(async {
        assert!(timeout(Duration::ZERO, one.readable()).await.is_err());
        let error = two.readable().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("another"), "{error}");
        let would_block = |_: &_| Err::<(), _>(Error::from(ErrorKind::WouldBlock));
        let error = file.read_with(would_block).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error.to_string().contains("cannot be waited for"),
            "{error}"
        );
    });
}

/// Two descriptors, and which of them it says it is.
struct Liar([std::os::unix::net::UnixStream; 2], Cell<usize>);

impl AsFd for Liar {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0[self.1.get()].as_fd()
    }
}

/// The one that was registered is taken out, and not another one that it would answer by then.
#[test]
fn an_owner_that_changes_its_mind_is_waited_for_and_dropped_all_the_same() {
    use bibelot::io::AsyncFd;

    let [(one, theirs), (other, _theirs)] =
        [(); 2].map(|()| std::os::unix::net::UnixStream::pair().unwrap());
    let liar = AsyncFd::new(Liar([one, other], Cell::new(0))).unwrap();
    bibelot::run(async {
        assert!(timeout(Duration::ZERO, liar.readable()).await.is_err());
        liar.get_ref().1.set(1);
        (&theirs).write_all(b"!").unwrap();
        liar.readable().await.unwrap();
        drop(liar);
    });
}

/// Who leaves the line passes the wake on, in a destructor: no place for somebody else's panic.
#[test]
fn a_waker_that_panics_when_the_line_moves_on_is_reported() {
    use bibelot::io::AsyncFd;

    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let ours = AsyncFd::new(ours).unwrap();
    executor.run(async {
        let mut first = Box::pin(ours.readable());
        let mut second = foreign::Foreign(Box::pin(ours.readable()));
        poll_fn(|cx| {
            assert!(first.as_mut().poll(cx).is_pending());
            assert!(Pin::new(&mut second).poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        foreign::set_hook(|call| assert!(call != Call::Wake, "not my day"));
        (&theirs).write_all(b"!").unwrap();
        for _ in 0..100 {
            yield_now().await; // until the executor has looked outside: the first is woken
        }
        assert!(trace.take().is_empty());
        drop(first);
        assert_eq!(trace.take(), ["a foreign waker panicked: not my day"]);
    });
    foreign::set_hook(|_| {});
}

// Wakes.

/// Counts its wakes.
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_task_that_ends_while_the_waker_of_who_joins_it_is_cloned_is_seen_to_have_ended() {
    let executor = Rc::new(Executor::new().unwrap());
    let mut handle = executor.spawn(async { 7 });
    foreign::set_hook({
        let executor = Rc::clone(&executor);
        move |call| {
            if call == Call::Clone {
                executor.turn(NOW);
            }
        }
    });
    let waker = foreign::waker();
    let polled = Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
    assert!(matches!(polled, Poll::Ready(Ok(7))), "{polled:?}");
}

#[test]
fn a_task_that_ends_while_the_waker_of_who_joined_it_before_is_dropped_wakes_who_joins_it_now() {
    let executor = Rc::new(Executor::new().unwrap());
    let mut handle = executor.spawn(async { 7 });
    let first = foreign::waker();
    assert!(
        Pin::new(&mut handle)
            .poll(&mut Context::from_waker(&first))
            .is_pending()
    );
    foreign::set_hook({
        let executor = Rc::clone(&executor);
        move |call| {
            if call == Call::Drop {
                executor.turn(NOW);
            }
        }
    });
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let second = Waker::from(Arc::clone(&count));
    let polled = Pin::new(&mut handle).poll(&mut Context::from_waker(&second));
    assert!(polled.is_ready() || count.0.load(Ordering::Relaxed) == 1);
}

#[test]
fn a_waker_that_panics_loses_no_wake_of_others() {
    /// Panics when it wakes.
    struct Grenade;
    impl Wake for Grenade {
        fn wake(self: Arc<Self>) {
            panic!("a waker, on purpose");
        }
    }
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let deadline = Instant::now() + Duration::from_millis(1);
    let mut armed = Box::pin(bibelot::time::sleep_until(deadline));
    executor.run(poll_fn(|_| {
        let grenade = Waker::from(Arc::new(Grenade));
        assert!(
            armed
                .as_mut()
                .poll(&mut Context::from_waker(&grenade))
                .is_pending()
        );
        Poll::Ready(())
    }));
    executor.run(bibelot::time::sleep_until(deadline));
    let [line] = &trace.take()[..] else {
        panic!("one report")
    };
    assert!(line.contains("a waker, on purpose"), "{line}");
}

#[test]
fn a_joiner_whose_waker_panics_harms_nobody() {
    /// Panics when it wakes.
    struct Grenade;
    impl Wake for Grenade {
        fn wake(self: Arc<Self>) {
            panic!("a waker, on purpose");
        }
    }
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let mut handle = executor.spawn(async { 7 });
    let grenade = Waker::from(Arc::new(Grenade));
    assert!(
        Pin::new(&mut handle)
            .poll(&mut Context::from_waker(&grenade))
            .is_pending()
    );
    executor.run(yield_now());
    assert_eq!(executor.run(handle).unwrap(), 7);
    assert_eq!(trace.take().len(), 1);
}

/// Polls what is inside only if a waker of its own was woken, as `FuturesUnordered` and its like do.
struct Picky<F> {
    inside: Pin<Box<F>>,
    flag: Arc<Flag>,
}

/// The waker of [`Picky`].
struct Flag(
    std::sync::atomic::AtomicBool,
    std::sync::Mutex<Option<Waker>>,
);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
        if let Some(task) = self.1.lock().unwrap().take() {
            task.wake();
        }
    }
}

fn picky<F: Future>(inside: F) -> Picky<F> {
    let flag = Flag(true.into(), None.into());
    Picky {
        inside: Box::pin(inside),
        flag: Arc::new(flag),
    }
}

impl<F: Future> Future for Picky<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        *self.flag.1.lock().unwrap() = Some(cx.waker().clone());
        if !self.flag.0.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(&self.flag));
        self.inside.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

#[test]
fn every_leaf_wakes_the_waker_that_it_was_polled_with() {
    bibelot::run(async {
        let parked = spawn(picky(bibelot::thread::park()));
        let waits = timeout(Duration::from_secs(1), picky(spawn(yield_now())));
        waits.await.expect("join").unwrap();
        let waits = timeout(
            Duration::from_secs(1),
            picky(sleep(Duration::from_millis(1))),
        );
        waits.await.expect("sleep");
        let waits = timeout(Duration::from_secs(1), picky(yield_now()));
        waits.await.expect("yield_now");
        parked.task().unpark();
        let waits = timeout(Duration::from_secs(1), parked);
        waits.await.expect("park").unwrap();
    });
}

#[test]
fn a_socket_that_two_executors_wait_for_wakes_both() {
    let (one, two) = (Executor::new().unwrap(), Executor::new().unwrap());
    let socket = Rc::new(one.run(UdpSocket::bind("127.0.0.1:0")).unwrap());
    let reader = one.spawn({
        let socket = Rc::clone(&socket);
        async move { socket.recv(&mut [0; 8]).await }
    });
    one.turn(NOW);
    // The other one waits as well, and gives up.
    let mut buf = [0; 8];
    let wait = timeout(Duration::ZERO, socket.recv(&mut buf));
    assert!(two.run(wait).is_err());
    drop(two);
    let address = socket.local_addr().unwrap();
    std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .send_to(b"hello", address)
        .unwrap();
    let read = one.run(timeout(Duration::from_secs(1), reader));
    assert_eq!(read.expect("woken").unwrap().unwrap(), 5);
}

#[test]
fn a_sleep_of_zero_lets_others_have_their_turn_on_any_clock() {
    same_every_time(a_sleep_of_zero_lets_others_have_their_turn_on_any_clock);
    let others = Rc::new(Cell::new(false));
    let program = |others: Rc<Cell<bool>>| async move {
        drop(spawn({
            let others = Rc::clone(&others);
            async move { others.set(true) }
        }));
        sleep(Duration::ZERO).await;
        assert!(others.replace(false), "the other task had no turn");
    };
    bibelot::run(program(Rc::clone(&others)));
    Sim::new().run(program(others));
}

#[test]
fn a_wake_of_a_slot_that_has_changed_hands_65536_times_is_one_spurious_poll() {
    let executor = Executor::new().unwrap();
    executor.run(async {
        let stale = Rc::new(RefCell::new(None));
        let leave = Rc::clone(&stale);
        spawn(poll_fn(move |cx| {
            *leave.borrow_mut() = Some(cx.waker().clone());
            Poll::Ready(())
        }))
        .await
        .unwrap();
        for _ in 1..65_536 {
            spawn(async {}).await.unwrap();
        }
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        let handle = spawn(poll_fn(move |_| {
            counted.set(counted.get() + 1);
            Poll::<()>::Pending
        }));
        yield_now().await;
        stale.take().unwrap().wake();
        yield_now().await;
        assert_eq!(polls.get(), 2);
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
}

// The host.

#[test]
fn a_task_that_ended_while_it_was_queued_is_not_counted() {
    let executor = Executor::new().unwrap();
    executor.run(poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Ready(())
    }));
    assert_eq!(executor.stats().tasks, 0);
}

#[test]
fn what_is_spawned_before_the_first_turn_and_after_a_run_calls_the_host() {
    let executor = Executor::new().unwrap();
    let (said, host) = mpsc::channel();
    executor.on_wake(move || said.send(()).unwrap());
    drop(executor.spawn(async {}));
    host.try_recv().expect("before the first turn");
    executor.turn(NOW);
    executor.run(async {});
    while host.try_recv().is_ok() {}
    drop(executor.spawn(async {}));
    host.try_recv().expect("after a run");
    executor.turn(NOW);
    while host.try_recv().is_ok() {}
    let remote = executor.remote();
    thread::spawn(move || remote.spawn(|| async {}))
        .join()
        .unwrap()
        .unwrap();
    host.try_recv().expect("by another thread");
}

#[test]
fn the_host_may_replace_a_function_that_owns_the_last_way_in() {
    let executor = Executor::new().unwrap();
    let remote = executor.remote();
    executor.on_wake(move || drop(remote.clone()));
    executor.turn(NOW);
    executor.on_wake(|| {});
    executor.turn(NOW);
}

#[test]
fn the_hosts_function_ends_with_the_executor() {
    let executor = Executor::new().unwrap();
    let remote = executor.remote();
    let (said, host) = mpsc::channel::<()>();
    executor.on_wake(move || said.send(()).unwrap_or_default());
    drop(executor);
    assert_eq!(host.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    assert!(remote.spawn(|| async {}).is_err());
}

#[test]
fn a_call_whose_destructor_panics_does_not_stop_a_shutdown() {
    /// Panics when it is dropped.
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("a call, on purpose");
        }
    }
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let said = trace.clone();
    let dropped = on_drop(move || said.say("the task"));
    drop(executor.spawn(async move {
        let _dropped = dropped;
        pending::<()>().await;
    }));
    let grenade = Grenade;
    let remote = executor.remote();
    remote.spawn(move || async move { drop(grenade) }).unwrap();
    drop(executor);
    let lines = trace.take();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("a call, on purpose"), "{lines:?}");
    assert_eq!(lines[1], "the task");
}

#[test]
fn a_waker_may_spawn_in_the_executor_that_wakes_it() {
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        foreign::set_hook(move |call| {
            if call == Call::Wake {
                let said = said.clone();
                drop(spawn(async move { said.say("spawned by a wake") }));
            }
        });
        foreign::Foreign(sleep(Duration::from_millis(1))).await;
    });
    assert_eq!(trace.take(), ["spawned by a wake"]);
}

#[test]
fn the_panic_of_a_waker_in_a_task_is_that_tasks() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    executor.run(async {
        foreign::set_hook(|call| assert!(call != Call::Clone, "a clone, on purpose"));
        let handle = spawn(foreign::Foreign(Box::pin(sleep(Duration::from_millis(1)))));
        let error = handle.await.unwrap_err();
        assert_eq!(text_of(&*error.into_panic()), "a clone, on purpose");
    });
}
