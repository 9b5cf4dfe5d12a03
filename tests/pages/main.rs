//! The pages of recordings, opened in a real browser: what they show, and what keys and pointers change.
//!
//! They need Chromium, whose program `BIBELOT_CHROMIUM` names; without it, they say that they were left
//! out. The pages are kept in the folder for temporary files of cargo's target, to be looked at.

#![cfg(all(feature = "sync", unix))]

mod browser;
mod input;
mod kept;
mod lab;
mod looks;
mod orders;
mod replay;
mod runs;

use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use bibelot::trace::{Recording, write_page};
use browser::Browser;
use runs::Events;

/// A recording that is opened in a browser.
struct Page {
    /// The browser.
    browser: Browser,
    /// Where its files are.
    profile: PathBuf,
    /// Where the page is.
    file: PathBuf,
}

/// Writes the page of a recording and opens it in a window of 1280 × 800, or says that there is no
/// browser. The name is the test's own.
fn open(name: &str, events: &Events, hash: &str) -> Option<Page> {
    open_after(name, events, 0, hash)
}

/// The same, of a recording before which some events were lost.
fn open_after(name: &str, events: &Events, lost: u64, hash: &str) -> Option<Page> {
    let write = |out| write_page(name, events, lost, out);
    open_written(name, hash, write)
}

/// The same, of what a recorder has kept.
fn open_kept(name: &str, kept: &Recording, hash: &str) -> Option<Page> {
    open_written(name, hash, |out| kept.write_page(name, out))
}

/// The same, of what is written.
fn open_written(
    name: &str,
    hash: &str,
    write: impl FnOnce(BufWriter<File>) -> io::Result<()>,
) -> Option<Page> {
    let Ok(program) = env::var("BIBELOT_CHROMIUM") else {
        eprintln!("BIBELOT_CHROMIUM does not name a browser: left out");
        return None;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("{name}.html"));
    write(BufWriter::new(File::create(&file).unwrap())).unwrap();
    let profile = folder.join(format!("{name}.profile"));
    let mut browser = Browser::start(&program, &profile);
    browser.prefer("light");
    browser.resize(1280, 800, 1, false);
    browser.open(&file, hash);
    Some(Page {
        browser,
        profile,
        file,
    })
}

impl Page {
    /// Opens the same page anew.
    fn reopen(&mut self, hash: &str) {
        self.browser.open(&self.file, hash);
    }

    /// Where a task's lane is, and an event, in pixels of the window.
    fn point(&mut self, task: u64, event: f64) -> (f64, f64) {
        let point = self.ask(&format!(
            "(() => {{
                const box = document.getElementById('lanes').getBoundingClientRect();
                const lane = page.model.byTask.get({task});
                const x = page.scale.pixel(page.scale.axis === 'steps' ? {event} : page.log.time[{event}]);
                return [box.left + x, box.top + page.timeline.y(lane) + page.timeline.row / 2].join(' ');
            }})()"
        ));
        let (x, y) = point.split_once(' ').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    }

    /// The colour that is drawn at a point of the window, and those of the page by name.
    fn colour_at(&mut self, (x, y): (f64, f64)) -> String {
        self.ask(&format!(
            "(() => {{
                const canvas = document.getElementById('lanes'), box = canvas.getBoundingClientRect();
                const ratio = canvas.width / canvas.clientWidth;
                const copy = document.createElement('canvas');
                copy.width = copy.height = 1;
                const context = copy.getContext('2d', {{ willReadFrequently: true }});
                context.drawImage(canvas, ({x} - box.left) * ratio, ({y} - box.top) * ratio, 1, 1, 0, 0, 1, 1);
                const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
                return `rgb(${{red}}, ${{green}}, ${{blue}})`;
            }})()"
        ))
    }

    /// The colour of this name, as the page has it now.
    fn colour(&mut self, name: &str) -> String {
        self.ask(&format!("readColours()[{name:?}]"))
    }

    /// The part of the run that is seen, on the axis.
    fn window(&mut self) -> (f64, f64) {
        let window = self.ask("`${page.scale.low} ${page.scale.high}`");
        let (low, high) = window.split_once(' ').unwrap();
        (low.parse().unwrap(), high.parse().unwrap())
    }

    /// A number that the page knows.
    fn number(&mut self, expression: &str) -> f64 {
        self.ask(expression).parse().unwrap()
    }
}

impl Deref for Page {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl DerefMut for Page {
    fn deref_mut(&mut self) -> &mut Browser {
        &mut self.browser
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the page says: {:#?}", self.complaints);
        } else {
            let loaded = self.ask("performance.getEntriesByType('resource').length");
            assert_eq!(loaded, "0", "the page has loaded something");
            assert!(self.complaints.is_empty(), "{:#?}", self.complaints);
        }
        self.browser.end();
        drop(fs::remove_dir_all(&self.profile));
    }
}
