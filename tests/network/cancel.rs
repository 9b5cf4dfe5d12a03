//! A wait that is cancelled, wherever that is: no byte, client or datagram is lost, and nobody is left in
//! line.

use std::io::{self, ErrorKind};
use std::rc::Rc;

use bibelot::net::{TcpListener, TcpStream, UdpSocket};
use bibelot::task::yield_now;
use bibelot::testing::{Network, Sim, Storm, cancel_storm_in};
use bibelot::time::{sleep, timeout};

use crate::support::same_every_time;
use crate::{ms, pair, run};

/// Cancels a future of a scenario at each of its suspensions, in a network with latency.
fn storm(scenario: impl AsyncFn(&Storm) -> io::Result<()>) -> usize {
    let network = Network::new().latency(ms(1));
    cancel_storm_in(
        || Sim::new().network(&network),
        async |storm| scenario(storm).await.expect("no error"),
    )
}

#[test]
fn a_read_that_is_cancelled_loses_no_byte() {
    same_every_time(a_read_that_is_cancelled_loses_no_byte);
    let suspensions = storm(async |storm| {
        let (here, there) = pair().await?;
        let writer = bibelot::spawn(async move {
            for part in [&b"abc"[..], b"de", b"fgh"] {
                there.write_all(part).await?;
                sleep(ms(3)).await;
            }
            io::Result::Ok(())
        });
        let mut got = Vec::new();
        let reads = async {
            let mut buf = [0; 2];
            for _ in 0..4 {
                let count = here.read(&mut buf).await?;
                got.extend_from_slice(&buf[..count]);
            }
            io::Result::Ok(())
        };
        storm.strike(reads).await.transpose()?;
        here.read_to_end(&mut got).await?;
        assert_eq!(got, b"abcdefgh");
        writer.await?
    });
    assert!(suspensions >= 3, "{suspensions}");
}

#[test]
fn a_write_that_is_cancelled_has_written_nothing() {
    same_every_time(a_write_that_is_cancelled_has_written_nothing);
    let suspensions = storm(async |storm| {
        let (here, there) = pair().await?;
        let reader = bibelot::spawn(async move {
            let mut all = Vec::new();
            sleep(ms(50)).await;
            there.read_to_end(&mut all).await.map(|_| all)
        });
        let mut written = 0;
        let writes = async {
            for _ in 0..3 {
                written += here.write(&[7; 65_536]).await?;
            }
            io::Result::Ok(())
        };
        storm.strike(writes).await.transpose()?;
        drop(here);
        assert_eq!(reader.await??.len(), written);
        Ok(())
    });
    assert!(suspensions >= 1, "{suspensions}");
}

#[test]
fn an_accept_that_is_cancelled_loses_no_client() {
    same_every_time(an_accept_that_is_cancelled_loses_no_client);
    let suspensions = storm(async |storm| {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let clients = bibelot::spawn(async {
            let mut clients = Vec::new();
            for _ in 0..3 {
                clients.push(TcpStream::connect("127.0.0.1:80").await?);
                sleep(ms(2)).await;
            }
            io::Result::Ok(clients)
        });
        let mut accepted = Vec::new();
        let accepts = async {
            for _ in 0..3 {
                accepted.push(listener.accept().await?.1);
            }
            io::Result::Ok(())
        };
        storm.strike(accepts).await.transpose()?;
        while accepted.len() < 3 {
            accepted.push(listener.accept().await?.1);
        }
        for (client, from) in clients.await??.iter().zip(accepted) {
            assert_eq!(client.local_addr()?, from);
        }
        Ok(())
    });
    assert!(suspensions >= 3, "{suspensions}");
}

#[test]
fn a_connect_that_is_cancelled_leaves_nothing_behind() {
    same_every_time(a_connect_that_is_cancelled_leaves_nothing_behind);
    let suspensions = storm(async |storm| {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let struck = storm.strike(TcpStream::connect("127.0.0.1:80")).await;
        let stream = match struck {
            Some(stream) => stream?,
            None => {
                sleep(ms(10)).await;
                TcpStream::connect("127.0.0.1:80").await?
            }
        };
        let (mut client, mut from) = listener.accept().await?;
        if from != stream.local_addr()? {
            // It had connected, and has gone: as every client may.
            assert_eq!(client.read(&mut [0]).await?, 0);
            (client, from) = listener.accept().await?;
        }
        assert_eq!(from, stream.local_addr()?);
        stream.write_all(b"a").await?;
        client.read_exact(&mut [0]).await?;
        assert!(
            timeout(ms(10), listener.accept()).await.is_err(),
            "no other"
        );
        Ok(())
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_receive_that_is_cancelled_loses_no_datagram() {
    same_every_time(a_receive_that_is_cancelled_loses_no_datagram);
    let suspensions = storm(async |storm| {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        there.connect(here.local_addr()?).await?;
        let sender = bibelot::spawn(async move {
            for nth in 0..5 {
                there.send(&[nth]).await?;
                sleep(ms(2)).await;
            }
            io::Result::Ok(())
        });
        let mut got = Vec::new();
        let receives = async {
            let mut buf = [0];
            for _ in 0..5 {
                here.recv(&mut buf).await?;
                got.push(buf[0]);
            }
            io::Result::Ok(())
        };
        storm.strike(receives).await.transpose()?;
        while got.len() < 5 {
            let mut buf = [0];
            here.recv(&mut buf).await?;
            got.push(buf[0]);
        }
        assert_eq!(got, [0, 1, 2, 3, 4]);
        sender.await?
    });
    assert!(suspensions >= 5, "{suspensions}");
}

#[test]
fn several_readers_come_in_turn_and_one_that_leaves_lets_the_next() {
    same_every_time(several_readers_come_in_turn_and_one_that_leaves_lets_the_next);
    run(&Network::new(), async {
        let (here, there) = pair().await?;
        let here = Rc::new(here);
        let reader = |name: &'static str| {
            let here = Rc::clone(&here);
            bibelot::spawn(async move {
                let mut buf = [0];
                here.read(&mut buf).await.map(|_| (name, buf[0]))
            })
        };
        let (first, second, third) = (reader("first"), reader("second"), reader("third"));
        yield_now().await;
        there.write_all(b"ab").await?;
        assert_eq!(first.await??, ("first", b'a'));
        assert_eq!(second.await??, ("second", b'b'));
        let fourth = reader("fourth");
        yield_now().await;
        // It is dropped with the wake in hand.
        there.write_all(b"c").await?;
        third.cancel();
        assert_eq!(fourth.await??, ("fourth", b'c'));
        assert!(third.await.is_err());
        Ok(())
    });
}

#[test]
fn several_writers_come_in_turn() {
    same_every_time(several_writers_come_in_turn);
    run(&Network::new().latency(ms(1)), async {
        let (here, there) = pair().await?;
        let here = Rc::new(here);
        let writers: Vec<_> = (1..=3_u8)
            .map(|nth| {
                let here = Rc::clone(&here);
                bibelot::spawn(async move { here.write_all(&vec![nth; 60_000]).await })
            })
            .collect();
        yield_now().await;
        drop(here);
        let mut all = Vec::new();
        there.read_to_end(&mut all).await?;
        assert_eq!(all.len(), 180_000);
        assert!(
            all[..60_000].iter().all(|byte| *byte == 1),
            "it was there first"
        );
        for writer in writers {
            writer.await??;
        }
        Ok(())
    });
}

#[test]
fn several_who_accept_come_in_turn() {
    same_every_time(several_who_accept_come_in_turn);
    run(&Network::new(), async {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:80").await?);
        let accepting: Vec<_> = (0..3)
            .map(|_| {
                let listener = Rc::clone(&listener);
                bibelot::spawn(async move { listener.accept().await.map(|(_, from)| from) })
            })
            .collect();
        yield_now().await;
        let mut clients = Vec::new();
        for accepting in accepting {
            clients.push(TcpStream::connect("127.0.0.1:80").await?);
            let last = clients.last().expect("just pushed");
            assert_eq!(accepting.await??, last.local_addr()?);
        }
        Ok(())
    });
}

#[test]
fn one_task_reads_while_another_writes() {
    same_every_time(one_task_reads_while_another_writes);
    run(&Network::new(), async {
        let (here, there) = pair().await?;
        let here = Rc::new(here);
        let reader = bibelot::spawn({
            let here = Rc::clone(&here);
            async move { here.read_exact(&mut [0; 5]).await }
        });
        yield_now().await;
        here.write_all(b"ping").await?;
        there.read_exact(&mut [0; 4]).await?;
        there.write_all(b"pong!").await?;
        reader.await??;
        Ok(())
    });
}

#[test]
fn tasks_that_are_cancelled_close_their_sockets() {
    same_every_time(tasks_that_are_cancelled_close_their_sockets);
    run(&Network::new().latency(ms(1)), async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let client = bibelot::spawn(async {
            let stream = TcpStream::connect("127.0.0.1:80").await?;
            stream.read(&mut [0; 8]).await
        });
        let (there, _) = listener.accept().await?;
        client.cancel();
        assert_eq!(there.read(&mut [0; 8]).await?, 0);
        there.write_all(b"a").await?;
        sleep(ms(5)).await;
        assert_eq!(
            there.write(b"a").await.unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
        Ok(())
    });
}
