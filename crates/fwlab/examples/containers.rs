//! One test, and the servers that people run: libunftp in the lab, the others in containers.
//! `cargo test --example containers` runs it, as root; `fwlab images` builds the images.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    println!("These are tests: run `cargo test --example containers`.");
    println!("To have the like in your own crate, copy the module `tests` of this file.");
}

#[cfg(test)]
mod tests {
    use fwlab::DataSetup::{Epsv, Port};
    use fwlab::{
        Lab, LabError, Observed, ServerPeer, assert_blocked, assert_transferred, curl, libunftp,
        proftpd, pure_ftpd, vsftpd,
    };
    use rstest::rstest;

    /// A server whose control port and passive ports are open.
    const SERVER: &str = "
        iptables -P INPUT DROP
        iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
        iptables -A INPUT -p tcp -m multiport --dports 21,50000:50100 -j ACCEPT";

    /// What a transfer came to; nothing where this machine has no container for it.
    fn here(observed: Result<Observed, LabError>) -> Result<Option<Observed>, LabError> {
        match observed {
            Err(LabError::NotSupported(why)) => {
                eprintln!("skipped: {why}");
                Ok(None)
            }
            observed => observed.map(Some),
        }
    }

    #[rstest]
    #[case::libunftp(libunftp())]
    #[case::vsftpd(vsftpd().in_container())]
    #[case::proftpd(proftpd().in_container())]
    #[case::pure_ftpd(pure_ftpd().in_container())]
    fn the_passive_ports_must_be_those_of_the_rules(
        #[case] server: ServerPeer,
    ) -> Result<(), LabError> {
        let lab = Lab::server_firewall()
            .rules(SERVER)
            .server(server)
            .data_from_port_20();
        let right = lab.clone().passive_ports(50000..=50100);
        let Some(passes) = here(right.transfer(Epsv))? else {
            return Ok(());
        };
        assert_transferred!(passes);
        assert_transferred!(right.transfer(Port)?);
        let wrong = lab.passive_ports(40000..=40100);
        assert_blocked!(wrong.transfer(Epsv)?, by policy "filter/INPUT");
        Ok(())
    }

    /// Client and server each with a container of its own, for this one transfer.
    #[test]
    fn both_ends_in_containers_of_their_own() -> Result<(), LabError> {
        let lab = Lab::server_firewall()
            .rules(SERVER)
            .passive_ports(50000..=50100)
            .server(vsftpd().cold())
            .client(curl().cold());
        let Some(observed) = here(lab.transfer(Epsv))? else {
            return Ok(());
        };
        assert_transferred!(observed);
        // A failed assertion tells this, too.
        let told = observed.to_string();
        assert!(told.contains("with vsftpd 3.0.3-"), "{told}");
        assert!(told.contains("in a container, curl 7.88.1-"), "{told}");
        Ok(())
    }
}
