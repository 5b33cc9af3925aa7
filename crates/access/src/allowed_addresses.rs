//! From where a token may be used: its `allowed_addresses` (DESIGN §3.3).

use std::net::IpAddr;

use crate::{
    field_error::FieldError,
    network::{InvalidNetwork, Network},
};

/// The most networks and addresses that a token names (DESIGN §4, "every limit is a named constant"): beyond them a
/// network says the same, and a refusal, which names all of them, still fits into a header.
pub const MAX_ALLOWED_ADDRESSES: usize = 50;

const FIELD: &str = "allowed_addresses";

/// The networks that a token may be used from. Where there is none, it may be used from anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedAddresses(Box<[Network]>);

impl AllowedAddresses {
    /// Reads addresses and networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3): at most 50, none twice. Every error
    /// is told at once, with its place (`allowed_addresses[2]`).
    pub fn parse(texts: &[impl AsRef<str>]) -> Result<Self, Vec<FieldError>> {
        if texts.len() > MAX_ALLOWED_ADDRESSES {
            let rule = format!(
                "a token names at most {MAX_ALLOWED_ADDRESSES} allowed addresses, and these are {}; name networks that \
                 hold several of them",
                texts.len()
            );
            return Err(vec![FieldError::new(FIELD, rule)]);
        }
        let read: Vec<_> = texts.iter().map(|text| Network::parse(text.as_ref())).collect();
        let check = |(index, network): (usize, &Result<Network, InvalidNetwork>)| {
            let rule = match network {
                Err(error) => error.to_string(),
                Ok(network) => {
                    let first =
                        read.iter().take(index).position(|earlier| earlier.as_ref() == Ok(network))?;
                    format!("{network} is there already, as {FIELD}[{first}]; send it once")
                }
            };
            Some(FieldError::new(format!("{FIELD}[{index}]"), rule))
        };
        let errors: Vec<_> = read.iter().enumerate().filter_map(check).collect();
        if errors.is_empty() { Ok(Self(read.into_iter().flatten().collect())) } else { Err(errors) }
    }

    /// Whether the token may be used by a client at this address. Where nobody knows the address, nobody knows that it
    /// is one of those allowed.
    pub fn allow(&self, from: Option<IpAddr>) -> bool {
        let is_listed = |from: IpAddr| self.0.iter().any(|network| network.contains(from));
        self.is_anywhere() || from.is_some_and(is_listed)
    }

    /// Whether it is from anywhere.
    pub fn is_anywhere(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each of these networks lies in one of `others`, so that nothing is allowed that they don't allow.
    pub fn are_within(&self, others: &Self) -> bool {
        let lies_within = |network: &Network| others.0.iter().any(|other| other.holds(network));
        others.is_anywhere() || (!self.is_anywhere() && self.0.iter().all(lies_within))
    }

    /// Each in the one way that it is written, in the order in which they were given.
    pub fn to_texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// In words: `10.1.0.0/16, 203.0.113.9`, or `anywhere`.
impl std::fmt::Display for AllowedAddresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_anywhere() { f.write_str("anywhere") } else { f.write_str(&self.to_texts().join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ipnet::IpNet;
    use proptest::prelude::*;

    use super::*;

    fn of(texts: &[&str]) -> AllowedAddresses {
        AllowedAddresses::parse(texts).unwrap()
    }

    fn allows(texts: &[&str], from: &str) -> bool {
        of(texts).allow(Some(from.parse().unwrap()))
    }

    /// The only error about a list, as `field: message`.
    fn refused(texts: &[&str]) -> String {
        let errors = AllowedAddresses::parse(texts).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].to_string()
    }

    #[test]
    fn addresses_and_networks_are_written_in_one_way() {
        for (given, written) in [
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9/32", "203.0.113.9"),
            ("10.1.0.0/16", "10.1.0.0/16"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0:0::/32", "2001:db8::/32"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("::/0", "::/0"),
            ("::ffff:10.1.0.0/112", "10.1.0.0/16"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(of(&[given]).to_texts(), [written], "{given}");
        }
        assert_eq!(of(&["203.0.113.9", "10.1.0.0/16"]).to_string(), "203.0.113.9, 10.1.0.0/16");
        assert_eq!(AllowedAddresses::default().to_string(), "anywhere");
    }

    #[test]
    fn an_ipv4_network_in_ipv6_clothes_is_no_wider_than_ipv4() {
        for text in ["::ffff:0:0/95", "::ffff:10.1.0.0/16"] {
            let told = refused(&[text]);
            assert!(told.starts_with("allowed_addresses[0]: IPv4 networks are written as such"), "{told}");
        }
        assert_eq!(of(&["::ffff:0:0/96"]).to_texts(), ["0.0.0.0/0"]);
    }

    #[test]
    fn what_is_neither_an_address_nor_a_network_is_refused_with_its_place() {
        for text in [
            "",
            " ",
            "10.1.0.0/16 ",
            "10.1.0.0/",
            "10.1.0.0/33",
            "10.1.0.0/016",
            "10.1.0.0/+16",
            "10.1.0.0/-1",
            "10.1.0.0/16/16",
            "10.1.0.0/255.255.0.0",
            "10.1/16",
            "010.1.0.0/16",
            "0x0a.1.0.0",
            "256.1.1.1",
            "2001:db8::/129",
            "2001:db8:/32",
            "[2001:db8::1]",
            "fe80::1%eth0",
            "203.0.113.9:443",
            "ci.example.com",
            "10.1.0.0/16\0",
            "*",
        ] {
            let told = refused(&["192.0.2.1", text]);
            assert!(
                told.starts_with("allowed_addresses[1]: this is neither an IP address nor"),
                "{text}: {told}"
            );
        }
    }

    #[test]
    fn an_address_in_a_network_is_refused_with_the_network_that_was_meant() {
        for (given, hint) in [
            ("10.1.2.3/16", "did you mean 10.1.0.0/16?"),
            ("10.1.2.3/0", "did you mean 0.0.0.0/0?"),
            ("2001:db8::1/32", "did you mean 2001:db8::/32?"),
            ("::ffff:10.1.2.3/112", "10.1.2.3/16 is an address in a network; did you mean 10.1.0.0/16?"),
        ] {
            let told = refused(&[given]);
            assert!(told.ends_with(hint), "{given}: {told}");
        }
    }

    #[test]
    fn nothing_is_there_twice_and_nothing_beyond_the_fiftieth() {
        for again in ["10.1.0.1/32", "::ffff:10.1.0.1"] {
            let told = refused(&["192.0.2.1", "10.1.0.1", again]);
            assert_eq!(
                told,
                "allowed_addresses[2]: 10.1.0.1 is there already, as allowed_addresses[1]; send it once"
            );
        }
        let many: Vec<_> = (0..=MAX_ALLOWED_ADDRESSES).map(|last| format!("192.0.2.{last}")).collect();
        assert!(AllowedAddresses::parse(&many[1..]).is_ok());
        let errors = AllowedAddresses::parse(&many).unwrap_err();
        assert!(
            errors[0].to_string().starts_with("allowed_addresses: a token names at most 50"),
            "{errors:?}"
        );
    }

    #[test]
    fn mistakes_are_told_all_at_once() {
        let errors =
            AllowedAddresses::parse(&["x", "10.1.0.0/16", "10.1.2.3/16", "10.1.0.0/16"]).unwrap_err();
        let fields: Vec<_> = errors.into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["allowed_addresses[0]", "allowed_addresses[2]", "allowed_addresses[3]"]);
    }

    #[test]
    fn a_client_is_allowed_from_the_first_address_of_a_network_to_its_last() {
        let office = ["10.1.0.0/16", "203.0.113.9", "2001:db8::/32"];
        for (from, expect) in [
            ("10.1.0.0", true),
            ("10.1.255.255", true),
            ("::ffff:10.1.2.3", true),
            ("10.0.255.255", false),
            ("10.2.0.0", false),
            ("203.0.113.9", true),
            ("203.0.113.8", false),
            ("2001:db8::1", true),
            ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true),
            ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false),
            ("2001:db9::", false),
            ("::1", false),
            // Its last 32 bits are those of 10.1.0.1, and it is another address.
            ("::10.1.0.1", false),
        ] {
            assert_eq!(allows(&office, from), expect, "{from}");
        }
        assert!(allows(&["0.0.0.0/0"], "255.255.255.255") && !allows(&["0.0.0.0/0"], "::1"));
        assert!(allows(&["::/0"], "::1") && !allows(&["::/0"], "192.0.2.1"));
    }

    #[test]
    fn an_address_that_nobody_knows_is_allowed_where_any_is() {
        assert!(AllowedAddresses::default().allow(None));
        assert!(!of(&["0.0.0.0/0", "::/0"]).allow(None));
    }

    #[test]
    fn networks_lie_within_others_where_nothing_is_added() {
        for (these, others, expect) in [
            (&[][..], &[][..], true),
            (&["10.1.0.0/16"], &[], true),
            (&[], &["10.1.0.0/16"], false),
            (&["10.1.0.0/16"], &["10.0.0.0/8"], true),
            (&["10.1.2.3", "192.0.2.1"], &["192.0.2.0/24", "10.0.0.0/8"], true),
            (&["10.0.0.0/8"], &["10.1.0.0/16"], false),
            (&["10.1.2.3", "192.0.2.1"], &["10.0.0.0/8"], false),
            (&["2001:db8::1"], &["0.0.0.0/0"], false),
        ] {
            assert_eq!(of(these).are_within(&of(others)), expect, "{these:?} in {others:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_the_same(address: std::net::IpAddr, prefix in 0_u8..=128) {
            let address = address.to_canonical();
            if let Ok(network) = IpNet::new(address, prefix) {
                let allowed = of(&[&network.trunc().to_string()]);
                prop_assert_eq!(&AllowedAddresses::parse(&allowed.to_texts()).unwrap(), &allowed);
                prop_assert!(allowed.allow(Some(address)));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[0-9a-f:./%]{0,50}") {
            if let Ok(allowed) = AllowedAddresses::parse(&[&text]) {
                prop_assert_eq!(AllowedAddresses::parse(&allowed.to_texts()), Ok(allowed));
            }
        }
    }
}
