//! Rules of iptables that lead connections elsewhere, and the chains by which packets come to them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fwlab_model::IpNet;

use super::Forward;
use super::text::{range, ranges, target_of};

/// As many rules are followed at most: chains may lead to each other many times over.
const STEPS: usize = 100_000;

/// The value of an option of a rule, unless it is negated.
fn after<'l>(line: &'l str, option: &str) -> Option<&'l str> {
    let mut words = line.split_ascii_whitespace().peekable();
    let mut before = "";
    while let Some(word) = words.next() {
        if word == option {
            return words.next().filter(|_| before != "!");
        }
        before = word;
    }
    None
}

/// The destination ports that a rule looks at.
pub(super) fn ports(line: &str) -> Option<Vec<(u16, u16)>> {
    let written = after(line, "--dports").or_else(|| after(line, "--dport"))?;
    Some(ranges(written))
}

/// The destination that a rule looks at.
pub(super) fn destination(line: &str) -> Option<IpNet> {
    let written = after(line, "-d").or_else(|| after(line, "--destination"))?;
    let alone = || written.parse::<IpAddr>().ok().map(IpNet::from);
    written.parse().ok().or_else(alone)
}

/// Where a rule leads connections, if it does.
pub(super) fn target(line: &str) -> Option<Forward> {
    let (to, port) = target_of(after(line, "--to-destination")?)?;
    Some(Forward {
        of: None,
        ports: None,
        to,
        port,
    })
}

/// The ports that rules lead to another port of the host itself: `--dport 2121 -j REDIRECT --to-ports 21`.
pub(crate) fn redirects(text: &str) -> Vec<(Vec<(u16, u16)>, u16)> {
    let lines = text.lines().map(str::trim_start);
    let of_rule = |line: &str| {
        let (to, _) = range(after(line, "--to-ports").or_else(|| after(line, "--to-port"))?)?;
        Some((ports(line)?, to))
    };
    let rules = lines.filter(|line| !line.starts_with('#'));
    rules.filter_map(of_rule).collect()
}

/// What all rules forward that packets come to from PREROUTING, with the ports and the address that were asked for on the way.
/// Nothing where the text does not say in which chains its rules are.
pub(super) fn walked(text: &str) -> Option<Vec<Forward>> {
    let mut chains: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut table = "nat";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        }
        if after(line, "-t").unwrap_or(table) != "nat" {
            continue;
        }
        let chain = ["-A", "-I", "--append", "--insert"].map(|option| after(line, option));
        if let Some(chain) = chain.into_iter().flatten().next() {
            chains.entry(chain).or_default().push(line);
        }
    }
    let mut walk = Walk {
        chains: &chains,
        found: Vec::new(),
        steps: 0,
    };
    chains.contains_key("PREROUTING").then(|| {
        walk.chain("PREROUTING", None, None, &mut Vec::new());
        walk.found
    })
}

struct Walk<'t> {
    chains: &'t BTreeMap<&'t str, Vec<&'t str>>,
    found: Vec<Forward>,
    steps: usize,
}

impl<'t> Walk<'t> {
    fn chain(
        &mut self,
        name: &'t str,
        of: Option<IpNet>,
        asked: Option<&[(u16, u16)]>,
        way: &mut Vec<&'t str>,
    ) {
        let Some(rules) = self.chains.get(name).filter(|_| !way.contains(&name)) else {
            return;
        };
        way.push(name);
        for line in rules {
            self.steps += 1;
            if self.steps > STEPS {
                break;
            }
            let of = destination(line).or(of);
            let own = ports(line);
            let asked = own.as_deref().or(asked);
            if let Some(forward) = target(line) {
                let ports = asked.map(<[_]>::to_vec);
                self.found.push(Forward {
                    of,
                    ports,
                    ..forward
                });
            } else if let Some(next) = after(line, "-j").or_else(|| after(line, "-g")) {
                self.chain(next, of, asked, way);
            }
        }
        way.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_followed_with_what_was_asked_for_on_the_way() {
        let dump = "*filter
-A FORWARD -j WEB
*nat
-A PREROUTING -d 192.0.2.1 -j SERVICES
-A SERVICES -p tcp --dport 80 -j WEB
-A SERVICES -p tcp -m multiport --dports 21,30021 -j FTP
-A SERVICES ! -d 10.0.0.0/8 -p tcp -m tcp ! --dport 22 -j REST
-A WEB -j DNAT --to-destination 10.0.0.8:8080
-A FTP -j SERVICES
-A FTP -p tcp -j DNAT --to-destination 10.0.0.9:2121
-A REST -j DNAT --to-destination 10.0.0.7
-A UNUSED -j DNAT --to-destination 10.0.0.6
COMMIT
";
        let found = walked(dump).expect("it says its chains");
        let told: Vec<String> = found
            .iter()
            .map(|one| {
                let of = one.of.map(|net| net.to_string()).unwrap_or_default();
                format!("{of} {:?} {} {:?}", one.ports, one.to, one.port)
            })
            .collect();
        assert_eq!(
            told,
            [
                "192.0.2.1/32 Some([(80, 80)]) 10.0.0.8 Some(8080)",
                "192.0.2.1/32 Some([(21, 21), (30021, 30021)]) 10.0.0.9 Some(2121)",
                "192.0.2.1/32 None 10.0.0.7 None",
            ]
        );
        assert!(walked("-p tcp --dport 21 -j DNAT --to-destination 10.0.0.9").is_none());
        let commands = "iptables -t nat -A PREROUTING -p tcp --dport 21 -j DNAT --to 10.0.0.9\n";
        assert!(walked(&commands.replace("-t nat ", "")).is_some());
    }

    #[test]
    fn ports_that_lead_to_another_are_found() {
        let text = "# -A PREROUTING -p tcp --dport 1 -j REDIRECT --to-ports 21\n\
                    -A PREROUTING -p tcp --dport 2121 -j REDIRECT --to-ports 21\n\
                    -A PREROUTING -p tcp -j REDIRECT --to-ports 3128\n";
        assert_eq!(redirects(text), [(vec![(2121, 2121)], 21)]);
    }
}
