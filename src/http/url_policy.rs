//! Which addresses may be called at all: https unless the host is this machine, no credentials inside the URL, and never
//! the addresses where clouds serve machine credentials.
//!
//! Addresses are looked at as written and again after name resolution, because a name can point anywhere.

use std::io;
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

/// The host of a URL that does not lead to this machine.
pub(crate) fn remote_host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str().filter(|_| !is_loopback(&url))?;
    Some(host.to_owned())
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

/// Whether a host is this machine, by its name or address.
pub(crate) fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => is_localhost(host),
    }
}

/// RFC 6761 section 6.3: `localhost` and names below it.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// Addresses outside the link-local ranges at which clouds serve machine credentials: Alibaba Cloud, Azure's platform address, Oracle Cloud.
const METADATA: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// Link-local ranges (RFC 3927, RFC 4291 section 2.5.6), and where the metadata services of clouds are besides: Amazon has `fd00:ec2::/32`
/// for instances and pods, Google `fd20:ce::254`.
fn is_forbidden(address: IpAddr) -> bool {
    const GOOGLE: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);
    match embedded_ipv4(address) {
        IpAddr::V4(address) => address.is_link_local() || METADATA.contains(&address),
        IpAddr::V6(address) => {
            let of_amazon = matches!(address.segments(), [0xfd00, 0xec2, ..]);
            address.is_unicast_link_local() || of_amazon || address == GOOGLE
        }
    }
}

/// The IPv4 address inside an IPv4-mapped (`::ffff:0:0/96`), NAT64 (`64:ff9b::/96`, RFC 6052; `64:ff9b:1::/48`, RFC 8215, where a
/// network uses it with /96 prefixes) or 6to4 (`2002::/16`, RFC 3056) address.
fn embedded_ipv4(address: IpAddr) -> IpAddr {
    let IpAddr::V6(inner) = address else { return address };
    let ([0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, .., high, low] | [0x2002, high, low, ..]) =
        inner.segments()
    else {
        return address.to_canonical();
    };
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

/// The host is, or resolves only to, an address that is never called.
#[derive(Debug, thiserror::Error)]
#[error(
    "the host is an address where clouds serve machine credentials (link-local or metadata); such addresses are never called"
)]
pub(super) struct ForbiddenAddress;

/// Name resolution by the system, less the addresses that the policy forbids.
pub(super) struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let admitted = resolve(name.as_str()).await?;
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a name, with port 0. `localhost` and names below it are this machine whatever a resolver says (RFC 6761 section
/// 6.3), since http is permitted to them.
///
/// # Errors
/// The system's, or that only forbidden addresses were found.
pub(crate) async fn resolve(name: &str) -> io::Result<Vec<SocketAddr>> {
    if is_localhost(name) {
        let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(here.map(|address| SocketAddr::new(address, 0)).to_vec());
    }
    let found = tokio::net::lookup_host((name, 0)).await?;
    admit(found).map_err(io::Error::other)
}

/// Drops forbidden addresses.
fn admit(found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, ForbiddenAddress> {
    let admitted: Vec<SocketAddr> = found.filter(|address| !is_forbidden(address.ip())).collect();
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
            "https://[fd00:ec2::23]/",
            "https://100.100.100.200/latest/meta-data",
            "https://168.63.129.16/",
            "https://192.0.0.192/",
            "https://[::ffff:100.100.100.200]/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://0251.0376.0251.0376/",
            "http://169.16689662/",
            "http://169.254.169.254./",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[64:ff9b:1::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::1]/",
            "http://[febf::1]/",
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
        assert!(admit([metadata].into_iter()).is_err());
        assert!(admit([address("[fd00:ec2::23]:0")].into_iter()).is_err());
        let kept = admit([metadata, public].into_iter());
        assert_eq!(kept.expect("one is left"), [public]);
    }

    #[tokio::test]
    async fn localhost_and_names_below_it_are_this_machine_without_asking_a_resolver() {
        for name in ["localhost", "localhost.", "LOCALHOST", "fly.localhost"] {
            let found = resolve(name).await.expect("no resolver is asked");
            assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
        }
    }
}
