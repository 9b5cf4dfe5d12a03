//! No zombies: whoever is dropped, and whenever.

use bibelot::process::{Command, Stdio};
use rustix::process::{Pid, Resource, Rlimit, WaitId, WaitIdOptions, getrlimit, setrlimit, waitid};

use super::{children, descriptors, one_at_a_time, sh, threads, until};

#[test]
fn one_thread_reaps_all_that_were_let_go_also_when_the_executor_has_ended() {
    let _one = one_at_a_time();
    let mut stdins = bibelot::run(async {
        (0..20)
            .map(|_| {
                let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
                child.stdin.take().unwrap()
            })
            .collect::<Vec<_>>()
    });
    assert_eq!(children().len(), 20);
    assert_eq!(threads("bibelot-reaper"), 1);
    while let Some(stdin) = stdins.pop() {
        drop(stdin);
        until("the child is reaped", || children().len() == stdins.len());
    }
    until("the thread has ended", || threads("bibelot-reaper") == 0);
    // It is started again when it is needed.
    let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    drop(child);
    until("the child is reaped", || children().is_empty());
}

#[test]
fn a_child_that_has_ended_is_reaped_when_it_is_dropped() {
    let _one = one_at_a_time();
    for kills in [false, true] {
        bibelot::run(async {
            let child = sh("exit 0").kill_on_drop(kills).spawn().unwrap();
            let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            waitid(WaitId::Pid(pid), options).unwrap();
            assert_eq!(children(), [(child.id(), String::from("Z"))]);
            drop(child);
            assert_eq!(children(), []);
        });
    }
}

#[test]
fn a_child_that_somebody_else_has_reaped_is_an_error_and_no_stranger_is_hit() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut child = sh("exit 0").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED).unwrap();
        let error = child.wait().await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECHILD));
        let error = child.kill().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECHILD));
    });
}

/// Puts the limit back.
struct Limit(Rlimit);

impl Limit {
    /// Leaves room for so many descriptors.
    fn room_for(room: usize) -> Self {
        let before = getrlimit(Resource::Nofile);
        let current = Some((descriptors() + room) as u64);
        setrlimit(Resource::Nofile, Rlimit { current, ..before }).unwrap();
        Self(before)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).unwrap();
    }
}

#[test]
fn wherever_a_spawn_runs_out_of_descriptors_no_child_is_left() {
    let _one = one_at_a_time();
    let mut failed = 0;
    for room in 0..16 {
        let output = bibelot::run(async {
            let limit = Limit::room_for(room);
            let output = sh("echo hello").stdin(Stdio::piped()).output().await;
            drop(limit);
            if output.is_err() {
                // Who has failed does not wait for the child that it has killed.
                until("the child is reaped", || children().is_empty());
            }
            assert_eq!(children(), []);
            output
        });
        match output {
            Ok(output) => assert_eq!(output.stdout, b"hello\n"),
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
                failed += 1;
            }
        }
    }
    assert!((4..16).contains(&failed), "{failed}");
}

#[test]
#[cfg(feature = "signal")]
fn who_listens_for_sigchld_takes_no_end_away() {
    use bibelot::signal::{Signal, Signals};
    let mut one = one_at_a_time();
    let mut signals = Signals::new([Signal::CHILD]).unwrap();
    one.descriptors = descriptors(); // those that signals need stay
    bibelot::run(async {
        for code in 0..5 {
            let status = sh(&format!("exit {code}")).status().await.unwrap();
            assert_eq!(status.code(), Some(code));
            assert_eq!(signals.next().await, Signal::CHILD);
        }
    });
}

#[test]
fn hundreds_of_children_leave_nothing_behind() {
    let _one = one_at_a_time();
    bibelot::run(async {
        for nth in 0..200 {
            let mut command = sh("exit 0");
            match nth % 4 {
                0 => assert!(command.status().await.unwrap().success()),
                1 => assert!(command.output().await.unwrap().status.success()),
                2 => drop(command.spawn().unwrap()),
                _ => drop(command.kill_on_drop(true).spawn().unwrap()),
            }
        }
    });
}
