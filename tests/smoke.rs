//! smoke
use bibelot::testing::Sim;
use bibelot::time::*;
use std::cell::RefCell;
use std::rc::Rc;
#[test]
fn smoke() {
    let v = bibelot::run(async {
        let h = bibelot::spawn(async {
            bibelot::task::yield_now().await;
            5
        });
        let h2 = bibelot::spawn(async {
            std::future::pending::<()>().await;
        });
        h2.cancel();
        println!("{}", h2.await.unwrap_err());
        let p = bibelot::spawn(async { panic!("boo") });
        println!("{}", p.await.map(|_: ()| ()).unwrap_err());
        h.await.unwrap()
    });
    assert_eq!(v, 5);
}
#[test]
fn sim_order() {
    let log = Rc::new(RefCell::new(vec![]));
    Sim::new().run(async {
        for i in 0..5u64 {
            let log = log.clone();
            bibelot::spawn(async move {
                sleep(Duration::from_secs(10 - i)).await;
                log.borrow_mut().push(i);
            });
        }
    });
    assert_eq!(*log.borrow(), [4, 3, 2, 1, 0]);
}
#[test]
#[should_panic(expected = "deadlock")]
fn dead() {
    Sim::new().run(async {
        let h = bibelot::spawn(std::future::pending::<()>());
        h.await.unwrap();
    });
}
#[test]
fn remote_wake() {
    bibelot::run(async {
        let (tx, rx) = std::sync::mpsc::channel();
        let t = bibelot::task::current();
        let th = std::thread::spawn(move || {
            rx.recv().unwrap();
            t.unpark();
        });
        tx.send(()).unwrap();
        bibelot::thread::park().await;
        th.join().unwrap();
    });
}
#[test]
fn fd() {
    use std::io::{Read, Write};
    bibelot::run(async {
        let (a, mut b) = std::os::unix::net::UnixStream::pair().unwrap();
        let a = bibelot::io::AsyncFd::new(a).unwrap();
        let th = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            b.write_all(b"hello").unwrap();
        });
        let mut buf = [0; 8];
        let n = a.read_with(|mut s| s.read(&mut buf)).await.unwrap();
        assert_eq!(&buf[..n], b"hello");
        th.join().unwrap();
        timeout(Duration::from_millis(5), sleep(Duration::from_secs(4)))
            .await
            .unwrap_err();
    });
}
