//! A real Kafka for the tests: one node of Apache Kafka, started here and gone with the test process.
//!
//! `Broker::shared()` serves all tests, which is why topics and groups take names from `unique`. A test that crashes its
//! broker, or that needs a password or TLS, has one of its own. Each takes some seconds to start and up to 512 MB.

mod apache;
mod keeper;
mod origin;
mod ports;
mod promises;
mod records;
mod secured;
mod topics;

use std::{
    io::Write,
    path::PathBuf,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use rdkafka::ClientConfig;

use apache::Apache;
use keeper::Keeper;
use origin::Origin;
use ports::Ports;

pub use records::{Message, Record};
pub use secured::Secured;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Broker {
    address: String,
    apache: bool,
    secured: Option<Secured>,
    /// `None` where somebody else runs it.
    keeper: Option<Mutex<Keeper>>,
}

impl Broker {
    /// The one that tests share as long as none of them harms it.
    pub fn shared() -> &'static Broker {
        static SHARED: OnceLock<Result<Broker, String>> = OnceLock::new();
        // kept when it failed, so that each test says why at once instead of waiting a minute for it again
        SHARED.get_or_init(|| Broker::launch(None)).as_ref().unwrap_or_else(|why| panic!("{why}"))
    }

    /// A fresh one, which a test may stop, kill and start again.
    pub fn own() -> Broker {
        Broker::own_as(None)
    }

    /// A fresh one that lets in only who has the password, or that speaks only TLS.
    pub fn own_with(secured: Secured) -> Broker {
        Broker::own_as(Some(secured))
    }

    /// One that somebody else runs, such as librdkafka's mock.
    pub fn at(address: &str) -> Broker {
        Broker { address: address.to_owned(), apache: false, secured: None, keeper: None }
    }

    fn own_as(secured: Option<Secured>) -> Broker {
        let broker = Broker::launch(secured).unwrap_or_else(|why| panic!("{why}"));
        assert!(broker.keeper.is_some(), "this test needs a broker of its own: unset VIGIE_TEST_BROKERS");
        broker
    }

    fn launch(secured: Option<Secured>) -> Result<Broker, String> {
        let origin = Origin::find()?;
        if let Origin::Given(address) = origin {
            let mut broker = Broker { address, apache: true, secured: None, keeper: None };
            broker.answers()?;
            broker.apache = broker.says_it_is_apache();
            let fits = broker.apache || std::env::var_os("CI").is_none_or(|v| v.is_empty());
            return if fits { Ok(broker) } else { Err("VIGIE_TEST_BROKERS: CI takes Apache Kafka only".to_owned()) };
        }
        // ports are looked for first and taken later: in between, another test process may have had the same idea
        let mut tries = 0..3;
        loop {
            let broker = Broker::launch_at(&origin, Ports::free(), secured)?;
            broker.keeper().start();
            match broker.answers() {
                Err(why) if why.contains("in use") && tries.next().is_some() => {}
                done => return done.map(|()| broker),
            }
        }
    }

    fn launch_at(origin: &Origin, ports: Ports, secured: Option<Secured>) -> Result<Broker, String> {
        let folder = tempfile::Builder::new().prefix("vigie-broker-").tempdir().map_err(|e| e.to_string())?;
        let address = format!("127.0.0.1:{}", ports.client);
        let command = match origin {
            Origin::Given(_) => unreachable!("nobody launches a broker that is given"),
            Origin::Apache { java, classpath } => {
                Apache { java, classpath, folder: folder.path() }.prepare(ports, secured)?
            }
            Origin::Tansu(_) if secured.is_some() => {
                return Err("this test needs Apache Kafka: the stand-in knows no security. Run `.ci/setup test`".into());
            }
            Origin::Tansu(binary) => {
                static ONCE: std::sync::Once = std::sync::Once::new();
                // not by eprintln!, which the test harness keeps to itself
                let say = "\nNO APACHE KAFKA: these tests run against Tansu, a stand-in in memory\n\n";
                ONCE.call_once(|| drop(std::io::stderr().write_all(say.as_bytes())));
                let urls =
                    [format!("--listener-url=tcp://{address}"), format!("--advertised-listener-url=tcp://{address}")];
                [vec![binary.to_string_lossy().into_owned(), "broker".to_owned()], urls.to_vec()].concat()
            }
        };
        // from here on it is the keeper that removes the folder
        let keeper = Some(Mutex::new(Keeper::new(folder.keep(), &command)));
        Ok(Broker { address, apache: matches!(origin, Origin::Apache { .. }), secured, keeper })
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Whether it is Apache Kafka rather than something that speaks its protocol.
    pub fn is_apache(&self) -> bool {
        self.apache
    }

    /// All that a client needs to get in, by librdkafka's names.
    pub fn properties(&self) -> Vec<(String, String)> {
        let mut properties = vec![("bootstrap.servers".to_owned(), self.address())];
        if let Some(secured) = self.secured {
            properties.extend(secured.properties(&self.certificate()));
        }
        properties
    }

    /// `properties` as a client of rdkafka takes them, patient with a broker that is away for a moment.
    pub fn client(&self) -> ClientConfig {
        let mut client: ClientConfig = self.properties().into_iter().collect();
        // the default grows to 10 s, which a test would wait after each restart
        client.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "200");
        client
    }

    /// What clients of a broker with TLS must trust (PEM).
    pub fn certificate(&self) -> PathBuf {
        self.keeper().folder().join("ca.pem")
    }

    /// A name that no other test and no other run has.
    pub fn unique(&self, prefix: &str) -> String {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
        format!("{prefix}-{now}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// In good order.
    pub fn stop(&self) {
        self.keeper().stop();
    }

    /// As a crash would.
    pub fn kill(&self) {
        self.keeper().kill();
    }

    /// Once more, on the same port and with the same data; waits until every partition is served again.
    pub fn start(&self) {
        assert!(self.apache, "this test needs Apache Kafka: the stand-in forgets everything. Run `.ci/setup test`");
        self.keeper().start();
        self.answers().unwrap_or_else(|why| panic!("{why}"));
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        let keeper = self.keeper.as_ref().expect("this test needs a broker of its own: unset VIGIE_TEST_BROKERS");
        // a test that failed meanwhile has not harmed it
        keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it serves every partition that it knows.
    fn answers(&self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !self.serves_everything() {
            let died = self.keeper.is_some() && self.keeper().died();
            if died || Instant::now() > deadline {
                let what = if died { "died" } else { "does not answer" };
                let said = if self.keeper.is_some() { self.keeper().last_words() } else { String::new() };
                return Err(format!("the broker at {} {what}. It said last:\n{said}", self.address));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}
