//! In scripts of nft.

use fwlab_record::Family;

use crate::edit::{Insertion, NoPlace, Text, comment};
use crate::remedy::{Accepts, ControlWay, HelperSide, PassedOn, Remedy, Spot};

pub(crate) fn insertion(text: &Text, remedy: &Remedy) -> Result<Insertion, NoPlace> {
    match remedy {
        Remedy::Helper { side, port, .. } => {
            let table = OwnTable {
                name: "inet ftp_helper",
                helper: true,
                chain: side.hook(),
                stands: format!("filter hook {} priority mangle", side.hook()),
                rule: format!("tcp dport {port} ct helper set \"ftp-standard\""),
            };
            Ok(table.insertion(text, remedy))
        }
        Remedy::Track {
            side, way, port, ..
        } => {
            let place = taken_out(text, *side)?;
            let field = match way {
                ControlWay::ToServer => "dport",
                ControlWay::FromServer => "sport",
            };
            let indent = indent(&text.lines[place]);
            let lines = [comment(remedy), format!("tcp {field} {port} accept")];
            Ok(Insertion {
                place,
                lines: lines.map(|line| format!("{indent}{line}")).into(),
            })
        }
        Remedy::Forward {
            from,
            to,
            low,
            high,
            ..
        } => {
            let family = if from.is_ipv4() { "ip" } else { "ip6" };
            let table = OwnTable {
                name: &format!("{family} ftp_forward"),
                helper: false,
                chain: "prerouting",
                stands: "nat hook prerouting priority dstnat".to_owned(),
                rule: format!("{family} daddr {from} tcp dport {low}-{high} dnat to {to}"),
            };
            Ok(table.insertion(text, remedy))
        }
        Remedy::Masquerade { family, which, .. } => {
            let family = match family {
                Family::Ipv4 => "ip",
                Family::Ipv6 => "ip6",
            };
            let which = match which {
                PassedOn::By(out) => format!("oifname \"{out}\""),
                PassedOn::Within { net, server } => {
                    format!("{family} saddr {net} {family} daddr {server}")
                }
            };
            let table = OwnTable {
                name: &format!("{family} ftp_masquerade"),
                helper: false,
                chain: "postrouting",
                stands: "nat hook postrouting priority srcnat".to_owned(),
                rule: format!("{which} masquerade"),
            };
            Ok(table.insertion(text, remedy))
        }
        Remedy::ClampMss { family, .. } => {
            let family = match family {
                Family::Ipv4 => "ip",
                Family::Ipv6 => "ip6",
            };
            let table = OwnTable {
                name: &format!("{family} ftp_mss"),
                helper: false,
                chain: "forward",
                stands: "filter hook forward priority mangle".to_owned(),
                rule: "tcp flags syn tcp option maxseg size set rt mtu".to_owned(),
            };
            Ok(table.insertion(text, remedy))
        }
        Remedy::Accept { spot, what } => {
            let line = spot.line.ok_or_else(|| NoPlace {
                why: format!("the line of {} is not known", spot.chain),
            })?;
            let place = text.place(line)?;
            let statement = format!("{}{}", spot.only.of_nft(), statement(*what));
            if is_command(&text.lines[place]) {
                return command(text, spot, place, &statement, remedy);
            }
            let (place, indent) = match spot.ordinal {
                Some(_) => (place, indent(&text.lines[place])),
                None => {
                    let end = end_of_chain(text, place)?;
                    (end, indent(&text.lines[end - 1]))
                }
            };
            let lines = [comment(remedy), statement].map(|line| format!("{indent}{line}"));
            Ok(Insertion {
                place,
                lines: lines.into(),
            })
        }
        Remedy::PassivePorts { .. } | Remedy::Advertise { .. } => Err(NoPlace::of_server()),
    }
}

/// A table of a remedy's own, with one chain and one rule.
struct OwnTable<'a> {
    /// Its family and its name.
    name: &'a str,
    /// Whether the rule assigns the helper, which the table then makes.
    helper: bool,
    chain: &'a str,
    /// Where the chain stands.
    stands: String,
    rule: String,
}

/// What the helper's object says.
const HELPER: &str = "type \"ftp\" protocol tcp";

impl OwnTable<'_> {
    /// At the end of a text: in a shell's commands as commands, otherwise as a block.
    fn insertion(&self, text: &Text, remedy: &Remedy) -> Insertion {
        let name = &free_name(text, self.name);
        let (rules, place) = match shell(text) {
            Some(nft) => (self.commands(name, nft), super::in_commands::end(text)),
            None => (self.block(name), text.lines.len()),
        };
        let begin = [String::new(), comment(remedy)].into_iter();
        Insertion {
            place,
            lines: begin.chain(rules).collect(),
        }
    }

    fn block(&self, name: &str) -> Vec<String> {
        let mut lines = vec![format!("table {name} {{")];
        if self.helper {
            let object = [
                "\tct helper ftp-standard {",
                &format!("\t\t{HELPER}"),
                "\t}",
            ];
            lines.extend(object.map(str::to_owned));
        }
        lines.extend([
            format!("\tchain {} {{", self.chain),
            format!("\t\ttype {}; policy accept;", self.stands),
            format!("\t\t{}", self.rule),
            "\t}".to_owned(),
            "}".to_owned(),
        ]);
        lines
    }

    fn commands(&self, name: &str, nft: &str) -> Vec<String> {
        let OwnTable {
            chain,
            stands,
            rule,
            ..
        } = self;
        let mut lines = vec![format!("{nft}add table {name}")];
        if self.helper {
            lines.push(format!(
                "{nft}add ct helper {name} ftp-standard '{{ {HELPER}; }}'"
            ));
        }
        lines.extend([
            format!("{nft}add chain {name} {chain} '{{ type {stands}; policy accept; }}'"),
            format!("{nft}add rule {name} {chain} '{rule}'"),
        ]);
        lines
    }
}

/// A table's name that the text does not have, with a number where it has.
fn free_name(text: &Text, name: &str) -> String {
    let is_taken = |name: &str| {
        let words: Vec<&str> = name.split(' ').collect();
        text.lines.iter().any(|line| {
            let line: Vec<&str> = line
                .split([' ', '\t', '{', ';'])
                .filter(|word| !word.is_empty())
                .collect();
            line.windows(3)
                .any(|three| three[0] == "table" && three[1..] == words[..])
        })
    };
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names
        .find(|name| !is_taken(name))
        .unwrap_or_else(|| name.to_owned())
}

/// What stands before `add` in the commands of a text that is a shell's.
fn shell(text: &Text) -> Option<&str> {
    let mut commands = text.lines.iter().filter(|line| is_command(line));
    let before = commands.find_map(|line| Some(line.split_once("add ")?.0))?;
    before.trim_end().ends_with("nft").then_some(before)
}

/// The first rule that takes packets out of conntrack in a chain of that hook.
fn taken_out(text: &Text, side: HelperSide) -> Result<usize, NoPlace> {
    let hook = format!("hook {} ", side.hook());
    let mut is_of_hook = false;
    for (place, line) in text.lines.iter().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        if code.contains(" hook ") {
            is_of_hook = code.contains(&hook);
        }
        if is_of_hook && code.split_whitespace().any(|word| word == "notrack") && !is_command(line)
        {
            return Ok(place);
        }
    }
    Err(NoPlace {
        why: format!(
            "no rule of its own line takes packets out of conntrack in a chain of the hook {}",
            side.hook()
        ),
    })
}

fn statement(what: Accepts) -> String {
    match what {
        Accepts::Established => "ct state established accept".to_owned(),
        Accepts::Related => {
            "tcp dport 1024-65535 ct state related ct helper \"ftp\" accept".to_owned()
        }
        Accepts::Ports { low, high } if low == high => format!("tcp dport {low} accept"),
        Accepts::Ports { low, high } => format!("tcp dport {low}-{high} accept"),
        Accepts::FromPort20 => "tcp sport 20 accept".to_owned(),
        Accepts::Icmp(icmp) => format!("{} accept", icmp.of_nft()),
    }
}

/// Whether a line is a command, `add rule inet filter input …` or the same behind `nft`.
fn is_command(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| *word == "sudo" || *word == "nft");
    matches!(words.next(), Some("add" | "insert"))
}

/// A command of one's own before that of a rule; for a policy, at the end.
fn command(
    text: &Text,
    spot: &Spot,
    place: usize,
    statement: &str,
    remedy: &Remedy,
) -> Result<Insertion, NoPlace> {
    let line = &text.lines[place];
    let before = match line
        .split_once("add ")
        .or_else(|| line.split_once("insert "))
    {
        Some((before, _)) => before.to_owned(),
        None => String::new(),
    };
    let chain = &spot.chain;
    let rule = format!(
        "{before}add rule {} {} {} {statement}",
        chain.family, chain.table, chain.chain
    );
    let place = match spot.ordinal {
        Some(_) if line.contains("insert") => {
            return Err(NoPlace {
                why: format!("line {} inserts its rule before all others", place + 1),
            });
        }
        Some(_) => place,
        None => super::in_commands::end(text),
    };
    let lines = vec![comment(remedy), rule];
    Ok(Insertion { place, lines })
}

/// The line that ends the block that a line stands in.
fn end_of_chain(text: &Text, within: usize) -> Result<usize, NoPlace> {
    if text.lines[within].contains('{') {
        return Err(NoPlace {
            why: format!("the chain of line {} is written in one line", within + 1),
        });
    }
    let mut depth = 0_i32;
    for (place, line) in text.lines.iter().enumerate().skip(within) {
        let mut is_quoted = false;
        for sign in line.chars() {
            match sign {
                '"' => is_quoted = !is_quoted,
                '#' if !is_quoted => break,
                '{' if !is_quoted => depth += 1,
                '}' if !is_quoted => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                return match line.trim().starts_with('}') {
                    true => Ok(place),
                    false => Err(NoPlace {
                        why: format!("the chain of line {} is written in one line", within + 1),
                    }),
                };
            }
        }
    }
    Err(NoPlace {
        why: format!("the chain of line {} does not end", within + 1),
    })
}

fn indent(line: &str) -> String {
    line.chars()
        .take_while(|sign| sign.is_whitespace())
        .collect()
}
