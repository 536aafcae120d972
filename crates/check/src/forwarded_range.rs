//! Ports that rules forward one by one to the server of a port forward, as Docker's do: its passive range.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fwlab_model::ruleset::Source;
use fwlab_scenario::RulesOrigin;

use crate::host_files::HostFiles;

/// The longest run of ports that rules forward to that address beside the control port, where there are at least two.
pub(crate) fn forwarded_range(files: &HostFiles, to: IpAddr, control: u16) -> Option<(u16, u16)> {
    let own = match &files.origin {
        RulesOrigin::Written(source) => Some(source),
        _ => None,
    };
    let beside = files.beside.iter().map(|(_, source)| source);
    let sources = own.into_iter().chain(files.ipv6.as_ref()).chain(beside);
    let mut ports: BTreeSet<u16> = sources.flat_map(|source| ports(source, to)).collect();
    ports.remove(&control);
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for port in ports {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(port) => *last = port,
            _ => runs.push((port, port)),
        }
    }
    let longest = runs.into_iter().max_by_key(|(low, high)| high - low)?;
    (longest.0 < longest.1).then_some(longest)
}

/// The ports that lines of a file forward to an address, and that stay the same on the way.
fn ports(source: &Source, to: IpAddr) -> Vec<u16> {
    let text = String::from_utf8_lossy(&source.text);
    let lines = text.lines().map(str::trim_start);
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| of_line(line, to)).collect()
}

fn of_line(line: &str, to: IpAddr) -> impl Iterator<Item = u16> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let behind = |names: &[&str]| {
        let at = words.iter().position(|word| names.contains(word))?;
        words.get(at + 1).copied()
    };
    let range = || {
        let taken = behind(&["--dport", "dport"])?;
        let (low, high) = taken.split_once([':', '-']).unwrap_or((taken, taken));
        let (low, high) = (low.parse::<u16>().ok()?, high.parse::<u16>().ok()?);
        let nft = words.iter().position(|word| *word == "dnat");
        let nft = nft.and_then(|dnat| {
            let to = words[dnat..].iter().position(|word| *word == "to")?;
            words.get(dnat + to + 1).copied()
        });
        let target = behind(&["--to-destination"]).or(nft)?;
        let (address, port) = match target.parse::<IpAddr>() {
            Ok(address) => (address, None),
            Err(_) => {
                let (address, port) = target.rsplit_once(':')?;
                (address.trim_matches(['[', ']']).parse().ok()?, Some(port))
            }
        };
        let same = match port {
            None => true,
            Some(port) => port.parse() == Ok(low) && low == high,
        };
        (address == to && same).then_some(low..=high)
    };
    range().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &str) -> Option<(u16, u16)> {
        let files = HostFiles {
            origin: RulesOrigin::Written(Source::new("rules", rules)),
            ..HostFiles::empty()
        };
        forwarded_range(&files, IpAddr::from([172, 17, 0, 2]), 21)
    }

    #[test]
    fn ports_that_follow_each_other_are_a_range() {
        let docker = "-A DOCKER -p tcp -m tcp --dport 21 -j DNAT --to-destination 172.17.0.2:21\n\
                      -A DOCKER -p tcp -m tcp --dport 21101 -j DNAT --to-destination 172.17.0.2:21101\n\
                      -A DOCKER -p tcp -m tcp --dport 21100 -j DNAT --to-destination 172.17.0.2:21100\n\
                      -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n\
                      -A DOCKER -p tcp -m tcp --dport 21102 -j DNAT --to-destination 172.17.0.3:21102\n";
        assert_eq!(found(docker), Some((21100, 21101)));
        assert_eq!(
            found("tcp dport 30000-30010 dnat ip to 172.17.0.2\n"),
            Some((30000, 30010))
        );
        assert_eq!(
            found("tcp dport 21 dnat to 172.17.0.2\ntcp dport 22 dnat to 172.17.0.2\n"),
            None
        );
        assert_eq!(
            found("# --dport 30000:30010 --to-destination 172.17.0.2\n"),
            None
        );
    }
}
