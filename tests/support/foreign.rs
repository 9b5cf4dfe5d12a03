//! A waker that is not the executor's own, as combinators of other crates make them: its clone, wake
//! and drop call a hook, and its wake goes on to the task that was polled with it last.
#![expect(unsafe_code, reason = "RawWaker: only so can a clone be seen")]

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Clone,
    Wake,
    Drop,
}

/// What is called.
type Hook = Rc<dyn Fn(Call)>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    static TASK: RefCell<Option<Waker>> = const { RefCell::new(None) };
    static IS_OFF: Cell<bool> = const { Cell::new(false) };
}

/// Sets what is called by all foreign wakers of this thread.
pub(crate) fn set_hook(hook: impl Fn(Call) + 'static) {
    HOOK.set(Some(Rc::new(hook)));
}

/// Calls the hook, but not from within itself.
fn tell(call: Call) {
    /// Also when the hook panics.
    struct SwitchOn;
    impl Drop for SwitchOn {
        fn drop(&mut self) {
            IS_OFF.set(false);
        }
    }
    if IS_OFF.replace(true) {
        return;
    }
    let _switch_on = SwitchOn;
    let hook = HOOK.with_borrow(Option::clone);
    if let Some(hook) = hook {
        hook(call);
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| {
        tell(Call::Clone);
        RawWaker::new(data, &VTABLE)
    },
    |_| wake(),
    |_| wake(),
    |_| tell(Call::Drop),
);

fn wake() {
    tell(Call::Wake);
    let task = TASK.with_borrow(Option::clone);
    if let Some(task) = task {
        task.wake();
    }
}

/// A foreign waker; for this thread only.
pub(crate) fn waker() -> Waker {
    // SAFETY: the functions of VTABLE never look at the data; the tests keep it on its thread.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &VTABLE)) }
}

/// A future that is polled with a foreign waker, which wakes the task.
pub(crate) struct Foreign<F>(pub(crate) F);

impl<F: Future + Unpin> Future for Foreign<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        TASK.set(Some(cx.waker().clone()));
        let waker = waker();
        Pin::new(&mut self.0).poll(&mut Context::from_waker(&waker))
    }
}
