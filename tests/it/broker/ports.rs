use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

/// On loopback.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub client: u16,
    pub internal: u16,
    pub controller: u16,
}

impl Ports {
    /// Below those that the system gives to outgoing connections: while a broker is down, a client that tries its port
    /// again and again would otherwise get that very port for its own end, and meet itself.
    pub fn free() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        // another test process begins elsewhere
        let first = u16::try_from(std::process::id() % 3300).expect("below 3300") * 3;
        for _ in 0..3300 {
            let at = 20_000 + (first + 3 * NEXT.fetch_add(1, Ordering::Relaxed)) % 9900;
            if (at..at + 3).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
                return Ports { client: at, internal: at + 1, controller: at + 2 };
            }
        }
        panic!("no three free ports in a row between 20000 and 29900");
    }
}
