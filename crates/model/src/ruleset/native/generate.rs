//! Rules for a policy, as a script of nft.

use crate::ruleset::accepted::{Accepted, accepted};
use crate::ruleset::nat::Nat;
use crate::ruleset::only::PortRange;
use crate::ruleset::{DefaultPolicy, Hook, Policy, TableName};

/// Makes the same of a policy that drops as [`generate`](crate::ruleset::generate) does, for both families: a table of nft's own.
/// Nothing of another policy. A gateway that translates addresses opens connections only where it does.
pub fn generate(policy: &Policy, nat: Option<&Nat>) -> Option<String> {
    if policy.default != DefaultPolicy::Drop {
        return None;
    }
    let mut script = "table inet ftp {\n".to_owned();
    if policy.helper {
        let chain = policy.firewall.helper_chain().to_ascii_lowercase();
        let port = policy.control_port;
        script += &format!(
            "\tct helper ftp-standard {{\n\t\ttype \"ftp\" protocol tcp\n\t}}\n\
             \tchain helper {{\n\t\ttype filter hook {chain} priority mangle; policy accept;\n\
             \t\ttcp dport {port} ct helper set \"ftp-standard\"\n\t}}\n"
        );
    }
    if let Some(nat) = nat {
        script += &nat.nft_chain(policy);
    }
    let accepted = accepted(policy);
    for hook in TableName::Filter.hooks() {
        let name = hook.chain().to_ascii_lowercase();
        script += &format!(
            "\tchain {name} {{\n\t\ttype filter hook {name} priority filter; policy drop;\n"
        );
        let own = match hook {
            Hook::Input => Some("iifname"),
            Hook::Output => Some("oifname"),
            _ => None,
        };
        if let Some(interface) = own {
            if policy.loopback {
                script += &format!("\t\t{interface} \"lo\" accept\n");
            }
            // Without them no packet of IPv6 leaves (RFC 4861).
            script += "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n";
        }
        let here = accepted.iter().filter(|accepted| accepted.hook == *hook);
        here.for_each(|accepted| script += &format!("\t\t{}\n", statement(accepted, nat)));
        script += "\t}\n";
    }
    Some(script + "}\n")
}

fn statement(accepted: &Accepted, nat: Option<&Nat>) -> String {
    let port = |field: &str, range: Option<PortRange>| match range {
        None => String::new(),
        Some((first, last)) if first == last => format!("tcp {field} {first} "),
        Some((first, last)) => format!("tcp {field} {first}-{last} "),
    };
    let (from, to) = (port("sport", accepted.from), port("dport", accepted.to));
    let states = accepted.states.join(",").to_ascii_lowercase();
    let helper = match accepted.by_helper {
        true => "ct helper \"ftp\" ",
        false => "",
    };
    let scope = nat.filter(|_| accepted.opens());
    let scope = scope.map_or_else(String::new, Nat::nft_scope);
    format!("{scope}{from}{to}ct state {states} {helper}accept")
}
