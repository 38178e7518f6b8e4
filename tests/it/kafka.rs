//! The consumer service against a real Kafka. What the topics hold, recomputed in one go, is the oracle: the stores must
//! hold the same facts to the bit, whatever happened on the way.

mod check;
mod cluster;
mod faults;
mod history;
mod injected;
mod poison;
mod replicas;
mod stream;
mod stores;
