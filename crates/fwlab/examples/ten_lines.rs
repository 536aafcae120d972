//! What a lab can ask about, one short test each: NAT, IPv6, FTP over TLS, nft scripts, state over
//! time, peers that misbehave, kernel settings, nodes and links of one's own.
//! `cargo test --example ten_lines` runs them.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    println!("These are tests: run `cargo test --example ten_lines`.");
    println!("To have the like in your own crate, copy the module `tests` of this file.");
}

#[cfg(test)]
mod tests {
    use fwlab::DataSetup::{Epsv, Pasv, Port};
    use fwlab::{
        Family, Lab, LabError, Protection, Symptom, assert_blocked, assert_met, assert_transferred,
    };

    /// A client behind a home router: what the helper rewrites stands in the evidence.
    #[test]
    fn nat() -> Result<(), LabError> {
        let router = Lab::client_nat().rules("iptables -t nat -A POSTROUTING -o wan -j MASQUERADE");
        let lost = router.transfer(Port)?;
        assert_eq!(lost.outcome.symptom, Symptom::DataTimeout);
        let rewritten = router.with_helper().transfer(Port)?;
        assert_transferred!(rewritten);
        let evidence = rewritten.evidence.to_string();
        assert!(
            evidence.contains("became `PORT announces 203.0.113.1:"),
            "{evidence}"
        );
        Ok(())
    }

    /// ip6tables decides over IPv6, whatever iptables accepts.
    #[test]
    fn ipv6() -> Result<(), LabError> {
        let rules = "iptables -A INPUT -p tcp --dport 50000:50100 -j ACCEPT
            ip6tables -P INPUT DROP
            ip6tables -A INPUT -p icmpv6 -j ACCEPT
            ip6tables -A INPUT -p tcp --dport 21 -j ACCEPT";
        let server = Lab::server_firewall()
            .rules(rules)
            .passive_ports(50000..=50100);
        assert_transferred!(server.transfer(Epsv)?);
        assert_blocked!(server.family(Family::Ipv6).transfer(Epsv)?, by policy "filter/INPUT");
        Ok(())
    }

    /// A helper cannot read what TLS hides.
    #[test]
    fn ftp_over_tls() -> Result<(), LabError> {
        let rules = "iptables -P INPUT DROP
            iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
            iptables -A INPUT -p tcp --dport 21 -j ACCEPT";
        let server = Lab::server_firewall().rules(rules).with_helper();
        assert_transferred!(server.transfer(Pasv)?);
        let over_tls = server.protection(Protection::Explicit);
        assert_blocked!(over_tls.transfer(Pasv)?, by policy "filter/INPUT");
        Ok(())
    }

    /// An nft script, with a helper object of its own.
    #[test]
    fn native_nftables() -> Result<(), LabError> {
        let script = |priority| {
            format!(
                "table inet t {{
                    ct helper ftp21 {{ type \"ftp\" protocol tcp; }}
                    chain pre {{ type filter hook prerouting priority {priority}; tcp dport 21 ct helper set \"ftp21\"; }}
                    chain in {{ type filter hook input priority 10; policy drop
                        ct state established,related accept; tcp dport 21 accept; }}
                }}"
            )
        };
        assert_transferred!(Lab::server_firewall().rules(script(0)).transfer(Pasv)?);
        let too_early = Lab::server_firewall().rules(script(-300)).transfer(Pasv)?;
        assert_blocked!(too_early, by policy "inet/t/in");
        Ok(())
    }

    /// Rules that are loaded under a live session: what is ESTABLISHED goes on, and what is new does not.
    #[test]
    fn state_over_time() {
        assert_met(
            r#"
            description = "Somebody shuts the firewall while a client is logged in."
            topology.shape = "server-firewall"
            ruleset = [{ name = "open", text = "iptables -A INPUT -m state --state NEW -j ACCEPT" }, { name = "shut", text = '''
                iptables -P INPUT DROP
                iptables -A INPUT -m state --state ESTABLISHED -j ACCEPT''' }]
            step = [{ at = "logged-in", load = "shut" }]
            matrix = { rulesets = "open", data = "epsv" }
            require = [{ symptom = "data-timeout", cause = { kind = "policy", chain = "filter/INPUT" } }]
            "#,
        );
    }

    /// What no well-behaved client does: PORT in two segments. The helper drops the first.
    #[test]
    fn a_peer_that_misbehaves() {
        assert_met(
            r#"
            description = "The helper on a gateway drops a command that it cannot read to its end."
            topology.shape = "gateway"
            client.script = "@login\n{setup verb}{pause 50ms} {setup argument}\n2yz\n@transfer"
            ruleset = [{ name = "helper", helper = true, none = true }]
            matrix = { clients = "scripted-client", data = "port" }
            require = [{ symptom = "control-timeout", cause = { kind = "helper", node = "gateway" } }]
            "#,
        );
    }

    /// Kernel settings of a node: with `nf_conntrack_tcp_loose=0` a flushed connection is not taken up again.
    #[test]
    fn kernel_settings() {
        assert_met(
            r#"
            description = "A connection that conntrack has forgotten is INVALID, and not NEW."
            topology.shape = "gateway"
            sysctl = [{ node = "gateway", set = { "net.netfilter.nf_conntrack_tcp_loose" = 0 } }]
            ruleset = [{ name = "rules", text = "iptables -A FORWARD -m state --state INVALID -j DROP" }]
            step = [{ at = "logged-in", flush-conntrack = "gateway" }]
            matrix = { data = "pasv" }
            require = [{ symptom = "control-timeout", cause = { kind = "rule", chain = "filter/FORWARD", ordinal = 1 } }]
            "#,
        );
    }

    /// Nodes and links of one's own: two routers in a row, the rules on the second.
    #[test]
    fn a_network_of_ones_own() {
        assert_met(
            r#"
            description = "Two routers in a row."
            topology.firewall = "inner"
            topology.connect-to = "10.3.0.2"
            topology.node = [
                { name = "client", addresses = { e0 = ["10.1.0.2/24"] }, routes = [{ to = "0.0.0.0/0", via = "10.1.0.1" }] },
                { name = "outer", forwards = true, addresses = { a = ["10.1.0.1/24"], b = ["10.2.0.1/24"] }, routes = [{ to = "10.3.0.0/24", via = "10.2.0.2" }] },
                { name = "inner", forwards = true, addresses = { a = ["10.2.0.2/24"], b = ["10.3.0.1/24"] }, routes = [{ to = "10.1.0.0/24", via = "10.2.0.1" }] },
                { name = "server", addresses = { e0 = ["10.3.0.2/24"] }, routes = [{ to = "0.0.0.0/0", via = "10.3.0.1" }] },
            ]
            topology.link = [{ between = ["client:e0", "outer:a"] }, { between = ["outer:b", "inner:a"] }, { between = ["inner:b", "server:e0"] }]
            ruleset = [{ name = "rules", text = "iptables -A FORWARD -i a -p tcp --syn ! --dport 21 -j DROP" }]
            matrix = { data = "pasv" }
            require = [{ symptom = "data-timeout", cause = { kind = "rule", node = "inner" } }]
            "#,
        );
    }
}
