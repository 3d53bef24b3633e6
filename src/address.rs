//! Complete addresses of issuers and slots: `kind:connection:locator`.
//!
//! They stand in state (`credentials[].issuer`, `deliveries[].slot`) and suffice, with the provider block, to revoke
//! or delete after the configuration that made them is gone.

use std::fmt;
use std::str::FromStr;

/// The connection that the provider block's own arguments make.
pub const DEFAULT_CONNECTION: &str = "default";

/// Where an issuer or a slot is. The locator is the kind's own text: `container` or `container/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The kind of source or target, as in HCL.
    pub kind: String,
    /// The connection's name.
    pub connection: String,
    /// What the kind needs to find it again.
    pub locator: String,
}

impl Address {
    /// An address at the default connection.
    pub fn new(kind: &str, locator: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            connection: DEFAULT_CONNECTION.to_owned(),
            locator: locator.into(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.connection, self.locator)
    }
}

/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address of the form kind:connection:container")]
pub struct NotAnAddress(String);

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(kind), Some(connection), Some(locator)) if !kind.is_empty() && !connection.is_empty() => Ok(Self {
                kind: kind.to_owned(),
                connection: connection.to_owned(),
                locator: locator.to_owned(),
            }),
            _ => Err(NotAnAddress(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_its_text() {
        let address = Address::new("ssm_parameter", "/molecule/production/A:B");
        assert_eq!(address.to_string(), "ssm_parameter:default:/molecule/production/A:B");
        assert_eq!(address.to_string().parse(), Ok(address));
        assert!("fly_secret".parse::<Address>().is_err());
    }
}
