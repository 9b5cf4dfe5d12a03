//! [`write_page`]: a recording as one HTML page, which draws it and plays it again.
//!
//! ```text
//!   events ──► JSON, a line an event ──┐
//!   page/page.html ────────────────────┼──► one file, which needs no other and no network
//!   page/style.css, page/*.js ─────────┘
//! ```
//!
//! What is told is written down as it is; all that can be concluded (lanes, slices, who is ready at
//! which step) is concluded by the page. So this file knows of no picture, and the page of no executor.
//!
//! Law: nothing a program says can be anything but text in the page. The JSON is escaped, the page puts
//! text into its elements as text only, and its own rules forbid it to load anything.
//!
//! Read next: `page/data.rs`, the JSON; then `page/log.js`, which reads it.

mod data;

use std::io;

use crate::clock::Instant;
use crate::observer::Event;
use crate::trace::TaskInfo;

/// The page, with a `{{name}}` for each thing that is put into it.
const PAGE: &str = include_str!("page/page.html");

/// How it looks.
const STYLE: &str = include_str!("page/style.css");

/// What it does: one script in parts, in the order in which to read them.
const SCRIPTS: [&str; 12] = [
    include_str!("page/log.js"),
    include_str!("page/model.js"),
    include_str!("page/words.js"),
    include_str!("page/scale.js"),
    include_str!("page/colours.js"),
    include_str!("page/lanes.js"),
    include_str!("page/timeline.js"),
    include_str!("page/overview.js"),
    include_str!("page/life.js"),
    include_str!("page/replay.js"),
    include_str!("page/hands.js"),
    include_str!("page/page.js"),
];

/// Writes events that an observer of one's own has kept as an HTML page: one file, which works offline.
/// What a [`Recorder`](super::Recorder) has kept [can write itself](super::Recording::write_page).
///
/// The page has two views. The *timeline* has a lane for each task, with its polls, what it waited for
/// and who woke whom; it is zoomed and searched, and a click on a task tells its life. The *replay*
/// steps through the run, forward and back, and shows at each step the ready queue, the timers, the
/// watched descriptors and the task that is polled, with a sentence that says what happens.
///
/// The events are those of one executor, in the order in which its [`Observer`](super::Observer) was
/// told of them; `lost` is how many there were before that were not kept. Tasks whose
/// [`Spawned`](Event::Spawned) is among the lost are drawn all the same, without a name.
///
/// # Errors
///
/// Returns the error of `out`.
///
/// # Examples
///
/// ```
/// use bibelot::Executor;
/// use bibelot::time::Instant;
/// use bibelot::trace::{self, Event};
/// use std::{cell::RefCell, rc::Rc};
///
/// # fn main() -> std::io::Result<()> {
/// let events = Rc::new(RefCell::new(Vec::new()));
/// let kept = events.clone();
/// let executor = Executor::builder()
///     .observer(move |at: Instant, event: &Event| kept.borrow_mut().push((at, event.clone())))
///     .build()?;
/// executor.run(bibelot::task::yield_now());
///
/// let mut page = Vec::new(); // or a file: std::fs::File::create("run.html")?
/// trace::write_page("a yield", &events.borrow(), 0, &mut page)?;
/// assert!(page.starts_with(b"<!doctype html>"));
/// # Ok(())
/// # }
/// ```
pub fn write_page(
    title: &str,
    events: &[(Instant, Event)],
    lost: u64,
    mut out: impl io::Write,
) -> io::Result<()> {
    write(title, events, &[], lost, &mut out)
}

/// Writes the page, with what is known of tasks whose birth may be lost.
pub(super) fn write(
    title: &str,
    events: &[(Instant, Event)],
    tasks: &[TaskInfo],
    lost: u64,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    for part in PAGE.split("{{") {
        let (name, rest) = part.split_once("}}").unwrap_or(("", part));
        match name {
            "title" => out.write_all(as_html(title).as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "data" => data::write(title, events, tasks, lost, out)?,
            "script" => {
                for script in SCRIPTS {
                    out.write_all(script.as_bytes())?;
                }
            }
            _ => {}
        }
        out.write_all(rest.as_bytes())?;
    }
    out.flush()
}

/// A text as HTML.
fn as_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::{PAGE, SCRIPTS, STYLE, as_html};

    #[test]
    fn a_title_is_only_ever_a_text() {
        assert_eq!(as_html("</title>&lt;"), "&lt;/title>&amp;lt;");
    }

    #[test]
    fn each_script_says_what_it_is_and_stays_small() {
        for script in SCRIPTS {
            let (name, _) = script.split_once(": ").expect("a header");
            assert!(name.starts_with("// ") && name.ends_with(".js"), "{name}");
            assert!(script.lines().count() <= 400, "{name}");
        }
    }

    #[test]
    fn no_part_of_the_page_ends_another_one() {
        for script in SCRIPTS {
            let script = script.to_lowercase();
            assert!(!script.contains("</script") && !script.contains("<!--"));
        }
        assert!(!STYLE.to_lowercase().contains("</style"));
        for name in ["title", "style", "data", "script"] {
            assert_eq!(PAGE.matches(&format!("{{{{{name}}}}}")).count(), 1);
        }
    }

    #[test]
    fn nothing_in_the_page_names_another_file() {
        for part in SCRIPTS.into_iter().chain([PAGE, STYLE]) {
            for way in [
                "http:", "https:", "src=", "url(", "@import", "import ", "fetch(",
            ] {
                assert!(!part.contains(way), "{way}");
            }
        }
    }
}
