//! `BufWriter`.

use bibelot::io::{self, BufWriter, ErrorKind};

use crate::script::{Fail, Script, Take, Wait, block_on};

/// A writer of 8 bytes to a sink with this script.
fn writer(steps: impl IntoIterator<Item = crate::script::Step>) -> BufWriter<Script> {
    BufWriter::with_capacity(8, Script::new(steps))
}

#[test]
fn small_writes_go_out_together_and_large_ones_go_past_the_buffer() {
    let mut writer = writer([]);
    let mut trace = Vec::new();
    for piece in ["abc", "de", "fgh", "i", "large enough", "j"] {
        let n = block_on(writer.write(piece.as_bytes())).unwrap();
        assert_eq!(n, piece.len());
        trace.push((piece, writer.get_ref().trace()));
    }
    block_on(writer.flush()).unwrap();
    trace.push(("", writer.get_ref().trace()));
    let asked = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect();
    assert_eq!(
        trace,
        [
            ("abc", asked(&[])),
            ("de", asked(&[])),
            ("fgh", asked(&[])), // full
            ("i", asked(&["write abcdefgh: 8"])),
            (
                "large enough",
                asked(&["write i: 1", "write large enough: 12"])
            ),
            ("j", asked(&[])),
            ("", asked(&["write j: 1", "flush"])),
        ]
    );
}

#[test]
fn what_a_sink_does_not_take_of_a_large_piece_stays_until_the_next_write() {
    let mut writer = writer([Take(2), Wait, Take(3)]);
    block_on(writer.write_all(b"0123456789abcdef")).unwrap();
    assert_eq!(writer.get_ref().trace(), ["write 0123456789abcdef: 2"]);
    assert_eq!(writer.buffer(), b"23456789abcdef", "beyond the capacity");
    block_on(writer.write_all(b"x")).unwrap();
    assert_eq!(
        writer.get_ref().trace(),
        [
            "write 23456789abcdef: waits",
            "write 23456789abcdef: 3",
            "write 56789abcdef: 11",
        ]
    );
    assert_eq!(writer.buffer(), b"x");
}

#[test]
fn a_flush_that_fails_goes_on_where_it_was() {
    let mut writer = writer([
        Take(2),
        Fail(ErrorKind::TimedOut),
        Fail(ErrorKind::Interrupted),
        Take(9),
        Fail(ErrorKind::BrokenPipe), // of the sink's own flush
    ]);
    block_on(writer.write_all(b"abcdef")).unwrap();
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let outcome = block_on(writer.flush()).map_err(|e| e.kind());
        outcomes.push((outcome, writer.buffer().len()));
    }
    assert_eq!(
        outcomes,
        [
            (Err(ErrorKind::TimedOut), 4),
            (Err(ErrorKind::BrokenPipe), 0),
            (Ok(()), 0)
        ]
    );
    assert_eq!(writer.get_ref().taken(), "abcdef");
}

#[test]
fn writing_fails_before_anything_was_taken() {
    let mut writer = writer([
        Take(1),
        Fail(ErrorKind::TimedOut),
        Take(9),
        Take(0),
        Take(0),
    ]);
    block_on(writer.write_all(b"abcdef")).unwrap();

    let error = block_on(writer.write_all(b"-lost-")).unwrap_err();
    assert_eq!(
        (error.kind(), writer.buffer()),
        (ErrorKind::TimedOut, &b"bcdef"[..])
    );

    let error = block_on(writer.write_all(b"-lost, large-")).unwrap_err();
    assert_eq!(
        (error.kind(), writer.buffer()),
        (ErrorKind::WriteZero, &b""[..])
    );
    assert_eq!(error.to_string(), "the writer takes no more bytes");

    block_on(writer.write_all(b"g")).unwrap();
    let error = block_on(writer.flush()).unwrap_err();
    assert_eq!(
        (error.kind(), writer.buffer()),
        (ErrorKind::WriteZero, &b"g"[..])
    );
    block_on(writer.flush()).unwrap();
    assert_eq!(writer.get_ref().taken(), "abcdefg");
}

#[test]
fn into_inner_flushes_and_gives_the_writer_back_when_it_can_not() {
    let mut writer = writer([Take(1), Fail(ErrorKind::TimedOut)]);
    block_on(write!(writer, "{}-{}", 1, 2)).unwrap();
    let failed = block_on(writer.into_inner()).map(drop).unwrap_err();
    assert_eq!(failed.error().kind(), ErrorKind::TimedOut);
    assert_eq!(failed.to_string(), failed.error().to_string());
    let writer = failed.into_inner();
    assert_eq!(writer.buffer(), b"-2");
    let sink = block_on(writer.into_inner())
        .map_err(io::Error::from)
        .unwrap();
    assert_eq!(sink.taken(), "1-2");
}

#[test]
fn a_writer_taken_apart_loses_nothing_and_a_dropped_one_writes_nothing() {
    let sink = Script::new([Take(2)]);
    let mut writer = BufWriter::with_capacity(4, &sink);
    block_on(writer.write_all(b"abcdef")).unwrap();
    let (_, unsent) = writer.into_parts();
    assert_eq!((sink.taken().as_str(), &unsent[..]), ("ab", &b"cdef"[..]));

    let mut writer = BufWriter::new(&sink);
    block_on(writer.write_all(b"ghi")).unwrap();
    drop(writer);
    assert_eq!(sink.taken(), "ab");
}

#[test]
fn a_writer_without_a_buffer_hands_on_at_once() {
    let mut writer = BufWriter::with_capacity(0, Script::new([]));
    block_on(writer.write_all(b"")).unwrap();
    block_on(writer.write_all(b"a")).unwrap();
    assert_eq!(writer.get_ref().trace(), ["write a: 1"]);
}

#[test]
fn debug_says_how_full_the_buffer_is() {
    let mut writer = BufWriter::with_capacity(4, io::sink());
    block_on(writer.write(b"abc")).unwrap();
    assert_eq!(
        format!("{writer:?}"),
        "BufWriter { writer: Sink, buffer: 3/4 }"
    );
}
