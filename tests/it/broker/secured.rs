use std::path::Path;

use super::apache::{PASSWORD, USER};

/// How a broker guards its door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secured {
    /// SASL_PLAINTEXT: SCRAM-SHA-512 for the user `vigie` with the password `vigie-secret`.
    Password,
    /// SSL, with a certificate that the broker signed itself.
    Tls,
    /// SASL_SSL: both.
    PasswordOverTls,
}

impl Secured {
    pub fn protocol(self) -> &'static str {
        match self {
            Secured::Password => "SASL_PLAINTEXT",
            Secured::Tls => "SSL",
            Secured::PasswordOverTls => "SASL_SSL",
        }
    }

    pub fn asks_a_password(self) -> bool {
        matches!(self, Secured::Password | Secured::PasswordOverTls)
    }

    pub fn is_encrypted(self) -> bool {
        matches!(self, Secured::Tls | Secured::PasswordOverTls)
    }

    /// For a client, by librdkafka's names.
    pub fn properties(self, certificate: &Path) -> Vec<(String, String)> {
        let certificate = certificate.to_string_lossy();
        let mut properties = vec![("security.protocol", self.protocol())];
        if self.asks_a_password() {
            properties.extend([
                ("sasl.mechanism", "SCRAM-SHA-512"),
                ("sasl.username", USER),
                ("sasl.password", PASSWORD),
            ]);
        }
        if self.is_encrypted() {
            properties.push(("ssl.ca.location", &certificate));
        }
        properties.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }
}
