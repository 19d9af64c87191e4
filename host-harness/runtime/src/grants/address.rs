//! Special-purpose addresses and address ranges that can be granted.
//!
//! Whoever controls a DNS name can point it at the host's loopback, its network, or a cloud's
//! metadata service. So the addresses that a name resolves to are checked too.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Serialize, Serializer};

/// The kind of a special-purpose address. Names that resolve to one are denied unless it is
/// granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressKind {
    /// `127.0.0.0/8`, `::1`: this machine.
    Loopback,
    /// `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`: a private network.
    Private,
    /// `fc00::/7`, `fec0::/10`: a private network.
    UniqueLocal,
    /// `fe80::/10`: the local link. All of IPv4's link-local range is [`Self::Metadata`].
    LinkLocal,
    /// `100.64.0.0/10`: carrier-grade NAT, and used by overlay networks.
    Shared,
    /// `169.254.0.0/16` and similar: metadata services, from which clouds hand out a machine's
    /// credentials. Granted only by the word `metadata`.
    Metadata,
    /// `224.0.0.0/4`, `ff00::/8`, `255.255.255.255`.
    Multicast,
    /// `192.0.2.0/24`, `198.51.100.0/24`, `203.0.113.0/24`, `2001:db8::/32`, `3fff::/20`: examples.
    Documentation,
    /// `0.0.0.0/8`, `::`: this machine on many systems.
    Unspecified,
    /// Reserved for benchmarks, protocols or tunnels, or not assigned.
    Reserved,
}

/// All kinds with the words that grant them.
const KINDS: [(AddressKind, &str); 10] = [
    (AddressKind::Loopback, "loopback"),
    (AddressKind::Private, "private"),
    (AddressKind::UniqueLocal, "unique-local"),
    (AddressKind::LinkLocal, "link-local"),
    (AddressKind::Shared, "shared"),
    (AddressKind::Metadata, "metadata"),
    (AddressKind::Multicast, "multicast"),
    (AddressKind::Documentation, "documentation"),
    (AddressKind::Unspecified, "unspecified"),
    (AddressKind::Reserved, "reserved"),
];

/// Metadata services outside `169.254.0.0/16`, which has AWS, Azure, Google Cloud, Oracle and
/// OpenStack at `169.254.169.254`, AWS for containers at `169.254.170.2` and `.23`, and Tencent at
/// `169.254.0.23`.
const METADATA_V4: [Ipv4Addr; 3] = [
    // Alibaba Cloud
    Ipv4Addr::new(100, 100, 100, 200),
    // Oracle Cloud, older images
    Ipv4Addr::new(192, 0, 0, 192),
    // Azure's platform: DHCP, DNS, and the agent with certificates
    Ipv4Addr::new(168, 63, 129, 16),
];
const METADATA_V6: [Ipv6Addr; 5] = [
    // AWS: instances, and containers
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    // Google Cloud
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    // Scaleway
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
    // OpenStack: 169.254.169.254 on the link
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

impl AddressKind {
    /// The kind of an address; none for a public address. Embedded IPv4 addresses are extracted
    /// first.
    pub fn of(address: IpAddr) -> Option<Self> {
        match canonical(address) {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = KINDS.iter().find(|(kind, _)| kind == self).map(|(_, word)| *word);
        f.write_str(word.unwrap_or_default())
    }
}

fn of_v4(address: Ipv4Addr) -> Option<AddressKind> {
    let [a, b, c, _] = address.octets();
    Some(match (a, b, c) {
        _ if METADATA_V4.contains(&address) => AddressKind::Metadata,
        (169, 254, _) => AddressKind::Metadata,
        (0, ..) => AddressKind::Unspecified,
        (127, ..) => AddressKind::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => AddressKind::Private,
        (100, 64..=127, _) => AddressKind::Shared,
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => AddressKind::Documentation,
        (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _) => AddressKind::Reserved,
        (224..=239, ..) => AddressKind::Multicast,
        _ if address.is_broadcast() => AddressKind::Multicast,
        (240.., ..) => AddressKind::Reserved,
        _ => return None,
    })
}

fn of_v6(address: Ipv6Addr) -> Option<AddressKind> {
    let [a, b, ..] = address.segments();
    Some(match (a, b) {
        _ if METADATA_V6.contains(&address) => AddressKind::Metadata,
        _ if address.is_loopback() => AddressKind::Loopback,
        _ if address.is_unspecified() => AddressKind::Unspecified,
        (0xfc00..=0xfdff | 0xfec0..=0xfeff, _) => AddressKind::UniqueLocal,
        (0xfe80..=0xfebf, _) => AddressKind::LinkLocal,
        (0xff00.., _) => AddressKind::Multicast,
        (0x2001, 0xdb8) | (0x3fff, 0..=0x0fff) => AddressKind::Documentation,
        // Of the rest, only global unicast is assigned; 2001::/23 in it is for protocols, including
        // Teredo.
        (0x2001, 0..=0x01ff) => AddressKind::Reserved,
        (0x2000..=0x3fff, _) => return None,
        _ => AddressKind::Reserved,
    })
}

/// The IPv4 address embedded in an IPv6 address: mapped (`::ffff:a.b.c.d`), compatible
/// (`::a.b.c.d`), translated (`64:ff9b::/96`, `::ffff:0:a.b.c.d`), or 6to4 (`2002::/16`). Otherwise
/// the address itself. In `64:ff9b:1::/48` the position depends on the network, so all of it is
/// [`AddressKind::Reserved`].
pub fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    let [_, _, _, _, _, _, high, low] = segments;
    let joined = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // The unspecified address and loopback look like compatible ones but are not.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] => joined(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => joined(high, low),
        [0x2002, high, low, ..] => joined(high, low),
        _ => address,
    }
}

/// Granted special-purpose addresses: all of a kind, or a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressRange {
    /// All addresses of a kind.
    Kind(AddressKind),
    /// A network, such as `10.1.0.0/16`, or one address.
    Network(IpNet),
}

impl AddressRange {
    /// Whether the range contains this address. A network never contains metadata addresses, which
    /// must be granted by their word.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        let kind = AddressKind::of(address);
        match self {
            Self::Kind(granted) => kind == Some(*granted),
            Self::Network(network) => kind != Some(AddressKind::Metadata) && network.contains(&address),
        }
    }
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some((kind, _)) = KINDS.iter().find(|(_, word)| *word == text) {
            return Ok(Self::Kind(*kind));
        }
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(|network| Self::Network(network.trunc())).map_err(|_| {
            let words = KINDS.map(|(_, word)| word).join(", ");
            format!("{text:?} is not an address range; expected a network such as 10.1.0.0/16, an address, or one of {words}")
        })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => kind.fmt(f),
            Self::Network(network) => network.fmt(f),
        }
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(address: &str) -> Option<AddressKind> {
        AddressKind::of(address.parse().unwrap())
    }

    #[test]
    fn kinds_are_determined_at_their_bounds() {
        use AddressKind::*;
        for (expected, addresses) in [
            (Loopback, &["127.0.0.1", "127.255.255.255", "::1"][..]),
            (
                Private,
                &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"],
            ),
            (UniqueLocal, &["fc00::", "fdff::1", "fec0::1", "feff::1"]),
            (LinkLocal, &["fe80::", "febf::1"]),
            (Shared, &["100.64.0.0", "100.127.255.255"]),
            (
                Metadata,
                &[
                    "169.254.0.0",
                    "169.254.169.254",
                    "169.254.255.255",
                    "100.100.100.200",
                    "192.0.0.192",
                    "168.63.129.16",
                    "fd00:ec2::254",
                    "fd00:ec2::23",
                    "fd20:ce::254",
                    "fd00:42::42",
                    "fe80::a9fe:a9fe",
                ],
            ),
            (Multicast, &["224.0.0.0", "239.255.255.255", "255.255.255.255", "ff00::", "ff02::1"]),
            (Documentation, &["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1"]),
            (Unspecified, &["0.0.0.0", "0.1.2.3", "::"]),
            (Reserved, &["198.18.0.0", "198.19.255.255", "240.0.0.0", "192.0.0.8", "2001::1", "100::1", "4000::1"]),
        ] {
            for address in addresses {
                assert_eq!(kind(address), Some(expected), "{address}");
            }
        }
        for place in ["9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.0", "100.63.0.1", "100.128.0.0", "1.1.1.1"] {
            assert_eq!(kind(place), None, "{place}");
        }
        for place in ["2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"] {
            assert_eq!(kind(place), None, "{place}");
        }
    }

    #[test]
    fn embedded_addresses_are_extracted() {
        for carrier in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2002:7f00:1:1::5",
        ] {
            assert_eq!(kind(carrier), Some(AddressKind::Loopback), "{carrier}");
        }
        assert_eq!(kind("::ffff:169.254.169.254"), Some(AddressKind::Metadata));
        assert_eq!(kind("::ffff:1.1.1.1"), None);
        for place in ["64:ff9b:1::127.0.0.1", "64:ff9b:1::1.1.1.1", "64:ff9b:1:fffe:7f:0:1::"] {
            assert_eq!(kind(place), Some(AddressKind::Reserved), "{place}");
        }
    }

    #[test]
    fn a_range_is_a_word_or_a_network() {
        let holds =
            |range: &str, address: &str| range.parse::<AddressRange>().unwrap().contains(address.parse().unwrap());
        assert!(
            holds("private", "10.1.2.3") && holds("10.1.0.0/16", "10.1.2.3") && holds("10.1.2.3", "::ffff:10.1.2.3")
        );
        assert!(!holds("private", "127.0.0.1") && !holds("10.1.0.0/16", "10.2.0.0") && !holds("10.1.2.3", "10.1.2.4"));
        // Metadata addresses need a separate grant.
        assert!(!holds("link-local", "169.254.169.254") && !holds("0.0.0.0/0", "169.254.169.254"));
        assert!(!holds("169.254.169.254", "169.254.169.254") && !holds("fd00:ec2::/32", "fd00:ec2::254"));
        assert!(holds("metadata", "169.254.169.254") && holds("metadata", "::ffff:169.254.169.254"));
        for wrong in ["", "10.0.0", "10.0.0.0/33", "intern", "Private"] {
            let error = wrong.parse::<AddressRange>().unwrap_err();
            assert!(error.contains("link-local") && error.contains("10.1.0.0/16"), "{error}");
        }
        for word in KINDS.map(|(_, word)| word) {
            assert_eq!(word.parse::<AddressRange>().unwrap().to_string(), word);
        }
    }
}
