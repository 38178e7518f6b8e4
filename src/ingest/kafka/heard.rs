use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::TopicError;

/// What a client heard of why it is not let in: the request that failed says only that nobody answered.
#[derive(Default)]
pub struct Heard(Mutex<Option<String>>);

impl Heard {
    pub fn note(&self, error: &KafkaError, reason: &str) {
        use RDKafkaErrorCode::{Authentication, SSL, SaslAuthenticationFailed};
        if matches!(error.rdkafka_error_code(), Some(Authentication | SSL | SaslAuthenticationFailed)) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }

    /// The better reason, when there is one.
    pub fn explain<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>, error: TopicError) -> TopicError {
        let TopicError::Unreachable { brokers, .. } = &error else { return error };
        for _ in 0..10 {
            // errors are told while polling; there is no assignment, so no message can come
            let _ = consumer.poll(Duration::from_millis(20));
        }
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match heard {
            Some(why) => TopicError::Refused { brokers: brokers.clone(), why },
            None => error,
        }
    }
}

/// For a client that only looks.
#[derive(Default)]
pub struct Listener(pub Heard);

impl ClientContext for Listener {
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note(&error, reason);
    }
}

impl ConsumerContext for Listener {}
