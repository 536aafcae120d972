//! The addresses that rules give to what leaves.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::forwarded::sources;
use crate::forwards::target_of;
use crate::host_files::HostFiles;

/// The addresses that rules give to what leaves: `-j SNAT --to-source 192.0.2.9`, `snat to 192.0.2.9`.
pub(crate) fn given_sources(files: &HostFiles) -> BTreeSet<IpAddr> {
    let mut found = BTreeSet::new();
    for source in sources(files) {
        let text = String::from_utf8_lossy(&source.text);
        let lines = text.lines().map(str::trim_start);
        for line in lines.filter(|line| !line.starts_with('#')) {
            let apart = line.replace(['{', '}', ',', ';'], " ");
            let words: Vec<&str> = apart.split_ascii_whitespace().collect();
            let written = words.iter().position(|one| *one == "--to-source");
            let snat = words.iter().position(|one| *one == "snat");
            let to = snat.and_then(|at| {
                let to = words[at..].iter().position(|one| *one == "to")?;
                Some(at + to)
            });
            let target = written.or(to).and_then(|at| words.get(at + 1));
            found.extend(
                target
                    .and_then(|target| target_of(target))
                    .map(|(address, _)| address),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use fwlab_model::ruleset::Source;
    use fwlab_scenario::RulesOrigin;

    use super::*;

    #[test]
    fn what_rules_give_to_what_leaves_is_found() {
        for (text, given) in [
            (
                "-A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.9",
                "192.0.2.9",
            ),
            (
                "-j SNAT --to-source 192.0.2.9-192.0.2.12:1024-2000",
                "192.0.2.9",
            ),
            ("oif eth0 snat ip to 192.0.2.9", "192.0.2.9"),
            ("snat to [fd77::9]:1024", "fd77::9"),
            ("# snat to 192.0.2.9", ""),
            ("-j MASQUERADE", ""),
        ] {
            let files = HostFiles {
                origin: RulesOrigin::Written(Source::new("rules", text)),
                ..HostFiles::empty()
            };
            let found = given_sources(&files);
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), given, "{text}");
        }
    }
}
