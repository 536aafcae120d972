//! Ports that rules forward one by one to the server of a port forward, as Docker's do: its passive range.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::forwarded::sources;
use crate::forwards::{Forward, forwards};
use crate::host_files::HostFiles;

/// The longest run of ports that rules forward to that address beside the control port, where there are at least two.
pub(crate) fn forwarded_range(files: &HostFiles, to: IpAddr, control: u16) -> Option<(u16, u16)> {
    let forwards = sources(files).flat_map(forwards).filter(|one| one.to == to);
    let mut ports: BTreeSet<u16> = forwards.flat_map(|one| unchanged(&one)).collect();
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

/// The ports that stay the same on the way.
fn unchanged(forward: &Forward) -> Vec<u16> {
    let ranges = forward.ports.iter().flatten();
    let same = ranges.filter(|(low, high)| {
        let alone = forward.port.map(|port| (port, port));
        alone.is_none_or(|alone| alone == (*low, *high))
    });
    same.flat_map(|(low, high)| *low..=*high).collect()
}

#[cfg(test)]
mod tests {
    use fwlab_model::ruleset::Source;
    use fwlab_scenario::RulesOrigin;

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
