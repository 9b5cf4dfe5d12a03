//! `BufReader`, its lines and its pieces.

use bibelot::io::{self, BufReader, ErrorKind, LineTooLong, Read};

use crate::script::{Fail, Script, Wait, block_on, give};

/// Reads a line and returns it, with what the source was asked meanwhile.
fn line_and_trace(reader: &mut BufReader<Script>) -> (String, Vec<String>) {
    let mut line = String::new();
    block_on(reader.read_line(&mut line)).unwrap();
    (line, reader.get_ref().trace())
}

#[test]
fn lines_are_read_many_at_a_time_and_put_together_where_they_are_torn() {
    let source = Script::new([give("one\ntw"), Wait, give("o, which"), give(" is long\nx")]);
    let mut reader = BufReader::with_capacity(8, source);
    let expected = [
        ("one\n", vec!["read 8: one\ntw"]),
        (
            "two, which is long\n",
            vec![
                "read 2: waits",  // "tw" is left, and room behind it
                "read 2: o,",     // full
                "read 4:  whi",   // moved to the front
                "read 8: ch",     // grown: a line must lie here whole
                "read 6:  is lo", //
                "read 16: ng\nx", // grown again
            ],
        ),
        ("x", vec!["read 12: end"]),
        ("", vec!["read 8: end"]), // its first size
    ];
    for (line, trace) in expected {
        let (read, asked) = line_and_trace(&mut reader);
        assert_eq!(
            (read.as_str(), asked),
            (line, trace.iter().map(|s| s.to_string()).collect())
        );
    }
}

#[test]
fn a_read_takes_from_the_buffer_and_a_large_one_goes_past_it() {
    let source = Script::new([give("abcdefghijkl"), give("m")]);
    let mut reader = BufReader::with_capacity(4, source);
    let mut reads = Vec::new();
    for size in [2, 8, 8, 0, 8, 8] {
        let mut buf = vec![0; size];
        let n = block_on(reader.read(&mut buf)).unwrap();
        reads.push(String::from_utf8(buf[..n].to_vec()).unwrap());
    }
    assert_eq!(reads, ["ab", "cd", "efghijkl", "", "m", ""]);
    assert_eq!(
        reader.get_ref().trace(),
        [
            "read 4: abcd",     // the buffer is filled
            "read 8: efghijkl", // past it
            "read 8: m",        // a read of nothing asked for nothing
            "read 8: end",
        ]
    );
}

#[test]
fn fill_buf_reads_only_when_nothing_is_left() {
    let mut reader = BufReader::new(Script::new([give("abc"), give("d")]));
    assert_eq!(block_on(reader.fill_buf()).unwrap(), b"abc");
    reader.consume(2);
    assert_eq!(block_on(reader.fill_buf()).unwrap(), b"c");
    reader.consume(100);
    assert_eq!(reader.buffer(), b"", "more than there is, is all there is");
    assert_eq!(block_on(reader.fill_buf()).unwrap(), b"d");
    assert_eq!(reader.get_ref().trace(), ["read 8192: abc", "read 8192: d"]);
}

#[test]
fn a_stream_that_ends_early_gives_back_what_came() {
    let mut reader = BufReader::with_capacity(4, Script::new([give("abcdefg")]));
    let error = block_on(reader.read_exact(&mut [0; 9])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(error.to_string(), "stream ended before the buffer was full");
    assert_eq!(reader.buffer(), b"abcdefg");
    let mut buf = [0; 7];
    block_on(reader.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"abcdefg");
}

#[test]
fn an_error_in_the_middle_loses_nothing() {
    let failing = || Script::new([give("ab"), Fail(ErrorKind::ConnectionReset), give("c\nd")]);
    let reset = |result: io::Result<usize>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
    };

    let (mut reader, mut line) = (BufReader::new(failing()), String::from(">"));
    reset(block_on(reader.read_line(&mut line)));
    assert_eq!((line.as_str(), reader.buffer()), (">", &b"ab"[..]));
    assert_eq!(block_on(reader.read_line(&mut line)).unwrap(), 4);
    assert_eq!(line, ">abc\n");

    let (mut reader, mut text) = (BufReader::new(failing()), String::from(">"));
    reset(block_on(reader.read_to_string(&mut text)));
    assert_eq!(block_on(reader.read_to_string(&mut text)).unwrap(), 5);
    assert_eq!(text, ">abc\nd");

    let (mut reader, mut bytes) = (BufReader::new(failing()), b">".to_vec());
    reset(block_on(reader.read_to_end(&mut bytes)));
    assert_eq!(bytes, b">ab", "as in std");
    assert_eq!(block_on(reader.read_to_end(&mut bytes)).unwrap(), 3);
    assert_eq!(bytes, b">abc\nd");

    let (mut reader, mut buf) = (BufReader::new(failing()), [0; 5]);
    reset(block_on(reader.read_exact(&mut buf)).map(|()| 0));
    block_on(reader.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"abc\nd");
}

#[test]
fn interrupted_is_tried_again_but_not_by_a_single_read() {
    let mut reader = BufReader::new(Script::new([
        Fail(ErrorKind::Interrupted), // fill_buf
        Fail(ErrorKind::Interrupted), // read
        Fail(ErrorKind::Interrupted), // read_line, and so on
        give("a\n"),
        Fail(ErrorKind::Interrupted),
        give("b\nc"),
        Fail(ErrorKind::Interrupted),
        give("d"),
        Fail(ErrorKind::Interrupted),
    ]));
    let interrupted = block_on(reader.fill_buf()).unwrap_err();
    assert_eq!(interrupted.kind(), ErrorKind::Interrupted);
    let interrupted = block_on(reader.read(&mut [0])).unwrap_err();
    assert_eq!(interrupted.kind(), ErrorKind::Interrupted);

    let mut text = String::new();
    block_on(reader.read_line(&mut text)).unwrap();
    block_on(reader.skip_until(b'\n')).unwrap();
    let mut buf = [0; 2];
    block_on(reader.read_exact(&mut buf)).unwrap();
    block_on(reader.read_to_string(&mut text)).unwrap();
    assert_eq!((text.as_str(), &buf), ("a\n", b"cd"));
}

#[test]
fn a_line_that_is_no_text_is_gone_and_the_next_one_follows() {
    let mut reader = BufReader::new(Script::new([give(b"\xff\xfe\ngood\n\xff")]));
    let mut line = String::from("> ");
    let error = block_on(reader.read_line(&mut line)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "stream did not contain valid UTF-8");
    assert_eq!(line, "> ");
    block_on(reader.read_line(&mut line)).unwrap();
    assert_eq!(line, "> good\n");
    let error = block_on(reader.read_to_string(&mut line)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!((line.as_str(), reader.buffer()), ("> good\n", &b""[..]));
}

/// The limit is about the line, not about how it came: in one piece, or byte by byte.
#[test]
fn a_line_of_the_limit_is_read_and_one_byte_more_is_refused() {
    for step in [1, 2, 100] {
        let pieces = |text: &str| Script::new(text.as_bytes().chunks(step).map(give));
        let limited = |text| BufReader::with_capacity(4, pieces(text)).line_limit(5);
        let mut line = String::new();

        let mut reader = limited("12345\n12345");
        assert_eq!(block_on(reader.read_line(&mut line)).unwrap(), 6);
        assert_eq!(block_on(reader.read_line(&mut line)).unwrap(), 5);
        assert_eq!(line, "12345\n12345");

        for text in ["123456\nnext\n", "123456"] {
            let (mut reader, mut line) = (limited(text), String::new());
            for _again in 0..2 {
                let error = block_on(reader.read_line(&mut line)).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                assert_eq!(
                    error.to_string(),
                    "line is longer than the limit of 5 bytes"
                );
                let too_long = error.get_ref().unwrap().downcast_ref::<LineTooLong>();
                assert_eq!(too_long.unwrap().limit(), 5);
                assert!(reader.buffer().starts_with(b"123456"), "nothing is lost");
            }
            let skipped = block_on(reader.skip_until(b'\n')).unwrap();
            assert_eq!(skipped, if text.len() > 6 { 7 } else { 6 });
            block_on(reader.read_line(&mut line)).unwrap();
            assert_eq!(line, if text.len() > 6 { "next\n" } else { "" });
        }
    }
}

#[test]
fn lines_come_without_their_ends() {
    let source = Script::new([give(b"a\r\n\n\r\r\nb\rc\n\xff\nlast")]);
    let mut lines = BufReader::new(source).lines();
    let mut all = Vec::new();
    while let Some(line) = block_on(lines.next()) {
        all.push(line.unwrap_or_else(|e| e.to_string()));
    }
    let bad = "stream did not contain valid UTF-8";
    assert_eq!(all, ["a", "", "\r", "b\rc", bad, "last"]);
    assert!(block_on(lines.next()).is_none());
}

/// It is still there, and a loop that only reports errors would never come to its end.
#[test]
fn a_line_that_is_too_long_is_the_last() {
    let source = || Script::new([give("a\nbcdef\ng\n")]);
    let outcome = |result: io::Result<usize>| result.map_err(|e| e.kind());

    let mut lines = BufReader::new(source()).line_limit(3).lines();
    let mut all = Vec::new();
    while let Some(line) = block_on(lines.next()) {
        all.push(outcome(line.map(|line| line.len())));
    }
    assert_eq!(all, [Ok(1), Err(ErrorKind::InvalidData)]);
    assert_eq!(lines.into_inner().buffer(), b"bcdef\ng\n");

    let mut pieces = BufReader::new(source()).line_limit(3).split(b'\n');
    let mut all = Vec::new();
    while let Some(piece) = block_on(pieces.next()) {
        all.push(outcome(piece.map(|piece| piece.len())));
    }
    assert_eq!(all, [Ok(1), Err(ErrorKind::InvalidData)]);
    assert_eq!(pieces.into_inner().buffer(), b"bcdef\ng\n");
}

#[test]
fn pieces_come_without_the_byte_between_them() {
    let mut pieces = BufReader::new(Script::new([give(b"a,,\xff"), give("b,")])).split(b',');
    let mut all = Vec::new();
    while let Some(piece) = block_on(pieces.next()) {
        all.push(piece.unwrap());
    }
    assert_eq!(all, [&b"a"[..], b"", b"\xffb"]);
}

#[test]
fn a_reader_without_a_buffer_still_reads_lines() {
    let mut reader = BufReader::with_capacity(0, Script::new([give("ab\ncd")]));
    let mut text = String::new();
    block_on(reader.read_line(&mut text)).unwrap();
    assert_eq!(text, "ab\n");
    assert!(
        !block_on(reader.fill_buf()).unwrap().is_empty(),
        "not the end"
    );
    block_on(reader.read_to_string(&mut text)).unwrap();
    assert_eq!(text, "ab\ncd");
}

/// One that counts more than it was given room for.
struct Liar;

impl Read for Liar {
    async fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(buf.len() + 1)
    }
}

#[test]
#[should_panic(expected = "9 bytes were counted where 8 had room")]
fn a_source_that_counts_wrong_is_found_out() {
    let _ = block_on(BufReader::with_capacity(4, Liar).read_exact(&mut [0; 8]));
}

#[test]
fn debug_says_how_full_the_buffer_is() {
    let mut reader = BufReader::with_capacity(4, ());
    reader.consume(1);
    let shown = format!("{reader:?} {:?}", BufReader::with_capacity(4, ()).split(0));
    let buffered = "BufReader { reader: (), buffer: 0/4 }";
    assert_eq!(
        shown,
        format!("{buffered} Split {{ reader: {buffered}, byte: 0 }}")
    );
}
