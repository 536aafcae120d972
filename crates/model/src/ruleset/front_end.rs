//! Programs that make rules of settings of their own.

/// The front end whose command a line is, and what prints the rules that it makes.
pub(super) fn front_end(line: &str) -> Option<(&'static str, &'static str)> {
    const BOTH: &str = "`iptables-save` and, for IPv6, `ip6tables-save`";
    let mut words = line.split_ascii_whitespace();
    let word = words.find(|word| !matches!(*word, "sudo" | "$" | "#"))?;
    Some(match word.rsplit('/').next()? {
        "ufw" => ("ufw", BOTH),
        "firewall-cmd" | "firewall-offline-cmd" => ("firewalld", "`nft list ruleset`"),
        "shorewall" | "shorewall6" => ("Shorewall", BOTH),
        "firehol" => ("FireHOL", BOTH),
        "ferm" => ("ferm", BOTH),
        "csf" => ("CSF", BOTH),
        "fw4" => ("fw4", "`nft list ruleset`"),
        _ => return None,
    })
}
