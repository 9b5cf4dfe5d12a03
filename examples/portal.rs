//! A program that is not async, and uses what is: its event loop starts and cancels tasks through a
//! portal.
//!
//! ```text
//! cargo run --release --example portal
//! ```
//!
//! ```text
//!   main thread, with a loop like a window's          the portal's thread
//!   clicked ──► portal.spawn(…) ────────────────────► task: download, block by block
//!   draws   ◄── events: progress, finished ◄────────────┘
//!   clicked ──► handle.cancel() ─────────────────────► dropped where it waits; what it owes is done
//! ```
//!
//! The loop never waits for a task: it only takes events, and tasks send them by std's channel. That
//! is the way of any toolkit that lets other threads post an event.

use std::io;
use std::sync::mpsc::{Sender, channel};

use bibelot::task::finally;
use bibelot::time::{Duration, sleep};
use bibelot::worker::{Portal, PortalHandle, start_portal};

/// What the loop is told.
enum Event {
    /// The user wants this to be downloaded.
    Download(&'static str),
    /// The user has had enough of it.
    Cancel,
    /// So many percent are there.
    Progress(u32),
    /// It has ended, in whatever way.
    Finished,
    /// The user closes the window.
    Quit,
}

/// Downloads something, ten percent at a time. It tells that it has ended however it ends.
async fn download(events: Sender<Event>) -> u32 {
    let told = events.clone();
    let body = async move {
        for percent in (10..=100).step_by(10) {
            sleep(Duration::from_millis(1)).await;
            // A window that is closed wants no progress.
            let _ = told.send(Event::Progress(percent));
        }
        4096
    };
    finally(body, async move {
        let _ = events.send(Event::Finished);
    })
    .await
}

/// The window.
struct Window {
    /// The way to the tasks.
    portal: Portal,
    /// What tasks and the user send to.
    events: Sender<Event>,
    /// What is under way.
    running: Option<(&'static str, PortalHandle<u32>)>,
}

impl Window {
    /// Reacts to one event. Returns whether the window stays.
    fn react(&mut self, event: Event) -> bool {
        match event {
            Event::Download(name) => {
                let events = self.events.clone();
                println!("{name}: started");
                let handle = self.portal.spawn(move || download(events));
                self.running = Some((name, handle));
            }
            Event::Progress(percent) => {
                if let Some((name, _)) = self.running {
                    println!("{name}: {percent} %");
                    self.user_sees(name, percent);
                }
            }
            Event::Cancel => {
                if let Some((_, handle)) = &self.running {
                    handle.cancel();
                }
            }
            Event::Finished => {
                if let Some((name, handle)) = self.running.take() {
                    // It blocks for a moment at most: this was the last that the task had to do.
                    match handle.join() {
                        Ok(bytes) => println!("{name}: {bytes} bytes"),
                        Err(error) if error.is_cancelled() => println!("{name}: cancelled"),
                        Err(error) => println!("{name}: {error}"),
                    }
                    self.user_sees(name, 100);
                }
            }
            Event::Quit => return false,
        }
        true
    }

    /// The user, who wants the small one, then the large one, and loses patience.
    fn user_sees(&self, name: &str, percent: u32) {
        let clicked = match (name, percent, &self.running) {
            ("small", 100, None) => Event::Download("large"),
            ("large", 30, Some(_)) => Event::Cancel,
            ("large", 100, None) => Event::Quit,
            _ => return,
        };
        self.events.send(clicked).expect("the loop takes events");
    }
}

fn main() -> io::Result<()> {
    let (events, pending) = channel();
    let mut window = Window {
        portal: start_portal()?,
        events: events.clone(),
        running: None,
    };
    events
        .send(Event::Download("small"))
        .expect("the loop takes events");
    for event in pending {
        if !window.react(event) {
            break;
        }
    }
    // Ends the portal's thread, when its tasks have ended.
    window.portal.stop();
    let late = window.portal.call(async || "nobody does this");
    println!("afterwards: {}", late.expect_err("it was stopped"));
    Ok(())
}
