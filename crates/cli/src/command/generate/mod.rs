//! `generate`: the fewest rules for what is asked for, proven before they are printed.

mod asked;
mod proof;

use clap::{Args, ValueEnum};
use fwlab_check::At;
use fwlab_model::ruleset::{Policy, Side, generate as rules, generate_commands, native};
use fwlab_record::{Backend, Exit, Family};

use super::check::ports;
use super::exit::{complain, print};
use super::word;
use asked::{Allowed, Asked};
use proof::{Made, prove};

#[derive(Debug, Args)]
pub(super) struct GenerateArguments {
    /// The host that the rules are for
    #[arg(long, value_enum)]
    at: Host,
    /// What may pass; everything else is blocked
    #[arg(
        long,
        value_enum,
        required = true,
        value_name = "WHAT",
        value_delimiter = ','
    )]
    allow: Vec<Allowed>,
    /// The range that the server keeps to for passive data connections; needed under TLS, where no helper can read the announced port
    #[arg(long, value_name = "LOW-HIGH", value_parser = ports)]
    passive_ports: Option<(u16, u16)>,
    /// The server's control port
    #[arg(long, value_name = "PORT", default_value_t = 21, value_parser = clap::value_parser!(u16).range(1..))]
    control_port: u16,
    /// save: for `iptables-restore`; commands: iptables commands; nft: an nft script, for both families
    #[arg(long, value_enum, default_value = "save")]
    format: Form,
    /// The address family of the iptables rules
    #[arg(long, value_name = "FAMILY", default_value = "ipv4", value_parser = word::family())]
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Host {
    Client,
    Server,
    Gateway,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Save,
    Commands,
    Nft,
}

pub(super) fn generate(arguments: &GenerateArguments) -> Exit {
    generated(arguments).unwrap_or_else(|exit| exit)
}

fn generated(arguments: &GenerateArguments) -> Result<Exit, Exit> {
    let (at, side) = match arguments.at {
        Host::Client => (At::Client, Side::Client),
        Host::Server => (At::Server, Side::Server),
        Host::Gateway => (At::Gateway, Side::Gateway),
    };
    let asked = Asked {
        side,
        allow: arguments.allow.clone(),
        passive_ports: arguments.passive_ports,
        control_port: arguments.control_port,
    };
    let policy = asked.policy().map_err(|refusal| {
        complain(
            format!("no rules can do this: {}", refusal.why),
            Some(&format!(
                "the nearest that rules can do is {}",
                refusal.nearest
            )),
        );
        Exit::Usage
    })?;
    let made = made(arguments, &policy);
    prove(&made, at, &asked)?;
    if let Some((low, high)) = arguments.passive_ports {
        complain(
            format!("have the server keep to the passive ports {low}-{high}"),
            Some(&format!(
                "vsftpd: pasv_min_port={low}, pasv_max_port={high}"
            )),
        );
    }
    if let (true, Some(port)) = (
        policy.allow.iter().any(|setup| setup.is_active()),
        policy.data_source_port,
    ) {
        complain(
            format!("have the server's active data connections come from port {port}"),
            Some("vsftpd: connect_from_port_20=YES"),
        );
    }
    print(made.text);
    Ok(Exit::Good)
}

fn made(arguments: &GenerateArguments, policy: &Policy) -> Made {
    let family = arguments.family;
    let (text, families, backends): (String, Vec<Family>, &'static [Backend]) =
        match arguments.format {
            Form::Save => (
                rules(policy, family).render(family),
                vec![family],
                &Backend::IPTABLES,
            ),
            Form::Commands => (
                generate_commands(policy, family),
                vec![family],
                &Backend::IPTABLES,
            ),
            Form::Nft => (
                native::generate(policy).expect("the policy drops"),
                Family::ALL.to_vec(),
                &[Backend::Native],
            ),
        };
    Made {
        text,
        families,
        backends,
    }
}
