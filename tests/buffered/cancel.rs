//! Every wait cancelled, in every combination: no byte is lost and none comes twice.

use std::task::Poll;

use bibelot::io::{BufReader, BufWriter, ErrorKind, Read};

use crate::script::{Fail, Script, Take, Wait, every_choice_of_cancels, give, poll_once};

#[test]
fn a_cancelled_read_line_goes_on() {
    every_choice_of_cancels(|cancels| {
        let source = Script::new([
            Wait,
            give("on"),
            Wait,
            give(b"e\n tw\xc3"), // the first half of an ö
            Wait,
            Fail(ErrorKind::Interrupted),
            Wait,
            give(b"\xb6\nrest"),
            Wait,
        ]);
        let mut reader = BufReader::with_capacity(4, source);
        let mut lines = Vec::new();
        loop {
            let mut line = String::from("> ");
            let n = cancels
                .call(async || reader.read_line(&mut line).await)
                .unwrap();
            assert_eq!(n + 2, line.len());
            lines.push(line);
            if n == 0 {
                break;
            }
        }
        assert_eq!(lines, ["> one\n", ">  twö\n", "> rest", "> "]);
    });
}

#[test]
fn a_cancelled_read_until_goes_on() {
    every_choice_of_cancels(|cancels| {
        let source = Script::new([Wait, give("a"), Wait, give("b;c"), Wait, give("d;"), Wait]);
        let mut reader = BufReader::new(source);
        let mut pieces = Vec::new();
        while cancels
            .call(async || reader.read_until(b';', &mut pieces).await)
            .unwrap()
            > 0
        {
            pieces.push(b'|');
        }
        assert_eq!(pieces, b"ab;|cd;|");
    });
}

#[test]
fn cancelled_lines_go_on() {
    every_choice_of_cancels(|cancels| {
        let source = Script::new([Wait, give("a"), Wait, give("b\r"), Wait, give("\nc"), Wait]);
        let mut lines = BufReader::new(source).lines();
        let mut all = Vec::new();
        while let Some(line) = cancels.call(async || lines.next().await) {
            all.push(line.unwrap());
        }
        assert_eq!(all, ["ab", "c"]);
    });
}

#[test]
fn a_cancelled_read_exact_gives_back() {
    every_choice_of_cancels(|cancels| {
        let source = Script::new([
            Wait,
            give("abc"),
            Wait,
            give("de"),
            Wait,
            Fail(ErrorKind::Interrupted),
            Wait,
            give("fghijklm"),
            Wait,
            give("no"),
        ]);
        let mut reader = BufReader::with_capacity(4, source);
        let mut all = Vec::new();
        for size in [1, 9, 0, 2, 3] {
            let mut buf = vec![b'.'; size];
            cancels
                .call(async || reader.read_exact(&mut buf).await)
                .unwrap();
            all.push(String::from_utf8(buf).unwrap());
        }
        assert_eq!(all, ["a", "bcdefghij", "", "kl", "mno"]);
    });
}

#[test]
fn cancelled_reads_to_the_end_go_on() {
    every_choice_of_cancels(|cancels| {
        let steps = [Wait, give("a\nb"), Wait, give("cd"), Wait, give("e"), Wait];

        let mut reader = BufReader::with_capacity(2, Script::new(steps.clone()));
        let mut text = String::from("> ");
        assert_eq!(
            cancels
                .call(async || reader.read_to_string(&mut text).await)
                .unwrap(),
            6
        );
        assert_eq!(text, "> a\nbcde");
    });
    every_choice_of_cancels(|cancels| {
        let steps = [Wait, give("a\nb"), Wait, give("cd"), Wait, give("e"), Wait];
        let mut reader = BufReader::with_capacity(2, Script::new(steps.clone()));
        let mut bytes = Vec::new();
        cancels
            .call(async || reader.read_until(b'\n', &mut bytes).await)
            .unwrap();
        cancels
            .call(async || reader.read_to_end(&mut bytes).await)
            .unwrap();
        assert_eq!(bytes, b"a\nbcde");

        let source = Script::new(steps);
        let mut bytes = Vec::new();
        cancels
            .call(async || source.read_to_end(&mut bytes).await)
            .unwrap();
        assert_eq!(bytes, b"a\nbcde", "the plain trait keeps this promise too");
    });
}

#[test]
fn a_cancelled_skip_until_goes_on() {
    every_choice_of_cancels(|cancels| {
        let source = Script::new([Wait, give("abc"), Wait, give("def\ng"), Wait, give("h\n")]);
        let mut reader = BufReader::with_capacity(4, source);
        cancels
            .call(async || reader.skip_until(b'\n').await)
            .unwrap();
        let mut line = String::new();
        cancels
            .call(async || reader.read_line(&mut line).await)
            .unwrap();
        assert_eq!(line, "gh\n");
    });
}

#[test]
fn cancelled_writes_and_flushes_go_on() {
    every_choice_of_cancels(|cancels| {
        let sink = Script::new([
            Wait,
            Take(1),
            Wait,
            Fail(ErrorKind::Interrupted),
            Wait,
            Take(2),
            Wait,
            Take(9),
            Wait,
            Take(3),
            Wait,
        ]);
        let mut writer = BufWriter::with_capacity(4, &sink);
        for piece in ["abc", "de", "fghijklmn", "", "op"] {
            cancels
                .call(async || writer.write_all(piece.as_bytes()).await)
                .unwrap();
        }
        let last = 'q';
        cancels
            .call(async || writeln!(writer, "{last}").await)
            .unwrap();
        let data = "rstuvwxyz";
        let mut written = 0;
        while written < data.len() {
            let rest = &data.as_bytes()[written..];
            written += cancels.call(async || writer.write(rest).await).unwrap();
        }
        cancels.call(async || writer.flush().await).unwrap();
        assert_eq!(writer.buffer(), b"");
        assert_eq!(sink.taken(), "abcdefghijklmnopq\nrstuvwxyz");
    });
}

/// The one who gives up after a cancel must not leave half a message behind.
#[test]
fn a_cancelled_write_all_has_taken_nothing() {
    let sink = Script::new([Take(1), Wait, Take(9), Wait]);
    let mut writer = BufWriter::with_capacity(4, &sink);
    assert!(poll_once(writer.write_all(b"abc")).is_ready());

    assert!(
        poll_once(writer.write_all(b"-lost, small-")).is_pending(),
        "waits for room"
    );
    assert_eq!((sink.taken().as_str(), writer.buffer()), ("a", &b"bc"[..]));

    assert!(
        poll_once(writer.write_all(b"-lost, large-")).is_pending(),
        "waits with the sink"
    );
    assert_eq!((sink.taken().as_str(), writer.buffer()), ("abc", &b""[..]));

    assert!(poll_once(writer.write_all(b"d")).is_ready());
    assert!(matches!(poll_once(writer.flush()), Poll::Ready(Ok(()))));
    assert_eq!(sink.taken(), "abcd");
}
