//! Everything that waits, cancelled wherever it can be: nothing is lost, nothing is left behind, and
//! what waits beside it or comes after it goes on.

mod support;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::rc::Rc;

use bibelot::io::{AsyncFd, BufReader, BufWriter, copy, duplex, pipe};
use bibelot::net::{
    TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream, lookup_host, serve,
};
use bibelot::task::{
    CancelScope, Local, bracket, cancelled, current, finally, join, race, shield, yield_now,
};
use bibelot::testing::{Storm, cancel_storm};
use bibelot::thread::{park, park_timeout};
use bibelot::time::{Duration, Instant, interval, sleep, sleep_until, timeout};
use bibelot::{Executor, spawn};

use support::{Trace, panic_of, same_every_time};

/// So many milliseconds.
fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A storm over a future that needs nothing, after which nothing is set and nobody waits.
#[track_caller]
fn storm<F: Future>(make: impl Fn() -> F) -> usize {
    cancel_storm(async |storm| {
        storm.strike(make()).await;
        // Whatever it has left behind would have to be seen here.
        yield_now().await;
    })
}

// The storm itself.

#[test]
fn a_storm_strikes_each_suspension_twice_and_then_lets_pass() {
    same_every_time(a_storm_strikes_each_suspension_twice_and_then_lets_pass);
    let trace = Trace::new();
    let suspensions = cancel_storm(async |storm| {
        let said = trace.clone();
        let outcome = storm.strike(async {
            said.say("a");
            yield_now().await;
            said.say("b");
            sleep(ms(1)).await;
            said.say("c");
            "value"
        });
        let outcome = outcome.await;
        trace.say(format!("{outcome:?} {storm:?}"));
    });
    assert_eq!(suspensions, 2);
    let expected = [
        "a",
        "None the storm strikes suspension 1, when it began to wait",
        "a",
        "None the storm strikes suspension 1, when it was woken",
        "a",
        "b",
        "None the storm strikes suspension 2, when it began to wait",
        "a",
        "b",
        "None the storm strikes suspension 2, when it was woken",
        "a",
        "b",
        "c",
        "Some(\"value\") the storm strikes suspension 3, when it began to wait",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_storm_waits_for_what_is_owed() {
    same_every_time(a_storm_waits_for_what_is_owed);
    let paid = Cell::new(0);
    let suspensions = cancel_storm(async |storm| {
        let is_paid = Rc::new(Cell::new(false));
        let pays = {
            let is_paid = Rc::clone(&is_paid);
            async move {
                sleep(ms(10)).await;
                is_paid.set(true);
            }
        };
        storm.strike(finally(sleep(ms(1)), pays)).await;
        assert!(is_paid.get());
        paid.set(paid.get() + 1);
    });
    assert_eq!((suspensions, paid.get()), (2, 5));
}

#[test]
fn a_storm_finds_what_is_lost_at_one_suspension_of_many() {
    same_every_time(a_storm_finds_what_is_lost_at_one_suspension_of_many);
    let text = panic_of(|| {
        cancel_storm(async |storm| {
            let queue = RefCell::new(VecDeque::from([1, 2]));
            let get = async {
                for _ in 0..5 {
                    yield_now().await;
                }
                let item = queue.borrow_mut().pop_front();
                yield_now().await;
                item
            };
            let got = storm.strike(get).await;
            assert_eq!(queue.borrow().len() + usize::from(got.is_some()), 2, "lost");
        })
    });
    assert!(text.contains("lost"), "{text}");
}

#[test]
fn several_strikes_of_a_scenario_count_as_one_future() {
    same_every_time(several_strikes_of_a_scenario_count_as_one_future);
    let runs = Cell::new(0);
    let suspensions = cancel_storm(async |storm| {
        runs.set(runs.get() + 1);
        let first = storm.strike(yield_now()).await;
        let second = storm.strike(yield_now()).await;
        assert!(first.is_some() || second.is_some());
    });
    assert_eq!((suspensions, runs.get()), (2, 5));
    assert_eq!(cancel_storm(async |_: &Storm| {}), 0);
}

// Time and tasks.

#[test]
fn sleeps_and_yields() {
    same_every_time(sleeps_and_yields);
    assert_eq!(storm(yield_now), 1);
    assert_eq!(storm(|| sleep(ms(1))), 1);
    assert_eq!(storm(|| sleep(Duration::ZERO)), 1);
    assert_eq!(
        storm(|| async { sleep_until(Instant::now() + ms(1)).await }),
        1
    );
    let ticks = cancel_storm(async |storm| {
        let start = Instant::now();
        let mut interval = interval(ms(1));
        storm
            .strike(async {
                for _ in 0..4 {
                    interval.tick().await;
                }
            })
            .await;
        // A tick that was given up is not lost.
        let next = interval.tick().await;
        assert_eq!(next, Instant::now());
        assert_eq!((next - start).subsec_nanos() % 1_000_000, 0);
    });
    assert_eq!(ticks, 3);
}

#[test]
fn timeouts_scopes_races_and_joins() {
    same_every_time(timeouts_scopes_races_and_joins);
    assert_eq!(storm(|| timeout(ms(2), sleep(ms(1)))), 1);
    assert_eq!(storm(|| timeout(ms(1), pending::<()>())), 1);
    assert_eq!(storm(|| race(sleep(ms(2)), sleep(ms(1)))), 1);
    assert_eq!(storm(|| join(sleep(ms(2)), sleep(ms(1)))), 2);
    assert_eq!(storm(|| CancelScope::new().run(sleep(ms(1)))), 1);
    let scope = || CancelScope::new().deadline(Instant::now() + ms(1));
    assert_eq!(storm(|| async { scope().run(pending::<()>()).await }), 1);
    static USER: Local<&str> = Local::new();
    assert_eq!(storm(|| USER.scope("ann", sleep(ms(1)))), 1);
    // All in each other.
    let deep = || async {
        let scope = scope().deadline(Instant::now() + ms(5));
        let inside = || async {
            timeout(ms(1), pending::<()>()).await.unwrap_err();
            race(sleep(ms(1)), yield_now()).await;
            join(sleep(ms(1)), timeout(ms(2), sleep(ms(1)))).await
        };
        scope.run(timeout(ms(4), race(inside(), inside()))).await
    };
    assert!(storm(deep) >= 3);
}

#[test]
fn joins_of_tasks() {
    same_every_time(joins_of_tasks);
    let suspensions = cancel_storm(async |storm| {
        let mut handle = spawn(async {
            sleep(ms(1)).await;
            "value"
        });
        let got = storm.strike(&mut handle).await;
        // The task and its value are not touched.
        let value = match got {
            Some(value) => value,
            None => handle.await,
        };
        assert_eq!(value.unwrap(), "value");
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn parks_lose_no_unpark() {
    same_every_time(parks_lose_no_unpark);
    let suspensions = cancel_storm(async |storm| {
        let task = current();
        spawn(async move { task.unpark() });
        if storm.strike(park()).await.is_none() {
            park().await;
        }
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn parks_that_end_in_time_lose_no_unpark_either() {
    same_every_time(parks_that_end_in_time_lose_no_unpark_either);
    // In time: it has gone on at once, and has used it up.
    let suspensions = cancel_storm(async |storm| {
        let (start, task) = (Instant::now(), current());
        spawn(async move {
            sleep(ms(1)).await;
            task.unpark();
        });
        if storm.strike(park_timeout(ms(2))).await.is_none() {
            park().await;
        }
        assert_eq!(start.elapsed(), ms(1));
        park_timeout(ms(3)).await;
        assert_eq!(start.elapsed(), ms(4));
    });
    assert_eq!(suspensions, 1);
    // Too late: the next has it, however the first has ended.
    let suspensions = cancel_storm(async |storm| {
        let (start, task) = (Instant::now(), current());
        spawn(async move {
            sleep(ms(2)).await;
            task.unpark();
        });
        storm.strike(park_timeout(ms(1))).await;
        assert!(start.elapsed() <= ms(1));
        park().await;
        assert_eq!(start.elapsed(), ms(2));
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn notices_of_a_polite_cancel() {
    same_every_time(notices_of_a_polite_cancel);
    // Nobody can ask main to end, so that its wait for it is taken back each time.
    assert_eq!(storm(|| race(cancelled(), sleep(ms(1)))), 1);
    let suspensions = cancel_storm(async |storm| {
        let task = spawn(cancelled());
        let asks = async {
            yield_now().await;
            task.cancel_within(ms(1));
        };
        if storm.strike(asks).await.is_none() {
            task.cancel_within(ms(1));
        }
        assert!(task.await.is_ok());
    });
    assert_eq!(suspensions, 1);
}

// What must still finish.

#[test]
fn a_cleanup_is_done_once_wherever_its_future_is_cancelled() {
    same_every_time(a_cleanup_is_done_once_wherever_its_future_is_cancelled);
    let suspensions = cancel_storm(async |storm| {
        let trace = Trace::new();
        let clean = |name: &'static str| {
            let said = trace.clone();
            async move {
                said.say(format!("{name} begins"));
                yield_now().await;
                sleep(ms(1)).await;
                said.say(name);
            }
        };
        let inner = finally(sleep(ms(1)), clean("inner"));
        let released = clean("released");
        let outer = finally(
            async {
                inner.await;
                let release = async move |()| released.await;
                bracket((), async |()| sleep(ms(1)).await, release).await;
                shield(clean("shielded")).await;
            },
            clean("outer"),
        );
        storm.strike(timeout(ms(100), outer)).await;
        let lines = trace.take();
        // Each that has begun has ended, once, before the next began.
        let pairs = lines
            .chunks(2)
            .map(|pair| (pair[0].as_str(), pair[1].as_str()));
        let expected = [
            ("inner begins", "inner"),
            ("released begins", "released"),
            ("shielded begins", "shielded"),
        ];
        let done = lines.len() / 2 - 1;
        let mut expected = expected[..done].to_vec();
        expected.push(("outer begins", "outer"));
        assert_eq!(pairs.collect::<Vec<_>>(), expected);
    });
    assert!(suspensions >= 10, "{suspensions}");
}

#[test]
fn a_resource_is_released_once_wherever_its_bracket_is_cancelled() {
    same_every_time(a_resource_is_released_once_wherever_its_bracket_is_cancelled);
    for value in [true, false] {
        let suspensions = cancel_storm(async |storm| {
            let released = Rc::new(Cell::new(0));
            let count = Rc::clone(&released);
            let body = async |_: &mut ()| {
                sleep(ms(1)).await;
                if !value {
                    pending::<()>().await;
                }
            };
            let release = async move |()| {
                sleep(ms(1)).await;
                count.set(count.get() + 1);
            };
            let used = timeout(ms(3), bracket((), body, release));
            if let Some(used) = storm.strike(used).await {
                assert_eq!(used.is_ok(), value);
            }
            assert_eq!(released.get(), 1);
        });
        assert!(suspensions >= 2, "{suspensions}");
    }
}

#[test]
fn a_storm_in_a_task_that_is_cancelled_pays_all_the_same() {
    same_every_time(a_storm_in_a_task_that_is_cancelled_pays_all_the_same);
    // Two cancels at once: that of the storm, and that of the task which pays.
    for delay in 0..8 {
        let paid = Rc::new(Cell::new(0));
        let runs = Cell::new(0);
        cancel_storm(async |storm| {
            runs.set(runs.get() + 1);
            let count = Rc::clone(&paid);
            let cleanup = async move {
                sleep(ms(3)).await;
                count.set(count.get() + 1);
            };
            let task = spawn(async move {
                let owed = finally(pending::<()>(), cleanup);
                assert!(timeout(ms(1), owed).await.is_err());
                sleep(ms(1)).await;
            });
            yield_now().await;
            storm
                .strike(async {
                    sleep(ms(delay)).await;
                    task.cancel();
                    drop(task.await);
                })
                .await;
        });
        assert_eq!(paid.get(), runs.get());
    }
}

// Bytes.

/// Eight bytes, no two the same.
const BYTES: &[u8] = b"01234567";

#[test]
fn reads_and_writes_in_memory_lose_no_byte() {
    same_every_time(reads_and_writes_in_memory_lose_no_byte);
    let suspensions = cancel_storm(async |storm| {
        let (near, far) = duplex(3);
        let writer = spawn(async move { far.write_all(BYTES).await });
        let mut got = Vec::new();
        let reads = async {
            let mut buf = [0; 2];
            loop {
                let n = near.read(&mut buf).await.unwrap();
                got.extend_from_slice(&buf[..n]);
                if n == 0 {
                    break;
                }
            }
        };
        storm.strike(reads).await;
        near.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, BYTES);
        writer.await.unwrap().unwrap();
    });
    assert!(suspensions >= 2, "{suspensions}");

    let suspensions = cancel_storm(async |storm| {
        let (near, far) = duplex(3);
        let reader = spawn(async move {
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.map(|_| got)
        });
        let sent = storm
            .strike(async {
                for byte in BYTES.chunks(2) {
                    near.write_all(byte).await.unwrap();
                }
                near.flush().await.unwrap();
            })
            .await;
        drop(near);
        let got = reader.await.unwrap().unwrap();
        assert!(BYTES.starts_with(&got), "nothing twice, nothing left out");
        assert!(sent.is_none() || got == BYTES);
    });
    assert!(suspensions >= 2, "{suspensions}");
}

#[test]
fn buffered_readers_and_lines_keep_what_they_have_read() {
    same_every_time(buffered_readers_and_lines_keep_what_they_have_read);
    let suspensions = cancel_storm(async |storm| {
        let (near, far) = duplex(3);
        let writer = spawn(async move { far.write_all(b"ab\ncdefg\n\nh").await });
        let mut lines = BufReader::with_capacity(2, near).lines();
        let mut got = Vec::new();
        let reads = async {
            while let Some(line) = lines.next().await {
                got.push(line.unwrap());
            }
        };
        storm.strike(reads).await;
        while let Some(line) = lines.next().await {
            got.push(line.unwrap());
        }
        assert_eq!(got, ["ab", "cdefg", "", "h"]);
        writer.await.unwrap().unwrap();
    });
    assert!(suspensions >= 3, "{suspensions}");

    let suspensions = cancel_storm(async |storm| {
        let (near, far) = duplex(3);
        let writer = spawn(async move { far.write_all(BYTES).await });
        let mut reader = BufReader::with_capacity(4, near);
        let filled = storm.strike(reader.fill_buf()).await.is_some();
        assert!(filled || reader.buffer().is_empty());
        let mut got = Vec::new();
        reader.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, BYTES);
        writer.await.unwrap().unwrap();
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_buffered_writer_sends_nothing_twice() {
    same_every_time(a_buffered_writer_sends_nothing_twice);
    let suspensions = cancel_storm(async |storm| {
        let (near, far) = duplex(1);
        let reader = spawn(async move {
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.map(|_| got)
        });
        let mut writer = BufWriter::with_capacity(4, near);
        let flushed = storm
            .strike(async {
                writer.write_all(BYTES).await.unwrap();
                writer.flush().await.unwrap();
            })
            .await;
        let cut = writer.flush().await;
        cut.unwrap();
        drop(writer);
        let got = reader.await.unwrap().unwrap();
        assert!(BYTES.starts_with(&got), "{got:?}");
        assert!(flushed.is_none() || got == BYTES);
    });
    assert!(suspensions >= 4, "{suspensions}");
}

#[test]
fn copies_end_where_they_are_cancelled() {
    same_every_time(copies_end_where_they_are_cancelled);
    let suspensions = cancel_storm(async |storm| {
        let ((source, input), (output, sink)) = (duplex(2), duplex(2));
        let writer = spawn(async move { input.write_all(BYTES).await });
        let reader = spawn(async move {
            let mut got = Vec::new();
            sink.read_to_end(&mut got).await.map(|_| got)
        });
        let copied = storm.strike(copy(&source, &output)).await;
        drop((source, output));
        let got = reader.await.unwrap().unwrap();
        assert!(BYTES.starts_with(&got));
        assert!(copied.is_none_or(|n| n.unwrap() == 8 && got == BYTES));
        drop(writer.await.unwrap());
    });
    assert!(suspensions >= 4, "{suspensions}");
}

#[test]
fn pipes_lose_no_byte() {
    let suspensions = cancel_storm(async |storm| {
        let (reader, writer) = pipe().unwrap();
        spawn(async move {
            for byte in BYTES.chunks(3) {
                yield_now().await;
                writer.write_all(byte).await.unwrap();
            }
        });
        let mut got = Vec::new();
        let mut buf = [0; 2];
        let reads = async {
            while let n @ 1.. = reader.read(&mut buf).await.unwrap() {
                got.extend_from_slice(&buf[..n]);
            }
        };
        storm.strike(reads).await;
        reader.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, BYTES);
    });
    assert!(suspensions >= 1, "{suspensions}");
}

/// Strikes a reader and then a writer of a connected pair, and looks that no byte is lost.
async fn strike_streams<T>(
    storm: &Storm,
    (near, far): (Rc<T>, Rc<T>),
    read: impl AsyncFn(&T, &mut [u8]) -> io::Result<usize>,
    write: impl AsyncFn(&T, &[u8]) -> io::Result<usize>,
) {
    let mut got = Vec::new();
    let mut buf = [0; 3];
    let reads = async {
        while got.len() < BYTES.len() {
            let n = read(&near, &mut buf).await.unwrap();
            got.extend_from_slice(&buf[..n]);
        }
    };
    let sent = Cell::new(0);
    let writes = async {
        while sent.get() < BYTES.len() {
            yield_now().await;
            let rest = &BYTES[sent.get()..];
            sent.set(sent.get() + write(&far, &rest[..rest.len().min(2)]).await.unwrap());
        }
    };
    // Both sides are cancelled together, wherever they are.
    storm.strike(join(reads, writes)).await;
    while sent.get() < BYTES.len() {
        sent.set(sent.get() + write(&far, &BYTES[sent.get()..]).await.unwrap());
    }
    while got.len() < BYTES.len() {
        let n = read(&near, &mut buf).await.unwrap();
        got.extend_from_slice(&buf[..n]);
    }
    assert_eq!(got, BYTES);
}

#[test]
fn tcp_connects_accepts_reads_and_writes() {
    let suspensions = cancel_storm(async |storm| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepts = async { listener.accept().await.unwrap().0 };
        let connects = async { TcpStream::connect(address).await.unwrap() };
        let pair = storm.strike(join(accepts, connects)).await;
        if let Some((near, far)) = pair {
            strike_streams(
                storm,
                (Rc::new(near), Rc::new(far)),
                TcpStream::read,
                TcpStream::write,
            )
            .await;
            return;
        }
        // The listener serves the next ones.
        let connects = async {
            let client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"next").await.unwrap();
        };
        let accepts = async {
            loop {
                let mut got = String::new();
                let (client, _) = listener.accept().await.unwrap();
                client.read_to_string(&mut got).await.unwrap();
                if got == "next" {
                    break;
                }
            }
        };
        join(accepts, connects).await;
    });
    assert!(suspensions >= 2, "{suspensions}");
}

#[test]
fn unix_connects_accepts_reads_and_writes() {
    let path = std::env::temp_dir().join(format!("bibelot-storm-{}", std::process::id()));
    let suspensions = cancel_storm(async |storm| {
        drop(std::fs::remove_file(&path));
        let listener = UnixListener::bind(&path).unwrap();
        let accepts = async { listener.accept().await.unwrap().0 };
        let connects = async { UnixStream::connect(&path).await.unwrap() };
        if let Some((near, far)) = storm.strike(join(accepts, connects)).await {
            let pair = (Rc::new(near), Rc::new(far));
            strike_streams(storm, pair, UnixStream::read, UnixStream::write).await;
        }
    });
    std::fs::remove_file(&path).unwrap();
    assert!(suspensions >= 2, "{suspensions}");
}

#[test]
fn a_full_socket_is_written_to_no_further_than_said() {
    let suspensions = cancel_storm(async |storm| {
        let (near, far) = UnixStream::pair().unwrap();
        let block = vec![7; 1 << 16];
        let sent = Cell::new(0);
        let writes = async {
            while sent.get() < block.len() * 16 {
                sent.set(sent.get() + near.write(&block).await.unwrap());
            }
        };
        let reads = async {
            let mut buf = vec![0; 1 << 18];
            let mut got = 0;
            loop {
                yield_now().await;
                match far.read(&mut buf).await.unwrap() {
                    0 => break got,
                    n => got += n,
                }
            }
        };
        let all = async {
            storm.strike(writes).await;
            near.shutdown(std::net::Shutdown::Write).unwrap();
        };
        let (got, ()) = join(reads, all).await;
        assert_eq!(got, sent.get());
    });
    assert!(suspensions >= 1, "{suspensions}");
}

#[test]
fn datagrams_are_read_whole_or_not_at_all() {
    let suspensions = cancel_storm(async |storm| {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        far.connect(near.local_addr().unwrap()).await.unwrap();
        let sends = spawn(async move {
            for nth in 0..3 {
                yield_now().await;
                far.send(&[nth; 8]).await.unwrap();
            }
        });
        let mut got = Vec::new();
        let mut buf = [0; 64];
        let gets = async {
            while got.len() < 3 {
                let (n, _) = near.recv_from(&mut buf).await.unwrap();
                got.push(buf[..n].to_vec());
            }
        };
        storm.strike(gets).await;
        while got.len() < 3 {
            let n = near.recv(&mut buf).await.unwrap();
            got.push(buf[..n].to_vec());
        }
        assert_eq!(got, [[0; 8], [1; 8], [2; 8]]);
        sends.await.unwrap();
    });
    assert!(suspensions >= 1, "{suspensions}");
}

#[test]
fn descriptors_of_others_and_names() {
    let suspensions = cancel_storm(async |storm| {
        let (reader, writer) = io::pipe().unwrap();
        let reader = AsyncFd::new(reader).unwrap();
        spawn(async move {
            yield_now().await;
            io::Write::write_all(&mut &writer, b"x").unwrap();
            sleep(ms(1)).await;
        });
        storm.strike(reader.readable()).await;
        reader.readable().await.unwrap();
    });
    assert!(suspensions >= 1, "{suspensions}");
    let suspensions = cancel_storm(async |storm| {
        let found = storm.strike(lookup_host("localhost:80")).await;
        assert!(found.is_none_or(|found| found.unwrap().count() > 0));
    });
    // The resolver's thread may have answered before it was asked.
    assert!(suspensions <= 1, "{suspensions}");
}

#[test]
fn a_server_that_is_cancelled_cancels_its_clients() {
    let suspensions = cancel_storm(async |storm| {
        let clients = Rc::new(Cell::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let count = Rc::clone(&clients);
        let handler = move |client: TcpStream, _| {
            let count = Rc::clone(&count);
            async move {
                count.set(count.get() + 1);
                let _left = support::on_drop(|| count.set(count.get() - 1));
                let mut buf = [0; 8];
                while client.read(&mut buf).await? > 0 {}
                Ok(())
            }
        };
        let calls = async {
            for _ in 0..2 {
                let client = TcpStream::connect(address).await.unwrap();
                client.write_all(b"hello").await.unwrap();
                yield_now().await;
            }
        };
        let server = serve(listener, handler);
        storm
            .strike(race(async { drop(server.await) }, calls))
            .await;
        yield_now().await;
        assert_eq!(clients.get(), 0);
    });
    assert!(suspensions >= 2, "{suspensions}");
}

#[test]
fn clients_wait_on_for_a_loop_that_was_cancelled_and_peeks_take_nothing() {
    let suspensions = cancel_storm(async |storm| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connects = async {
            yield_now().await;
            let limit = Duration::from_secs(1);
            let client = TcpStream::connect_timeout(&address, limit).await.unwrap();
            yield_now().await;
            client.write_all(BYTES).await.unwrap();
            client
        };
        let serves = async {
            let mut incoming = listener.incoming();
            let client = incoming.next().await.unwrap().unwrap();
            assert!(client.peek(&mut [0; 4]).await.unwrap() > 0);
            client
        };
        let near = match storm.strike(join(serves, connects)).await {
            Some((near, _far)) => near,
            None => {
                // Whoever had connected by then waits in the line, or has gone.
                let far = TcpStream::connect(address).await.unwrap();
                far.write_all(BYTES).await.unwrap();
                let own = far.local_addr().unwrap();
                let mut incoming = listener.incoming();
                loop {
                    let near = incoming.next().await.unwrap().unwrap();
                    if near.peer_addr().unwrap() == own {
                        break near;
                    }
                }
            }
        };
        let mut buf = [0; 8];
        near.peek(&mut buf).await.unwrap();
        near.read_exact(&mut buf).await.unwrap();
        assert_eq!(buf, BYTES);
    });
    assert!(suspensions >= 3, "{suspensions}");
}

#[test]
fn datagrams_are_sent_whole_or_not_at_all_and_peeks_take_nothing() {
    let suspensions = cancel_storm(async |storm| {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = near.local_addr().unwrap();
        far.connect(address).await.unwrap();
        let sent = Cell::new(0_u8);
        let sends = async {
            while sent.get() < 4 {
                yield_now().await;
                let datagram = [sent.get(); 8];
                match sent.get() % 2 {
                    0 => far.send(&datagram).await.unwrap(),
                    _ => far.send_to(&datagram, address).await.unwrap(),
                };
                sent.set(sent.get() + 1);
            }
        };
        let mut got = Vec::new();
        let mut buf = [0; 8];
        let gets = async {
            while got.len() < 4 {
                near.peek(&mut buf).await.unwrap();
                near.peek_from(&mut buf).await.unwrap();
                assert_eq!(near.recv(&mut buf).await.unwrap(), 8);
                got.push(buf[0]);
            }
        };
        storm.strike(join(sends, gets)).await;
        // All that were sent come, each once, and then the last one.
        far.send(&[9; 8]).await.unwrap();
        while got.last() != Some(&9) {
            near.recv(&mut buf).await.unwrap();
            got.push(buf[0]);
        }
        let mut expected: Vec<_> = (0..sent.get()).collect();
        expected.push(9);
        assert_eq!(got, expected);
    });
    assert!(suspensions >= 4, "{suspensions}");
}

/// What the senders of the next test do: by the peer, by a path, by an address.
const WAYS: [&str; 3] = ["send", "send_to", "send_to_addr"];

#[test]
fn datagrams_of_one_machine_are_sent_and_read_whole_or_not_at_all() {
    for way in WAYS {
        let path = std::env::temp_dir();
        let path = path.join(format!("bibelot-{way}-{}", std::process::id()));
        let suspensions = cancel_storm(async |storm| {
            drop(std::fs::remove_file(&path));
            let near = UnixDatagram::bind(&path).unwrap();
            let address = near.local_addr().unwrap();
            let far = UnixDatagram::unbound().unwrap();
            far.connect(&path).unwrap();
            // The line is full, so that the next ones wait for room in it.
            let sent = Cell::new(0_u16);
            let fills = std::os::unix::net::UnixDatagram::unbound().unwrap();
            fills.set_nonblocking(true).unwrap();
            while fills.send_to(&sent.get().to_be_bytes(), &path).is_ok() {
                sent.set(sent.get() + 1);
            }
            let all = sent.get() + 3;
            let sends = async {
                while sent.get() < all {
                    let datagram = sent.get().to_be_bytes();
                    match way {
                        "send" => far.send(&datagram).await.unwrap(),
                        "send_to" => far.send_to(&datagram, &path).await.unwrap(),
                        _ => far.send_to_addr(&datagram, &address).await.unwrap(),
                    };
                    sent.set(sent.get() + 1);
                }
            };
            let mut got = Vec::new();
            let mut buf = [0; 8];
            let gets = async {
                sleep(ms(3)).await;
                while got.len() < usize::from(all) {
                    let n = match got.len() % 2 {
                        0 => near.recv(&mut buf).await.unwrap(),
                        _ => near.recv_from(&mut buf).await.unwrap().0,
                    };
                    assert_eq!(n, 2);
                    got.push(u16::from_be_bytes([buf[0], buf[1]]));
                }
            };
            storm.strike(join(sends, gets)).await;
            while got.len() < usize::from(sent.get()) {
                near.recv(&mut buf).await.unwrap();
                got.push(u16::from_be_bytes([buf[0], buf[1]]));
            }
            assert!(got.iter().copied().eq(0..sent.get()), "each once");
            // And none that was cancelled is there.
            assert!(timeout(Duration::ZERO, near.recv(&mut buf)).await.is_err());
        });
        std::fs::remove_file(&path).unwrap();
        assert!(suspensions >= 2, "{way}: {suspensions}");
    }
}

#[test]
fn a_full_pipe_is_written_to_no_further_than_said() {
    let suspensions = cancel_storm(async |storm| {
        let (reader, writer) = pipe().unwrap();
        let block = vec![7; 1 << 16];
        let sent = Cell::new(0);
        let count = &sent;
        // The writer goes with the future, and is the end to the reader.
        let writes = async move {
            let sent = count;
            while sent.get() < block.len() * 4 {
                sent.set(sent.get() + writer.write(&block).await.unwrap());
            }
        };
        let reads = async {
            let mut got = Vec::new();
            yield_now().await;
            reader.read_to_end(&mut got).await.map(|_| got.len())
        };
        let (got, _) = join(reads, storm.strike(writes)).await;
        assert_eq!(got.unwrap(), sent.get());
    });
    assert!(suspensions >= 1, "{suspensions}");
}

#[test]
fn operations_on_descriptors_of_others_are_done_or_not_begun() {
    let suspensions = cancel_storm(async |storm| {
        let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        let block = vec![7; 1 << 20];
        let reader = AsyncFd::new(reader).unwrap();
        let writer = AsyncFd::new(writer).unwrap();
        let (sent, got) = (Cell::new(0), Cell::new(0));
        let writes = async {
            while sent.get() < block.len() {
                writer.writable().await.unwrap();
                let rest = &block[sent.get()..];
                let n = writer.write_with(|mut socket| io::Write::write(&mut socket, rest));
                sent.set(sent.get() + n.await.unwrap());
            }
        };
        let read = async || {
            let mut buf = [0; 1 << 16];
            let n = reader.read_with(|mut socket| io::Read::read(&mut socket, &mut buf));
            got.set(got.get() + n.await.unwrap());
        };
        let reads = async {
            while got.get() < block.len() {
                reader.readable().await.unwrap();
                read().await;
            }
        };
        storm.strike(join(reads, writes)).await;
        while got.get() < sent.get() {
            read().await;
        }
        assert_eq!(got.get(), sent.get());
        assert!(timeout(Duration::ZERO, reader.readable()).await.is_err());
    });
    assert!(suspensions >= 2, "{suspensions}");
}

#[test]
fn a_line_is_read_whole_or_stays() {
    same_every_time(a_line_is_read_whole_or_stays);
    const TEXT: &str = "ab\ncdefg;hi\nskipped;jk";
    let suspensions = cancel_storm(async |storm| {
        let (near, far) = duplex(2);
        let writer = spawn(async move { far.write_all(TEXT.as_bytes()).await });
        let mut reader = BufReader::with_capacity(2, near);
        let (mut lines, mut piece, mut skipped) = (String::new(), Vec::new(), 0);
        let reads = async {
            reader.read_line(&mut lines).await.unwrap();
            reader.read_until(b';', &mut piece).await.unwrap();
            reader.read_line(&mut lines).await.unwrap();
            skipped = reader.skip_until(b';').await.unwrap();
        };
        storm.strike(reads).await;
        // Nothing is appended before all of it is there, and what is not appended is there.
        if lines.is_empty() {
            reader.read_line(&mut lines).await.unwrap();
        }
        if piece.is_empty() {
            reader.read_until(b';', &mut piece).await.unwrap();
        }
        if lines == "ab\n" {
            reader.read_line(&mut lines).await.unwrap();
        }
        assert_eq!((lines.as_str(), &*piece), ("ab\nhi\n", &b"cdefg;"[..]));
        if skipped == 0 {
            reader.skip_until(b';').await.unwrap();
        }
        let mut rest = String::new();
        reader.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "jk");
        writer.await.unwrap().unwrap();
    });
    assert!(suspensions >= 6, "{suspensions}");
}

#[test]
fn a_server_that_stops_serves_its_clients_to_their_end_unless_it_is_cancelled() {
    let suspensions = cancel_storm(async |storm| {
        let (alive, served) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, done) = (Rc::clone(&alive), Rc::clone(&served));
        let handler = move |client: TcpStream, _| {
            let (count, done) = (Rc::clone(&count), Rc::clone(&done));
            async move {
                count.set(count.get() + 1);
                let _left = support::on_drop(|| count.set(count.get() - 1));
                client.write_all(b"!").await?;
                let mut got = Vec::new();
                client.read_to_end(&mut got).await?;
                done.set(done.get() + got.len());
                Ok(())
            }
        };
        let client = TcpStream::connect(address).await.unwrap();
        let until = async {
            client.write_all(BYTES).await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
        };
        let ended = storm.strike(serve(listener, handler).until(until)).await;
        assert_eq!(alive.get(), 0);
        if let Some(ended) = ended {
            ended.unwrap();
            assert_eq!(served.get(), BYTES.len());
        }
    });
    assert!(suspensions >= 2, "{suspensions}");
}

#[test]
fn what_is_struck_may_be_polled_by_hand() {
    same_every_time(what_is_struck_may_be_polled_by_hand);
    let executor = Executor::new().unwrap();
    cancel_storm(async |storm| {
        let strike = pin!(storm.strike(sleep(ms(1))));
        strike.await;
    });
    assert_eq!(executor.stats().tasks, 0);
}
