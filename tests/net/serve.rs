//! Servers: what each client gets, and what becomes of the others.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;

use bibelot::net::{Serve, TcpListener, TcpStream, UnixListener, UnixStream, serve};
use bibelot::task::yield_now;
use bibelot::{Executor, Report};

use crate::{limited, look_outside, poll_once, run};

/// Serves one client by giving it back what it sends.
async fn echo(client: TcpStream) -> io::Result<()> {
    bibelot::io::copy(&client, &client).await?;
    Ok(())
}

/// Sends a text to the server at `address` and returns the answer.
async fn ask(address: SocketAddr, text: &str) -> io::Result<String> {
    let server = TcpStream::connect(address).await?;
    server.write_all(text.as_bytes()).await?;
    server.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    server.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Whether a client is told this of a connection that the server has closed without reading from it:
/// at its write, its shutdown or its read, whichever comes after that.
fn is_of_a_closed_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | NotConnected | ConnectionReset)
}

/// Runs a test and returns what was reported meanwhile.
fn reports_of<F: Future<Output = io::Result<()>>>(test: F) -> Vec<String> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&reports);
    let executor = Executor::builder()
        .on_report(move |report: &Report| log.borrow_mut().push(report.to_string()))
        .build()
        .expect("an executor");
    executor.run(limited(test)).expect("no error");
    executor.shutdown();
    reports.take()
}

/// Counts those that live.
#[derive(Clone, Default)]
struct Living(Rc<Cell<usize>>);

impl Living {
    /// One more, until it is dropped.
    fn one(&self) -> impl Drop + use<> {
        struct One(Rc<Cell<usize>>);
        impl Drop for One {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        self.0.set(self.0.get() + 1);
        One(Rc::clone(&self.0))
    }

    fn count(&self) -> usize {
        self.0.get()
    }
}

#[test]
fn every_client_is_served() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        serve(listener, |client, _| echo(client))
            .until(async {
                let clients: Vec<_> = (0..500)
                    .map(|number| {
                        bibelot::spawn(async move { ask(address, &number.to_string()).await })
                    })
                    .collect();
                for (number, client) in clients.into_iter().enumerate() {
                    let answer = client.await.expect("no panic").expect("no error");
                    assert_eq!(answer, number.to_string());
                }
            })
            .await
    });
}

#[test]
fn a_client_on_a_unix_socket_is_served_too() {
    run(async {
        let name = format!("bibelot-{}-serve.socket", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = UnixListener::bind(&path)?;
        let handler = |client: UnixStream, _| async move { client.write_all(b"hello").await };
        let served = serve(&listener, handler).until(async {
            let mut greeting = String::new();
            let server = UnixStream::connect(&path).await?;
            server.read_to_string(&mut greeting).await?;
            assert_eq!(greeting, "hello");
            io::Result::Ok(())
        });
        served.await?;
        std::fs::remove_file(path)
    });
}

#[test]
fn a_handler_is_told_who_the_client_is() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = RefCell::new(Vec::new());
        let client = TcpStream::connect(address).await?;
        let handler = |client, from| {
            seen.borrow_mut().push(from); // a handler may borrow
            echo(client)
        };
        serve(listener, handler)
            .until(async {
                client.shutdown(std::net::Shutdown::Write)?;
                client.read_to_end(&mut Vec::new()).await
            })
            .await?;
        assert_eq!(*seen.borrow(), [client.local_addr()?]);
        Ok(())
    });
}

#[test]
fn a_handler_that_fails_is_reported_and_the_server_lives() {
    let reports = reports_of(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let handler = |client: TcpStream, _| async move {
            let mut text = [0; 4];
            client.read_exact(&mut text).await?;
            match &text {
                b"fail" => Err(io::Error::other("as it was told")),
                b"boom" => panic!("as it was told"),
                _ => client.write_all(&text).await,
            }
        };
        serve(listener, handler)
            .until(async {
                for text in ["fail", "boom", "okay"] {
                    let answer = ask(address, text).await.expect("no error");
                    assert_eq!(answer, if text == "okay" { text } else { "" });
                }
            })
            .await
    });
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert_eq!(reports[0], "serving a client: as it was told");
    assert!(
        reports[1].ends_with("panicked: as it was told"),
        "{reports:?}"
    );
}

#[test]
fn a_handler_that_panics_before_it_has_a_future_costs_one_client() {
    let reports = reports_of(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut served = 0;
        let handler = |client, _| {
            served += 1;
            assert!(served > 1, "not the first");
            echo(client)
        };
        serve(listener, handler)
            .until(async {
                match ask(address, "one").await {
                    Ok(answer) => assert_eq!(answer, ""),
                    Err(error) => assert!(is_of_a_closed_connection(&error), "{error}"),
                }
                assert_eq!(ask(address, "two").await.expect("no error"), "two");
            })
            .await
    });
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].ends_with("panicked: not the first"));
}

#[test]
fn a_server_that_is_dropped_cancels_its_clients() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let living = Living::default();
        let server = bibelot::spawn(serve(listener, {
            let living = living.clone();
            move |client, _| {
                let one = living.one();
                async move {
                    let _one = one;
                    echo(client).await
                }
            }
        }));
        let mut clients = Vec::new();
        for _ in 0..10 {
            let client = TcpStream::connect(address).await?;
            client.write_all(b"?").await?;
            client.read_exact(&mut [0; 1]).await?;
            clients.push(client);
        }
        assert_eq!(living.count(), 10);
        server.cancel();
        assert!(server.await.unwrap_err().is_cancelled());
        for client in clients {
            assert_eq!(client.read(&mut [0; 1]).await?, 0);
        }
        assert_eq!(living.count(), 0);
        assert!(TcpStream::connect(address).await.is_err());
        Ok(())
    });
}

#[test]
fn a_server_that_stops_serves_its_clients_to_their_end() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = UnixStream::pair()?;
        let until = async move { stopped.read(&mut [0; 1]).await };
        let server = bibelot::spawn(serve(listener, |client, _| echo(client)).until(until));
        let client = TcpStream::connect(address).await?;
        client.write_all(b"a").await?;
        client.read_exact(&mut [0; 1]).await?; // it is being served
        stop.write_all(b"!").await?;
        while let Ok(late) = TcpStream::connect(address).await {
            drop(late); // until the listener is gone
            yield_now().await;
        }
        assert!(!server.is_finished());
        client.write_all(b"b").await?;
        client.read_exact(&mut [0; 1]).await?; // and still is
        drop(client);
        server.await?
    });
}

#[test]
fn no_more_clients_than_the_limit_are_served_at_a_time() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let living = Living::default();
        let most = Rc::new(Cell::new(0));
        let handler = |client, _| {
            let (living, most) = (living.clone(), Rc::clone(&most));
            async move {
                let _one = living.one();
                most.set(most.get().max(living.count()));
                for _ in 0..20 {
                    yield_now().await; // time for others to come
                }
                echo(client).await
            }
        };
        serve(&listener, handler)
            .limit(3)
            .until(async {
                let clients: Vec<_> = (0..20)
                    .map(|_| bibelot::spawn(async move { ask(address, "hello").await }))
                    .collect();
                for client in clients {
                    assert_eq!(client.await.expect("no panic").expect("no error"), "hello");
                }
            })
            .await?;
        assert_eq!(most.get(), 3);
        Ok(())
    });
}

#[test]
#[should_panic(expected = "a server that may serve nobody never does")]
fn a_limit_of_nobody_is_a_mistake() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        serve(listener, |client, _| echo(client)).limit(0).await
    });
}

#[test]
fn clients_that_were_served_are_forgotten() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut server = serve(listener, |client, _| echo(client));
        let asking = bibelot::spawn(async move {
            for _ in 0..50 {
                assert_eq!(ask(address, "hello").await?, "hello");
            }
            io::Result::Ok(())
        });
        let mut most = 0;
        while !asking.is_finished() {
            assert!(poll_once(Pin::new(&mut server)).await.is_pending());
            most = most.max(clients_of(&server));
            yield_now().await;
        }
        asking.await??;
        look_outside().await?;
        assert!(poll_once(Pin::new(&mut server)).await.is_pending());
        assert_eq!(clients_of(&server), 0);
        assert!((1..5).contains(&most), "{most}");
        Ok(())
    });
}

/// How many clients a server says it serves.
fn clients_of(server: &Serve<'_>) -> usize {
    let text = format!("{server:?}");
    let count = text
        .split(['{', ','])
        .find_map(|field| field.trim().strip_prefix("clients: "));
    count.expect("it says").parse().expect("a number")
}

#[test]
fn a_listener_that_is_shut_down_ends_its_server() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let again = listener.try_clone()?;
        let server = bibelot::spawn(serve(listener, |client, _| echo(client)));
        yield_now().await;
        rustix::net::shutdown(&again, rustix::net::Shutdown::Both)?;
        assert!(server.await?.is_err());
        Ok(())
    });
}

#[test]
fn a_listener_serves_again_under_another_executor() {
    let listener = run(TcpListener::bind("127.0.0.1:0"));
    for _ in 0..2 {
        run(async {
            let address = listener.local_addr()?;
            serve(&listener, |client, _| echo(client))
                .until(async {
                    assert_eq!(ask(address, "hello").await.expect("no error"), "hello");
                })
                .await
        });
    }
}

#[test]
fn two_servers_share_a_listener() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let other = bibelot::spawn({
            let again = listener.try_clone()?;
            serve(again, |client, _| echo(client))
        });
        serve(listener, |client, _| echo(client))
            .until(async {
                for _ in 0..50 {
                    assert_eq!(ask(address, "hello").await.expect("no error"), "hello");
                }
            })
            .await?;
        other.cancel();
        Ok(())
    });
}
