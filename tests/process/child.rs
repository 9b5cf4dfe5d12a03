//! `Child`: its pipes, its end, and what is done to it.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::thread;

use bibelot::io::BufReader;
use bibelot::process::{Child, Command, Stdio};
use bibelot::spawn;
use bibelot::task::{join, yield_now};
use bibelot::time::{Duration, timeout};

use super::{Talker, children, hear, is_there, one_at_a_time, sh};

/// A cat that waits for what it is told.
fn cat() -> Child {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_wait_closes_stdin_first_and_may_be_made_again() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = cat();
        assert!(child.stdin.is_some());
        assert_eq!(child.try_wait().unwrap(), None);
        let status = child.wait().await.unwrap();
        assert!(status.success() && child.stdin.is_none());
        assert_eq!(children(), [], "it is reaped");
        assert_eq!(child.wait().await.unwrap(), status);
        assert_eq!(child.try_wait().unwrap(), Some(status));
    });
}

#[test]
fn a_wait_that_is_cancelled_is_made_again() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = cat();
        let stdin = child.stdin.take();
        for _ in 0..3 {
            assert!(timeout(Duration::ZERO, child.wait()).await.is_err());
        }
        let short = Duration::from_millis(1);
        assert!(timeout(short, child.wait()).await.is_err());
        assert!(
            is_there(child.id()),
            "a child lives on when a wait does not"
        );
        drop(stdin);
        assert!(child.wait().await.unwrap().success());
    });
}

#[test]
fn tasks_talk_with_a_child() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = cat();
        let stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in ["one", "two", "three"] {
            writeln!(stdin, "{line}").await.unwrap();
            assert_eq!(lines.next().await.unwrap().unwrap(), line);
        }
        let writer = spawn(async move {
            for nth in 0..10_000 {
                writeln!(stdin, "{nth}").await.unwrap();
            }
        });
        for nth in 0..10_000 {
            assert_eq!(lines.next().await.unwrap().unwrap(), nth.to_string());
        }
        writer.await.unwrap();
        assert!(lines.next().await.is_none());
        assert!(child.wait().await.unwrap().success());
    });
}

#[test]
fn a_write_to_a_child_that_has_ended_is_a_broken_pipe() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = cat();
        let stdin = child.stdin.take().unwrap();
        child.kill().unwrap();
        child.wait().await.unwrap();
        let error = stdin.write_all(b"hello").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_kill_kills_and_is_nothing_to_a_child_that_has_ended() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = cat();
        child.kill().unwrap();
        child.kill().unwrap();
        let status = child.wait().await.unwrap();
        assert_eq!(status.signal(), Some(libc::SIGKILL));
        child.kill().unwrap();
        child.terminate().unwrap();
        child.send_signal(libc::SIGTERM).unwrap();
        assert_eq!(child.wait().await.unwrap(), status);
    });
}

#[test]
fn a_child_is_asked_to_end_or_told_something_else() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = cat();
        child.terminate().unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(libc::SIGTERM));

        // A shell is sure to notice a signal in a `wait`.
        let script = "exec 3<&0; cat <&3 >/dev/null 2>&1 & \
                      trap 'echo usr1 >&2' USR1; trap 'exit 4' TERM; echo ready >&2; \
                      while :; do wait; done";
        let mut talker = Talker::new(script).unwrap();
        let mut child = talker.command.spawn().unwrap();
        assert_eq!(hear(&mut talker.said).await, "ready");
        child.send_signal(libc::SIGUSR1).unwrap();
        assert_eq!(hear(&mut talker.said).await, "usr1");
        #[cfg(feature = "signal")]
        {
            child.send_signal(bibelot::signal::Signal::USER1).unwrap();
            assert_eq!(hear(&mut talker.said).await, "usr1");
        }
        for nameless in [0, -1, libc::SIGRTMIN(), 12_345] {
            let error = child.send_signal(nameless).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{nameless}");
        }
        child.terminate().unwrap();
        assert_eq!(child.wait().await.unwrap().code(), Some(4));
    });
}

#[test]
fn a_grandchild_that_holds_the_pipes_does_not_hold_up_a_wait() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = sh("exec 3<&0; cat <&3 & exit 3")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        assert_eq!(child.wait().await.unwrap().code(), Some(3));
        stdin.write_all(b"still here").await.unwrap();
        drop(stdin);
        let mut text = String::new();
        let stdout = child.stdout.take().unwrap();
        stdout.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "still here");
    });
}

#[test]
fn what_one_child_says_another_hears() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let echo = sh("echo one; echo two")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // A field may be moved out of it, as in std.
        let mut upper = Command::new("tr");
        upper.args(["a-z", "A-Z"]).stdin(echo.stdout.unwrap());
        assert_eq!(upper.output().await.unwrap().stdout, b"ONE\nTWO\n");

        let mut last = sh("read -r x; echo \"heard $x\"")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = sh("echo hello; echo also this >&2")
            .stdout(last.stdin.take().unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (first, last) = join(first.wait(), last.wait_with_output()).await;
        assert!(first.unwrap().success());
        assert_eq!(last.unwrap().stdout, b"heard hello\n");
    });
}

#[test]
fn many_children_are_waited_for_at_once() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let tasks: Vec<_> = (0..20)
            .map(|code| spawn(async move { sh(&format!("exit {code}")).status().await }))
            .collect();
        for (code, task) in (0..).zip(tasks) {
            assert_eq!(task.await.unwrap().unwrap().code(), Some(code));
        }
    });
}

#[test]
fn executors_wait_for_their_own_children() {
    let _one = one_at_a_time();
    let threads = [1, 2, 3].map(|code| {
        thread::spawn(move || {
            bibelot::run(async {
                for _ in 0..5 {
                    let status = sh(&format!("exit {code}")).status().await.unwrap();
                    assert_eq!(status.code(), Some(code));
                }
            });
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_child_of_one_run_is_waited_for_in_the_next() {
    let _one = one_at_a_time();
    let mut child = cat();
    let stdin = child.stdin.take();
    bibelot::run(async {
        assert!(timeout(Duration::ZERO, child.wait()).await.is_err());
        yield_now().await;
    });
    bibelot::run(async {
        assert!(timeout(Duration::ZERO, child.wait()).await.is_err());
        drop(stdin);
        assert!(child.wait().await.unwrap().success());
    });
}

#[test]
fn a_child_that_another_thread_has_spawned_is_taken_in() {
    let _one = one_at_a_time();
    let mut command = sh("cat; exit 6");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let spawned = thread::spawn(move || command.as_std_mut().spawn().unwrap());
    let child = Child::from_std(spawned.join().unwrap()).unwrap();
    let output = bibelot::run(child.communicate("hello")).unwrap();
    assert_eq!(output.stdout, b"hello");
    assert_eq!(output.status.code(), Some(6));
    // Also one that std has waited for.
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let status = child.wait().unwrap();
    let mut child = Child::from_std(child).unwrap();
    child.kill().unwrap();
    assert_eq!(bibelot::run(child.wait()).unwrap(), status);
}

#[test]
fn a_child_of_its_own_group_and_user_is_one() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = sh(r#"[ "$(cut -d' ' -f5 /proc/$$/stat)" = $$ ]"#)
            .process_group(0)
            .spawn()
            .unwrap();
        assert!(child.wait().await.unwrap().success());
        let user = rustix::process::getuid().as_raw();
        let group = rustix::process::getgid().as_raw();
        let output = sh("id -u; id -g").uid(user).gid(group).output().await;
        let expected = format!("{user}\n{group}\n");
        assert_eq!(output.unwrap().stdout, expected.as_bytes());
    });
}

#[test]
fn a_child_tells_what_it_is() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = cat();
        let text = format!("{child:?}");
        assert!(text.starts_with(&format!(
            "Child {{ id: {}, stdin: Some(ChildStdin",
            child.id()
        )));
        child.wait().await.unwrap();
    });
}
