//! `output`, `status` and `communicate`: what goes in, what comes out, and nothing stands still.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process;

use bibelot::io::pipe;
use bibelot::process::{ChildStdin, Command, Stdio};
use bibelot::testing::Sim;

use super::{one_at_a_time, sh};

/// More than a pipe holds.
const MUCH: usize = 1_000_000;

#[test]
fn output_is_captured_and_stdin_is_at_its_end() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let output = sh("cat; echo out; echo err >&2; exit 3")
            .output()
            .await
            .unwrap();
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(output.status.code(), Some(3));
    });
}

#[test]
fn much_output_on_both_pipes_is_no_deadlock() {
    let _one = one_at_a_time();
    let script = format!(
        "head -c {MUCH} /dev/zero >&2; head -c {MUCH} /dev/zero; exec >&-; head -c {MUCH} /dev/zero >&2"
    );
    bibelot::run(async {
        let output = sh(&script).output().await.unwrap();
        assert_eq!(output.stdout.len(), MUCH);
        assert_eq!(output.stderr.len(), 2 * MUCH);
        assert!(output.status.success());
    });
}

#[test]
fn much_input_goes_in_while_as_much_comes_out() {
    let _one = one_at_a_time();
    let input: Vec<u8> = (0..MUCH).map(|nth| nth as u8).collect();
    bibelot::run(async {
        let child = sh("tee /dev/stderr")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.communicate(&input).await.unwrap();
        assert!(output.stdout == input);
        assert!(output.stderr == input);
    });
}

#[test]
fn a_child_need_not_read_its_input() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let child = sh("exec <&-; echo done")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.communicate(vec![0; MUCH]).await.unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout, b"done\n");
    });
}

#[test]
fn input_that_could_not_go_anywhere_is_an_error() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let child = sh("exit 0").stdin(Stdio::null()).spawn().unwrap();
        let error = child.communicate("lost").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let child = sh("exit 0").stdin(Stdio::null()).spawn().unwrap();
        assert!(child.communicate("").await.unwrap().status.success());
    });
}

#[test]
fn an_input_that_cannot_be_written_is_told_while_the_child_runs() {
    let _one = one_at_a_time();
    for stdin in ["no pipe", "full"] {
        bibelot::run(async {
            // The cat ends when this is dropped, and not before.
            let (lent, alive) = pipe().unwrap();
            let mut cat = Command::new("cat");
            cat.stdin(lent)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut child = cat.spawn().unwrap();
            if stdin == "full" {
                let full = File::options().write(true).open("/dev/full").unwrap();
                let full = process::ChildStdin::from(OwnedFd::from(full));
                child.stdin = Some(ChildStdin::from_std(full).unwrap());
            }
            let error = child.communicate("lost").await.unwrap_err();
            let expected = match stdin {
                "full" => ErrorKind::StorageFull,
                _ => ErrorKind::InvalidInput,
            };
            assert_eq!(error.kind(), expected);
            assert_eq!(super::children().len(), 1, "it was not waited for");
            drop(alive);
        });
        super::until("the cat has ended", || super::children().is_empty());
    }
}

#[test]
fn a_piped_stdin_is_closed_by_output_and_by_status() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let output = sh("cat; echo end").stdin(Stdio::piped()).output().await;
        assert_eq!(output.unwrap().stdout, b"end\n");
        let status = sh("cat; exit 7").stdin(Stdio::piped()).status().await;
        assert_eq!(status.unwrap().code(), Some(7));
    });
}

#[test]
fn a_status_tells_the_code_or_the_signal() {
    let _one = one_at_a_time();
    bibelot::run(async {
        for code in [0, 1, 255] {
            let status = sh(&format!("exit {code}")).status().await.unwrap();
            assert_eq!((status.code(), status.signal()), (Some(code), None));
        }
        let status = sh("kill -KILL $$").status().await.unwrap();
        assert_eq!(
            (status.code(), status.signal()),
            (None, Some(libc::SIGKILL))
        );
    });
}

#[test]
fn a_status_does_not_wait_for_output_that_nobody_reads() {
    let _one = one_at_a_time();
    bibelot::run(async {
        for (to, redirect) in [("stdout", ""), ("stderr", ">&2")] {
            let mut command = sh(&format!("exec head -c {MUCH} /dev/zero {redirect}"));
            match to {
                "stdout" => command.stdout(Stdio::piped()),
                _ => command.stderr(Stdio::piped()),
            };
            let status = command.status().await.unwrap();
            assert_eq!(status.signal(), Some(libc::SIGPIPE), "{to}");
        }
    });
}

#[test]
fn a_program_that_cannot_be_started_is_an_error_each_time() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut missing = Command::new("/no/such/program");
        for _ in 0..2 {
            assert_eq!(missing.spawn().unwrap_err().kind(), ErrorKind::NotFound);
            let output = missing.output().await;
            assert_eq!(output.unwrap_err().kind(), ErrorKind::NotFound);
            let status = missing.status().await;
            assert_eq!(status.unwrap_err().kind(), ErrorKind::NotFound);
        }
        let error = Command::new("/etc/passwd").status().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let error = sh("exit")
            .current_dir("/no/such")
            .status()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn nothing_is_started_before_the_first_poll() {
    let _one = one_at_a_time();
    bibelot::run(async {
        drop(Command::new("/no/such/program").output());
        drop(sh("exit").status());
        assert_eq!(super::children(), []);
    });
}

#[test]
fn what_was_set_is_kept_and_what_was_not_is_put_back() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let output = sh("echo out; echo err >&2")
            .stdout(Stdio::null())
            .output()
            .await;
        let output = output.unwrap();
        assert_eq!(
            (&output.stdout[..], &output.stderr[..]),
            (&b""[..], &b"err\n"[..])
        );
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let output = Command::new("cat")
            .stdin(File::open(manifest).unwrap())
            .output()
            .await;
        assert!(output.unwrap().stdout == fs::read(manifest).unwrap());
        // After `output` the same command inherits again.
        let ours = fs::read_link("/proc/self/fd/1").unwrap();
        let mut command = sh(r#"[ "$(readlink /proc/$$/fd/1)" = "$0" ]"#);
        command.arg(ours);
        assert!(!command.output().await.unwrap().status.success());
        assert!(command.status().await.unwrap().success());
        let mut child = command.spawn().unwrap();
        assert!(child.stdin.is_none() && child.stdout.is_none() && child.stderr.is_none());
        assert!(child.wait().await.unwrap().success());
    });
}

#[test]
fn a_command_hands_on_arguments_environment_and_folder() {
    let _one = one_at_a_time();
    bibelot::run(async {
        let mut command = sh(r#"echo "$0 $1 $A $B $HOME"; pwd"#);
        command
            .args(["x", "y z"])
            .env("A", "a")
            .envs([("B", "b"), ("C", "c")])
            .env_remove("C")
            .env_remove("HOME")
            .current_dir("/");
        assert_eq!(command.get_program(), "sh");
        assert_eq!(command.get_args().count(), 4);
        assert_eq!(command.get_envs().count(), 4);
        assert_eq!(command.get_current_dir().unwrap().to_str(), Some("/"));
        assert!(format!("{command:?}").contains("\"sh\""));
        assert_eq!(command.output().await.unwrap().stdout, b"x y z a b \n/\n");
        assert_eq!(command.as_std().get_args().count(), 4);
        let mut std = command.into_std();
        std.env_clear().env("A", "std");
        let output = Command::from(std).arg0("other").output().await.unwrap();
        assert_eq!(output.stdout, b"x y z std  \n/\n");
    });
}

#[test]
fn virtual_time_stands_by_while_a_child_runs() {
    let _one = one_at_a_time();
    Sim::new().run(async {
        let output = sh("echo hello").output().await.unwrap();
        assert_eq!(output.stdout, b"hello\n");
    });
}

#[test]
fn a_child_finds_our_end_of_a_pipe_blocking() {
    let _one = one_at_a_time();
    let is_blocking = |line: &str| {
        let flags = line.trim_start_matches("flags:").trim();
        i32::from_str_radix(flags, 8).unwrap() & libc::O_NONBLOCK == 0
    };
    bibelot::run(async {
        let (reader, _writer) = pipe().unwrap();
        let (_reader, writer) = pipe().unwrap();
        let output = sh("grep -h flags /proc/self/fdinfo/0 /proc/self/fdinfo/2")
            .stdin(reader)
            .stderr(writer)
            .output()
            .await
            .unwrap();
        let flags = String::from_utf8(output.stdout).unwrap();
        assert_eq!(flags.lines().count(), 2);
        assert!(flags.lines().all(is_blocking), "{flags}");
    });
}
