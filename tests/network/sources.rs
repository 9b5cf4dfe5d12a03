//! What observers are told of simulated sockets: the same as of the kernel's, by numbers below zero.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use bibelot::net::{TcpListener, TcpStream, UdpSocket};
use bibelot::testing::{Log, Network, Sim};
use bibelot::time::Instant;
use bibelot::trace::Event;
use bibelot::{Executor, spawn, task};

use crate::ms;
use crate::support::same_every_time;

/// Runs `main` in a network; what is told of its sockets, with the milliseconds since the start.
fn told_of<F: Future<Output = io::Result<()>>>(network: &Network, main: F) -> Vec<String> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let (kept, mut start) = (Rc::clone(&told), None);
    let observer = move |at: Instant, event: &Event| {
        let since = (at - *start.get_or_insert(at)).as_millis();
        if event.to_string().contains("socket") {
            kept.borrow_mut().push(format!("{since} {event}"));
        }
    };
    let builder = Executor::builder().observer(observer);
    let done = Sim::from_builder(builder).network(network).run(main);
    done.expect("the test returned an error");
    told.take()
}

/// A server that gives back what it gets, once, and its client.
async fn echo() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:80").await?;
    let server = spawn(async move {
        let (client, _from) = listener.accept().await?;
        let mut buf = [0; 2];
        client.read_exact(&mut buf).await?;
        client.write_all(&buf).await
    });
    task::yield_now().await;
    let stream = TcpStream::connect("127.0.0.1:80").await?;
    bibelot::time::sleep(ms(10)).await;
    stream.write_all(b"hi").await?;
    let mut buf = [0; 2];
    stream.read_exact(&mut buf).await?;
    drop(stream);
    server.await?
}

#[test]
fn an_echo_is_told_as_the_kernels_would_be() {
    let network = Network::new().latency(ms(5));
    assert_eq!(
        told_of(&network, echo()),
        [
            // The listener is the first socket, the client the second, and what is accepted the third.
            "0 simulated socket 1 watched by task 2",
            "0 simulated socket 2 watched by task 1",
            "10 simulated socket 2 may be read or written",
            "15 simulated socket 1 may be read",
            "15 simulated socket 3 watched by task 2",
            "25 simulated socket 3 may be read",
            "25 simulated socket 3 left",
            "25 simulated socket 1 left",
            // The answer, and the end.
            "30 simulated socket 2 may be read",
            "30 simulated socket 2 may be read",
            "30 simulated socket 2 left",
        ]
    );
}

#[test]
fn a_socket_that_is_handed_on_is_wanted_by_who_has_it() {
    let network = Network::new();
    let told = told_of(&network, async {
        let (one, two) = (
            UdpSocket::bind("127.0.0.1:1").await?,
            UdpSocket::bind("127.0.0.1:2").await?,
        );
        two.connect("127.0.0.1:1").await?;
        for _ in 0..2 {
            // Another task each time.
            let socket = one.try_clone()?;
            let receiver = spawn(async move { socket.recv(&mut [0]).await });
            task::yield_now().await;
            two.send(b"a").await?;
            receiver.await??;
        }
        Ok(())
    });
    assert_eq!(
        told,
        [
            "0 simulated socket 1 watched by task 2",
            "0 simulated socket 1 may be read",
            "0 simulated socket 1 waited for by task 3",
            "0 simulated socket 1 may be read",
            "0 simulated socket 1 left",
        ]
    );
}

#[test]
fn of_a_socket_that_nobody_has_waited_for_nothing_is_told() {
    let told = told_of(&Network::new(), async {
        let socket = UdpSocket::bind("127.0.0.1:1").await?;
        socket.send_to(b"a", "127.0.0.1:1").await?;
        task::yield_now().await;
        bibelot::time::sleep(ms(1)).await;
        socket.recv(&mut [0]).await?;
        Ok(())
    });
    assert_eq!(told, [""; 0]);
}

#[test]
fn the_log_is_the_same_run_for_run_and_of_a_network_used_before() {
    same_every_time(the_log_is_the_same_run_for_run_and_of_a_network_used_before);
    let log_of = |network: &Network| {
        let log = Log::new();
        let done = Sim::new().seed(3).network(network).log(&log).run(echo());
        done.expect("no error");
        log.text()
    };
    let network = Network::new().latency(ms(1)).jitter(ms(3));
    let first = log_of(&network);
    assert!(first.contains("simulated socket 3 may be read"), "{first}");
    assert_eq!(log_of(&network), first);
    let other = Network::new().latency(ms(1)).jitter(ms(3));
    assert_eq!(log_of(&other), first);
}

#[test]
fn a_socket_of_a_simulation_that_is_over_is_told_to_nobody() {
    let network = Network::new();
    let kept = Rc::new(RefCell::new(None));
    let keep = Rc::clone(&kept);
    let first = told_of(&network, async move {
        let socket = Rc::new(UdpSocket::bind("127.0.0.1:1").await?);
        let waits = Rc::clone(&socket);
        let receiver = spawn(async move { waits.recv(&mut [0]).await });
        task::yield_now().await;
        receiver.cancel();
        *keep.borrow_mut() = Some(socket);
        Ok(())
    });
    assert_eq!(first, ["0 simulated socket 1 watched by task 2"]);
    // It has the number of the first socket of the next one, and ends while that one is watched.
    let second = told_of(&network, async move {
        let socket = UdpSocket::bind("127.0.0.1:1").await?;
        let receiver = spawn(async move { socket.recv(&mut [0]).await });
        task::yield_now().await;
        drop(kept.take());
        receiver.cancel();
        drop(receiver.await);
        Ok(())
    });
    assert_eq!(
        second,
        [
            "0 simulated socket 1 watched by task 2",
            "0 simulated socket 1 left"
        ]
    );
}
