//! Runs to look at, each recorded from its first event to its last.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;

use bibelot::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use bibelot::sync::{Mutex, Queue};
use bibelot::task::{self, consume};
use bibelot::testing::{Network, Sim};
use bibelot::thread;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::trace::Event;
use bibelot::{Executor, ExecutorBuilder, Report};

/// What was recorded.
pub(crate) type Events = Vec<(Instant, Event)>;

/// A builder whose executor is recorded, and the recording.
fn recorded() -> (ExecutorBuilder, Rc<RefCell<Events>>) {
    let events = Rc::new(RefCell::new(Vec::new()));
    let kept = events.clone();
    let observer = move |at: Instant, event: &Event| kept.borrow_mut().push((at, event.clone()));
    let quiet = |_: &Report| {};
    let builder = Executor::builder().on_report(quiet).observer(observer);
    (builder, events)
}

/// Simulates `main`, and returns what happened.
fn simulated<F: Future>(main: F) -> Events {
    let (builder, events) = recorded();
    Sim::from_builder(builder).run(main);
    events.take()
}

/// Microseconds.
fn micros(n: u64) -> Duration {
    Duration::from_micros(n)
}

/// A task with this name.
fn named<F: Future + 'static>(name: impl Into<String>, future: F) -> task::JoinHandle<F::Output> {
    task::Builder::new().name(name).spawn(future)
}

/// Twenty events in which little happens: a task that sleeps, and one that waits for it.
pub(crate) fn fetch() -> Events {
    simulated(async {
        let fetch = named("fetch", sleep(Duration::from_millis(5)));
        fetch.await.unwrap();
    })
}

/// Four stages with queues between them, a lock around what they count, and deadlines.
pub(crate) fn pipeline() -> Events {
    simulated(async {
        let (read, parsed) = (Rc::new(Queue::bounded(2)), Rc::new(Queue::bounded(3)));
        let total = Rc::new(Mutex::new(0));
        let source = read.clone();
        let reader = named("read", async move {
            for line in 0..14_u64 {
                sleep(micros(120)).await;
                consume(micros(15));
                source.put(line).await.unwrap();
            }
            source.close();
        });
        let parsers: Vec<_> = (0..3)
            .map(|nth| {
                let (from, to, total) = (read.clone(), parsed.clone(), total.clone());
                named(format!("parse {nth}"), async move {
                    while let Ok(line) = from.get().await {
                        consume(micros(40 + 9 * line));
                        let mut total = total.lock().await;
                        sleep(micros(50)).await;
                        *total += line;
                        drop(total);
                        to.put(line).await.unwrap();
                    }
                })
            })
            .collect();
        let written = parsed.clone();
        let writer = named("write", async move {
            while let Ok(Ok(line)) = timeout(micros(900), written.get()).await {
                consume(micros(25 + line));
                task::yield_now().await;
                consume(micros(10));
            }
        });
        reader.await.unwrap();
        for parser in parsers {
            parser.await.unwrap();
        }
        parsed.close();
        writer.await.unwrap();
    })
}

/// Two tasks that take two locks in opposite orders.
pub(crate) fn deadlock() -> Events {
    let (builder, events) = recorded();
    let run = || {
        Sim::from_builder(builder).run(async {
            let (left, right) = (Rc::new(Mutex::new(())), Rc::new(Mutex::new(())));
            let philosopher = |name, first: &Rc<Mutex<()>>, second: &Rc<Mutex<()>>| {
                let (first, second) = (first.clone(), second.clone());
                named(name, async move {
                    let _first = first.lock().await;
                    sleep(Duration::from_millis(1)).await;
                    let _second = second.lock().await;
                })
            };
            let one = philosopher("Aristotle", &left, &right);
            let other = philosopher("Plato", &right, &left);
            one.await.unwrap();
            other.await.unwrap();
        });
    };
    catch_unwind(AssertUnwindSafe(run)).expect_err("a deadlock");
    events.take()
}

/// Tasks that wait, each for another kind of thing, from the start until all is over.
pub(crate) fn reasons() -> Events {
    let (builder, events) = recorded();
    Sim::from_builder(builder).run(async {
        let (silent, ours) = UnixStream::pair().unwrap();
        let lock = Rc::new(Mutex::new(()));
        let (locked, held) = (lock.clone(), lock.lock().await);
        let late = named("late", sleep(Duration::from_millis(2)));
        let wakers = Rc::new(RefCell::new(Vec::new()));
        let kept = wakers.clone();
        let foreign = poll_fn(move |cx| {
            kept.borrow_mut().push(cx.waker().clone());
            Poll::<()>::Pending
        });
        let waiting = [
            named("io", async move { drop(ours.read(&mut [0]).await) }),
            named("thread", thread::park()),
            named("task", async move { drop(locked.lock().await) }),
            named("join", async move { drop(late.await) }),
            named("foreign", foreign),
            named("time", sleep(Duration::from_secs(1))),
            named("stuck", std::future::pending()),
        ];
        sleep(Duration::from_millis(1)).await;
        for task in &waiting {
            task.cancel();
        }
        for task in waiting {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        drop((silent, held, wakers));
    });
    events.take()
}

/// Children that borrow, in scopes of several tasks.
pub(crate) fn scopes() -> Events {
    simulated(async {
        let sum = Cell::new(0);
        let side = named("beside", async {
            for _ in 0..6 {
                sleep(micros(300)).await;
                consume(micros(20));
            }
        });
        task::scope(async |s| {
            for nth in 0..5_u32 {
                let sum = &sum;
                s.spawn(async move {
                    for _ in 0..=nth {
                        sleep(micros(150)).await;
                        consume(micros(30));
                        sum.set(sum.get() + nth);
                        task::yield_now().await;
                    }
                });
            }
        })
        .await;
        side.await.unwrap();
    })
}

/// Tasks that are cancelled, that panic, and that give up by themselves.
pub(crate) fn ends() -> Events {
    simulated(async {
        let worker = named("cancelled at work", async {
            loop {
                sleep(micros(200)).await;
                consume(micros(30));
            }
        });
        let broken = named("panics", async {
            sleep(micros(350)).await;
            panic!("on purpose");
        });
        let late = named("late", timeout(micros(500), std::future::pending::<()>()));
        sleep(micros(900)).await;
        worker.cancel();
        assert!(worker.await.unwrap_err().is_cancelled());
        assert!(broken.await.unwrap_err().is_panic());
        assert!(late.await.unwrap().is_err());
    })
}

/// A server on the real clock, and `clients` who ask it `rounds` times.
pub(crate) fn echo(clients: usize, rounds: usize) -> Events {
    let (builder, events) = recorded();
    builder.build().unwrap().run(ask(clients, rounds));
    events.take()
}

/// The same in a network that is simulated.
pub(crate) fn simulated_echo(clients: usize, rounds: usize) -> Events {
    let (builder, events) = recorded();
    let network = Network::new().latency(Duration::from_millis(3));
    let simulation = Sim::from_builder(builder).network(&network);
    simulation.run(ask(clients, rounds));
    events.take()
}

/// A server, and `clients` who ask it `rounds` times.
async fn ask(clients: usize, rounds: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = named("accept", async move {
        loop {
            let (client, _from) = listener.accept().await.unwrap();
            named("serve", serve(client));
        }
    });
    let clients: Vec<_> = (0..clients)
        .map(|nth| {
            named(format!("client {nth}"), async move {
                let stream = TcpStream::connect(address).await.unwrap();
                let mut buf = [0; 64];
                for _ in 0..rounds {
                    stream.write_all(b"hello").await.unwrap();
                    stream.read_exact(&mut buf[..5]).await.unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    server.cancel();
}

/// A simulated socket that one task waits for, and then another one.
pub(crate) fn handed_on() -> Events {
    let (builder, events) = recorded();
    let network = Network::new().latency(Duration::from_millis(3));
    Sim::from_builder(builder).network(&network).run(async {
        let socket = UdpSocket::bind("127.0.0.1:1").await.unwrap();
        let sender = UdpSocket::bind("127.0.0.1:2").await.unwrap();
        let receive = async |socket: &UdpSocket| socket.recv(&mut [0]).await.unwrap();
        let before = named("before", async move {
            receive(&socket).await;
            socket
        });
        sender.send_to(b"a", "127.0.0.1:1").await.unwrap();
        let socket = before.await.unwrap();
        let after = named("after", async move { receive(&socket).await });
        sleep(Duration::from_millis(1)).await;
        sender.send_to(b"b", "127.0.0.1:1").await.unwrap();
        after.await.unwrap();
    });
    events.take()
}

/// Sends back what comes, until nothing comes any more.
async fn serve(client: TcpStream) -> io::Result<()> {
    let mut buf = [0; 64];
    loop {
        let n = client.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buf[..n]).await?;
    }
}

/// Exactly so many events of a thousand tasks that work, sleep and give way.
pub(crate) fn many(count: usize) -> Events {
    let mut events = simulated(async {
        let busy: Vec<_> = (0..1000_u64)
            .map(|nth| {
                named(format!("worker {nth}"), async move {
                    for round in 0..12 {
                        sleep(micros(40 + nth * 37 % 6000 + round * 911)).await;
                        consume(micros(2 + nth % 7));
                        task::yield_now().await;
                        consume(micros(1 + round));
                    }
                })
            })
            .collect();
        for worker in busy {
            worker.await.unwrap();
        }
    });
    assert!(events.len() >= count, "only {}", events.len());
    events.truncate(count);
    events
}

/// So many events of two tasks that give way to each other, and of one that waits for them.
pub(crate) fn few(count: usize) -> Events {
    let mut events = simulated(async move {
        let busy: Vec<_> = (0..2_u64)
            .map(|nth| {
                named(format!("player {nth}"), async move {
                    for round in 0..count as u64 / 6 {
                        consume(micros(1 + (round * 7 + nth) % 13));
                        task::yield_now().await;
                    }
                })
            })
            .collect();
        for player in busy {
            player.await.unwrap();
        }
    });
    assert!(events.len() >= count, "only {}", events.len());
    events.truncate(count);
    events
}

/// Six tasks that are polled in another order than that in which they became ready.
pub(crate) fn shuffled() -> Events {
    let (builder, events) = recorded();
    Sim::from_builder(builder).seed(3).run(async {
        let tasks: Vec<_> = (0..6)
            .map(|nth| named(format!("card {nth}"), task::yield_now()))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    events.take()
}

/// Tasks whose names try to be more than names.
pub(crate) fn names() -> Events {
    simulated(async {
        let names = [
            "</script><script>document.title = 'broken'</script>",
            "<img onerror=alert(1)> & \"quotes\" 'too'",
            "two\nlines\tand \u{2028} \u{2029}",
            "\u{202e}backwards",
            "größer 東京 🦀 👩‍💻",
            "",
            "a name that is so long that no lane and no chip can show all of it, however wide the screen may be, since it goes on and on",
        ];
        for name in names {
            named(name, sleep(micros(100))).await.unwrap();
        }
    })
}
