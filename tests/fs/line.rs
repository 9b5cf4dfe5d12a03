//! Who uses one file comes in line; and a file may be dropped, or outlive an executor, at any time.

use std::fs as std_fs;
use std::io::{Read as _, Write as _};
use std::rc::Rc;
use std::sync::mpsc::channel;

use bibelot::fs::File;
use bibelot::task::{join, yield_now};
use bibelot::worker::run_in_thread;
use bibelot::{Executor, io, run, spawn};

use crate::support::{Trace, reporting_to};
use crate::{Folder, abandon, slow_to_read, slow_to_write};

#[test]
fn tasks_go_on_while_a_file_is_waited_for() {
    let (file, mut writer) = slow_to_read();
    run(async {
        let reading = spawn(async move {
            let mut buf = [0; 8];
            let count = file.read(&mut buf).await?;
            Ok::<_, io::Error>(buf[..count].to_vec())
        });
        for _ in 0..100 {
            yield_now().await;
        }
        assert!(!reading.is_finished());
        writer.write_all(b"text").unwrap();
        assert_eq!(reading.await.unwrap().unwrap(), b"text");
    });
}

#[test]
fn two_readers_of_one_file_come_in_turn() {
    let (file, mut writer) = slow_to_read();
    let file = Rc::new(file);
    let trace = Trace::new();
    run(async {
        let readers: Vec<_> = (0..5)
            .map(|nth| {
                let (file, trace) = (Rc::clone(&file), trace.clone());
                spawn(async move {
                    let mut buf = [0; 2];
                    file.read_exact(&mut buf).await.unwrap();
                    trace.say(format!("{nth}: {}", str::from_utf8(&buf).unwrap()));
                })
            })
            .collect();
        yield_now().await;
        for pair in ["aa", "bb", "cc", "dd", "ee"] {
            writer.write_all(pair.as_bytes()).unwrap();
        }
        for reader in readers {
            reader.await.unwrap();
        }
    });
    assert_eq!(trace.take(), ["0: aa", "1: bb", "2: cc", "3: dd", "4: ee"]);
}

#[test]
fn what_tasks_write_stands_in_the_order_in_which_they_came() {
    let folder = Folder::new();
    run(async {
        let file = Rc::new(File::create(folder.at("file")).await.unwrap());
        let writers: Vec<_> = (0..50)
            .map(|nth| {
                let file = Rc::clone(&file);
                spawn(async move { writeln!(file, "{nth}").await })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
    });
    let expected: String = (0..50).map(|nth| format!("{nth}\n")).collect();
    assert_eq!(std_fs::read_to_string(folder.at("file")).unwrap(), expected);
}

#[test]
fn one_task_may_copy_from_one_file_to_another() {
    let folder = Folder::new();
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 241) as u8).collect();
    let path = folder.holding(&bytes);
    run(async {
        let (from, to) = join(File::open(&path), File::create(folder.at("to"))).await;
        assert_eq!(io::copy(&from?, &to?).await?, 100_000);
        Ok::<_, io::Error>(())
    })
    .unwrap();
    assert!(std_fs::read(folder.at("to")).unwrap() == bytes);
}

#[test]
fn a_file_that_is_dropped_leaves_its_job_to_end_by_itself() {
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    executor.run(async {
        let (mut reader, file) = slow_to_write();
        abandon(file.write(&[7; 200_000])).await;
        reader.read_exact(&mut [0]).unwrap(); // so the thread has begun
        drop(file);
        let (say, said) = channel();
        let next = spawn(run_in_thread(move || say.send(()).unwrap()));
        yield_now().await;
        assert!(said.try_recv().is_err(), "the thread still writes");
        let mut rest = Vec::new();
        assert_eq!(reader.read_to_end(&mut rest).unwrap(), 199_999);
        next.await.unwrap();
        said.recv().unwrap();
    });
}

#[test]
fn who_panics_leaves_the_file_to_the_next() {
    let (file, mut writer) = slow_to_read();
    let file = Rc::new(file);
    let trace = Trace::new();
    reporting_to(&trace).build().unwrap().run(async {
        let reader = Rc::clone(&file);
        let panics = spawn(async move {
            let mut buf = [0; 8];
            join(reader.read(&mut buf), async {
                yield_now().await;
                panic!("on purpose");
            })
            .await
        });
        assert!(panics.await.unwrap_err().is_panic());
        writer.write_all(b"text").unwrap();
        let mut buf = [0; 8];
        assert_eq!(file.read(&mut buf).await.unwrap(), 4);
        assert_eq!(&buf[..4], b"text");
    });
    assert!(trace.is_empty());
}

#[test]
fn a_shutdown_does_not_wait_for_a_job() {
    let (reads, writer) = slow_to_read();
    let (mut reader, writes) = slow_to_write();
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    executor.run(async {
        drop(spawn(async move { reads.read(&mut [0; 8]).await }));
        drop(spawn(async move { writes.write(&[7; 200_000]).await }));
        yield_now().await;
    });
    executor.shutdown();
    drop(writer);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert!(
        bytes.is_empty() || bytes.len() == 200_000,
        "what a thread has begun it ends"
    );
    assert!(trace.is_empty());
}

#[test]
fn a_file_moves_from_one_executor_to_another() {
    let (file, mut writer) = slow_to_read();
    run(abandon(file.read(&mut [0; 8])));
    writer.write_all(b"text").unwrap();
    run(async {
        let mut buf = [0; 8];
        assert_eq!(file.read(&mut buf).await.unwrap(), 4);
        assert_eq!(&buf[..4], b"text");
    });
}

#[test]
fn who_is_dropped_in_line_has_done_nothing() {
    let (file, mut writer) = slow_to_read();
    run(async {
        let (mut first, mut third) = ([0; 2], [0; 2]);
        let reading = async {
            let second = async {
                abandon(file.read(&mut [0; 2])).await;
                writer.write_all(b"1133").unwrap();
            };
            join(file.read_exact(&mut first), second).await.0?;
            file.read_exact(&mut third).await
        };
        reading.await.unwrap();
        assert_eq!((&first, &third), (b"11", b"33"));
    });
}

#[test]
fn who_is_dropped_before_there_is_a_thread_has_done_nothing() {
    let folder = Folder::new();
    let path = folder.holding("text");
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    executor.run(async {
        let file = File::options().append(true).open(&path).await.unwrap();
        let (open, gate) = channel::<()>();
        let busy = spawn(run_in_thread(move || gate.recv().is_err()));
        yield_now().await;
        abandon(file.write(b" and more")).await;
        abandon(file.set_len(0)).await;
        drop(open);
        assert!(busy.await.unwrap());
        file.flush().await.unwrap();
        file.write_all(b" and this").await.unwrap();
    });
    assert_eq!(std_fs::read_to_string(&path).unwrap(), "text and this");
}
