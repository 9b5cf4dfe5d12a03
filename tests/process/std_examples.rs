//! The examples of `std::process`, ported by the rule: `std::` is `bibelot::`, `fn` is `async fn`, and
//! `.await` stands where it waits. What differs beside that says why.

use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use bibelot::process::{Command, ExitCode, Stdio};

use super::one_at_a_time;

/// Runs an example.
fn example<F: Future<Output = Result<(), Box<dyn Error>>>>(example: F) {
    let _one = one_at_a_time();
    bibelot::run(example).unwrap();
}

#[test]
fn of_the_module() {
    example(async {
        let output = Command::new("echo")
            .arg("Hello world")
            .output()
            .await
            .expect("Failed to execute command");
        assert_eq!(b"Hello world\n", output.stdout.as_slice());
        Ok(())
    });
    example(async {
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
        Ok(())
    });
    example(async {
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
        bibelot::spawn(async move {
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
        Ok(())
    });
}

#[test]
fn of_command() {
    example(async {
        let output = Command::new("sh")
            .arg("-c")
            .arg("echo hello")
            .output()
            .await
            .expect("failed to execute process");
        let hello = output.stdout;
        assert_eq!(hello, b"hello\n");
        Ok(())
    });
    example(async {
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
        assert_eq!(hello_1.stdout, hello_2.stdout);
        Ok(())
    });
    example(async {
        let mut list_dir = Command::new("ls");
        list_dir.stdout(Stdio::null()); // so that this test is quiet

        // Execute `ls` in the current directory of the program.
        list_dir.status().await.expect("process failed to execute");

        println!();

        // Change `ls` to execute in the root directory.
        list_dir.current_dir("/");

        // And then execute `ls` again but in the root directory.
        list_dir.status().await.expect("process failed to execute");
        Ok(())
    });
}

#[test]
fn of_the_environment() {
    example(async {
        let filtered_env: HashMap<String, String> = std::env::vars()
            .filter(|(k, _)| k == "TERM" || k == "TZ" || k == "LANG" || k == "PATH")
            .collect();

        Command::new("printenv")
            .stdin(Stdio::null())
            .stdout(Stdio::null()) // inherited in std's, which this test is too quiet for
            .env_clear()
            .envs(&filtered_env)
            .spawn()
            .expect("printenv failed to start");
        Ok(())
    });
    example(async {
        let mut cmd = Command::new("ls");
        cmd.env("TERM", "dumb").env_remove("TZ");
        let envs: Vec<(&OsStr, Option<&OsStr>)> = cmd.get_envs().collect();
        assert_eq!(
            envs,
            &[
                (OsStr::new("TERM"), Some(OsStr::new("dumb"))),
                (OsStr::new("TZ"), None)
            ]
        );
        Ok(())
    });
}

#[test]
fn of_what_a_command_tells() {
    example(async {
        let cmd = Command::new("echo");
        assert_eq!(cmd.get_program(), "echo");

        let mut cmd = Command::new("echo");
        cmd.arg("first").arg("second");
        let args: Vec<&OsStr> = cmd.get_args().collect();
        assert_eq!(args, &["first", "second"]);

        let mut cmd = Command::new("ls");
        assert_eq!(cmd.get_current_dir(), None);
        cmd.current_dir("/bin");
        assert_eq!(cmd.get_current_dir(), Some(Path::new("/bin")));
        Ok(())
    });
}

#[test]
fn of_child() {
    example(async {
        let mut command = Command::new("ls");
        command.stdout(Stdio::null()); // so that this test is quiet
        if let Ok(child) = command.spawn() {
            println!("Child's ID is {}", child.id());
        } else {
            println!("ls command didn't start");
        }

        if let Ok(mut child) = command.spawn() {
            child.wait().await.expect("command wasn't running");
            println!("Child has finished its execution!");
        } else {
            println!("ls command didn't start");
        }

        let mut child = command.spawn()?;
        match child.try_wait() {
            Ok(Some(status)) => println!("exited with: {status}"),
            Ok(None) => {
                println!("status not ready yet, let's really wait");
                let res = child.wait().await;
                println!("result: {res:?}");
            }
            Err(e) => println!("error attempting to wait: {e}"),
        }
        Ok(())
    });
    example(async {
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
        Ok(())
    });
}

#[test]
fn of_stdio() {
    example(async {
        let output = Command::new("echo")
            .arg("Hello, world!")
            .stdout(Stdio::piped())
            .output()
            .await
            .expect("Failed to execute command");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello, world!\n");
        // Nothing echoed to console
        Ok(())
    });
    example(async {
        let mut child = Command::new("rev")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Failed to spawn child process");

        let stdin = child.stdin.take().expect("Failed to open stdin"); // no `mut`: writes take `&self`
        bibelot::spawn(async move {
            stdin
                .write_all("Hello, world!".as_bytes())
                .await
                .expect("Failed to write to stdin");
        });

        let output = child
            .wait_with_output()
            .await
            .expect("Failed to read stdout");
        // With or without a line's end: that differs between versions of `rev`.
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim_end(),
            "!dlrow ,olleH"
        );
        Ok(())
    });
    example(async {
        let output = Command::new("echo")
            .arg("Hello, world!")
            .stdout(Stdio::null())
            .output()
            .await
            .expect("Failed to execute command");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");

        let output = Command::new("rev")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .output()
            .await
            .expect("Failed to execute command");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        // Ignores any piped-in input
        Ok(())
    });
    example(async {
        // With the `Cargo.toml` file, it will be reversed.
        let file = File::open("Cargo.toml")?;
        let reverse = Command::new("rev")
            .stdin(file) // Implicit File conversion into a Stdio
            .output()
            .await?;
        assert!(String::from_utf8_lossy(&reverse.stdout).contains("]egakcap["));
        Ok(())
    });
}

#[test]
fn of_conversions_into_stdio() {
    example(async {
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
        Ok(())
    });
    example(async {
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

        let text = String::from_utf8_lossy(&cat.stdout);
        assert!(text.contains("non_existing_file.txt"), "{text}");
        Ok(())
    });
    example(async {
        let mut reverse = Command::new("rev")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()) // inherited in std's, and so not looked at
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
        Ok(())
    });
}

#[test]
fn of_exit_status_and_exit_code() {
    example(async {
        let status = Command::new("mkdir")
            .arg("/no/such/folder/projects") // "projects" in std's: here nothing is to be made
            .stderr(Stdio::null())
            .status()
            .await
            .expect("failed to execute mkdir");
        match status.code() {
            Some(code) => println!("Exited with status code: {code}"),
            None => println!("Process terminated by signal"),
        }
        assert!(!status.success());
        Ok(())
    });
    let code: ExitCode = bibelot::run(async { ExitCode::from(3) });
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(3)));
}
