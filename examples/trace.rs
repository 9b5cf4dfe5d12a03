//! A café, and a page that draws what happened in it and plays it again.
//!
//! ```text
//! cargo run --example trace            writes target/trace.html, for a browser
//! ```
//!
//! Seven guests order, two baristas share one grinder, and one guest has no patience. In the page, look at
//! who stands behind the grinder, and at the last guest; then go to *Replay* and press the arrow keys.
//!
//! The same program can be watched for real: `builder.build()?.run(morning())` instead of the simulation,
//! and `consume` burns the processor. It takes as long then as it says, and is never twice the same.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::rc::Rc;

use bibelot::Executor;
use bibelot::sync::{Mutex, Queue, oneshot};
use bibelot::task::{self, JoinHandle, consume};
use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep, timeout};
use bibelot::trace::Recorder;

/// What a guest gives to the baristas: where the cup goes.
type Order = oneshot::Sender<&'static str>;

/// Milliseconds; a café in miniature.
const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A task with a name, by which the page calls it.
fn named<F: Future + 'static>(name: impl Into<String>, future: F) -> JoinHandle<F::Output> {
    task::Builder::new().name(name).spawn(future)
}

/// Makes one coffee after the other: who grinds has the grinder alone, and the machine brews by itself.
async fn barista(orders: Rc<Queue<Order>>, grinder: Rc<Mutex<()>>) {
    while let Ok(order) = orders.get().await {
        let grinding = grinder.lock().await;
        consume(ms(3));
        task::yield_now().await; // the others may have a turn
        consume(ms(3));
        drop(grinding);
        sleep(ms(9)).await;
        let _gone = order.send("a coffee"); // whoever has not waited gets none
    }
}

/// Comes, orders, waits for so long, and drinks.
async fn guest(orders: Rc<Queue<Order>>, comes: Duration, patience: Duration) {
    sleep(comes).await;
    let (cup, coffee) = oneshot::channel();
    orders.put(cup).await.expect("the café is open");
    if let Ok(Ok(_coffee)) = timeout(patience, coffee).await {
        consume(ms(2));
        sleep(ms(20)).await;
    }
}

/// From the first guest to the last.
async fn morning() {
    let (orders, grinder) = (Rc::new(Queue::bounded(2)), Rc::new(Mutex::new(())));
    let baristas = ["Ada", "Grace"].map(|name| {
        let work = barista(Rc::clone(&orders), Rc::clone(&grinder));
        named(name, work)
    });
    let guests: Vec<_> = (1..=7)
        .map(|nth| {
            let patience = if nth == 7 { ms(10) } else { ms(500) };
            let comes = ms(16 * (nth / 2)); // but for the first, they come in twos
            let stay = guest(Rc::clone(&orders), comes, patience);
            named(format!("guest {nth}"), stay)
        })
        .collect();
    for guest in guests {
        guest.await.expect("no guest panics");
    }
    orders.close();
    for barista in baristas {
        barista.await.expect("nor does a barista");
    }
}

fn main() -> io::Result<()> {
    let recorder = Recorder::new(10_000);
    let builder = Executor::builder().observer(recorder.clone());
    Sim::from_builder(builder).run(morning());

    let recording = recorder.recording();
    println!("{}", recording.summary());
    let path = Path::new("target/trace.html");
    fs::create_dir_all("target")?;
    recording.write_page("A café", BufWriter::new(File::create(path)?))?;
    println!("\nopen {} in a browser", path.display());
    Ok(())
}
