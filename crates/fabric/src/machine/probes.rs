//! Each ability tried for real, in a network namespace that is thrown away.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use fwlab_record::Flow;
use nix::sched::{CloneFlags, unshare};

use super::ability::Ability;
use super::tools::find_tool;
use crate::ProgramSpec;
use crate::netlink::{
    Batch, Body, NetlinkError, NetlinkSocket, Protocol, TcpSockets, family, kind, subsystem,
};

/// Why an ability is not there.
pub(super) type Reason = Box<dyn std::error::Error + Send + Sync>;

type Results = BTreeMap<Ability, Result<(), Reason>>;

/// Tries all of them; blocks for some tens of milliseconds.
pub(super) fn probe() -> Results {
    // A thread of its own: the namespace goes with it.
    let probing = std::thread::Builder::new().spawn(probe_here);
    match probing.map(std::thread::JoinHandle::join) {
        Ok(Ok(results)) => results,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => none_of_them(&error.to_string()),
    }
}

fn none_of_them(why: &str) -> Results {
    Ability::ALL
        .into_iter()
        .map(|ability| (ability, Err(why.into())))
        .collect()
}

fn probe_here() -> Results {
    if let Err(errno) = unshare(CloneFlags::CLONE_NEWNET) {
        return none_of_them(&format!("no network namespace: {errno}"));
    }
    // In the order of `ALL`: the helper brings connection tracking along, whose
    // settings the probe of its events looks at.
    let probe = |ability| match ability {
        Ability::Settings => set_something(),
        Ability::Programs => run_something(),
        Ability::NftRules => load_rules("iptables-nft-restore"),
        Ability::LegacyRules => load_rules("iptables-legacy-restore"),
        Ability::PacketTrace => nft(&[chain, trace_rule]),
        Ability::PacketLog => bind_log(),
        Ability::FtpHelper => nft(&[ftp_helper]),
        Ability::ConntrackEvents => conntrack_events(),
        Ability::SocketDestroy => destroy_socket(),
    };
    Ability::ALL
        .into_iter()
        .map(|ability| (ability, probe(ability)))
        .collect()
}

fn set_something() -> Result<(), Reason> {
    let file = "/proc/sys/net/ipv4/ip_forward";
    let value = fs::read_to_string(file)?;
    // What it is, once more: this namespace goes with its thread, and takes nothing along.
    fs::write(file, value).map_err(|error| format!("{file} cannot be written: {error}").into())
}

fn run_something() -> Result<(), Reason> {
    let tool = ["iptables-nft-restore", "iptables-legacy-restore", "nft"]
        .into_iter()
        .find_map(find_tool)
        .ok_or("there is no loader of rules to try it with")?;
    let said = ProgramSpec::new(tool)
        .arguments(["--version"])
        .said_alone(DEADLINE)?;
    if said.is_empty() {
        return Err("a program that was asked for its version said nothing".into());
    }
    Ok(())
}

fn load_rules(tool: &str) -> Result<(), Reason> {
    let path = find_tool(tool).ok_or_else(|| format!("{tool} is not installed"))?;
    let mut child = Command::new(path)
        .env_clear()
        .env("LC_ALL", "C")
        .env("XTABLES_LOCKFILE", "/proc/self/ns/net")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(b"*filter\n-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT\nCOMMIT\n")?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().into())
}

/// How long a program may take to say its version.
const DEADLINE: Duration = Duration::from_secs(5);

const TABLE: &str = "fwlab-probe";

/// One message of an nf_tables transaction: type and attributes.
type NftMessage = fn(&mut Batch);

/// Makes a table with these messages in it; all of it goes with the namespace.
fn nft(messages: &[NftMessage]) -> Result<(), Reason> {
    const NFTA_TABLE_NAME: u16 = 1;
    let socket = NetlinkSocket::open(Protocol::Netfilter)?;
    let batch = Batch::of_nf_tables(|batch| {
        nft_message(batch, libc::NFT_MSG_NEWTABLE, "make a table", |body| {
            body.text(NFTA_TABLE_NAME, TABLE);
        });
        for message in messages {
            message(batch);
        }
    });
    Ok(socket.exchange(batch, |_| {})?)
}

fn nft_message(batch: &mut Batch, kind: i32, purpose: &str, attributes: impl FnOnce(&mut Body)) {
    batch.nf_tables(kind as u8, 0, family::INET, purpose, attributes);
}

fn chain(batch: &mut Batch) {
    const NFTA_CHAIN_TABLE: u16 = 1;
    const NFTA_CHAIN_NAME: u16 = 3;
    nft_message(batch, libc::NFT_MSG_NEWCHAIN, "make a chain", |message| {
        message.text(NFTA_CHAIN_TABLE, TABLE);
        message.text(NFTA_CHAIN_NAME, "trace");
    });
}

/// `meta nftrace set 1`
fn trace_rule(batch: &mut Batch) {
    const NFTA_LIST_ELEM: u16 = 1;
    const NFTA_EXPR_NAME: u16 = 1;
    const NFTA_EXPR_DATA: u16 = 2;
    const NFTA_RULE_TABLE: u16 = 1;
    const NFTA_RULE_CHAIN: u16 = 2;
    const NFTA_RULE_EXPRESSIONS: u16 = 4;
    const NFTA_IMMEDIATE_DREG: u16 = 1;
    const NFTA_IMMEDIATE_DATA: u16 = 2;
    const NFTA_DATA_VALUE: u16 = 1;
    const NFTA_META_KEY: u16 = 2;
    const NFTA_META_SREG: u16 = 3;
    let expression = |list: &mut Body, name: &str, data: &dyn Fn(&mut Body)| {
        list.nested(NFTA_LIST_ELEM, |element| {
            element.text(NFTA_EXPR_NAME, name);
            element.nested(NFTA_EXPR_DATA, |inner| data(inner));
        });
    };
    let register = (libc::NFT_REG_1 as u32).to_be_bytes();
    nft_message(batch, libc::NFT_MSG_NEWRULE, "trace packets", |message| {
        message.text(NFTA_RULE_TABLE, TABLE);
        message.text(NFTA_RULE_CHAIN, "trace");
        message.nested(NFTA_RULE_EXPRESSIONS, |list| {
            expression(list, "immediate", &|data| {
                data.bytes(NFTA_IMMEDIATE_DREG, &register);
                data.nested(NFTA_IMMEDIATE_DATA, |value| {
                    value.bytes(NFTA_DATA_VALUE, &[1]);
                });
            });
            expression(list, "meta", &|data| {
                let key = (libc::NFT_META_NFTRACE as u32).to_be_bytes();
                data.bytes(NFTA_META_KEY, &key);
                data.bytes(NFTA_META_SREG, &register);
            });
        });
    });
}

/// `ct helper fwlab-probe { type "ftp" protocol tcp; l3proto ip; }`
fn ftp_helper(batch: &mut Batch) {
    const NFTA_OBJ_TABLE: u16 = 1;
    const NFTA_OBJ_NAME: u16 = 2;
    const NFTA_OBJ_TYPE: u16 = 3;
    const NFTA_OBJ_DATA: u16 = 4;
    const NFT_OBJECT_CT_HELPER: u32 = 3;
    const NFTA_CT_HELPER_NAME: u16 = 1;
    const NFTA_CT_HELPER_L3PROTO: u16 = 2;
    const NFTA_CT_HELPER_L4PROTO: u16 = 3;
    let purpose = "find the FTP helper";
    nft_message(batch, libc::NFT_MSG_NEWOBJ, purpose, |message| {
        message.text(NFTA_OBJ_TABLE, TABLE);
        message.text(NFTA_OBJ_NAME, TABLE);
        message.bytes(NFTA_OBJ_TYPE, &NFT_OBJECT_CT_HELPER.to_be_bytes());
        message.nested(NFTA_OBJ_DATA, |data| {
            data.text(NFTA_CT_HELPER_NAME, "ftp");
            let ipv4 = (libc::NFPROTO_IPV4 as u16).to_be_bytes();
            data.bytes(NFTA_CT_HELPER_L3PROTO, &ipv4);
            data.bytes(NFTA_CT_HELPER_L4PROTO, &[libc::IPPROTO_TCP as u8]);
        });
    });
}

fn bind_log() -> Result<(), Reason> {
    const NFULA_CFG_CMD: u16 = 1;
    let socket = NetlinkSocket::open(Protocol::Netfilter)?;
    let mut batch = Batch::default();
    for command in [libc::NFULNL_CFG_CMD_PF_BIND, libc::NFULNL_CFG_CMD_BIND] {
        let config = kind(subsystem::LOG, libc::NFULNL_MSG_CONFIG as u8);
        batch.netfilter(config, 0, family::IPV4, "log packets", |body| {
            body.byte(NFULA_CFG_CMD, command as u8);
        });
    }
    Ok(socket.exchange(batch, |_| {})?)
}

fn conntrack_events() -> Result<(), Reason> {
    // 0: off, 1: on, 2: on where somebody listens.
    let events = fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_events")?;
    if events.trim() == "0" {
        return Err("net.netfilter.nf_conntrack_events is 0".into());
    }
    Ok(())
}

fn destroy_socket() -> Result<(), Reason> {
    set_loopback_up()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    let flow = Flow {
        from: stream.local_addr()?,
        to: stream.peer_addr()?,
    };
    if TcpSockets::open()?.destroy(flow)? {
        return Ok(());
    }
    Err(io::Error::from(io::ErrorKind::NotFound).into())
}

fn set_loopback_up() -> Result<(), NetlinkError> {
    let unavailable = |source| NetlinkError {
        purpose: "open a route socket".to_owned(),
        reason: None,
        source,
    };
    let route = NetlinkSocket::open(Protocol::Route).map_err(unavailable)?;
    let mut batch = Batch::default();
    batch.set_up(1, "lo");
    route.exchange(batch, |_| {})
}
