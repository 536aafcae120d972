//! The matches and targets of xtables, with their options.

use fwlab_record::Family;

/// A match (`-m`) or a target (`-j`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Extension {
    pub(super) name: &'static str,
    families: &'static [Family],
    options: &'static str,
}

/// How many values an option takes, and of what kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    One,
    Two,
    /// A port or a range of ports, `20`, `1024:`, `ftp:80`.
    Ports,
}

/// An option of an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExtensionOption {
    /// Without its dashes.
    pub(super) name: &'static str,
    pub(super) takes: Takes,
}

impl Extension {
    pub(super) fn options(&self) -> impl Iterator<Item = ExtensionOption> + use<> {
        self.options
            .split(' ')
            .filter(|option| !option.is_empty())
            .map(read_option)
    }

    /// The option of exactly that name.
    pub(super) fn option(&self, name: &str) -> Option<ExtensionOption> {
        let mut options = self.options.split(' ');
        // The first letter tells most of them apart.
        let first = name.as_bytes().first()?;
        let alike = |option: &&str| option.as_bytes().first() == Some(first);
        options
            .by_ref()
            .filter(alike)
            .map(read_option)
            .find(|option| option.name == name)
    }

    pub(super) fn is_of(&self, family: Family) -> bool {
        self.families.contains(&family)
    }
}

fn read_option(written: &'static str) -> ExtensionOption {
    let (name, takes) = match written.as_bytes() {
        [.., b'=', b'='] => (&written[..written.len() - 2], Takes::Two),
        [.., b'='] => (&written[..written.len() - 1], Takes::One),
        [.., b':'] => (&written[..written.len() - 1], Takes::Ports),
        _ => (written, Takes::Nothing),
    };
    ExtensionOption { name, takes }
}

const BOTH: &[Family] = &[Family::Ipv4, Family::Ipv6];
const IPV4: &[Family] = &[Family::Ipv4];
const IPV6: &[Family] = &[Family::Ipv6];

const fn ext(name: &'static str, families: &'static [Family], options: &'static str) -> Extension {
    Extension {
        name,
        families,
        options,
    }
}

/// The match of that name. `icmpv6`, `ipv6-icmp` and `icmp6` are one match, as
/// are `mh` and its protocol's names (`xtables_find_match`).
pub(super) fn match_named(name: &str) -> Option<&'static Extension> {
    let name = match name {
        "icmpv6" | "ipv6-icmp" => "icmp6",
        "ipv6-mh" | "mobility-header" => "mh",
        name => name,
    };
    find(MATCHES, name)
}

/// The target of that name.
pub(super) fn target_named(name: &str) -> Option<&'static Extension> {
    find(TARGETS, name)
}

fn find(sorted: &'static [Extension], name: &str) -> Option<&'static Extension> {
    let at = sorted
        .binary_search_by(|extension| extension.name.cmp(name))
        .ok()?;
    Some(&sorted[at])
}

/// Every known match.
pub(super) fn matches() -> &'static [Extension] {
    MATCHES
}

/// Every known target.
pub(super) fn targets() -> &'static [Extension] {
    TARGETS
}

/// `name=` takes a value, `name==` two, `name:` a port range; `!` marks what
/// the extension cannot be without. Read out of the option tables of iptables
/// 1.8.9's own extensions, every revision.
#[rustfmt::skip]
const MATCHES: &[Extension] = &[
    ext("addrtype", BOTH, "dst-type= limit-iface-in limit-iface-out src-type="),
    ext("ah", BOTH, "ahlen= ahres ahspi="),
    ext("bpf", BOTH, "bytecode= object-pinned="),
    ext("cgroup", BOTH, "cgroup= path="),
    ext("cluster", BOTH, "cluster-hash-seed= cluster-total-nodes= cluster-local-node= cluster-local-nodemask="),
    ext("comment", BOTH, "comment="),
    ext("connbytes", BOTH, "connbytes-dir= connbytes-mode= connbytes="),
    ext("connlabel", BOTH, "label= set"),
    ext("connlimit", BOTH, "connlimit-above= connlimit-daddr connlimit-mask= connlimit-saddr connlimit-upto="),
    ext("connmark", BOTH, "mark="),
    ext("conntrack", BOTH, "ctdir= ctexpire= ctorigdst= ctorigdstport: ctorigsrc= ctorigsrcport: ctproto= ctrepldst= ctrepldstport: ctreplsrc= ctreplsrcport: ctstate= ctstatus="),
    ext("cpu", BOTH, "cpu="),
    ext("dccp", BOTH, "dccp-option= dccp-types= destination-port: dport: source-port: sport:"),
    ext("devgroup", BOTH, "dst-group= src-group="),
    ext("dscp", BOTH, "dscp-class= dscp="),
    ext("dst", IPV6, "dst-len= dst-opts="),
    ext("ecn", BOTH, "ecn-ip-ect= ecn-tcp-cwr ecn-tcp-ece"),
    ext("esp", BOTH, "espspi="),
    ext("eui64", IPV6, ""),
    ext("frag", IPV6, "fragfirst fragid= fraglast fraglen= fragmore fragres"),
    ext("hashlimit", BOTH, "hashlimit-name= hashlimit-above= hashlimit-burst= hashlimit-dstmask= hashlimit-htable-expire= hashlimit-htable-gcinterval= hashlimit-htable-max= hashlimit-htable-size= hashlimit-mode= hashlimit-rate-interval= hashlimit-rate-match hashlimit-srcmask= hashlimit-upto= hashlimit="),
    ext("hbh", IPV6, "hbh-len= hbh-opts="),
    ext("helper", BOTH, "helper="),
    ext("hl", IPV6, "hl-eq= hl-gt= hl-lt= hl="),
    ext("icmp", IPV4, "icmp-type="),
    ext("icmp6", IPV6, "icmpv6-type="),
    ext("ipcomp", BOTH, "compres ipcompspi="),
    ext("iprange", BOTH, "dst-range= src-range="),
    ext("ipv6header", IPV6, "header= soft"),
    ext("ipvs", BOTH, "ipvs vaddr= vdir= vmethod= vport= vportctl= vproto="),
    ext("length", BOTH, "length="),
    ext("limit", BOTH, "limit-burst= limit="),
    ext("mac", BOTH, "mac-source="),
    ext("mark", BOTH, "mark="),
    ext("mh", IPV6, "mh-type="),
    ext("multiport", BOTH, "destination-ports= dports= ports= source-ports= sports="),
    ext("nfacct", BOTH, "nfacct-name="),
    ext("osf", IPV4, "genre= log= ttl="),
    ext("owner", BOTH, "cmd-owner= gid-owner= pid-owner= sid-owner= socket-exists suppl-groups uid-owner="),
    ext("physdev", BOTH, "physdev-in= physdev-is-bridged physdev-is-in physdev-is-out physdev-out="),
    ext("pkttype", BOTH, "pkt-type="),
    ext("policy", BOTH, "dir= mode= next pol= proto= reqid= spi= strict tunnel-dst= tunnel-src="),
    ext("quota", BOTH, "quota="),
    ext("rateest", BOTH, "rateest-bps rateest-bps1 rateest-bps2 rateest-delta rateest-eq rateest-gt rateest-lt rateest-pps rateest-pps1 rateest-pps2 rateest1= rateest2= rateest="),
    ext("realm", IPV4, "realm="),
    ext("recent", BOTH, "hitcount= mask= name= rcheck rdest reap remove rsource rttl seconds= set update"),
    ext("rpfilter", BOTH, "accept-local invert loose validmark"),
    ext("rt", IPV6, "rt-0-addrs= rt-0-not-strict rt-0-res rt-len= rt-segsleft= rt-type="),
    ext("sctp", BOTH, "chunk-types== destination-port: dport: source-port: sport:"),
    ext("set", BOTH, "bytes-eq= bytes-gt= bytes-lt= match-set== packets-eq= packets-gt= packets-lt= return-nomatch set== update-counters update-subcounters"),
    ext("socket", BOTH, "nowildcard restore-skmark transparent"),
    ext("srh", IPV6, "srh-hdr-len-eq= srh-hdr-len-gt= srh-hdr-len-lt= srh-last-entry-eq= srh-last-entry-gt= srh-last-entry-lt= srh-lsid= srh-next-hdr= srh-nsid= srh-psid= srh-segs-left-eq= srh-segs-left-gt= srh-segs-left-lt= srh-tag="),
    ext("state", BOTH, "state="),
    ext("statistic", BOTH, "mode= every= packet= probability="),
    ext("string", BOTH, "algo= from= hex-string= icase string= to="),
    ext("tcp", BOTH, "destination-port: dport: source-port: sport: syn tcp-flags== tcp-option="),
    ext("tcpmss", BOTH, "mss="),
    ext("time", BOTH, "contiguous datestart= datestop= kerneltz localtz monthdays= timestart= timestop= utc weekdays="),
    ext("tos", BOTH, "tos="),
    ext("ttl", IPV4, "ttl-eq= ttl-gt= ttl-lt= ttl="),
    ext("u32", BOTH, "u32="),
    ext("udp", BOTH, "destination-port: dport: source-port: sport:"),
];

#[rustfmt::skip]
const TARGETS: &[Extension] = &[
    ext("AUDIT", BOTH, "type="),
    ext("CHECKSUM", BOTH, "checksum-fill"),
    ext("CLASSIFY", BOTH, "set-class="),
    ext("CLUSTERIP", IPV4, "clustermac= hash-init= hashmode= local-node= new total-nodes="),
    ext("CONNMARK", BOTH, "and-mark= ctmask= left-shift-mark= mask= nfmask= or-mark= restore-mark right-shift-mark= save-mark set-mark= set-xmark= xor-mark="),
    ext("CONNSECMARK", BOTH, "restore save"),
    ext("CT", BOTH, "ctevents= expevents= helper= notrack timeout= zone-orig= zone-reply= zone="),
    ext("DNAT", BOTH, "to-destination= persistent random"),
    ext("DNPT", IPV6, "dst-pfx= src-pfx="),
    ext("DSCP", BOTH, "set-dscp-class= set-dscp="),
    ext("ECN", IPV4, "ecn-ip-ect= ecn-tcp-cwr= ecn-tcp-ece= ecn-tcp-remove"),
    ext("HL", IPV6, "hl-dec= hl-inc= hl-set="),
    ext("HMARK", BOTH, "hmark-mod= hmark-dport-mask= hmark-dport= hmark-dst-prefix= hmark-offset= hmark-proto-mask= hmark-rnd= hmark-spi-mask= hmark-spi= hmark-sport-mask= hmark-sport= hmark-src-prefix= hmark-tuple="),
    ext("IDLETIMER", BOTH, "label= timeout= alarm"),
    ext("LED", BOTH, "led-trigger-id= led-always-blink led-delay="),
    ext("LOG", BOTH, "log-ip-options log-level= log-macdecode log-prefix= log-tcp-options log-tcp-sequence log-uid"),
    ext("MARK", BOTH, "and-mark= or-mark= set-mark= set-xmark= xor-mark="),
    ext("MASQUERADE", BOTH, "random random-fully to-ports="),
    ext("NETMAP", BOTH, "to="),
    ext("NFLOG", BOTH, "nflog-group= nflog-prefix= nflog-range= nflog-size= nflog-threshold="),
    ext("NFQUEUE", BOTH, "queue-balance= queue-bypass queue-cpu-fanout queue-num="),
    ext("NOTRACK", BOTH, ""),
    ext("RATEEST", BOTH, "rateest-ewmalog= rateest-interval= rateest-name="),
    ext("REDIRECT", BOTH, "random to-ports="),
    ext("REJECT", BOTH, "reject-with="),
    ext("SECMARK", BOTH, "selctx="),
    ext("SET", BOTH, "add-set== del-set== exist map-mark map-prio map-queue map-set== timeout="),
    ext("SNAT", BOTH, "to-source= persistent random random-fully"),
    ext("SNPT", IPV6, "dst-pfx= src-pfx="),
    ext("SYNPROXY", BOTH, "ecn mss= sack-perm timestamp wscale="),
    ext("TCPMSS", BOTH, "clamp-mss-to-pmtu set-mss="),
    ext("TCPOPTSTRIP", BOTH, "strip-options="),
    ext("TEE", BOTH, "gateway= oif="),
    ext("TOS", BOTH, "and-tos= or-tos= set-tos= xor-tos="),
    ext("TPROXY", BOTH, "on-port= on-ip= tproxy-mark="),
    ext("TRACE", BOTH, ""),
    ext("TTL", IPV4, "ttl-dec= ttl-inc= ttl-set="),
    ext("ULOG", IPV4, "ulog-cprange= ulog-nlgroup= ulog-prefix= ulog-qthreshold="),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        for table in [MATCHES, TARGETS] {
            assert!(table.is_sorted_by(|one, other| one.name < other.name));
        }
    }

    #[test]
    fn every_option_is_found_by_its_name() {
        for extension in MATCHES.iter().chain(TARGETS) {
            for option in extension.options() {
                assert_eq!(extension.option(option.name), Some(option));
            }
        }
    }

    #[test]
    fn options_say_what_they_take() {
        let option = |extension: &str, name: &str| {
            let extension = match_named(extension).or(target_named(extension)).unwrap();
            extension
                .options()
                .find(|option| option.name == name)
                .unwrap()
        };
        assert_eq!(option("tcp", "dport").takes, Takes::Ports);
        assert_eq!(option("tcp", "tcp-flags").takes, Takes::Two);
        assert_eq!(option("tcp", "syn").takes, Takes::Nothing);
        assert_eq!(option("CT", "helper").takes, Takes::One);
        assert!(match_named("icmpv6").unwrap().is_of(Family::Ipv6));
        assert!(!match_named("icmp").unwrap().is_of(Family::Ipv6));
    }
}
