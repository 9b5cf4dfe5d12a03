//! A browser without a window, told what to do by the protocol of its developer tools.
//!
//! With `--remote-debugging-pipe` Chromium reads commands from its descriptor 3 and answers on 4: JSON
//! that ends with a zero byte. A shell lends its standard input and output for these two, so that
//! nothing but `std` is needed here. Of the JSON no more is understood than what is asked for: the answer
//! with our number, and in it one string.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What lends the descriptors, and then becomes the browser.
const LEND: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null"#;

/// What the browser is told, beside its profile.
const FLAGS: [&str; 10] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A page in a browser.
pub(crate) struct Browser {
    /// The browser.
    child: Child,
    /// Commands.
    input: ChildStdin,
    /// Answers and events.
    output: BufReader<ChildStdout>,
    /// The last number of a command.
    number: u32,
    /// By what the page is addressed, once there is one.
    address: String,
    /// What has been loaded: each page by the number of its loader.
    loaded: Vec<String>,
    /// What went wrong in the page.
    pub(crate) complaints: Vec<String>,
}

impl Browser {
    /// Starts the browser `program`, whose files lie in the folder `profile`, with an empty page.
    pub(crate) fn start(program: &str, profile: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", LEND, program])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut browser = Self {
            child,
            input,
            output,
            number: 0,
            address: String::new(),
            loaded: Vec::new(),
            complaints: Vec::new(),
        };
        let target = browser.command("Target.createTarget", r#"{"url":"about:blank"}"#);
        let target = text_of(&target, "targetId").expect("a page");
        let attach = format!(r#"{{"targetId":{target:?},"flatten":true}}"#);
        let attached = browser.command("Target.attachToTarget", &attach);
        browser.address = text_of(&attached, "sessionId").expect("its address");
        for domain in ["Page", "Runtime", "Log"] {
            browser.command(&format!("{domain}.enable"), "{}");
        }
        browser.command("Page.setLifecycleEventsEnabled", r#"{"enabled":true}"#);
        browser
    }

    /// Has the browser do something, and returns its answer as it is.
    fn command(&mut self, method: &str, parameters: &str) -> String {
        self.number += 1;
        let number = self.number;
        let mut message = format!(r#"{{"id":{number},"method":"{method}","params":{parameters}"#);
        if !self.address.is_empty() {
            write!(message, r#","sessionId":{:?}"#, self.address).unwrap();
        }
        message.push_str("}\0");
        let written = self.input.write_all(message.as_bytes());
        written.expect("a browser that listens");
        let id = format!(r#"{{"id":{number},"#);
        loop {
            let message = self.message();
            if message.starts_with(&id) {
                assert!(!message.contains(r#""error":{"#), "{method}: {message}");
                return message;
            }
        }
    }

    /// The next message. What the page complains of is kept.
    fn message(&mut self) -> String {
        let mut message = Vec::new();
        self.output.read_until(0, &mut message).expect("a pipe");
        assert_eq!(message.pop(), Some(0), "the browser has ended");
        let message = String::from_utf8(message).expect("JSON");
        let is_error = message.contains(r#""method":"Runtime.exceptionThrown""#)
            || message.contains(r#""method":"Log.entryAdded""#)
            || message.contains(r#""method":"Runtime.consoleAPICalled""#);
        let is_load = message.contains(r#""method":"Page.lifecycleEvent""#)
            && message.contains(r#""name":"load""#);
        if is_load {
            self.loaded.extend(text_of(&message, "loaderId"));
        }
        if is_error {
            self.complaints.push(message.clone());
        }
        message
    }

    /// The size of the window, its pixels to each of the page's, and whether it is a phone's.
    pub(crate) fn resize(&mut self, width: u32, height: u32, ratio: u32, is_mobile: bool) {
        self.command(
            "Emulation.setDeviceMetricsOverride",
            &format!(
                r#"{{"width":{width},"height":{height},"deviceScaleFactor":{ratio},"mobile":{is_mobile}}}"#
            ),
        );
        self.frame();
    }

    /// What the system prefers: `light` or `dark`, and nothing that moves.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let features = format!(
            r#"{{"features":[{{"name":"prefers-color-scheme","value":"{scheme}"}},
            {{"name":"prefers-reduced-motion","value":"reduce"}}]}}"#
        );
        self.command("Emulation.setEmulatedMedia", &features);
        self.frame();
    }

    /// Has things move, as they do for most who look at a page.
    pub(crate) fn allow_motion(&mut self) {
        let features =
            r#"{"features":[{"name":"prefers-reduced-motion","value":"no-preference"}]}"#;
        self.command("Emulation.setEmulatedMedia", features);
        self.frame();
    }

    /// Opens a file, with what is to stand after the `#`, and waits until it has been drawn.
    pub(crate) fn open(&mut self, file: &Path, hash: &str) {
        // Without the page between them, another `#` would not load the file again.
        for url in [
            String::from("about:blank"),
            format!("file://{}#{hash}", file.display()),
        ] {
            let answer = self.command("Page.navigate", &format!(r#"{{"url":{url:?}}}"#));
            let loader = text_of(&answer, "loaderId").expect("another page");
            while !self.loaded.contains(&loader) {
                self.message();
            }
        }
        self.frame();
    }

    /// Waits until what has changed is drawn.
    pub(crate) fn frame(&mut self) {
        self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(''))))");
    }

    /// The value of an expression, as a text.
    pub(crate) fn ask(&mut self, expression: &str) -> String {
        let expression = format!("Promise.resolve({expression}).then((value) => String(value))");
        let mut parameters =
            String::from(r#"{"awaitPromise":true,"returnByValue":true,"expression":""#);
        for c in expression.chars() {
            match c {
                '"' | '\\' => parameters.extend(['\\', c]),
                '\n' => parameters.push_str("\\n"),
                c => parameters.push(c),
            }
        }
        parameters.push_str("\"}");
        let answer = self.command("Runtime.evaluate", &parameters);
        assert!(
            !answer.contains("exceptionDetails"),
            "{expression}: {answer}"
        );
        text_of(&answer, "value").unwrap_or_else(|| panic!("{expression}: {answer}"))
    }

    /// The text of the first element that a selector finds, with single spaces.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.ask(&format!("document.querySelector({selector:?}).innerText"));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The texts of all elements that a selector finds and that can be seen.
    pub(crate) fn texts(&mut self, selector: &str) -> Vec<String> {
        let all = self.ask(&format!(
            "[...document.querySelectorAll({selector:?})].filter((it) => it.checkVisibility())
                .map((it) => it.innerText.replace(/\\s+/g, ' ').trim()).join('\\n')"
        ));
        all.lines().map(String::from).collect()
    }

    /// Presses a key and lets it go. `text` is what it would write, if anything.
    pub(crate) fn key(&mut self, key: &str) {
        let text = match key {
            " " => String::from(r#","text":" ""#),
            key if key.chars().count() == 1 => format!(r#","text":{key:?}"#),
            "Enter" => String::from(r#","text":"\r""#),
            _ => String::new(),
        };
        let down = format!(r#"{{"type":"keyDown","key":{key:?}{text}}}"#);
        self.command("Input.dispatchKeyEvent", &down);
        let up = format!(r#"{{"type":"keyUp","key":{key:?}}}"#);
        self.command("Input.dispatchKeyEvent", &up);
        self.frame();
    }

    /// Does something with the mouse: `mouseMoved`, `mousePressed`, `mouseReleased`.
    pub(crate) fn mouse(&mut self, what: &str, x: f64, y: f64) {
        let button = if what == "mouseMoved" { "none" } else { "left" };
        self.command(
            "Input.dispatchMouseEvent",
            &format!(r#"{{"type":"{what}","x":{x},"y":{y},"button":"{button}","clickCount":1}}"#),
        );
    }

    /// Clicks.
    pub(crate) fn click(&mut self, x: f64, y: f64) {
        for what in ["mouseMoved", "mousePressed", "mouseReleased"] {
            self.mouse(what, x, y);
        }
        self.frame();
    }

    /// Drags from a point to another one.
    pub(crate) fn drag(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.mouse("mouseMoved", from.0, from.1);
        self.mouse("mousePressed", from.0, from.1);
        for part in [0.5, 1.0] {
            let x = from.0 + (to.0 - from.0) * part;
            let y = from.1 + (to.1 - from.1) * part;
            // A drag has the button held down.
            self.command(
                "Input.dispatchMouseEvent",
                &format!(r#"{{"type":"mouseMoved","x":{x},"y":{y},"button":"left","buttons":1}}"#),
            );
        }
        self.mouse("mouseReleased", to.0, to.1);
        self.frame();
    }

    /// Turns the wheel by so many pixels, up being less than 0.
    pub(crate) fn wheel(&mut self, x: f64, y: f64, by: i32) {
        self.command(
            "Input.dispatchMouseEvent",
            &format!(r#"{{"type":"mouseWheel","x":{x},"y":{y},"deltaX":0,"deltaY":{by}}}"#),
        );
        self.frame();
    }

    /// Touches the screen at these points; at none ends the touch.
    pub(crate) fn touch(&mut self, what: &str, points: &[(f64, f64)]) {
        let points: Vec<_> = points
            .iter()
            .enumerate()
            .map(|(nth, (x, y))| format!(r#"{{"x":{x},"y":{y},"id":{nth}}}"#))
            .collect();
        let points = points.join(",");
        let touch = format!(r#"{{"type":"{what}","touchPoints":[{points}]}}"#);
        self.command("Input.dispatchTouchEvent", &touch);
        self.frame();
    }
}

impl Browser {
    /// Ends the browser, so that its files can be removed.
    pub(crate) fn end(&mut self) {
        // It may have ended by itself; the shell has become the browser, so this ends that.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.end();
    }
}

/// The first string that has this name in some JSON.
fn text_of(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    let mut text = String::new();
    let mut chars = rest.chars();
    let unit = |chars: &mut std::str::Chars<'_>| {
        let digits: String = chars.take(4).collect();
        u16::from_str_radix(&digits, 16).ok()
    };
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'u' => {
                    let first = unit(&mut chars)?;
                    let mut units = vec![first];
                    if (0xD800..0xDC00).contains(&first) {
                        chars.by_ref().take(2).for_each(drop);
                        units.push(unit(&mut chars)?);
                    }
                    text.push_str(&String::from_utf16_lossy(&units));
                }
                c => text.push(c),
            },
            c => text.push(c),
        }
    }
}
