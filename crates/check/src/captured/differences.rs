//! What of a captured host is another here, and may decide.

use std::fs;

use fwlab_classes::Setting;
use fwlab_fabric::{SysctlError, tool_version, version_said};
use fwlab_host::Host;
use fwlab_text::one_line;

use super::{network, settings};
use crate::messages::Messages;

/// What of the host is another here, and may decide: with the settings that this kernel refuses.
pub(super) fn tell(
    host: &Host,
    name: &str,
    refused: &[(Setting, SysctlError)],
    said: &mut Messages,
) {
    for unread in &host.unread {
        said.say(
            format!(
                "{name}:{}: {}: {}",
                unread.line,
                unread.section,
                one_line(&unread.why)
            ),
            None,
        );
    }
    if network(host).is_none() {
        said.say(
            format!(
                "{name} has none of that host's addresses: peers are told apart only by its rules, and its kernel's \
                 settings are not used"
            ),
            Some("what `ip address` prints there is missing: is iproute2 on that host?"),
        );
    }
    let differing = [kernel(host), iptables(host), nft(host)];
    let differing: Vec<[String; 2]> = differing.into_iter().flatten().collect();
    if !differing.is_empty() {
        let all = |at: usize| {
            let words: Vec<&str> = differing.iter().map(|pair| pair[at].as_str()).collect();
            words.join(", ")
        };
        said.say(
            format!(
                "that host runs {}, and this one {}: netfilter may behave differently",
                one_line(all(0)),
                one_line(all(1))
            ),
            None,
        );
    }
    self::refused(host, refused, said);
    let mut others = host.policy_rules.iter().filter(|rule| !rule.is_usual());
    if let Some(first) = others.next() {
        let more = match others.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        said.say(
            format!(
                "that host uses other routing tables than the main one for some packets (`{}: {}`{more}); here, only the main one is used",
                first.priority,
                one_line(&first.words)
            ),
            None,
        );
    }
    let is_loose = |value: &str| !matches!(value.trim(), "0" | "N");
    let loose = host.parameters.get("nf_conntrack_ftp.loose");
    let here = fs::read_to_string("/sys/module/nf_conntrack_ftp/parameters/loose");
    if loose.is_some_and(|value| is_loose(value)) && !here.is_ok_and(|value| is_loose(&value)) {
        said.say(
            "conntrack's FTP helper is loose on that host (nf_conntrack_ftp.loose): it accepts addresses of third parties, which it does not here",
            None,
        );
    }
}

/// The kernel of that host, and this one, where they are not of one version.
fn kernel(host: &Host) -> Option<[String; 2]> {
    let kernel = host.kernel.as_ref()?;
    let there = kernel.split_whitespace().nth(1).unwrap_or(kernel);
    let here = fwlab_fabric::kernel_release();
    let version = |release: &str| {
        let numbers = release.split(['.', '-']).take(2);
        numbers.map(str::to_owned).collect::<Vec<_>>()
    };
    (version(there) != version(&here)).then(|| [format!("Linux {there}"), format!("Linux {here}")])
}

/// The iptables of that host, if it has rules of it, and the one by which they are loaded here.
fn iptables(host: &Host) -> Option<[String; 2]> {
    let (backend, _) = host.iptables.keys().next()?;
    let own = host.versions.get(&format!("iptables-{backend}"));
    let there = own.or_else(|| host.versions.get("iptables"))?;
    differing("iptables", there, &format!("iptables-{backend}-restore"))
}

fn nft(host: &Host) -> Option<[String; 2]> {
    host.nft.as_ref()?;
    differing("nft", host.versions.get("nft")?, "nft")
}

/// The version that a program tells there, and that of a tool here, where they are not the same.
fn differing(program: &str, there: &str, tool: &str) -> Option<[String; 2]> {
    let number = |version: &str| version.split_whitespace().next().map(str::to_owned);
    let there = number(version_said(there)?)?;
    let here = number(&tool_version(tool)?)?;
    (there != here).then(|| [there, here].map(|version| format!("{program} {version}")))
}

/// The settings that cannot be had here.
fn refused(host: &Host, refused: &[(Setting, SysctlError)], said: &mut Messages) {
    let (helper, others): (Vec<_>, Vec<_>) = refused
        .iter()
        .partition(|(setting, _)| setting.name == settings::HELPER);
    if helper.iter().any(|(setting, _)| setting.value == "1") {
        let ports = host.parameters.get("nf_conntrack_ftp.ports");
        let ports = ports.filter(|ports| !matches!(ports.as_str(), "21" | ""));
        let ports = ports.map_or_else(String::new, |ports| {
            format!(
                ", the FTP helper to connections to ports {}",
                one_line(ports)
            )
        });
        said.say(
            format!(
                "conntrack assigns its helpers by itself on that host ({} is 1){ports}; since Linux 6.0 it does not, \
                 and neither does it here",
                settings::HELPER
            ),
            Some(
                "where the table shows that the data connection times out, it may pass on that host until its kernel is upgraded",
            ),
        );
    }
    for (setting, why) in others {
        said.say(
            format!(
                "that host has {} = {}, which cannot be set here: {}",
                one_line(&setting.name),
                one_line(&setting.value),
                one_line(why.to_string())
            ),
            None,
        );
    }
}
