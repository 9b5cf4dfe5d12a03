//! Visits all pages of a web that can be reached from the first one, eight at a time, until a deadline.
//!
//! The web is a server in the same thread: page `n` has links to `2n` and `2n + 1`, and one page never
//! answers. Whoever visits a page starts the visits of its links in the same group, so the group is
//! joined when there is nothing left to visit.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use bibelot::io::BufReader;
use bibelot::net::{TcpListener, TcpStream, serve};
use bibelot::sync::Semaphore;
use bibelot::task::{self, Spawner, TaskGroup};
use bibelot::time::{Duration, timeout};

/// How long the crawl may take.
const DEADLINE: Duration = Duration::from_millis(300);
/// The last page.
const PAGES: u32 = 500;
/// The page that never answers.
const STUCK: u32 = 77;

/// A crawl under way.
struct Crawl {
    /// The server of all pages.
    server: SocketAddr,
    /// Who may visit at the moment.
    visitors: Semaphore,
    /// The pages that somebody visits or has visited.
    seen: RefCell<BTreeSet<u32>>,
    /// Starts visits.
    spawner: Spawner<(), io::Error>,
}

impl Crawl {
    /// Visits a page, and starts the visits of those it has links to.
    async fn visit(self: Rc<Self>, page: u32) -> io::Result<()> {
        let links = {
            let _permit = self.visitors.acquire().await;
            let stream = TcpStream::connect(self.server).await?;
            stream.write_all(format!("{page}\n").as_bytes()).await?;
            let mut links = String::new();
            stream.read_to_string(&mut links).await?;
            links
        };
        for link in links.lines().filter_map(|link| link.parse().ok()) {
            if self.seen.borrow_mut().insert(link) {
                // It fails only when the group has ended, and this visit with it.
                let _ = self.spawner.spawn(Rc::clone(&self).visit_boxed(link));
            }
        }
        Ok(())
    }

    /// [`visit`](Self::visit), which starts itself: so its size must not be asked for.
    fn visit_boxed(
        self: Rc<Self>,
        page: u32,
    ) -> std::pin::Pin<Box<dyn Future<Output = io::Result<()>>>> {
        Box::pin(self.visit(page))
    }
}

/// Answers with the links of a page, a line each.
async fn answer(client: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(&client).lines();
    let page = lines.next().await.transpose()?.unwrap_or_default();
    let page: u32 = page.parse().map_err(io::Error::other)?;
    if page == STUCK {
        pending::<()>().await;
    }
    let links = [2 * page, 2 * page + 1]
        .into_iter()
        .filter(|link| *link <= PAGES);
    let links: String = links.map(|link| format!("{link}\n")).collect();
    client.write_all(links.as_bytes()).await
}

fn main() -> io::Result<()> {
    bibelot::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = listener.local_addr()?;
        let web = serve(listener, |client, _| answer(client));

        let crawl_all = async {
            let group = TaskGroup::discarding();
            let crawl = Rc::new(Crawl {
                server,
                visitors: Semaphore::new(8),
                seen: RefCell::new(BTreeSet::from([1])),
                spawner: group.spawner(),
            });
            group.spawn(Rc::clone(&crawl).visit_boxed(1));
            match timeout(DEADLINE, group.join()).await {
                Ok(joined) => println!("all pages answered: {:?}", joined?.len()),
                Err(elapsed) => println!("{elapsed}: page {STUCK} never answers"),
            }
            println!("{} pages seen", crawl.seen.borrow().len());
            Ok(())
        };
        task::race(web, crawl_all).await // the server ends when the crawl has
    })
}
