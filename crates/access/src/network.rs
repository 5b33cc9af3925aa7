//! Networks of addresses, as operators and administrators write them: in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3).

use std::net::IpAddr;

use ipnet::IpNet;

/// A network of IPv4 or of IPv6 addresses, or one address. IPv4 written as IPv6 (`::ffff:10.1.0.0/112`) is IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// Why a text is no network; the message is the rule, for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// It is neither an address nor a network.
    #[error(
        "this is neither an IP address nor a network; send one such as 203.0.113.9, 10.1.0.0/16 or 2001:db8::/32 \
         (names are not looked up)"
    )]
    Unreadable,
    /// It begins as IPv4 written as IPv6, and reaches beyond IPv4.
    #[error(
        "IPv4 networks are written as such, like 10.1.0.0/16; as IPv6 (::ffff:10.1.0.0/112) their prefix is 96 or more"
    )]
    BeyondIpv4,
    /// It is an address in a network.
    #[error("{given} is an address in a network; did you mean {meant}?")]
    HostBits {
        /// What was given, in the one way that it is written.
        given: IpNet,
        /// The network that it is in.
        meant: Network,
    },
}

impl Network {
    /// Reads an address or a network.
    pub fn parse(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        // By the standard library: `ipnet` takes 010.0.0.1 for 10.0.0.1, which other programs read as octal.
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork::Unreadable)?;
        let network = match prefix {
            None => Some(IpNet::from(address)),
            Some(prefix) => parse_prefix(prefix).and_then(|prefix| IpNet::new(address, prefix).ok()),
        };
        let given = canonical(network.ok_or(InvalidNetwork::Unreadable)?)?;
        let meant = Self(given.trunc());
        if meant.0 == given { Ok(meant) } else { Err(InvalidNetwork::HostBits { given, meant }) }
    }

    /// Whether the address is in it. An IPv4 client of a listener for both families comes as ::ffff:192.0.2.1
    /// (RFC 4291 §2.5.5.2), and is in IPv4 networks.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether the whole `other` is in it.
    pub fn holds(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// Whether it is all of IPv4, or all of IPv6.
    pub fn is_everything(&self) -> bool {
        self.0.prefix_len() == 0
    }
}

/// Returns whether the networks together hold every address that a client on the internet can have, of IPv4 or of IPv6.
pub fn cover_everybody(networks: impl IntoIterator<Item = Network>) -> bool {
    // Unicast: IPv4 without 224.0.0.0/3 (RFC 1112 §4), and the global part of IPv6 (RFC 4291 §2.4).
    const UNICAST_V4: [&str; 3] = ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"];
    const UNICAST_V6: [&str; 1] = ["2000::/3"];
    let joined = IpNet::aggregate(&networks.into_iter().map(|network| network.0).collect());
    let hold = |part: &str| {
        part.parse::<IpNet>().is_ok_and(|part| joined.iter().any(|network| network.contains(&part)))
    };
    UNICAST_V4.into_iter().all(hold) || UNICAST_V6.into_iter().all(hold)
}

/// In the one way that it is written; a network of one address as that address.
impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

fn parse_prefix(text: &str) -> Option<u8> {
    let is_plain = text == "0" || !text.starts_with(['0', '+']);
    is_plain.then(|| text.parse().ok()).flatten()
}

/// IPv4 addresses that are written as IPv6 count as IPv4, as those of clients do.
fn canonical(network: IpNet) -> Result<IpNet, InvalidNetwork> {
    const MAPPED_PREFIX: u8 = 96; // RFC 4291 §2.5.5.2: ::ffff:0:0/96
    let mapped = match network.addr() {
        IpAddr::V6(address) => address.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    let Some(address) = mapped else { return Ok(network) };
    let prefix = network.prefix_len().checked_sub(MAPPED_PREFIX).ok_or(InvalidNetwork::BeyondIpv4)?;
    IpNet::new(address.into(), prefix).map_err(|_| InvalidNetwork::Unreadable)
}
