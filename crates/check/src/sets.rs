//! Sets that rules match on and that no file makes: as their user says them, or empty.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;

use fwlab_model::IpNet;
use fwlab_model::ruleset::Source;
use fwlab_record::{Backend, Exit, Family};
use fwlab_scenario::RulesOrigin;
use fwlab_text::one_line;

use crate::host_files::HostFiles;
use crate::messages::Messages;

/// A set with what is in it: `NAME=ADDRESS,NETWORK,…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenSet {
    name: String,
    members: Vec<IpNet>,
}

impl FromStr for GivenSet {
    type Err = String;

    fn from_str(text: &str) -> Result<GivenSet, String> {
        let Some((name, members)) = text.split_once('=') else {
            return Err(
                "write NAME=ADDRESS,NETWORK,… such as blocked=192.0.2.7,198.51.100.0/24".into(),
            );
        };
        let is_name = !name.is_empty()
            && name.len() <= 31
            && name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\"'\\;".contains(&byte));
        if !is_name {
            return Err(format!(
                "`{name}` is not a set name: 1 to 31 characters without blanks or quotes"
            ));
        }
        let members = members.split(',').filter(|member| !member.is_empty());
        let members = members.map(|member| {
            let address = member.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| member.parse::<IpNet>()).map_err(|_| {
                format!("`{member}` is not an address or a network such as 192.0.2.7 or 2001:db8::/32; give sets of anything else as a file that `ipset save` wrote")
            })
        });
        Ok(GivenSet {
            name: name.to_owned(),
            members: members.collect::<Result<_, String>>()?,
        })
    }
}

/// How rules look at a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Looked {
    family: Family,
    /// How many parts of a packet are compared with a member.
    parts: usize,
    /// Whether rules add to it.
    grows: bool,
}

/// Makes the sets that were given, and those that nobody made, where they are to be empty.
pub(crate) fn complete(
    files: &mut HostFiles,
    given: &[GivenSet],
    empty: bool,
    said: &mut Messages,
) -> Result<(), Exit> {
    if given.is_empty() && !empty {
        return Ok(());
    }
    let looked = looked_at(files);
    let made = made(files);
    let mut text = String::new();
    for set in given {
        let name = one_line(&set.name).to_string();
        let Some(looked) = looked.get(&set.name) else {
            let names: Vec<&str> = looked.keys().map(String::as_str).collect();
            said.say(
                format!("--set {name}: no rule matches on a set of that name"),
                Some(&match names.is_empty() {
                    true => "no rule matches on any".to_owned(),
                    false => format!("rules match on: {}", one_line(names.join(", "))),
                }),
            );
            return Err(Exit::Usage);
        };
        if made.contains(&set.name) {
            said.say(
                format!("--set {name}: the files already make that set"),
                Some("leave out --set, or remove the set from its file"),
            );
            return Err(Exit::Usage);
        }
        if looked.parts != 1 {
            said.say(
                format!("--set {name}: rules compare {} parts of a packet with its members, not just an address", looked.parts),
                Some("give the set as `ipset save` writes it"),
            );
            return Err(Exit::Usage);
        }
        let other = set
            .members
            .iter()
            .find(|net| Family::of(net.addr()) != looked.family);
        if let Some(other) = other {
            said.say(
                format!("--set {name}: {other} is of another family than the rules that match on it, {}", looked.family.protocol()),
                None,
            );
            return Err(Exit::Usage);
        }
        text += &create(&set.name, *looked);
        for member in &set.members {
            text += &format!("add {} {member}\n", set.name);
        }
    }
    let is_given = |name: &String| given.iter().any(|set| set.name == *name);
    let missing = looked
        .iter()
        .filter(|(name, _)| empty && !made.contains(*name) && !is_given(name));
    let missing: Vec<(&String, &Looked)> = missing.collect();
    for (name, looked) in &missing {
        text += &create(name, **looked);
    }
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|(name, _)| name.as_str()).collect();
        said.say(
            format!("these sets are assumed to be empty: {}", one_line(names.join(", "))),
            Some("--set NAME=ADDRESS,… says what is in one of them; a file that `ipset save` wrote has them all"),
        );
    }
    if text.is_empty() {
        return Ok(());
    }
    files.sets = Some(match files.sets.take() {
        None => Source::new("--set", text.into_bytes()),
        Some(mut sets) => {
            if !sets.text.ends_with(b"\n") {
                sets.text.push(b'\n');
            }
            sets.text.extend_from_slice(text.as_bytes());
            sets
        }
    });
    Ok(())
}

fn create(name: &str, looked: Looked) -> String {
    let family = match looked.family {
        Family::Ipv4 => "inet",
        Family::Ipv6 => "inet6",
    };
    let kind = match looked.parts {
        1 => "hash:net",
        2 => "hash:ip,port",
        _ => "hash:ip,port,ip",
    };
    let timeout = if looked.grows { " timeout 0" } else { "" };
    format!("create {name} {kind} family {family}{timeout}\n")
}

/// The sets that rules of iptables match on or add to.
fn looked_at(files: &HostFiles) -> BTreeMap<String, Looked> {
    let main = match &files.origin {
        RulesOrigin::Written(source) => Some((source, Family::Ipv4)),
        _ => None,
    };
    let ipv6 = files.ipv6.as_ref().map(|source| (source, Family::Ipv6));
    let beside = files
        .beside
        .iter()
        .filter(|(backend, _)| *backend != Backend::Native);
    let beside = beside.map(|(_, source)| (source, Family::Ipv4));
    let mut found: BTreeMap<String, Looked> = BTreeMap::new();
    for (source, family) in main.into_iter().chain(ipv6).chain(beside) {
        let text = String::from_utf8_lossy(&source.text);
        let family = fwlab_model::ruleset::dump_family(source).unwrap_or(family);
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
        {
            let family = if line.contains("ip6tables") {
                Family::Ipv6
            } else {
                family
            };
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            for three in words.windows(3) {
                let [option, name, flags] = three else {
                    continue;
                };
                let grows = *option == "--add-set";
                if !grows && !["--match-set", "--set", "--del-set"].contains(option) {
                    continue;
                }
                let flags = flags
                    .split(',')
                    .filter(|flag| ["src", "dst"].contains(flag));
                let parts = flags.count();
                if parts == 0 {
                    continue;
                }
                let name = name.trim_matches(['"', '\'']);
                let looked = found.entry(name.to_owned()).or_insert(Looked {
                    family,
                    parts,
                    grows,
                });
                looked.parts = looked.parts.max(parts);
                looked.grows |= grows;
            }
        }
    }
    found
}

/// The sets that files make: `create NAME`, `ipset -N NAME`.
fn made(files: &HostFiles) -> BTreeSet<String> {
    let main = match &files.origin {
        RulesOrigin::Written(source) => Some(source),
        _ => None,
    };
    let mut found = BTreeSet::new();
    for source in [main, files.ipv6.as_ref(), files.sets.as_ref()]
        .into_iter()
        .flatten()
    {
        let is_of_ipset = files
            .sets
            .as_ref()
            .is_some_and(|sets| std::ptr::eq(sets, source));
        let text = String::from_utf8_lossy(&source.text);
        for line in text.lines() {
            if !is_of_ipset && !line.contains("ipset") {
                continue;
            }
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let mut rest = words
                .windows(2)
                .skip_while(|pair| !["create", "-N", "-n", "--create"].contains(&pair[0]));
            found.extend(rest.next().map(|pair| pair[1].to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(
        rules: &str,
        sets: Option<&str>,
        given: &[&str],
        empty: bool,
    ) -> Result<String, String> {
        let mut files = HostFiles {
            origin: RulesOrigin::Written(Source::new("rules", rules)),
            sets: sets.map(|sets| Source::new("sets", sets)),
            ..HostFiles::empty()
        };
        let given: Result<Vec<GivenSet>, String> = given.iter().map(|one| one.parse()).collect();
        let mut said = Messages::default();
        let done = complete(&mut files, &given?, empty, &mut said);
        let told: Vec<String> = said.take().iter().map(ToString::to_string).collect();
        match done {
            Ok(()) => Ok(files.sets.map_or_else(String::new, |sets| {
                String::from_utf8(sets.text).expect("it is text")
            })),
            Err(_) => Err(told.join("\n")),
        }
    }

    #[test]
    fn what_nobody_made_is_made_as_it_is_said() {
        let rules = "-A INPUT -m set --match-set bad src -j DROP\n\
                     -A INPUT -m set ! --match-set pair src,dst -j DROP\n\
                     -A INPUT -p tcp -j SET --add-set seen src --exist\n\
                     # -m set --match-set none src\n";
        assert_eq!(
            completed(rules, None, &["bad=192.0.2.7,198.51.100.0/24"], true).as_deref(),
            Ok(
                "create bad hash:net family inet\nadd bad 192.0.2.7/32\nadd bad 198.51.100.0/24\n\
                create pair hash:ip,port family inet\ncreate seen hash:net family inet timeout 0\n"
            )
        );
        assert_eq!(completed(rules, None, &[], false).as_deref(), Ok(""));
        // What a file makes stays as it is.
        let sets = "create bad hash:ip family inet\nadd bad 192.0.2.1";
        assert_eq!(
            completed(rules, Some(sets), &[], true).as_deref(),
            Ok("create bad hash:ip family inet\nadd bad 192.0.2.1\n\
                create pair hash:ip,port family inet\ncreate seen hash:net family inet timeout 0\n")
        );
        assert_eq!(
            completed(
                "ip6tables -A INPUT -m set --match-set six dst -j DROP",
                None,
                &["six=2001:db8::/32"],
                false
            )
            .as_deref(),
            Ok("create six hash:net family inet6\nadd six 2001:db8::/32\n")
        );
        for (sets, given, told) in [
            (
                None,
                "bat=192.0.2.7",
                "--set bat: no rule matches on a set of that name\n  rules match on: bad, pair, seen",
            ),
            (
                Some("create bad hash:ip"),
                "bad=192.0.2.7",
                "--set bad: the files already make that set",
            ),
            (None, "pair=192.0.2.7", "--set pair: rules compare 2 parts"),
            (
                None,
                "bad=2001:db8::1",
                "--set bad: 2001:db8::1/128 is of another family",
            ),
            (None, "bad", "write NAME=ADDRESS"),
            (None, "=192.0.2.7", "`` is not a set name"),
            (
                None,
                "bad=192.0.2.700",
                "`192.0.2.700` is not an address or a network",
            ),
        ] {
            let why = completed(rules, sets, &[given], false).expect_err(given);
            assert!(why.starts_with(told), "{given}: {why}");
        }
    }
}
