//! `worker::limiter()`: how many jobs there are at once, seen and changed while they run.

use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc::channel;

use bibelot::sync::CapacityLimiter;
use bibelot::task::{self, JoinHandle, yield_now};
use bibelot::testing::Sim;
use bibelot::worker::{limiter, run_in_thread};
use bibelot::{Executor, run, spawn};

use crate::support::{Trace, on_drop, panic_of, poll_once, reporting_to};
use crate::{Opener, abandon, gate, ms, run_until};

/// A job that stays in its thread until it is let go.
fn job() -> (JoinHandle<()>, Opener) {
    let (open, gate) = gate();
    (spawn(run_in_thread(move || gate.pass())), open)
}

/// Lets everybody have a few turns.
async fn settle() {
    for _ in 0..10 {
        yield_now().await;
    }
}

/// How many tokens are borrowed, of how many, and how many wait for one.
fn counts(limiter: &CapacityLimiter) -> (usize, usize, usize) {
    let now = limiter.statistics();
    (now.borrowed_tokens, now.total_tokens, now.waiting)
}

#[test]
fn there_are_sixty_four_tokens_unless_the_builder_says_otherwise() {
    run(async { assert_eq!(counts(&limiter()), (0, 64, 0)) });
    let executor = Executor::builder().thread_limit(7).build().unwrap();
    executor.run(async { assert_eq!(counts(&limiter()), (0, 7, 0)) });
}

#[test]
fn it_shows_what_runs_and_what_waits() {
    let executor = Executor::builder().thread_limit(2).build().unwrap();
    executor.run(async {
        let limiter = limiter();
        let jobs = [job(), job(), job()];
        settle().await;
        assert_eq!(counts(&limiter), (2, 2, 1));
        assert_eq!(limiter.available_tokens(), 0);
        let borrowers = limiter.borrowers();
        assert_eq!(borrowers.len(), 2);
        assert_ne!(borrowers[0], borrowers[1], "each job is somebody else");
        for (nth, (job, open)) in jobs.into_iter().enumerate() {
            open.open();
            job.await.unwrap();
            assert_eq!(limiter.borrowed_tokens(), 2 - nth);
        }
        assert_eq!(limiter.borrowers(), []);
    });
}

#[test]
fn if_it_is_raised_those_who_wait_begin_at_once() {
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    executor.run(async {
        let jobs = [job(), job(), job()];
        settle().await;
        assert_eq!(counts(&limiter()), (1, 1, 2));
        limiter().set_total_tokens(3);
        assert_eq!(counts(&limiter()), (3, 3, 0));
        yield_now().await;
        for (_, open) in &jobs {
            open.wait();
        }
        for (job, open) in jobs {
            open.open();
            job.await.unwrap();
        }
    });
}

#[test]
fn if_it_is_lowered_none_begins_until_enough_have_ended() {
    let executor = Executor::builder().thread_limit(3).build().unwrap();
    executor.run(async {
        let limiter = limiter();
        let under_way = [job(), job(), job()];
        settle().await;
        limiter.set_total_tokens(1);
        let (next, open_next) = job();
        settle().await;
        assert_eq!(counts(&limiter), (3, 1, 1), "those under way go on");
        for (nth, (job, open)) in under_way.into_iter().enumerate() {
            open.open();
            job.await.unwrap();
            settle().await;
            let (left, waits) = ([2, 1, 1][nth], [1, 1, 0][nth]);
            assert_eq!(counts(&limiter), (left, 1, waits));
        }
        open_next.open();
        next.await.unwrap();
        assert_eq!(counts(&limiter), (0, 1, 0));
    });
}

#[test]
fn without_any_token_jobs_wait_until_there_is_one() {
    run(async {
        limiter().set_total_tokens(0);
        let (job, open) = job();
        open.open();
        settle().await;
        assert!(!job.is_finished());
        limiter().set_total_tokens(1);
        job.await.unwrap();
    });
}

#[test]
fn the_token_of_a_cancelled_caller_comes_back_when_its_thread_has_ended_and_not_before() {
    run(async {
        let limiter = limiter();
        let (open, gate) = gate();
        abandon(run_in_thread(move || gate.pass()), &open).await;
        settle().await;
        assert_eq!(limiter.borrowed_tokens(), 1, "nobody waits, and it goes on");
        open.open();
        run_until(|| limiter.borrowed_tokens() == 0).await;
    });
}

#[test]
fn a_job_that_nobody_polls_gives_its_token_back_all_the_same() {
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    executor.run(async {
        let (open, gate) = gate();
        let mut kept = Box::pin(run_in_thread(move || gate.pass()));
        assert!(poll_once(&mut kept).is_pending());
        open.open();
        assert_eq!(run_in_thread(|| "next").await, "next");
        kept.await;
        assert_eq!(limiter().borrowed_tokens(), 0, "and gives it back once");
    });
}

#[test]
fn who_has_its_answer_finds_the_token_free() {
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    executor.run(async {
        for _ in 0..200 {
            run_in_thread(|| {}).await;
            assert_eq!(limiter().borrowed_tokens(), 0);
        }
        let panicked = spawn(async {
            let job = run_in_thread(|| panic!("on purpose"));
            let _guard = on_drop(|| assert_eq!(limiter().borrowed_tokens(), 0));
            job.await
        });
        assert!(panicked.await.unwrap_err().is_panic());
    });
}

#[test]
fn the_jobs_of_one_task_have_a_token_each() {
    run(async {
        let ((open_one, one), (open_two, two)) = (gate(), gate());
        let both = spawn(task::join(
            run_in_thread(move || one.pass()),
            run_in_thread(move || two.pass()),
        ));
        settle().await;
        assert_eq!(limiter().borrowed_tokens(), 2);
        open_one.open();
        open_two.open();
        both.await.unwrap();
    });
}

#[test]
fn a_task_may_have_a_token_itself_and_waits_for_a_thread_until_it_has_one() {
    Sim::new().run(async {
        limiter().set_total_tokens(1);
        let (job, open) = job();
        settle().await;
        let own = spawn(async {
            let limiter = limiter();
            let token = limiter.acquire().await;
            assert_eq!(token.borrower(), task::current().id().into());
        });
        // All wait for the thread, which a simulation must not take for a deadlock.
        let opens = std::thread::spawn(move || {
            open.wait();
            open.open();
        });
        own.await.unwrap();
        job.await.unwrap();
        opens.join().unwrap();
    });
}

#[test]
fn a_token_that_a_task_holds_keeps_the_jobs_waiting() {
    run(async {
        let limiter = limiter();
        limiter.set_total_tokens(1);
        let token = limiter.acquire().await;
        let (job, open) = job();
        open.open();
        settle().await;
        assert_eq!(counts(&limiter), (1, 1, 1));
        drop(token);
        job.await.unwrap();
    });
}

#[test]
fn each_executor_has_its_own() {
    let [one, two] = [1, 2].map(|most| Executor::builder().thread_limit(most).build().unwrap());
    let ask = async || limiter();
    let (of_one, of_two) = (one.run(ask()), two.run(ask()));
    assert!(!Rc::ptr_eq(&of_one, &of_two));
    assert_eq!((of_one.total_tokens(), of_two.total_tokens()), (1, 2));
    assert!(Rc::ptr_eq(&of_one, &one.run(ask())), "it lasts");
    of_one.set_total_tokens(5);
    assert_eq!(two.run(ask()).total_tokens(), 2);
    assert_eq!(one.run(ask()).total_tokens(), 5, "also from outside");
}

#[test]
fn without_an_executor_it_says_so() {
    let text = panic_of(|| drop(limiter()));
    assert!(
        text.starts_with("no executor is running on this thread"),
        "{text}"
    );
}

#[test]
fn a_job_that_ends_under_another_executor_gives_the_token_back_to_its_own() {
    let [one, two] = [(); 2].map(|()| Executor::new().unwrap());
    let (open, gate) = gate();
    let mut job = Box::pin(run_in_thread(move || gate.pass()));
    let of_one = one.run(async {
        assert!(poll_once(&mut job).is_pending());
        limiter()
    });
    assert_eq!(of_one.borrowed_tokens(), 1);
    open.open();
    two.run(async {
        job.await;
        assert_eq!(limiter().statistics().borrowed_tokens, 0);
    });
    assert_eq!(of_one.borrowed_tokens(), 0);
    // Its thread has said so as well, which changes nothing.
    one.run(run_in_thread(|| {}));
    assert_eq!(of_one.borrowed_tokens(), 0);
}

/// A cleanup wants the only token; its executor shuts down, and listens to nobody outside any more.
#[test]
fn a_token_comes_back_while_the_executor_shuts_down() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).thread_limit(1).build().unwrap();
    let (open, gate) = gate();
    let open = Rc::new(open);
    let (traced, opens) = (trace.clone(), Rc::clone(&open));
    drop(executor.spawn(task::finally(pending::<()>(), async move {
        opens.open();
        run_in_thread(|| {}).await;
        traced.say("cleaned up");
    })));
    drop(executor.spawn(run_in_thread(move || gate.pass())));
    executor.turn(Some(ms(0)));
    open.wait();
    drop(executor);
    assert_eq!(trace.take(), ["cleaned up"]);
}

/// The same for a token whose thread has ended just before.
#[test]
fn a_token_that_is_on_its_way_back_is_there_in_the_shutdown() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).thread_limit(1).build().unwrap();
    let traced = trace.clone();
    drop(executor.spawn(task::finally(pending::<()>(), async move {
        run_in_thread(|| {}).await;
        traced.say("cleaned up");
    })));
    let (open, gate) = gate();
    let job = executor.spawn(run_in_thread(move || gate.pass()));
    executor.turn(Some(ms(0)));
    open.wait();
    job.cancel();
    executor.turn(Some(ms(0)));
    let (say, said) = channel();
    executor.on_wake(move || say.send(()).unwrap());
    open.open();
    said.recv().unwrap();
    drop(executor);
    assert_eq!(trace.take(), ["cleaned up"]);
}
