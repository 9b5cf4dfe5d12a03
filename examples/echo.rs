//! An echo server and a thousand clients, all of them tasks of one thread.
//!
//! ```text
//! cargo run --release --example echo                          both, for some seconds, and a table
//! cargo run --release --example echo -- --listen ADDRESS      the server alone, until Ctrl-C
//! ```

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

use bibelot::net::{TcpListener, TcpStream, serve};
use bibelot::time::{Duration, Instant, interval, timeout};
use bibelot::{Executor, signal};

/// How many clients there are at a time.
const CLIENTS: usize = 1000;
/// How many messages each of them sends, waiting for the answer to one before it sends the next.
const MESSAGES: usize = 400;
/// How long a message is, in bytes.
const LENGTH: usize = 64;
/// How long clients of a server that stops may go on.
const GRACE: Duration = Duration::from_secs(5);
/// The descriptors of a connection (both of its ends are here), and some for everything else.
const DESCRIPTORS: u64 = 2 * CLIENTS as u64 + 50;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] => benchmark(),
        ["--listen", address] => listen(address),
        _ => Err(io::Error::other("usage: echo [--listen ADDRESS]")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The server's whole business with one client.
async fn echo(client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut buf = [0; 4096];
    loop {
        let n = client.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buf[..n]).await?;
    }
}

/// Serves whoever comes, until Ctrl-C; then those who are there, for some time.
fn listen(address: &str) -> io::Result<()> {
    bibelot::run(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on {}; Ctrl-C stops", listener.local_addr()?);
        let served = Rc::new(Cell::new(0));
        let counter = Rc::clone(&served);
        let server = serve(listener, move |client, _from| {
            counter.set(counter.get() + 1);
            echo(client)
        });
        let mut server = bibelot::spawn(server.until(signal::ctrl_c()));
        signal::ctrl_c().await?;
        println!("\nno more clients; those who are here have {GRACE:?} to end");
        match timeout(GRACE, &mut server).await {
            Ok(ended) => ended??,
            Err(_elapsed) => server.cancel(),
        }
        println!("{} clients served", served.get());
        Ok(())
    })
}

/// Runs server and clients, and tells how it went.
fn benchmark() -> io::Result<()> {
    allow_descriptors(DESCRIPTORS)?;
    let executor = Executor::new()?;
    let answered = Rc::new(Cell::new(0));
    let start = Instant::now();
    executor.run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = bibelot::spawn(async { serve(listener, |client, _| echo(client)).await });
        let progress = bibelot::spawn(show_progress(answered.clone()));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| bibelot::spawn(client(address, number, answered.clone())))
            .collect();
        for client in clients {
            client.await??;
        }
        progress.cancel();
        server.cancel();
        Ok::<(), io::Error>(())
    })?;
    let took = start.elapsed();
    let (requests, stats) = (answered.get(), executor.stats());
    let per_request = |count: u64| count as f64 / requests as f64;
    if io::stderr().is_terminal() {
        eprint!("\r{:60}\r", "");
    }
    println!("requests            {requests:>12}   ({LENGTH} bytes there and back)");
    println!("seconds             {:>12.2}", took.as_secs_f64());
    println!(
        "requests per second {:>12.0}",
        requests as f64 / took.as_secs_f64()
    );
    println!("threads             {:>12}", 1);
    println!("tasks               {:>12}", stats.spawned);
    println!("                     all in all   per request");
    for (name, count) in [
        ("polls", stats.polls),
        ("wakes", stats.wakes),
        ("turns", stats.turns),
        ("sleeps", stats.sleeps),
        ("system calls", stats.syscalls),
    ] {
        println!("{name:<19} {count:>12} {:>13.3}", per_request(count));
    }
    Ok(())
}

/// One client: sends a message, waits for it to come back, and so on.
async fn client(address: SocketAddr, number: usize, answered: Rc<Cell<usize>>) -> io::Result<()> {
    let server = TcpStream::connect(address).await?;
    server.set_nodelay(true)?;
    let message = [number as u8; LENGTH];
    let mut answer = [0; LENGTH];
    for _ in 0..MESSAGES {
        server.write_all(&message).await?;
        server.read_exact(&mut answer).await?;
        if answer != message {
            return Err(io::Error::other("somebody else's message came back"));
        }
        answered.set(answered.get() + 1);
    }
    Ok(())
}

/// Shows how far the clients are: in place, ten times a second, or without a terminal a line a second.
async fn show_progress(answered: Rc<Cell<usize>>) {
    const ALL: usize = CLIENTS * MESSAGES;
    let is_terminal = io::stderr().is_terminal();
    if !is_terminal {
        eprintln!("{CLIENTS} clients send {MESSAGES} messages each …");
    }
    let mut tick = interval(Duration::from_millis(if is_terminal { 100 } else { 1000 }));
    loop {
        tick.tick().await;
        let answered = answered.get();
        if is_terminal {
            let done = answered * 40 / ALL;
            let (bar, rest) = ("█".repeat(done), "░".repeat(40 - done));
            eprint!("\r{bar}{rest} {answered:>7} of {ALL}");
            io::stderr().flush().expect("the terminal is there");
        } else {
            eprintln!("{answered:>7} of {ALL}");
        }
    }
}

/// Sees to it that the process may have so many descriptors open.
fn allow_descriptors(wanted: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limits = getrlimit(Resource::Nofile);
    if limits.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(limits.maximum.map_or(wanted, |most| most.min(wanted))),
        ..limits
    };
    setrlimit(Resource::Nofile, raised)?;
    match limits.maximum {
        Some(most) if most < wanted => Err(io::Error::other(format!(
            "{CLIENTS} clients need {wanted} descriptors, and `ulimit -Hn` allows {most}"
        ))),
        _ => Ok(()),
    }
}
