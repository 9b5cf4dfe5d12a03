//! [`Signal`]: the number of a signal, with a name that can be read.

use std::fmt;

/// Which signal: a number that the system knows.
///
/// # Examples
///
/// ```
/// use bibelot::signal::Signal;
///
/// assert_eq!(Signal::TERMINATE.to_string(), "SIGTERM");
/// assert_eq!(Signal::from_raw(15), Signal::TERMINATE);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

/// Writes the constants, and the names that the system's manual has for them.
macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident = $system:ident;)*) => {
        impl Signal {
            $($(#[$doc])* pub const $name: Self = Self(libc::$system);)*

            /// The name in the system's manual, if it is one of the constants.
            fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($system)),)*
                    _ => None,
                }
            }
        }
    };
}

signals! {
    /// `SIGALRM`: a timer of `alarm` has run out.
    ALARM = SIGALRM;
    /// `SIGCHLD`: a child process has ended or stopped.
    CHILD = SIGCHLD;
    /// `SIGCONT`: go on, after a stop.
    CONTINUE = SIGCONT;
    /// `SIGHUP`: the terminal is gone; to a server: read your configuration anew.
    HANGUP = SIGHUP;
    /// `SIGINT`: interrupt, as by Ctrl-C.
    INTERRUPT = SIGINT;
    /// `SIGKILL`: end at once. It cannot be caught.
    KILL = SIGKILL;
    /// `SIGPIPE`: a write to what nobody reads any more. Rust programs ignore it from the start.
    PIPE = SIGPIPE;
    /// `SIGQUIT`: quit, as by Ctrl-\.
    QUIT = SIGQUIT;
    /// `SIGSTOP`: stop at once. It cannot be caught.
    STOP = SIGSTOP;
    /// `SIGTSTP`: stop, as by Ctrl-Z.
    SUSPEND = SIGTSTP;
    /// `SIGTERM`: end, please.
    TERMINATE = SIGTERM;
    /// `SIGUSR1`: what the program makes of it.
    USER1 = SIGUSR1;
    /// `SIGUSR2`: what the program makes of it.
    USER2 = SIGUSR2;
    /// `SIGWINCH`: the terminal has another size.
    WINDOW = SIGWINCH;
}

impl Signal {
    /// The signal of a number, such as `libc::SIGRTMIN()`. Whether the system knows it is found out
    /// when it is used.
    ///
    /// A signal without a name of its own, as a real-time signal is, can be caught, but not be sent by
    /// `Child::send_signal`. With zero, which is no signal, neither can be done.
    #[must_use]
    pub const fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0
    }
}

impl From<Signal> for i32 {
    fn from(signal: Signal) -> Self {
        signal.0
    }
}

impl fmt::Display for Signal {
    /// Writes the name in the system's manual, or the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signal({self})")
    }
}
