//! Which address a request came from (DESIGN §3.5): the other end of the connection, or what proxies in front of us say
//! of theirs, as far as the operator trusts them.

use std::net::{IpAddr, SocketAddr};

use access::network::{InvalidNetwork, Network, cover_everybody};
use http::{HeaderMap, HeaderName};

/// The one header that counts: every proxy writes it. `Forwarded` (RFC 7239) is not read, for of two that disagree one
/// is the client's; nor are `X-Forwarded-Host` and `-Proto`, for `public_urls` says how clients reach us (DESIGN §3.2).
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of the proxies that are believed: by default none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies(Box<[TrustedProxy]>);

/// The address of a proxy, or a network of such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxy(Network);

/// Why a text names no proxies; the message is the rule, for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxy {
    /// It is no network.
    #[error(transparent)]
    Network(#[from] InvalidNetwork),
    /// Whoever connects would choose the address that tokens are bound to and guesses are counted by.
    #[error(
        "trusting every address would let every client say where it comes from; name the networks of your proxies, such \
         as 10.1.0.0/16"
    )]
    Everybody,
}

impl TrustedProxy {
    /// Reads an address, or a network in CIDR notation, that is not all of IPv4 or IPv6.
    pub fn parse(text: &str) -> Result<Self, InvalidProxy> {
        let network = Network::parse(text)?;
        if network.is_everything() { Err(InvalidProxy::Everybody) } else { Ok(Self(network)) }
    }
}

impl TrustedProxies {
    /// Returns whether they are every address that a client on the internet can have, of IPv4 or of IPv6.
    pub fn are_everybody(&self) -> bool {
        cover_everybody(self.0.iter().map(|proxy| proxy.0))
    }

    /// Puts the networks together.
    pub fn new(proxies: impl IntoIterator<Item = TrustedProxy>) -> Self {
        Self(proxies.into_iter().collect())
    }

    /// The address of the client behind `peer`: the rightmost hop that is not trusted. Each proxy writes the address that
    /// it saw at the right end, so what stands left of an untrusted hop is what that one likes us to believe; where
    /// something else than an address stands, nobody vouches for anything further, and the hop before it is the answer.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        // Several lines are one list, in their order (RFC 9110 §5.3).
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        while self.trust(client) {
            match hops.next().and_then(hop) {
                Some(address) => client = address,
                None => break,
            }
        }
        client
    }

    /// Whether there is a proxy of ours at `address`.
    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|proxy| proxy.0.contains(address))
    }
}

/// One hop: `192.0.2.1`, `192.0.2.1:567`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:567`.
fn hop(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?,
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::HeaderValue;

    use super::*;

    const PROXIES: [&str; 3] = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"];

    /// The client behind `peer`, where these lines came along.
    fn client(peer: &str, lines: &[&[u8]]) -> String {
        let proxies = TrustedProxies::new(PROXIES.map(|text| TrustedProxy::parse(text).unwrap()));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_hop_that_is_not_trusted() {
        for (peer, line, expect) in [
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.7,203.0.113.9 ,\t10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, 2001:db8::7, 192.0.2.1", "203.0.113.9"),
            ("10.0.0.1", "2001:db9::1", "2001:db9::1"),
            ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
            // A proxy that forwards for itself, such as a health check.
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("10.0.0.1", "203.0.113.9:567", "203.0.113.9"),
            ("10.0.0.1", "[2001:db9::1]:567", "2001:db9::1"),
            ("10.0.0.1", "[2001:db9::1]", "2001:db9::1"),
        ] {
            assert_eq!(client(peer, &[line.as_bytes()]), expect, "{line}");
        }
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn several_lines_are_one_list_in_their_order() {
        let lines: [&[u8]; 3] = [b"198.51.100.7", b"203.0.113.9, 10.0.0.3", b"10.0.0.2"];
        assert_eq!(client("10.0.0.1", &lines), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[b"203.0.113.9", b"198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn an_untrusted_peer_says_nothing_about_itself() {
        for peer in ["203.0.113.9", "192.0.2.2", "2001:db9::1"] {
            assert_eq!(client(peer, &[b"198.51.100.7, 10.0.0.2"]), peer);
        }
        let nobody = TrustedProxies::default();
        let headers = HeaderMap::from_iter([(FORWARDED_FOR, HeaderValue::from_static("203.0.113.9"))]);
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(nobody.client(loopback, &headers), loopback);
    }

    #[test]
    fn behind_what_is_no_address_nobody_vouches_for_anything() {
        for garbage in [
            &b""[..],
            b" ",
            b"unknown",
            b"_hidden",
            b"proxy.example",
            b"203.0.113",
            b"010.0.0.1",
            b"203.0.113.9:",
            b"203.0.113.9:99999",
            b"[203.0.113.9]",
            b"[2001:db9::1",
            b"2001:db9::1]:567",
            b"fe80::1%eth0",
            b"203.0.113.9 198.51.100.7",
            b"\"203.0.113.9\"",
            b"for=203.0.113.9",
            b"\xff\xfe",
        ] {
            assert_eq!(client("10.0.0.1", &[garbage]), "10.0.0.1", "{garbage:?}");
            let with_more = [b"198.51.100.7, ", garbage, b", 10.0.0.2"].concat();
            assert_eq!(client("10.0.0.1", &[&with_more]), "10.0.0.2", "{garbage:?}");
        }
    }

    #[test]
    fn a_long_list_is_only_read_as_far_as_it_is_trusted() {
        let long = [b"203.0.113.9,".repeat(2000), b"198.51.100.7".to_vec()].concat();
        assert_eq!(client("10.0.0.1", &[&long]), "198.51.100.7");
    }

    #[test]
    fn proxies_are_networks_and_never_everybody() {
        for (text, says) in [
            ("0.0.0.0/0", "every client say where it comes from"),
            ("::/0", "every client say where it comes from"),
            ("::ffff:0:0/96", "every client say where it comes from"),
            ("10.0.0.1/8", "did you mean 10.0.0.0/8?"),
            ("proxy.example", "neither an IP address nor a network"),
            ("", "neither an IP address nor a network"),
            ("10.0.0.0/33", "neither an IP address nor a network"),
        ] {
            let refused = TrustedProxy::parse(text).unwrap_err().to_string();
            assert!(refused.contains(says), "{text}: {refused}");
        }
    }
}
