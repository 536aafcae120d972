//! Firewall tests as `rstest` cases: rulesets × data setups, one test each.
//! `cargo test --example rstest_cases` runs them.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    println!("These are tests: run `cargo test --example rstest_cases`.");
    println!("To have the like in your own crate, copy the module `tests` of this file.");
}

#[cfg(test)]
mod tests {
    use fwlab::DataSetup::{Epsv, Pasv, Port};
    use fwlab::{DataSetup, Lab, LabError, assert_blocked, assert_transferred};
    use rstest::rstest;

    /// A client that answers only what belongs to connections of its own.
    const CAREFUL: &str = "
        iptables -P INPUT DROP
        iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT";

    /// The same with the helper assigned: now the server's data connections are RELATED.
    const WITH_HELPER: &str = "
        iptables -t raw -A OUTPUT -p tcp --dport 21 -j CT --helper ftp
        iptables -P INPUT DROP
        iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT";

    /// A client that may open control connections, and no others.
    const CONTROL_ONLY: &str = "
        iptables -A OUTPUT -p tcp --dport 21 -j ACCEPT
        iptables -A OUTPUT -p tcp --syn -j REJECT --reject-with tcp-reset";

    /// A server that assigns the helper by a `ct helper` object of nft.
    const HELPER_OBJECT: &str = "
        table inet ftp {
            ct helper standard { type \"ftp\" protocol tcp; }
            chain input {
                type filter hook input priority 0; policy drop
                tcp dport 21 ct helper set \"standard\" accept
                ct state established,related accept
            }
        }";

    #[rstest]
    fn a_script_of_nft_is_a_ruleset_too(
        #[values(Port, Pasv, Epsv)] data: DataSetup,
    ) -> Result<(), LabError> {
        assert_transferred!(Lab::server_firewall().rules(HELPER_OBJECT).transfer(data)?);
        let without = HELPER_OBJECT.replace("ct helper set \"standard\"", "");
        let observed = Lab::server_firewall().rules(without).transfer(data)?;
        match data {
            Port => assert_transferred!(observed),
            _ => assert_blocked!(observed, by policy "inet/ftp/input"),
        }
        Ok(())
    }

    #[rstest]
    fn with_a_helper_everything_passes(
        #[values(Port, Pasv, Epsv)] data: DataSetup,
    ) -> Result<(), LabError> {
        let lab = Lab::client_firewall().rules(WITH_HELPER);
        assert_transferred!(lab.transfer(data)?);
        Ok(())
    }

    #[rstest]
    #[case::careful(CAREFUL, Pasv)]
    #[case::careful(CAREFUL, Epsv)]
    #[case::control_only(CONTROL_ONLY, Port)]
    fn passes(#[case] rules: &str, #[case] data: DataSetup) -> Result<(), LabError> {
        assert_transferred!(Lab::client_firewall().rules(rules).transfer(data)?);
        Ok(())
    }

    #[test]
    fn active_data_is_never_related_without_a_helper() -> Result<(), LabError> {
        let observed = Lab::client_firewall().rules(CAREFUL).transfer(Port)?;
        assert_blocked!(observed, by policy "filter/INPUT");
        Ok(())
    }

    #[rstest]
    fn passive_data_may_not_go_out(#[values(Pasv, Epsv)] data: DataSetup) -> Result<(), LabError> {
        let observed = Lab::client_firewall().rules(CONTROL_ONLY).transfer(data)?;
        assert_blocked!(observed, by rule "filter/OUTPUT", 2);
        Ok(())
    }
}
