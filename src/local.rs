//! [`Local`]: a value that a task hands down to the tasks it spawns.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::locals::{self, Locals};

/// The next key. Zero is none.
static NEXT_KEY: AtomicUsize = AtomicUsize::new(1);

/// The key of a value that is seen by a future, by all that it awaits, and by all tasks that are
/// spawned there: what a thread-local is to a thread, with inheritance (Python's `ContextVar`).
///
/// Made as a `static`; [`scope`](Self::scope) gives the value. Branches of a
/// [`join`](crate::task::join()) or [`race`](crate::task::race) have their own, and a cleanup
/// ([`finally`](crate::task::finally)) sees the value that its future saw.
///
/// # Examples
///
/// ```
/// use bibelot::task::Local;
///
/// static USER: Local<String> = Local::new();
///
/// async fn greet() -> String {
///     format!("hello, {}", USER.get().unwrap_or_else(|| "stranger".into()))
/// }
///
/// bibelot::run(async {
///     let greeting = USER.scope("Ann".into(), async {
///         bibelot::spawn(greet()).await.unwrap() // the task inherits it
///     });
///     assert_eq!(greeting.await, "hello, Ann");
///     assert_eq!(greet().await, "hello, stranger");
/// });
/// ```
pub struct Local<T: 'static> {
    /// Its number, once it has one.
    key: AtomicUsize,
    /// What it is a key to.
    value: PhantomData<fn() -> T>,
}

impl<T: 'static> Local<T> {
    /// A key without a value.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is made as a static")]
    pub const fn new() -> Self {
        Self {
            key: AtomicUsize::new(0),
            value: PhantomData,
        }
    }

    /// Gives `future` a value: it sees that wherever it is polled or dropped, until it ends. The
    /// value is dropped when the last future and task that see it have ended.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> Scoped<F> {
        Scoped {
            future: Some(future),
            key: self.key(),
            value: Rc::new(value),
            seen: None,
        }
    }

    /// The value that is seen here, or `None` if there is none.
    #[must_use]
    pub fn get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.with(|value| value.cloned())
    }

    /// Calls `f` with the value that is seen here, or with `None` if there is none.
    pub fn with<R>(&'static self, f: impl FnOnce(Option<&T>) -> R) -> R {
        let value = locals::current().get(self.key());
        f(value.as_ref().and_then(|value| value.downcast_ref::<T>()))
    }

    /// Its number, which it is given when first asked for it.
    fn key(&self) -> usize {
        match self.key.load(Ordering::Relaxed) {
            0 => {
                let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
                let raced = self
                    .key
                    .compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed);
                raced.err().unwrap_or(key)
            }
            key => key,
        }
    }
}

impl<T: 'static> fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`Local::scope`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Scoped<F> {
        // `None` while it is dropped.
        #[pin]
        future: Option<F>,
        key: usize,
        value: Rc<dyn Any>,
        // The values from around at the last poll, and these with one more.
        seen: Option<(Locals, Locals)>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let seen = see(this.seen, *this.key, this.value);
            locals::within(seen, || this.future.set(None));
        }
    }
}

/// What is seen inside: the values from around, with one more. It is made anew only if those have
/// changed.
fn see(seen: &mut Option<(Locals, Locals)>, key: usize, value: &Rc<dyn Any>) -> Locals {
    let around = locals::current();
    match seen {
        Some((before, inside)) if before.is_same(&around) => inside.clone(),
        _ => {
            let inside = around.with(key, Rc::clone(value));
            *seen = Some((around, inside.clone()));
            inside
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut().expect("there until it is dropped");
        let seen = see(this.seen, *this.key, this.value);
        locals::within(seen, || future.poll(cx))
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").finish_non_exhaustive()
    }
}
