use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ureq::{
    Agent, Body,
    http::{Response, Uri},
};

use crate::{
    assess::{Holder, HolderError, Naming, SourceError, StoreFacts},
    store::{Outline, Portion, Position, Wanted, pack, unpack},
};

/// Longest time for one short answer.
const SHORT: Duration = Duration::from_secs(4);
/// Longest time for facts, which a replica reads from its disk first.
const LONG: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_secs(1);
/// Largest answer that is read.
const MOST_BYTES: u64 = 512 << 20;
/// Waits between attempts, some three seconds in all: a rebalance is usually over by then.
const PATIENCE: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800), Duration::from_millis(1600)];

/// `GET /api/v1/partitions`: what one replica holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// How many there are in all.
    pub partitions: u32,
    pub held: Vec<HeldPartition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPartition {
    pub partition: u32,
    /// Source and the offset that its next event has.
    pub position: BTreeMap<String, u64>,
}

/// Other replicas, asked over HTTP. A name that stands for several addresses stands for as many replicas, and is looked
/// up again each time; to ask oneself among them does no harm.
#[derive(Clone)]
pub struct Peers {
    bases: Vec<Base>,
    token: Option<String>,
    agent: Agent,
}

/// One URL, taken apart.
#[derive(Debug, Clone)]
struct Base {
    shown: String,
    host: String,
    port: u16,
    /// Without a slash at its end.
    path: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    #[error("`{url}` is no address of a vigie service; expected such as http://vigie-1:8642")]
    Url { url: String },
    #[error("`{url}`: replicas speak HTTP without TLS to each other; give the address inside the cluster, http://..")]
    Tls { url: String },
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "..");
        f.debug_struct("Peers").field("bases", &self.bases).field("token", &token).finish_non_exhaustive()
    }
}

impl Peers {
    /// `urls` such as `http://vigie-1:8642`; `token` is sent as a bearer token.
    ///
    /// # Errors
    /// When a URL is none, or asks for TLS.
    pub fn new(urls: &[String], token: Option<String>) -> Result<Self, PeerError> {
        let bases = urls.iter().map(|url| Base::parse(url)).collect::<Result<_, _>>()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // replicas are neighbours: a proxy for the outer world does not know them
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .build();
        Ok(Peers { bases, token, agent: config.into() })
    }

    /// The sum over what all of them hold.
    ///
    /// # Errors
    /// As [`StoreFacts::over`].
    pub fn facts(&self, naming: Naming) -> Result<StoreFacts, SourceError> {
        StoreFacts::over(self.holders(), naming)
    }

    /// Everyone there is to ask at this moment.
    pub(super) fn holders(&self) -> Vec<Box<dyn Holder>> {
        let (peers, unknown) = self.resolved();
        let peers = peers.into_iter().map(|p| Box::new(p) as Box<dyn Holder>);
        peers.chain(unknown.into_iter().map(|why| Box::new(Unknown(why)) as Box<dyn Holder>)).collect()
    }

    /// How far the partitions are along that others hold; who does not answer is left out.
    pub(super) fn positions(&self) -> Vec<(u32, Position)> {
        let (peers, _) = self.resolved();
        let listings: Vec<Listing> = std::thread::scope(|threads| {
            let running: Vec<_> = peers.iter().map(|p| threads.spawn(|| p.listing())).collect();
            running.into_iter().filter_map(|t| t.join().ok()?.ok()).collect()
        });
        let held = listings.into_iter().flat_map(|l| l.held);
        held.map(|h| (h.partition, Position(h.position.into_iter().collect()))).collect()
    }

    /// One peer for each address, and why a name has none.
    fn resolved(&self) -> (Vec<Peer>, Vec<String>) {
        let (mut peers, mut unknown) = (Vec::new(), Vec::new());
        for base in &self.bases {
            match (base.host.as_str(), base.port).to_socket_addrs() {
                Ok(found) => {
                    let distinct: BTreeSet<SocketAddr> = found.collect();
                    peers.extend(distinct.into_iter().map(|address| Peer {
                        base: base.clone(),
                        address,
                        token: self.token.clone(),
                        agent: self.agent.clone(),
                    }));
                }
                Err(e) => unknown.push(format!("{}: {e}", base.shown)),
            }
        }
        (peers, unknown)
    }
}

impl Base {
    fn parse(url: &str) -> Result<Self, PeerError> {
        let wrong = || PeerError::Url { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        if uri.scheme_str() == Some("https") {
            return Err(PeerError::Tls { url: url.to_owned() });
        }
        let host = uri.host().filter(|h| !h.is_empty()).ok_or_else(wrong)?;
        let named = uri.authority().is_some_and(|a| a.as_str().contains('@'));
        if uri.scheme_str() != Some("http") || named || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Base {
            shown: url.trim_end_matches('/').to_owned(),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: uri.port_u16().unwrap_or(80),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// A name without an address.
struct Unknown(String);

impl Holder for Unknown {
    fn outlines(&self) -> Result<Vec<Arc<Outline>>, HolderError> {
        Err(HolderError::Silent(self.0.clone()))
    }

    fn portions(&self, _: &[Wanted]) -> Result<Vec<Portion>, HolderError> {
        Err(HolderError::Silent(self.0.clone()))
    }
}

/// One replica at one address.
struct Peer {
    base: Base,
    address: SocketAddr,
    token: Option<String>,
    agent: Agent,
}

impl Peer {
    fn listing(&self) -> Result<Listing, HolderError> {
        let bytes = self.get("/api/v1/partitions")?;
        serde_json::from_slice(&bytes).map_err(|e| self.silent(&e))
    }

    fn silent(&self, why: &dyn fmt::Display) -> HolderError {
        HolderError::Silent(format!("{} at {}: {why}", self.base.shown, self.address))
    }

    /// The address is asked, not the name: each address of a name is another replica.
    fn url(&self, route: &str) -> String {
        format!("http://{}{}{route}", self.address, self.base.path)
    }

    /// What every request carries; the name goes along, for what stands between and goes by it.
    fn headers<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        let Base { host, port, .. } = &self.base;
        let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let request = request.header("host", host);
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn get(&self, route: &str) -> Result<Vec<u8>, HolderError> {
        let request = self.headers(self.agent.get(self.url(route)));
        self.body(request.config().timeout_global(Some(SHORT)).build().call())
    }

    fn post(&self, route: &str, body: &[u8]) -> Result<Vec<u8>, HolderError> {
        let request = self.headers(self.agent.post(self.url(route)));
        let request = request.header("content-type", "application/octet-stream");
        self.body(request.config().timeout_global(Some(LONG)).build().send(body))
    }

    fn body(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Vec<u8>, HolderError> {
        let mut answer = answer.map_err(|e| self.silent(&e))?;
        match answer.status().as_u16() {
            200 => answer.body_mut().with_config().limit(MOST_BYTES).read_to_vec().map_err(|e| self.silent(&e)),
            401 => Err(self.silent(&"it asks for another token; give the service's own in VIGIE_TOKEN")),
            404 => Err(self.silent(&"no vigie service that tells of its partitions")),
            other => Err(self.silent(&format!("it answers with status {other}"))),
        }
    }

    fn unpacked<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, HolderError> {
        unpack(bytes).map_err(|e| self.silent(&e))
    }
}

impl Holder for Peer {
    fn outlines(&self) -> Result<Vec<Arc<Outline>>, HolderError> {
        let outlines: Vec<Outline> = self.unpacked(&self.get("/api/v1/partitions/outline")?)?;
        Ok(outlines.into_iter().map(Arc::new).collect())
    }

    fn portions(&self, wanted: &[Wanted]) -> Result<Vec<Portion>, HolderError> {
        let body = pack(&wanted).map_err(|e| self.silent(&e))?;
        self.unpacked(&self.post("/api/v1/partitions/facts", &body)?)
    }
}

/// Tries again for some three seconds while what is wrong may pass: partitions move between replicas within that time.
///
/// # Errors
/// The last attempt's, or the first that will not pass.
pub fn patiently<T, E>(mut attempt: impl FnMut() -> Result<T, E>, may_pass: impl Fn(&E) -> bool) -> Result<T, E> {
    for wait in PATIENCE {
        match attempt() {
            Err(e) if may_pass(&e) => std::thread::sleep(wait),
            done => return done,
        }
    }
    attempt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_services() {
        let parsed = |url: &str| Base::parse(url).map(|b| (b.host, b.port, b.path));
        let base = |host: &str, port, path: &str| Ok((host.to_owned(), port, path.to_owned()));
        assert_eq!(parsed("http://vigie-1:8642"), base("vigie-1", 8642, ""));
        assert_eq!(parsed("http://vigie/"), base("vigie", 80, ""));
        assert_eq!(parsed("http://[::1]:1/monitor/"), base("::1", 1, "/monitor"));
        for wrong in ["vigie-1:8642", "", "http://", "ftp://vigie", "http://me:secret@vigie", "http://vigie?x=1"] {
            assert!(matches!(parsed(wrong), Err(PeerError::Url { .. })), "{wrong}: {:?}", parsed(wrong));
        }
        assert!(matches!(parsed("https://vigie"), Err(PeerError::Tls { .. })));
    }
}
