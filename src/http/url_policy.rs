//! Which addresses may be called at all: https unless the host is this machine, no credentials inside the URL, and never
//! the link-local addresses where clouds serve machine credentials.
//!
//! Addresses are looked at as written and again after name resolution, because a name can point anywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Parses a URL and checks it against the policy. Used for base URLs when a configuration is validated and for every
/// request and redirect.
///
/// # Errors
/// One sentence; it never repeats the URL, which may hold credentials.
pub fn permitted(text: &str, allow_insecure: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is not a URL ({error})"))?;
    check(&url, allow_insecure)?;
    Ok(url)
}

/// The policy for a parsed URL.
pub(super) fn check(url: &Url, allow_insecure: bool) -> Result<(), String> {
    let Some(host) = url.host() else {
        return Err("the URL has no host".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "the URL holds a user name or password, which would end up in logs; pass it as a header".to_owned(),
        );
    }
    let address = match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    };
    if address.is_some_and(is_forbidden) {
        return Err(ForbiddenAddress.to_string());
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow_insecure || is_loopback(url) => Ok(()),
        "http" => Err(
            "plain http would show the credential to the network; use https, or set allow_insecure in the provider block"
                .to_owned(),
        ),
        other => Err(format!("the URL's scheme is {other:?}, not https")),
    }
}

/// Whether the host is this machine, by its name or address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}

/// RFC 6761 section 6.3: `localhost` and names below it.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// Link-local ranges (RFC 3927, RFC 4291 section 2.5.6) and the fixed IPv6 addresses of the EC2 and Google metadata services.
fn is_forbidden(address: IpAddr) -> bool {
    const EC2: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    const GOOGLE: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);
    match embedded_ipv4(address) {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address == EC2 || address == GOOGLE,
    }
}

/// The IPv4 address inside an IPv4-mapped (`::ffff:0:0/96`) or NAT64 (`64:ff9b::/96`, RFC 6052) address.
fn embedded_ipv4(address: IpAddr) -> IpAddr {
    if let IpAddr::V6(inner) = address
        && let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = inner.segments()
    {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        return IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    }
    address.to_canonical()
}

/// The host is, or resolves only to, an address that is never called.
#[derive(Debug, thiserror::Error)]
#[error("the host is a link-local address, where clouds serve machine credentials; such addresses are never called")]
pub(super) struct ForbiddenAddress;

/// Name resolution by the system, less the addresses that the policy forbids.
pub(super) struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted = admit(name.as_str(), found)?;
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// Drops forbidden addresses; `localhost` must be this machine whatever a resolver says, since http is permitted to it.
fn admit(name: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, ForbiddenAddress> {
    let local = is_localhost(name);
    let admitted: Vec<SocketAddr> = found
        .filter(|address| !is_forbidden(address.ip()) && (!local || address.ip().is_loopback()))
        .collect();
    if admitted.is_empty() {
        return Err(ForbiddenAddress);
    }
    Ok(admitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_called() {
        for url in [
            "https://api.machines.dev/v1",
            "http://127.0.0.1:4280/v1",
            "http://127.9.9.9",
            "http://[::1]:80/",
            "http://localhost:8080",
            "http://fly.localhost:8080",
        ] {
            assert!(permitted(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn plain_http_needs_permission() {
        for url in [
            "http://api.machines.dev",
            "http://10.0.0.1",
            "http://localhost.example.com",
        ] {
            assert!(permitted(url, false).is_err(), "{url}");
            assert!(permitted(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn metadata_services_user_info_and_other_schemes_are_never_called() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "https://169.254.170.2/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[fd00:ec2::254]/",
            "http://[fd20:ce::254]/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "https://user@example.com/",
            "https://user:hunter2@example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "unix:/run/x",
            "example.com",
            "",
        ] {
            let refusal = permitted(url, true).expect_err(url);
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn a_name_that_points_at_a_metadata_service_is_refused_after_resolution() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("address");
        let metadata = address("169.254.169.254:0");
        let public = address("203.0.113.7:0");
        assert!(admit("metadata.example.com", [metadata].into_iter()).is_err());
        let kept = admit("metadata.example.com", [metadata, public].into_iter());
        assert_eq!(kept.expect("one is left"), [public]);
        assert!(admit("localhost", [public].into_iter()).is_err());
    }
}
