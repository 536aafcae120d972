//! `generate`: the fewest rules for what is asked for, proven before they are printed.

mod asked;
mod proof;

use std::net::IpAddr;

use clap::{Args, ValueEnum};
use fwlab_check::At;
use fwlab_model::ruleset::{
    Nat, Policy, Side, generate_commands, generate_translating as rules, native,
};
use fwlab_record::{Backend, Exit, Family, InterfaceName};

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
    /// How a gateway translates addresses: `masquerade=INTERFACE`, what leaves there has the gateway's own, and clients behind it
    /// connect to servers beyond; or `forward=ADDRESS`, connections to the gateway's own go to the server behind it
    #[arg(long, value_name = "HOW", value_parser = nat)]
    nat: Option<Nat>,
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
    let (at, side) = match (arguments.at, &arguments.nat) {
        (Host::Client, None) => (At::Client, Side::Client),
        (Host::Server, None) => (At::Server, Side::Server),
        (Host::Gateway, None | Some(Nat::Masquerade { .. })) => (At::Gateway, Side::Gateway),
        (Host::Gateway, Some(Nat::Forward { .. })) => (At::PortForward, Side::Gateway),
        (Host::Client | Host::Server, Some(_)) => {
            complain(
                "only a gateway translates addresses",
                Some("write --at gateway, or leave out --nat"),
            );
            return Err(Exit::Usage);
        }
    };
    let asked = Asked {
        side,
        nat: arguments.nat.clone(),
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
    if let (Some(nat), Form::Save | Form::Commands) = (&arguments.nat, arguments.format)
        && !nat.speaks(arguments.family)
    {
        complain(
            format!(
                "the server's address is not of {}",
                arguments.family.protocol()
            ),
            Some("--family says which family the rules are of"),
        );
        return Err(Exit::Usage);
    }
    let made = made(arguments, &policy);
    prove(&made, at, &asked)?;
    if let Some((low, high)) = arguments.passive_ports {
        complain(
            format!("have the server keep to the passive ports {low}-{high}"),
            Some(&format!(
                "vsftpd: pasv_min_port={low}, pasv_max_port={high}"
            )),
        );
        if let Some(Nat::Forward { to: IpAddr::V4(_) }) = arguments.nat {
            complain(
                "have the server announce the address that clients connect to, the gateway's",
                Some("vsftpd: pasv_address=ADDRESS"),
            );
        }
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

fn nat(text: &str) -> Result<Nat, String> {
    let form = "write masquerade=INTERFACE, such as masquerade=eth1, or forward=ADDRESS, such as forward=192.168.1.5";
    match text.split_once('=') {
        Some(("masquerade", name)) => {
            let out = name.parse::<InterfaceName>();
            // In the rules of either language, it is a word.
            let is_plain = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte));
            let out = out.ok().filter(|_| is_plain);
            let out =
                out.ok_or_else(|| format!("`{name}` is not the name of an interface; {form}"))?;
            Ok(Nat::Masquerade { out })
        }
        Some(("forward", address)) => {
            let to = address.parse();
            let to = to.map_err(|_| format!("`{address}` is not an address; {form}"))?;
            Ok(Nat::Forward { to })
        }
        _ => Err(form.to_owned()),
    }
}

fn made(arguments: &GenerateArguments, policy: &Policy) -> Made {
    let (family, nat) = (arguments.family, arguments.nat.as_ref());
    let spoken = Family::ALL.iter();
    let spoken = spoken.filter(|family| nat.is_none_or(|nat| nat.speaks(**family)));
    let (text, families, backends): (String, Vec<Family>, &'static [Backend]) =
        match arguments.format {
            Form::Save => (
                rules(policy, nat, family).render(family),
                vec![family],
                &Backend::IPTABLES,
            ),
            Form::Commands => (
                generate_commands(policy, nat, family),
                vec![family],
                &Backend::IPTABLES,
            ),
            Form::Nft => (
                native::generate(policy, nat).expect("the policy drops"),
                spoken.copied().collect(),
                &[Backend::Native],
            ),
        };
    Made {
        text,
        families,
        backends,
        masquerades: match arguments.format {
            Form::Save | Form::Commands => family,
            // `meta nfproto ipv4` stands before it.
            Form::Nft => Family::Ipv4,
        },
    }
}
