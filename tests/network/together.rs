//! The network under what else a test may have: a clock that is moved by hand, a comparison of two runs, an
//! exploration of schedules.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use bibelot::net::{TcpListener, TcpStream};
use bibelot::task::yield_now;
use bibelot::testing::{Explorer, Log, Network, Sim, advance, settle, twice};
use bibelot::time::Instant;

use crate::ms;
use crate::support::same_every_time;

#[test]
fn under_a_manual_clock_nothing_arrives_before_its_time() {
    same_every_time(under_a_manual_clock_nothing_arrives_before_its_time);
    let network = Network::new().latency(ms(10));
    let done = Sim::new().manual().network(&network).run(async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let connecting = bibelot::spawn(TcpStream::connect("127.0.0.1:80"));
        settle().await;
        advance(ms(19)).await;
        assert!(!connecting.is_finished());
        advance(ms(1)).await;
        assert!(connecting.is_finished());
        let here = connecting.await??;
        let accepting = bibelot::spawn(async move { listener.accept().await });
        settle().await;
        assert!(!accepting.is_finished());
        advance(ms(10)).await;
        let (there, _) = accepting.await??;
        // There and back in one step, and each at its moment.
        let start = Instant::now();
        here.write_all(b"ping").await?;
        let echo = bibelot::spawn(async move {
            there.read_exact(&mut [0; 4]).await?;
            let at = start.elapsed();
            there.write_all(b"pong").await?;
            io::Result::Ok(at)
        });
        let answer = bibelot::spawn(async move {
            here.read_exact(&mut [0; 4]).await?;
            io::Result::Ok(start.elapsed())
        });
        advance(ms(1000)).await;
        assert_eq!((echo.await??, answer.await??), (ms(10), ms(20)));
        io::Result::Ok(())
    });
    done.expect("no error");
}

#[test]
fn without_latency_a_manual_clock_need_not_be_moved() {
    same_every_time(without_latency_a_manual_clock_need_not_be_moved);
    let done = Sim::new().manual().network(&Network::new()).run(async {
        let (here, there) = crate::pair().await?;
        here.write_all(b"at once").await?;
        there.read_exact(&mut [0; 7]).await
    });
    done.expect("no error");
}

/// Two clients add to what a server keeps, which answers with the sum.
async fn add_up(network: &Network, is_careful: bool) -> io::Result<u8> {
    let server = network.host("server");
    let listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
    let sum = Rc::new(Cell::new(0));
    let clients = [1, 2].map(|number| {
        bibelot::spawn(async move {
            let server = TcpStream::connect("server:80").await?;
            server.write_all(&[number]).await?;
            server.read_exact(&mut [0]).await
        })
    });
    for _ in 0..2 {
        let (client, _) = listener.accept().await?;
        let sum = Rc::clone(&sum);
        bibelot::spawn(async move {
            let mut number = [0];
            client.read_exact(&mut number).await?;
            let mut before = sum.get();
            yield_now().await;
            if is_careful {
                before = sum.get();
            }
            sum.set(before + number[0]);
            client.write_all(&[sum.get()]).await
        });
    }
    for client in clients {
        client.await??;
    }
    Ok(sum.get())
}

#[test]
fn two_runs_of_the_same_seed_are_the_same_to_the_byte() {
    let rough = || Network::new().latency(ms(1)).jitter(ms(9)).loss(0.1);
    let log_of = |seed| {
        twice(|| {
            let (network, log) = (rough(), Log::new());
            let sim = Sim::new().seed(seed).network(&network).log(&log);
            sim.run(add_up(&network, true)).expect("no error");
            log.text()
        })
    };
    assert!(
        log_of(1).contains("a simulated connection"),
        "{}",
        log_of(1)
    );
    assert_ne!(log_of(1), log_of(2));
}

#[test]
fn an_exploration_finds_what_one_order_of_arrivals_breaks_and_a_file_repeats_it() {
    same_every_time(an_exploration_finds_what_one_order_of_arrivals_breaks_and_a_file_repeats_it);
    let network = Network::new().latency(ms(1));
    let explorer = || Explorer::new().network(&network);
    let test = async |is_careful| {
        assert_eq!(add_up(&network, is_careful).await.expect("no error"), 3);
    };
    explorer().run(async || test(true).await);
    let found = explorer().try_run(async || test(false).await).unwrap_err();
    assert!(
        found.message().contains("left == right"),
        "{}",
        found.message()
    );
    let file = found.replay_file().expect("it was written");
    let again = std::panic::catch_unwind(|| {
        let sim = Sim::replay(file).expect("it is a replay file");
        let network = Network::new().latency(ms(1));
        let sum = sim.network(&network).run(add_up(&network, false));
        assert_eq!(sum.expect("no error"), 3);
    });
    let _gone = std::fs::remove_file(file);
    assert!(again.is_err(), "the update is lost again");
}
