//! Rules that mean another place than the one where they are tried.

use fwlab_model::ruleset::Source;
use fwlab_scenario::{Layout, RulesOrigin, Shape};
use fwlab_text::one_line;

use crate::captured;
use crate::forwarded::{self, Ports};
use crate::host_files::HostFiles;
use crate::messages::Messages;
use crate::terms::At;

/// Says where else rules would be tried as they are meant: those that forward the control port, and those of a bridge.
pub(crate) fn tell(files: &HostFiles, at: At, layout: &Layout, ports: Ports, said: &mut Messages) {
    if matches!(at, At::Server | At::Gateway) {
        let mut families = layout.families.iter();
        let forwarded = families.find_map(|family| forwarded::by_rules(files, *family, ports));
        if let Some(forwarded) = forwarded {
            said.say(
                format!(
                    "{}: its rules forward port {} to {}, as a gateway does for a server behind it; --at port-forward tests that",
                    one_line(&files.name),
                    forwarded.connected, forwarded.to
                ),
                Some(match at {
                    At::Server => "--at server puts the server on the host that has these rules",
                    _ => "--at gateway has clients connect to the server's own address",
                }),
            );
        }
    }
    tell_of_forwarding(files, at, layout, said);
    // The gateway of a hairpin has a bridge of the lab's.
    if at.shape() == Shape::Hairpin {
        return;
    }
    for source in scripts(files) {
        for (line, name) in bridge_tables(source) {
            said.say(
                format!(
                    "{}:{line}: the table {} is of the family bridge, but the host has no bridge here: no packet came to it",
                    one_line(&source.name),
                    one_line(&name)
                ),
                None,
            );
        }
    }
}

/// A captured gateway may forward nothing, whatever its rules are.
fn tell_of_forwarding(files: &HostFiles, at: At, layout: &Layout, said: &mut Messages) {
    let Some(host) = files.host.as_deref() else {
        return;
    };
    if !at.forwards() && at != At::Gateway {
        return;
    }
    for family in &layout.families {
        if captured::forwards(host, *family) == Some(false) {
            let setting = captured::forwarding(*family);
            said.say(
                format!(
                    "that host does not forward {} ({setting} is 0): whatever its rules are, nothing passes through it",
                    family.protocol()
                ),
                Some(&format!("`sysctl -w {setting}=1` there, and capture it again")),
            );
        }
    }
}

/// The texts that may be scripts of nft.
fn scripts(files: &HostFiles) -> impl Iterator<Item = &Source> {
    let own = match &files.origin {
        RulesOrigin::Written(source) => Some(source),
        _ => None,
    };
    let beside = files.beside.iter().map(|(_, source)| source);
    own.into_iter().chain(beside)
}

/// The tables of a bridge, each with the line where it is first named.
fn bridge_tables(source: &Source) -> Vec<(usize, String)> {
    let text = String::from_utf8_lossy(&source.text);
    let mut found: Vec<(usize, String)> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line
            .split([' ', '\t', '{'])
            .filter(|word| !word.is_empty())
            .collect();
        let named = words
            .windows(3)
            .find(|three| three[..2] == ["table", "bridge"]);
        if let Some(name) = named.map(|three| three[2])
            && !found.iter().any(|(_, known)| known == name)
        {
            found.push((number, name.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_a_bridge_are_found() {
        let text = "table inet t { }\n# table bridge none\nadd table bridge b\ntable bridge b{\n}\nnft add table bridge c\n";
        assert_eq!(
            bridge_tables(&Source::new("test", text)),
            [(3, "b".to_owned()), (6, "c".to_owned())]
        );
    }
}
