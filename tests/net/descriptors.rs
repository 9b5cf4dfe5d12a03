//! Out of descriptors. The limit is that of a process, so each of these tests runs itself again in a
//! child.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use bibelot::net::{TcpListener, TcpStream, UnixStream, serve};
use bibelot::{Executor, Report};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{limited, run};

/// Set in a child.
const IS_CHILD: &str = "BIBELOT_TEST_IS_CHILD";
/// How many descriptors a child may have.
const LIMIT: u64 = 64;

/// Whether this process is the child; then its limit is set.
fn is_child() -> bool {
    let is_child = std::env::var_os(IS_CHILD).is_some();
    if is_child {
        let maximum = getrlimit(Resource::Nofile).maximum;
        let current = Some(LIMIT);
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("a lower limit");
    }
    is_child
}

/// Runs the test of that name again, in a child.
fn start_child(test: &str) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(IS_CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child")
}

/// Opens descriptors until there are none left.
fn take_all_descriptors() -> Vec<std::fs::File> {
    std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect()
}

#[test]
fn run_without_a_poller_says_what_returns_the_error_instead() {
    if !is_child() {
        let name = "descriptors::run_without_a_poller_says_what_returns_the_error_instead";
        let output = start_child(name).wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let taken = take_all_descriptors();
    let error = Executor::new().map(drop).unwrap_err();
    let panic = std::panic::catch_unwind(|| bibelot::run(async {})).unwrap_err();
    drop(taken);
    let expected = format!("making an executor: {error}; Executor::new() returns this instead");
    assert_eq!(panic.downcast_ref(), Some(&expected));
    // The next one has all it needs.
    bibelot::run(async {});
}

#[test]
fn an_accept_that_ran_out_of_descriptors_is_good_for_another_try() {
    if !is_child() {
        let name = "descriptors::an_accept_that_ran_out_of_descriptors_is_good_for_another_try";
        let output = start_child(name).wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        return;
    }
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        // The listener is registered, and its one edge has come.
        let first = bibelot::spawn(TcpStream::connect(address));
        listener.accept().await?;
        first.await??;

        let client = TcpStream::connect(address).await?;
        let taken = take_all_descriptors();
        for _ in 0..3 {
            let error = listener.accept().await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc_emfile()));
        }
        drop(taken);
        let (_, from) = listener.accept().await?; // no new edge comes
        assert_eq!(from, client.local_addr()?);
        Ok(())
    });
}

/// The number of `EMFILE`.
fn libc_emfile() -> i32 {
    rustix::io::Errno::MFILE.raw_os_error()
}

#[test]
fn what_needs_a_descriptor_and_gets_none_says_so() {
    if !is_child() {
        let name = "descriptors::what_needs_a_descriptor_and_gets_none_says_so";
        let output = start_child(name).wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        return;
    }
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let taken = take_all_descriptors();
        assert!(TcpListener::bind("127.0.0.1:0").await.is_err());
        assert!(TcpStream::connect(address).await.is_err());
        assert!(UnixStream::pair().is_err());
        assert!(listener.try_clone().is_err());
        assert!(Executor::new().is_err());
        drop(taken);
        TcpStream::connect(address).await?;
        Ok(())
    });
}

/// How many clients come to the two servers.
const CLIENTS: usize = 500;

#[test]
fn two_servers_short_of_descriptors_serve_five_hundred_clients_in_the_end() {
    if is_child() {
        serve_short_of_descriptors();
        return;
    }
    let name =
        "descriptors::two_servers_short_of_descriptors_serve_five_hundred_clients_in_the_end";
    let mut child = start_child(name);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut address = || -> SocketAddr {
        let found = lines.find_map(|line| {
            let line = line.expect("text");
            let (_, address) = line.split_once("listens at ")?;
            Some(address.parse().expect("an address"))
        });
        found.expect("the child says where it listens")
    };
    let addresses = [address(), address()];
    run(async {
        // All are connected before the first is served to its end.
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            clients.push(TcpStream::connect(addresses[number % 2]).await?);
        }
        for client in &clients {
            client.write_all(b"?").await?;
        }
        for client in &clients {
            let mut answer = [0; 1];
            client.read_exact(&mut answer).await?;
            assert_eq!(&answer, b"!");
        }
        Ok(())
    });
    assert!(lines.all(|line| line.is_ok()));
    assert!(child.wait().expect("it ends").success());
}

/// The child: two servers that end when they have served all, and have had to complain.
fn serve_short_of_descriptors() {
    let complaints = Rc::new(Cell::new(0));
    let count = Rc::clone(&complaints);
    let executor = Executor::builder()
        .on_report(move |report: &Report| match report {
            Report::AcceptFailed(_) => count.set(count.get() + 1),
            other => panic!("{other}"),
        })
        .build()
        .expect("an executor");
    let served = executor.run(limited(async {
        let (done, all_done) = UnixStream::pair()?;
        let done = Rc::new(done);
        let mut servers = Vec::new();
        for _ in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("listens at {}", listener.local_addr()?);
            let done = Rc::clone(&done);
            servers.push(bibelot::spawn(serve(listener, move |client, _| {
                let done = Rc::clone(&done);
                async move {
                    client.read_exact(&mut [0; 1]).await?;
                    client.write_all(b"!").await?;
                    done.write_all(b".").await
                }
            })));
        }
        all_done.read_exact(&mut [0; CLIENTS]).await?;
        for server in servers {
            server.cancel();
        }
        io::Result::Ok(())
    }));
    served.expect("no error");
    assert!(complaints.get() > 0, "the limit was never reached");
    // Each complaint is followed by a pause, so they are few: nothing spins.
    assert!(complaints.get() < 400, "{} complaints", complaints.get());
}
