//! Complete addresses of issuers and slots: `kind:connection:container/name`.
//!
//! They stand in state (`credentials[].issuer`, `deliveries[].slot`) and suffice, with the provider block, to revoke
//! or delete after the configuration that made them is gone. What stands behind a `#` says how: it is no part of the place
//! (docs/decisions/http-requests.md). What only the connection knows of a place (an AWS account
//! and region, a host that is not the vendor's own) stands in front, as `//place/`.

use std::fmt;
use std::str::FromStr;

/// The connection that the provider block's own arguments make.
pub const DEFAULT_CONNECTION: &str = "default";

/// Stands for a part of a place that is not known: the AWS account in a plan, everything in a state of format version 0.
pub const ANY: &str = "*";

/// Begins what says how a place is reached. No kind has it in the names of its places.
const MEANS: char = '#';

/// Where an issuer or a slot is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The kind of source or target, as in HCL.
    pub kind: String,
    /// The connection's name.
    pub connection: String,
    /// What the connection adds to the container, its parts separated by colons: `123456789012:eu-west-1`,
    /// `github.example.com`, `127.0.0.1:8080`. Empty at a vendor with a single place.
    pub place: String,
    /// What the kind needs to find it again, in the kind's own form: `container` or `container/name`, and behind [`MEANS`] how.
    pub locator: String,
}

impl Address {
    /// An address at the default connection, at the vendor's own place.
    pub fn new(kind: &str, locator: impl Into<String>) -> Self {
        Self::at("", kind, locator)
    }

    /// An address at the default connection, at this place.
    pub fn at(place: &str, kind: &str, locator: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            connection: DEFAULT_CONNECTION.to_owned(),
            place: place.to_owned(),
            locator: locator.into(),
        }
    }

    /// Whether both are the same place: the connection only says how to reach it. Unknown parts of a place fit any.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.is_elsewhere(other) && places_fit(&self.place, &other.place)
    }

    /// Whether both have the same kind and locator, wherever their connections lead.
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        self.kind == other.kind && self.named() == other.named()
    }

    /// The same address without what only says how to reach it: equal texts are equal places.
    pub fn slot(&self) -> String {
        Self {
            connection: DEFAULT_CONNECTION.to_owned(),
            locator: self.named().to_owned(),
            ..self.clone()
        }
        .to_string()
    }

    /// The locator without what only says how the place is reached.
    pub fn named(&self) -> &str {
        self.locator
            .split_once(MEANS)
            .map_or(self.locator.as_str(), |(named, _)| named)
    }

    /// How the place is reached, where its kind has that in addresses.
    pub fn means(&self) -> Option<&str> {
        self.locator.split_once(MEANS).map(|(_, means)| means)
    }

    /// A host that is not the vendor's own, to be put behind the name of a container: ` at github.example.com`. Empty for the vendor's
    /// own, and while it is unknown.
    pub fn at_host(&self) -> String {
        match self.place.as_str() {
            "" | ANY => String::new(),
            host => format!(" at {host}"),
        }
    }

    /// Whether no part of the place is unknown.
    pub fn is_complete(&self) -> bool {
        !self.place.split(':').any(|part| part == ANY)
    }
}

/// Whether two places are one, as far as both are known.
pub fn places_fit(one: &str, other: &str) -> bool {
    if one == ANY || other == ANY {
        return true;
    }
    let (one, other): (Vec<&str>, Vec<&str>) = (one.split(':').collect(), other.split(':').collect());
    let fits = |(one, other): (&&str, &&str)| one == other || *one == ANY || *other == ANY;
    one.len() == other.len() && one.iter().zip(&other).all(fits)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.kind, self.connection)?;
        if !self.place.is_empty() {
            write!(f, "//{}/", self.place)?;
        }
        f.write_str(&self.locator)
    }
}

/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address of the form kind:connection:container")]
pub struct NotAnAddress(String);

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotAnAddress(text.to_owned());
        let mut parts = text.splitn(3, ':');
        let (Some(kind), Some(connection), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refused());
        };
        let (place, locator) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_once('/').ok_or_else(refused)?,
            None => ("", rest),
        };
        if kind.is_empty() || connection.is_empty() || (rest.starts_with("//") && place.is_empty()) {
            return Err(refused());
        }
        Ok(Self {
            kind: kind.to_owned(),
            connection: connection.to_owned(),
            place: place.to_owned(),
            locator: locator.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_its_text() {
        for (address, text) in [
            (
                Address::at("123456789012:eu-west-1", "ssm_parameter", "/molecule/production/A:B"),
                "ssm_parameter:default://123456789012:eu-west-1//molecule/production/A:B",
            ),
            (
                Address::at("ghe.example.com", "github_actions_secret", "acme/app/KEY"),
                "github_actions_secret:default://ghe.example.com/acme/app/KEY",
            ),
            (Address::new("random", ""), "random:default:"),
        ] {
            assert_eq!(address.to_string(), text);
            assert_eq!(text.parse(), Ok(address));
        }
        for wrong in [
            "fly_secret",
            "fly_secret::a/b",
            "fly_secret:default:///b",
            "fly_secret:default://host",
        ] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_connection_only_says_how_to_reach_a_place() {
        let here = Address::at("123456789012:eu-west-1", "ssm_parameter", "/a");
        let named = Address {
            connection: "staging".to_owned(),
            ..here.clone()
        };
        assert!(here.is_same_place(&named));
        assert_eq!(here.slot(), named.slot());
        for (place, same) in [
            ("*:eu-west-1", true),
            ("*", true),
            ("*:us-east-1", false),
            ("123456789012:us-east-1", false),
            ("", false),
        ] {
            let other = Address::at(place, "ssm_parameter", "/a");
            assert_eq!(here.is_same_place(&other), same, "{place}");
            assert!(here.is_elsewhere(&other));
        }
    }

    #[test]
    fn the_means_only_say_how_to_reach_a_place() {
        let here = Address::new("http", "settings/secrets/A#{}");
        let otherwise = Address::new("http", "settings/secrets/A#{\"read\":\"#\"}");
        assert!(here.is_same_place(&otherwise) && here != otherwise);
        assert_eq!(otherwise.slot(), "http:default:settings/secrets/A");
        assert_eq!(otherwise.means(), Some("{\"read\":\"#\"}"));
        assert_eq!(otherwise.to_string().parse(), Ok(otherwise));
        assert!(!here.is_same_place(&Address::new("http", "settings/secrets/B#{}")));
        assert_eq!(Address::new("random", "").means(), None);
    }
}
