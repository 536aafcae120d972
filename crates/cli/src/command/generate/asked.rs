//! What is asked for, and whether rules can do it.

use clap::ValueEnum;
use fwlab_check::Tried;
use fwlab_model::ruleset::{Active, Nat, Passive, Policy, Side};
use fwlab_record::{Axes, DataSetup, Protection};

/// What is to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Allowed {
    /// PASV and EPSV
    Passive,
    /// PORT and EPRT
    Active,
    /// The same under TLS, too
    Tls,
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) side: Side,
    /// How a gateway translates addresses.
    pub(super) nat: Option<Nat>,
    pub(super) allow: Vec<Allowed>,
    pub(super) passive_ports: Option<(u16, u16)>,
    pub(super) control_port: u16,
}

/// Why no rules can do it, and the nearest that they can.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: String,
    pub(super) nearest: String,
}

impl Asked {
    fn allows(&self, what: Allowed) -> bool {
        self.allow.contains(&what)
    }

    /// Whether the server may open connections to everybody's high ports, from port 20: active FTP under TLS.
    pub(super) fn lets_out(&self) -> bool {
        self.side == Side::Server && self.allows(Allowed::Active) && self.allows(Allowed::Tls)
    }

    /// The policy that holds it.
    ///
    /// # Errors
    /// When no rules can.
    pub(super) fn policy(&self) -> Result<Policy, Refusal> {
        let [passive, active, tls] =
            [Allowed::Passive, Allowed::Active, Allowed::Tls].map(|what| self.allows(what));
        let refused = |why: &str, nearest: String| {
            Err(Refusal {
                why: why.to_owned(),
                nearest,
            })
        };
        let (low, high) = self.passive_ports.unwrap_or((50_000, 50_100));
        let ways = match active && self.side == Side::Server {
            true => "passive,active,tls",
            false => "passive,tls",
        };
        let with_range = format!(
            "--allow {ways} --passive-ports {low}-{high}, with the server limited to these ports"
        );
        if tls && !passive && !active {
            return refused("tls by itself allows no transfer", with_range);
        }
        // The server's own firewall knows who connects from port 20 there, and lets nobody in by that.
        let is_static = self.lets_out();
        if active && tls && !is_static {
            return refused(
                "active FTP under TLS: no helper can read under TLS, so the server's connection looks like any stranger's",
                with_range,
            );
        }
        if active && !tls && self.passive_ports.is_some() {
            return refused(
                "a range of passive ports beside active FTP without TLS: rules cannot tell TLS's passive connections to that range from plain ones",
                "--allow passive,active without --passive-ports".to_owned(),
            );
        }
        match (passive, tls, self.passive_ports) {
            (true, true, None) => {
                return refused(
                    "passive FTP under TLS: no helper can read under TLS, so it needs a range of ports that the server keeps to",
                    with_range,
                );
            }
            (true, false, Some(_)) => {
                return refused(
                    "a range of passive ports without TLS: rules cannot tell TLS's passive connections to that range from plain ones",
                    format!("{with_range}; or --allow passive without --passive-ports"),
                );
            }
            _ => {}
        }
        let setups = DataSetup::ALL.iter().copied();
        let allow = setups.filter(|setup| if setup.is_active() { active } else { passive });
        let policy = Policy {
            control_port: self.control_port,
            active: match is_static {
                true => Active::StaticPort,
                false => Active::Stateful,
            },
            ..Policy::new(self.side, allow)
        };
        Ok(match self.passive_ports {
            Some((low, high)) => Policy {
                passive: Passive::StaticRange(low..=high),
                helper: false,
                ..policy
            },
            None if is_static => Policy {
                helper: false,
                ..policy
            },
            None => policy,
        })
    }

    /// Whether connections may be opened to the servers of a class of peers: by a gateway that masquerades, where they leave by that
    /// interface.
    pub(super) fn opens_to_servers(&self, class: &Tried) -> bool {
        match &self.nat {
            Some(Nat::Masquerade { out }) => {
                class.representative().far_interface.as_ref() == Some(out)
            }
            Some(Nat::Forward { .. }) | None => true,
        }
    }

    /// The same to the clients of a class: a gateway's rules do not know which side is which, unless they say where to.
    pub(super) fn opens_to_clients(&self, class: &Tried) -> bool {
        match &self.nat {
            Some(Nat::Masquerade { out }) => class.representative().interface.as_ref() == Some(out),
            Some(Nat::Forward { .. }) => false,
            None => self.side == Side::Gateway,
        }
    }

    /// Whether a transfer is to pass; all others are to be blocked.
    pub(super) fn is_to_pass(&self, axes: &Axes, class: &Tried) -> bool {
        let way = match axes.data.is_active() {
            true => Allowed::Active,
            false => Allowed::Passive,
        };
        self.opens_to_servers(class)
            && self.allows(way)
            && (axes.protection == Protection::Plain || self.allows(Allowed::Tls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(
        side: Side,
        allow: &[Allowed],
        passive_ports: Option<(u16, u16)>,
    ) -> Result<Policy, Refusal> {
        let asked = Asked {
            side,
            allow: allow.to_vec(),
            passive_ports,
            control_port: 21,
            nat: None,
        };
        asked.policy()
    }

    /// What is named as the nearest can be had.
    #[test]
    fn every_refusal_names_what_can_be_had() {
        use Allowed::{Active, Passive, Tls};
        let ports = Some((40_000, 40_100));
        for side in [Side::Client, Side::Server, Side::Gateway] {
            assert!(policy(side, &[Passive, Tls], ports).is_ok());
            for (allow, ports, nearest) in [
                (
                    &[Tls][..],
                    None,
                    "--allow passive,tls --passive-ports 50000-50100",
                ),
                (
                    &[Passive, Active, Tls],
                    None,
                    match side {
                        Side::Server => "--allow passive,active,tls --passive-ports 50000-50100",
                        _ => "--allow passive,tls --passive-ports 50000-50100",
                    },
                ),
                (
                    &[Passive, Tls],
                    None,
                    "--allow passive,tls --passive-ports 50000-50100",
                ),
                (
                    &[Passive],
                    ports,
                    "--allow passive,tls --passive-ports 40000-40100",
                ),
                (&[Passive, Active], ports, "--allow passive,active without"),
                (&[Active], ports, "--allow passive,active without"),
            ] {
                let refused = policy(side, allow, ports).expect_err("no rules can");
                assert!(refused.nearest.starts_with(nearest), "{refused:?}");
            }
            for (allow, ports, nearest) in [
                (
                    &[Active, Tls][..],
                    None,
                    "--allow passive,tls --passive-ports 50000-50100",
                ),
                (
                    &[Passive, Active, Tls],
                    ports,
                    "--allow passive,tls --passive-ports 40000-40100",
                ),
            ] {
                match policy(side, allow, ports) {
                    Ok(policy) => assert_eq!((side, policy.helper), (Side::Server, false)),
                    Err(refused) => {
                        assert_ne!(side, Side::Server);
                        assert!(refused.nearest.starts_with(nearest), "{refused:?}");
                    }
                }
            }
            for allow in [&[Passive][..], &[Active], &[Passive, Active]] {
                assert!(policy(side, allow, None).is_ok());
            }
        }
    }
}
