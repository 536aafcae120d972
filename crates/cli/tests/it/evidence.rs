//! What the evidence says beside the outcome: translations, expectations, second tries.

use std::time::Duration;

use fwlab::{
    CauseKind, DataSetup, Lab, Observed, Operation, Protection, assert_blocked, assert_transferred,
    vsftpd,
};
use fwlab_skipped::{Need, skipped};

use crate::support::{has_program, lab};

const MASQUERADE: &str = "iptables -t nat -A POSTROUTING -o wan -j MASQUERADE";
const HELPER: &str = "iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp";
const SERVER: &str = "iptables -P INPUT DROP
iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -A INPUT -p tcp --dport 21 -j ACCEPT";

/// The lines of evidence that have these words.
fn lines(observed: &Observed, words: &str) -> Vec<String> {
    let facts = observed.evidence.facts.iter();
    facts
        .map(|fact| fact.what.to_string())
        .filter(|text| text.contains(words))
        .collect()
}

#[test]
fn a_rewritten_announcement_stands_beside_the_original() {
    let Some(_lab) = lab() else { return };
    let lab = Lab::client_nat().rules(format!("{HELPER}\n{MASQUERADE}"));
    let observed = lab.transfer(DataSetup::Port).unwrap();
    assert_transferred!(observed);
    let rewritten = lines(&observed, "became");
    let [rewritten] = &rewritten[..] else {
        panic!("one announcement was rewritten: {observed}")
    };
    let (sent, received) = rewritten.split_once(" became ").unwrap();
    assert!(sent.contains("PORT announces 10.77.1.2:"), "{rewritten}");
    assert!(
        received.contains("PORT announces 203.0.113.1:"),
        "{rewritten}"
    );
    assert_eq!(lines(&observed, "expectation made").len(), 1, "{observed}");
    assert_eq!(lines(&observed, "expectation used").len(), 1, "{observed}");
    assert_eq!(lines(&observed, "no expectation").len(), 0, "{observed}");
}

#[test]
fn without_a_helper_the_private_address_leads_nowhere_and_no_timer_is_waited_for() {
    let Some(_lab) = lab() else { return };
    let observed = Lab::client_nat()
        .rules(MASQUERADE)
        .transfer(DataSetup::Port);
    let observed = observed.unwrap();
    assert_eq!(observed.outcome.cause.kind(), CauseKind::Loss, "{observed}");
    let packet = observed
        .outcome
        .cause
        .packet()
        .expect("a lost packet")
        .to_string();
    assert!(packet.contains("→ 10.77.1.2:"), "{observed}");
    assert!(
        observed.took < Duration::from_secs(3),
        "{:?}",
        observed.took
    );
}

#[test]
fn why_no_expectation_was_made_is_said() {
    let Some(_lab) = lab() else { return };
    let no_helper = Lab::server_firewall().rules(SERVER);
    let observed = no_helper.transfer(DataSetup::Pasv).unwrap();
    assert_blocked!(observed, by policy "filter/INPUT");
    let why = lines(&observed, "no conntrack helper is assigned");
    assert_eq!(why.len(), 1, "{observed}");

    let with_helper = Lab::server_firewall().rules(SERVER).with_helper();
    let hidden = with_helper.protection(Protection::Explicit);
    let observed = hidden.transfer(DataSetup::Pasv).unwrap();
    assert_blocked!(observed, by policy "filter/INPUT");
    assert_eq!(lines(&observed, "TLS hides it").len(), 1, "{observed}");
}

#[test]
fn an_address_that_is_not_the_announcers_own_makes_no_expectation() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "vsftpd is not here");
    }
    let lab = Lab::server_nat()
        .rules(format!(
            "{HELPER}\niptables -t nat -A PREROUTING -i wan -p tcp --dport 21 -j DNAT --to-destination 192.168.7.10"
        ))
        .server(vsftpd())
        .advertised_address([198, 51, 100, 1].into());
    let observed = lab.transfer(DataSetup::Pasv).unwrap();
    assert_eq!(observed.outcome.cause.kind(), CauseKind::Host, "{observed}");
    assert_eq!(lines(&observed, "loose=0").len(), 1, "{observed}");
}

#[test]
fn a_first_syn_may_be_dropped_and_the_second_pass() {
    let Some(_lab) = lab() else { return };
    let rules = format!(
        "{SERVER}
iptables -A INPUT -p tcp -m statistic --mode nth --every 2 --packet 0 -j DROP
iptables -A INPUT -p tcp -j ACCEPT"
    );
    let observed = Lab::server_firewall()
        .rules(rules)
        .transfer(DataSetup::Epsv)
        .unwrap();
    assert_transferred!(observed);
    let stopped = lines(&observed, "stopped SYN");
    assert_eq!(stopped.len(), 1, "{observed}");
    // The kernel sends a SYN again after a second.
    assert!(observed.took > Duration::from_millis(900), "{observed}");
}

#[test]
fn what_conntrack_called_a_stopped_packet_is_said() {
    let Some(_lab) = lab() else { return };
    let observed = Lab::server_firewall()
        .rules(SERVER)
        .transfer(DataSetup::Pasv)
        .unwrap();
    assert_blocked!(observed, by policy "filter/INPUT");
    let stopped = lines(&observed, "stopped SYN");
    assert!(!stopped.is_empty(), "{observed}");
    // nft's trace tells it from Linux 6.17 on.
    let kernel = observed.versions.kernel.as_deref().unwrap_or_default();
    let mut numbers = kernel
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if release < (6, 17) {
        skipped(
            Need::Machine,
            "this kernel's trace says nothing of conntrack",
        );
        return;
    }
    let named = stopped
        .iter()
        .all(|line| line.ends_with(" (NEW to conntrack)"));
    assert!(named, "{stopped:?}");
}

#[test]
fn a_port_that_chance_picks_across_the_range_of_a_rule_is_noted() {
    let Some(_lab) = lab() else { return };
    let ranged = format!("{SERVER}\niptables -A INPUT -p tcp --dport 50000:50100 -j ACCEPT");
    let lab = Lab::server_firewall().rules(ranged);
    let chance = |observed: &Observed| {
        let is_of_chance =
            |note: &&String| note.starts_with("the data connection's port is chance");
        observed.notes.iter().filter(is_of_chance).count()
    };
    let passive = lab.transfer(DataSetup::Pasv).unwrap();
    assert_eq!(chance(&passive), 1, "{passive}");
    // The rule stands where packets come in, and this one goes out.
    let active = lab.transfer(DataSetup::Port).unwrap();
    assert_eq!(chance(&active), 0, "{active}");
    let settled = lab.passive_ports(50000..=50100);
    let settled = settled.transfer(DataSetup::Pasv).unwrap();
    assert_transferred!(settled);
    assert_eq!(chance(&settled), 0, "{settled}");
}

/// The notes that begin with these words.
fn noted<'a>(observed: &'a Observed, words: &str) -> Vec<&'a String> {
    let notes = observed.notes.iter();
    notes.filter(|note| note.starts_with(words)).collect()
}

#[test]
fn a_rule_that_decides_by_psh_on_what_is_transferred_is_noted_with_its_line() {
    let Some(_lab) = lab() else { return };
    let words = "which segments of the data carry PSH is chance";
    let iptables = "iptables -A OUTPUT -p tcp --sport 21 --tcp-flags PSH PSH -j ACCEPT
iptables -A OUTPUT -p tcp --sport 50000:50100 --tcp-flags SYN,PSH NONE -j ACCEPT
iptables -A OUTPUT -p tcp --tcp-flags ALL FIN,URG,PSH -j DROP";
    let native = "table inet f { chain out { type filter hook output priority 0;
tcp sport 50000-50100 tcp flags & (syn | psh) == 0 accept
}
}";
    for (rules, named) in [
        (iptables, "ipv4/filter/OUTPUT/2 (line 2)"),
        (native, "inet/f/out/1 (line 2)"),
    ] {
        let lab = Lab::server_firewall()
            .rules(rules)
            .passive_ports(50000..=50100);
        let observed = lab.transfer(DataSetup::Pasv).unwrap();
        assert_transferred!(observed);
        let [note] = noted(&observed, words)[..] else {
            panic!("{observed}")
        };
        let expected = format!("and {named} decides by it");
        assert!(note.contains(&expected), "{note}");
        // Data that comes in meets no rule of OUTPUT, nor does what goes out from another port.
        for (setup, operation) in [
            (DataSetup::Pasv, Operation::Stor),
            (DataSetup::Port, Operation::Retr),
        ] {
            let other = lab.run(setup, operation).unwrap();
            assert!(noted(&other, words).is_empty(), "{other}");
        }
    }
}

#[test]
fn an_error_about_the_last_packet_of_a_handshake_is_noted_as_chance() {
    let Some(_lab) = lab() else { return };
    let words = "whether suppaftp learns that its packet was rejected is chance";
    let rejects = |flags: &str| {
        let rules =
            format!("iptables -A INPUT -p tcp --dport 50000:50100 --tcp-flags {flags} -j REJECT");
        let lab = Lab::server_firewall().rules(rules);
        lab.passive_ports(50000..=50100)
            .transfer(DataSetup::Pasv)
            .unwrap()
    };
    let last = rejects("SYN,ACK ACK");
    assert_eq!(noted(&last, words).len(), 1, "{last}");
    let first = rejects("SYN,ACK SYN");
    assert!(noted(&first, words).is_empty(), "{first}");
}
