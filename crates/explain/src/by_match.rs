//! What a rule looks at beside who sends a packet, to which port, and what conntrack calls it: how often, how much, how many, and
//! what is in the packet.

/// Matches of iptables that tell packets of one connection, or one connection and the next, apart.
const OF_IPTABLES: [&str; 21] = [
    "bpf",
    "connbytes",
    "connlimit",
    "dscp",
    "ecn",
    "geoip",
    "hashlimit",
    "length",
    "limit",
    "nfacct",
    "quota",
    "quota2",
    "rateest",
    "recent",
    "statistic",
    "string",
    "time",
    "tos",
    "ttl",
    "hl",
    "u32",
];

/// The same of nft, as their rules are listed.
const OF_NFT: [&str; 19] = [
    "limit rate",
    "ct count",
    "ct bytes",
    "ct packets",
    "ct avgpkt",
    "quota",
    "numgen",
    "meta hour",
    "meta day",
    "meta time",
    "meta length",
    "ip length",
    "ip6 length",
    "ip ttl",
    "ip6 hoplimit",
    "ip dscp",
    "ip6 dscp",
    "@th",
    "@ih",
];

/// The match of a rule by which it stops some packets and not others, in its own words.
pub(crate) fn looks_at(statement: &str) -> Option<String> {
    match statement.starts_with("-A ") {
        true => of_iptables(statement),
        false => of_nft(statement),
    }
}

fn of_iptables(statement: &str) -> Option<String> {
    let words: Vec<&str> = statement.split_ascii_whitespace().collect();
    let at = words
        .windows(2)
        .position(|pair| pair[0] == "-m" && OF_IPTABLES.contains(&pair[1]))?;
    let behind = words[at + 2..].iter();
    let end = behind
        .clone()
        .position(|word| ["-m", "-j", "-g"].contains(word));
    let count = end.unwrap_or(behind.len());
    Some(words[at..at + 2 + count].join(" "))
}

fn of_nft(statement: &str) -> Option<String> {
    // What stands in quotes is a name or a comment.
    let bare: String = statement.split('"').step_by(2).collect();
    let spaced = format!(" {bare} ");
    let found = OF_NFT.iter().find(|one| {
        let mut places = spaced.match_indices(**one);
        places.any(|(at, _)| spaced[..at].ends_with([' ', '{', '(']))
    });
    found.map(|one| (*one).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_packets_apart_is_found() {
        for (statement, found) in [
            (
                "-A INPUT -p tcp -m connlimit --connlimit-above 1 --connlimit-saddr -j REJECT",
                Some("-m connlimit --connlimit-above 1 --connlimit-saddr"),
            ),
            (
                "-A INPUT -p tcp -m tcp --dport 21 -m string --string \"PASV\" --algo bm -j DROP",
                Some("-m string --string \"PASV\" --algo bm"),
            ),
            (
                "-A INPUT -p tcp -m tcp --dport 21 -m conntrack --ctstate NEW -m comment --comment limit -j DROP",
                None,
            ),
            ("-A INPUT -p tcp -m tcp --dport 21 -j DROP", None),
            (
                "tcp dport 21 ct count over 2 counter packets 0 bytes 0 drop",
                Some("ct count"),
            ),
            (
                "update @flood { ip saddr limit rate over 1/minute burst 1 packets } drop",
                Some("limit rate"),
            ),
            ("tcp dport 21 drop comment \"no limit rate here\"", None),
            ("tcp dport 21 log prefix \"quota\" drop", None),
        ] {
            assert_eq!(looks_at(statement).as_deref(), found, "{statement}");
        }
    }
}
