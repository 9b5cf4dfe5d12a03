//! The examples of `std::process`, ported by the rule: `std::` is `bibelot::`, `fn` is `async fn`, and
//! `.await` stands where it waits. What differs beside that says why.
//!
//! As in `tests/ported`, each test has the original and the port, one above the other, and compares what
//! they come to. So what an example prints to a console is piped, and returned; and a child that std's
//! example forgets is waited for, as it would stay as a zombie: here somebody reaps it.

use std::error::Error;
use std::fmt::Debug;

use super::one_at_a_time;

/// What an example comes to.
type Example<T> = Result<T, Box<dyn Error>>;

/// Runs both, which come to the same.
#[track_caller]
fn same<T: PartialEq + Debug>(
    original: impl FnOnce() -> Example<T>,
    ported: impl AsyncFnOnce() -> Example<T>,
) {
    let _one = one_at_a_time();
    let expected = original().unwrap();
    assert_eq!(bibelot::run(ported()).unwrap(), expected);
}

#[test]
fn module_page_output() {
    fn original() -> Example<Vec<u8>> {
        use std::process::Command;

        let output = Command::new("echo")
            .arg("Hello world")
            .output()
            .expect("Failed to execute command");
        assert_eq!(b"Hello world\n", output.stdout.as_slice());
        Ok(output.stdout)
    }
    async fn ported() -> Example<Vec<u8>> {
        use bibelot::process::Command;

        let output = Command::new("echo")
            .arg("Hello world")
            .output()
            .await
            .expect("Failed to execute command");
        assert_eq!(b"Hello world\n", output.stdout.as_slice());
        Ok(output.stdout)
    }
    same(original, ported);
}

#[test]
fn module_page_echo_into_sed() {
    fn original() -> Example<Vec<u8>> {
        use std::process::{Command, Stdio};

        // stdout must be configured with `Stdio::piped` in order to use
        // `echo_child.stdout`
        let mut echo_child = Command::new("echo")
            .arg("Oh no, a tpyo!")
            .stdout(Stdio::piped())
            .spawn()
            .expect("Failed to start echo process");

        // `echo_child` is moved here in std's, and never waited for
        let echo_out = echo_child
            .stdout
            .take()
            .expect("Failed to open echo stdout");

        let sed_child = Command::new("sed")
            .arg("s/tpyo/typo/")
            .stdin(Stdio::from(echo_out))
            .stdout(Stdio::piped())
            .spawn()
            .expect("Failed to start sed process");

        let output = sed_child.wait_with_output().expect("Failed to wait on sed");
        echo_child.wait()?;
        assert_eq!(b"Oh no, a typo!\n", output.stdout.as_slice());
        Ok(output.stdout)
    }
    async fn ported() -> Example<Vec<u8>> {
        use bibelot::process::{Command, Stdio};

        // stdout must be configured with `Stdio::piped` in order to use
        // `echo_child.stdout`
        let echo_child = Command::new("echo")
            .arg("Oh no, a tpyo!")
            .stdout(Stdio::piped())
            .spawn()
            .expect("Failed to start echo process");

        // Note that `echo_child` is moved here, but we won't be needing
        // `echo_child` anymore
        let echo_out = echo_child.stdout.expect("Failed to open echo stdout");

        let sed_child = Command::new("sed")
            .arg("s/tpyo/typo/")
            .stdin(Stdio::from(echo_out))
            .stdout(Stdio::piped())
            .spawn()
            .expect("Failed to start sed process");

        let output = sed_child
            .wait_with_output()
            .await
            .expect("Failed to wait on sed");
        assert_eq!(b"Oh no, a typo!\n", output.stdout.as_slice());
        Ok(output.stdout)
    }
    same(original, ported);
}

#[test]
fn module_page_cat() {
    fn original() -> Example<Vec<u8>> {
        use std::io::Write;
        use std::process::{Command, Stdio};

        let mut child = Command::new("/bin/cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("failed to execute child");

        // If the child process fills its stdout buffer, it may end up
        // waiting until the parent reads the stdout, and not be able to
        // read stdin in the meantime, causing a deadlock.
        // Writing from another thread ensures that stdout is being read
        // at the same time, avoiding the problem.
        let mut stdin = child.stdin.take().expect("failed to get stdin");
        std::thread::spawn(move || {
            stdin.write_all(b"test").expect("failed to write to stdin");
        });

        let output = child.wait_with_output().expect("failed to wait on child");
        assert_eq!(b"test", output.stdout.as_slice());
        Ok(output.stdout)
    }
    async fn ported() -> Example<Vec<u8>> {
        use bibelot::process::{Command, Stdio};

        let mut child = Command::new("/bin/cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("failed to execute child");

        // If the child process fills its stdout buffer, it may end up
        // waiting until the parent reads the stdout, and not be able to
        // read stdin in the meantime, causing a deadlock.
        // Writing from another task ensures that stdout is being read
        // at the same time, avoiding the problem.
        let stdin = child.stdin.take().expect("failed to get stdin"); // no `mut`: writes take `&self`
        bibelot::thread::spawn(async move {
            stdin
                .write_all(b"test")
                .await
                .expect("failed to write to stdin");
        });

        let output = child
            .wait_with_output()
            .await
            .expect("failed to wait on child");
        assert_eq!(b"test", output.stdout.as_slice());
        Ok(output.stdout)
    }
    same(original, ported);
}

#[test]
fn command_page_and_reuse() {
    fn original() -> Example<[Vec<u8>; 3]> {
        use std::process::Command;

        let output = Command::new("sh")
            .arg("-c")
            .arg("echo hello")
            .output()
            .expect("failed to execute process");
        let hello = output.stdout;

        let mut echo_hello = Command::new("sh");
        echo_hello.arg("-c").arg("echo hello");
        let hello_1 = echo_hello.output().expect("failed to execute process");
        let hello_2 = echo_hello.output().expect("failed to execute process");
        Ok([hello, hello_1.stdout, hello_2.stdout])
    }
    async fn ported() -> Example<[Vec<u8>; 3]> {
        use bibelot::process::Command;

        let output = Command::new("sh")
            .arg("-c")
            .arg("echo hello")
            .output()
            .await
            .expect("failed to execute process");
        let hello = output.stdout;

        let mut echo_hello = Command::new("sh");
        echo_hello.arg("-c").arg("echo hello");
        let hello_1 = echo_hello
            .output()
            .await
            .expect("failed to execute process");
        let hello_2 = echo_hello
            .output()
            .await
            .expect("failed to execute process");
        Ok([hello, hello_1.stdout, hello_2.stdout])
    }
    same(original, ported);
}

#[test]
fn command_page_list_dir() {
    fn original() -> Example<[Option<i32>; 2]> {
        use std::process::{Command, Stdio};

        let mut list_dir = Command::new("ls");
        list_dir.stdout(Stdio::null()); // so that this test is quiet

        // Execute `ls` in the current directory of the program.
        let here = list_dir.status().expect("process failed to execute");

        // Change `ls` to execute in the root directory.
        list_dir.current_dir("/");

        // And then execute `ls` again but in the root directory.
        let root = list_dir.status().expect("process failed to execute");
        Ok([here.code(), root.code()])
    }
    async fn ported() -> Example<[Option<i32>; 2]> {
        use bibelot::process::{Command, Stdio};

        let mut list_dir = Command::new("ls");
        list_dir.stdout(Stdio::null()); // so that this test is quiet

        // Execute `ls` in the current directory of the program.
        let here = list_dir.status().await.expect("process failed to execute");

        // Change `ls` to execute in the root directory.
        list_dir.current_dir("/");

        // And then execute `ls` again but in the root directory.
        let root = list_dir.status().await.expect("process failed to execute");
        Ok([here.code(), root.code()])
    }
    same(original, ported);
}

#[test]
fn command_env_clear_and_envs() {
    fn original() -> Example<String> {
        use std::collections::HashMap;
        use std::env;
        use std::process::{Command, Stdio};

        let filtered_env: HashMap<String, String> = env::vars()
            .filter(|(k, _)| k == "TERM" || k == "TZ" || k == "LANG" || k == "PATH")
            .collect();

        let printenv = Command::new("printenv")
            .stdin(Stdio::null())
            .stdout(Stdio::piped()) // inherited in std's
            .env_clear()
            .envs(&filtered_env)
            .spawn()
            .expect("printenv failed to start");
        Ok(String::from_utf8(printenv.wait_with_output()?.stdout)?)
    }
    async fn ported() -> Example<String> {
        use bibelot::process::{Command, Stdio};
        use std::collections::HashMap;
        use std::env;

        let filtered_env: HashMap<String, String> = env::vars()
            .filter(|(k, _)| k == "TERM" || k == "TZ" || k == "LANG" || k == "PATH")
            .collect();

        let printenv = Command::new("printenv")
            .stdin(Stdio::null())
            .stdout(Stdio::piped()) // inherited in std's
            .env_clear()
            .envs(&filtered_env)
            .spawn()
            .expect("printenv failed to start");
        Ok(String::from_utf8(
            printenv.wait_with_output().await?.stdout,
        )?)
    }
    same(original, ported);
}

/// `get_envs`, `get_program`, `get_args` and `get_current_dir`, none of which waits.
#[test]
fn command_tells_what_it_was_told() {
    /// The examples, with either `Command`, as the type and all that it tells are the rule's.
    macro_rules! examples {
        ($Command:ty) => {{
            use std::ffi::OsStr;
            use std::path::Path;

            let mut cmd = <$Command>::new("ls");
            cmd.env("TERM", "dumb").env_remove("TZ");
            let envs: Vec<(&OsStr, Option<&OsStr>)> = cmd.get_envs().collect();
            assert_eq!(
                envs,
                &[
                    (OsStr::new("TERM"), Some(OsStr::new("dumb"))),
                    (OsStr::new("TZ"), None)
                ]
            );

            let cmd = <$Command>::new("echo");
            assert_eq!(cmd.get_program(), "echo");

            let mut cmd = <$Command>::new("echo");
            cmd.arg("first").arg("second");
            let args: Vec<&OsStr> = cmd.get_args().collect();
            assert_eq!(args, &["first", "second"]);

            let mut cmd = <$Command>::new("ls");
            assert_eq!(cmd.get_current_dir(), None);
            cmd.current_dir("/bin");
            assert_eq!(cmd.get_current_dir(), Some(Path::new("/bin")));
            Ok(())
        }};
    }
    same(
        || examples!(std::process::Command),
        async || examples!(bibelot::process::Command),
    );
}

/// `ls` of the root, which no test changes.
#[test]
fn child_id_wait_and_try_wait() {
    fn original() -> Example<[bool; 3]> {
        use std::process::{Command, Stdio};

        let mut command = Command::new("ls");
        command.arg("/").stdout(Stdio::null()); // so that this test is quiet
        let mut has_id = false;
        if let Ok(mut child) = command.spawn() {
            has_id = child.id() > 0;
            child.wait()?; // not in std's
        }

        let mut has_finished = false;
        if let Ok(mut child) = command.spawn() {
            let status = child.wait().expect("command wasn't running");
            has_finished = status.success();
        }

        let mut child = command.spawn()?;
        let has_exited = match child.try_wait() {
            Ok(Some(status)) => status.success(),
            Ok(None) => {
                let res = child.wait();
                res?.success()
            }
            Err(e) => return Err(e.into()),
        };
        Ok([has_id, has_finished, has_exited])
    }
    async fn ported() -> Example<[bool; 3]> {
        use bibelot::process::{Command, Stdio};

        let mut command = Command::new("ls");
        command.arg("/").stdout(Stdio::null()); // so that this test is quiet
        let mut has_id = false;
        if let Ok(child) = command.spawn() {
            has_id = child.id() > 0;
        }

        let mut has_finished = false;
        if let Ok(mut child) = command.spawn() {
            let status = child.wait().await.expect("command wasn't running");
            has_finished = status.success();
        }

        let mut child = command.spawn()?;
        let has_exited = match child.try_wait() {
            Ok(Some(status)) => status.success(),
            Ok(None) => {
                let res = child.wait().await;
                res?.success()
            }
            Err(e) => return Err(e.into()),
        };
        Ok([has_id, has_finished, has_exited])
    }
    same(original, ported);
}

#[test]
fn child_wait_with_output() {
    fn original() -> Example<(bool, Vec<u8>)> {
        use std::process::{Command, Stdio};

        let child = Command::new("/bin/cat")
            .arg("Cargo.toml")
            .stdout(Stdio::piped())
            .spawn()
            .expect("failed to execute child");

        let output = child.wait_with_output().expect("failed to wait on child");

        assert!(output.status.success());
        Ok((output.status.success(), output.stdout))
    }
    async fn ported() -> Example<(bool, Vec<u8>)> {
        use bibelot::process::{Command, Stdio};

        let child = Command::new("/bin/cat")
            .arg("Cargo.toml")
            .stdout(Stdio::piped())
            .spawn()
            .expect("failed to execute child");

        let output = child
            .wait_with_output()
            .await
            .expect("failed to wait on child");

        assert!(output.status.success());
        Ok((output.status.success(), output.stdout))
    }
    same(original, ported);
}

#[test]
fn stdio_piped() {
    fn original() -> Example<[String; 2]> {
        use std::io::Write;
        use std::process::{Command, Stdio};

        let output = Command::new("echo")
            .arg("Hello, world!")
            .stdout(Stdio::piped())
            .output()
            .expect("Failed to execute command");
        let echoed = String::from_utf8_lossy(&output.stdout).into_owned();
        // Nothing echoed to console

        let mut child = Command::new("rev")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Failed to spawn child process");

        let mut stdin = child.stdin.take().expect("Failed to open stdin");
        std::thread::spawn(move || {
            stdin
                .write_all("Hello, world!".as_bytes())
                .expect("Failed to write to stdin");
        });

        let output = child.wait_with_output().expect("Failed to read stdout");
        Ok([echoed, String::from_utf8_lossy(&output.stdout).into_owned()])
    }
    async fn ported() -> Example<[String; 2]> {
        use bibelot::process::{Command, Stdio};

        let output = Command::new("echo")
            .arg("Hello, world!")
            .stdout(Stdio::piped())
            .output()
            .await
            .expect("Failed to execute command");
        let echoed = String::from_utf8_lossy(&output.stdout).into_owned();
        // Nothing echoed to console

        let mut child = Command::new("rev")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Failed to spawn child process");

        let stdin = child.stdin.take().expect("Failed to open stdin"); // no `mut`: writes take `&self`
        bibelot::thread::spawn(async move {
            stdin
                .write_all("Hello, world!".as_bytes())
                .await
                .expect("Failed to write to stdin");
        });

        let output = child
            .wait_with_output()
            .await
            .expect("Failed to read stdout");
        Ok([echoed, String::from_utf8_lossy(&output.stdout).into_owned()])
    }
    same(original, ported);
}

#[test]
fn stdio_null_and_file() {
    fn original() -> Example<[String; 3]> {
        use std::fs::File;
        use std::process::{Command, Stdio};

        let output = Command::new("echo")
            .arg("Hello, world!")
            .stdout(Stdio::null())
            .output()
            .expect("Failed to execute command");
        let nothing = String::from_utf8(output.stdout)?;

        let output = Command::new("rev")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .output()
            .expect("Failed to execute command");
        // Ignores any piped-in input
        let ignored = String::from_utf8(output.stdout)?;

        // With the `Cargo.toml` file, it will be reversed.
        let file = File::open("Cargo.toml")?;
        let reverse = Command::new("rev")
            .stdin(file) // Implicit File conversion into a Stdio
            .output()?;
        Ok([nothing, ignored, String::from_utf8(reverse.stdout)?])
    }
    async fn ported() -> Example<[String; 3]> {
        use bibelot::process::{Command, Stdio};
        use std::fs::File;

        let output = Command::new("echo")
            .arg("Hello, world!")
            .stdout(Stdio::null())
            .output()
            .await
            .expect("Failed to execute command");
        let nothing = String::from_utf8(output.stdout)?;

        let output = Command::new("rev")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .output()
            .await
            .expect("Failed to execute command");
        // Ignores any piped-in input
        let ignored = String::from_utf8(output.stdout)?;

        // With the `Cargo.toml` file, it will be reversed.
        let file = File::open("Cargo.toml")?; // std's `File`, as a child has it for itself
        let reverse = Command::new("rev")
            .stdin(file) // Implicit File conversion into a Stdio
            .output()
            .await?;
        Ok([nothing, ignored, String::from_utf8(reverse.stdout)?])
    }
    same(original, ported);
}

#[test]
fn stdio_from_child_stdout() {
    fn original() -> Example<Vec<u8>> {
        use std::process::{Command, Stdio};

        let mut hello = Command::new("echo")
            .arg("Hello, world!")
            .stdout(Stdio::piped())
            .spawn()
            .expect("failed echo command");

        let reverse = Command::new("rev")
            .stdin(hello.stdout.take().unwrap()) // Converted into a Stdio here
            .output()
            .expect("failed reverse command");
        hello.wait()?; // not in std's

        assert_eq!(reverse.stdout, b"!dlrow ,olleH\n");
        Ok(reverse.stdout)
    }
    async fn ported() -> Example<Vec<u8>> {
        use bibelot::process::{Command, Stdio};

        let hello = Command::new("echo")
            .arg("Hello, world!")
            .stdout(Stdio::piped())
            .spawn()
            .expect("failed echo command");

        let reverse = Command::new("rev")
            .stdin(hello.stdout.unwrap()) // Converted into a Stdio here
            .output()
            .await
            .expect("failed reverse command");

        assert_eq!(reverse.stdout, b"!dlrow ,olleH\n");
        Ok(reverse.stdout)
    }
    same(original, ported);
}

#[test]
fn stdio_from_child_stderr() {
    fn original() -> Example<String> {
        use std::process::{Command, Stdio};

        let mut reverse = Command::new("rev")
            .arg("non_existing_file.txt")
            .stderr(Stdio::piped())
            .spawn()
            .expect("failed reverse command");

        let cat = Command::new("cat")
            .arg("-")
            .stdin(reverse.stderr.take().unwrap()) // Converted into a Stdio here
            .output()
            .expect("failed echo command");
        reverse.wait()?; // not in std's

        Ok(String::from_utf8(cat.stdout)?)
    }
    async fn ported() -> Example<String> {
        use bibelot::process::{Command, Stdio};

        let reverse = Command::new("rev")
            .arg("non_existing_file.txt")
            .stderr(Stdio::piped())
            .spawn()
            .expect("failed reverse command");

        let cat = Command::new("cat")
            .arg("-")
            .stdin(reverse.stderr.unwrap()) // Converted into a Stdio here
            .output()
            .await
            .expect("failed echo command");

        let text = String::from_utf8(cat.stdout)?;
        assert!(text.contains("non_existing_file.txt"), "{text}");
        Ok(text)
    }
    same(original, ported);
}

#[test]
fn stdio_from_child_stdin() {
    fn original() -> Example<Vec<u8>> {
        use std::process::{Command, Stdio};

        let mut reverse = Command::new("rev")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()) // inherited in std's
            .spawn()
            .expect("failed reverse command");

        let _echo = Command::new("echo")
            .arg("Hello, world!")
            .stdout(reverse.stdin.take().unwrap()) // Converted into a Stdio here
            .output()
            .expect("failed echo command");

        // "!dlrow ,olleH" echoed to console
        Ok(reverse.wait_with_output()?.stdout)
    }
    async fn ported() -> Example<Vec<u8>> {
        use bibelot::process::{Command, Stdio};

        let mut reverse = Command::new("rev")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()) // inherited in std's
            .spawn()
            .expect("failed reverse command");

        let _echo = Command::new("echo")
            .arg("Hello, world!")
            .stdout(reverse.stdin.take().unwrap()) // Converted into a Stdio here
            .output()
            .await
            .expect("failed echo command");

        // "!dlrow ,olleH" echoed to console
        let reversed = reverse.wait_with_output().await?;
        assert_eq!(reversed.stdout, b"!dlrow ,olleH\n");
        Ok(reversed.stdout)
    }
    same(original, ported);
}

#[test]
fn exit_status_code() {
    fn original() -> Example<String> {
        use std::process::{Command, Stdio};

        let status = Command::new("mkdir")
            .arg("/no/such/folder/projects") // "projects" in std's: here nothing is to be made
            .stderr(Stdio::null())
            .status()
            .expect("failed to execute mkdir");
        Ok(match status.code() {
            Some(code) => format!("Exited with status code: {code}"),
            None => String::from("Process terminated by signal"),
        })
    }
    async fn ported() -> Example<String> {
        use bibelot::process::{Command, Stdio};

        let status = Command::new("mkdir")
            .arg("/no/such/folder/projects") // "projects" in std's: here nothing is to be made
            .stderr(Stdio::null())
            .status()
            .await
            .expect("failed to execute mkdir");
        assert!(!status.success());
        Ok(match status.code() {
            Some(code) => format!("Exited with status code: {code}"),
            None => String::from("Process terminated by signal"),
        })
    }
    same(original, ported);
}

/// It has no `PartialEq`.
#[test]
fn exit_code_from() {
    same(
        || Ok(format!("{:?}", std::process::ExitCode::from(3))),
        async || Ok(format!("{:?}", bibelot::process::ExitCode::from(3))),
    );
}
