//! The script on a host: a node of a lab that has rules of every kind.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fwlab_fabric::{Fabric, Privilege, find_tool};
use fwlab_host::{Host, RouteKind, SCRIPT, SectionName};
use fwlab_model::{LinkEnd, LinkSpec, NextHop, NodeSpec, RouteSpec, Topology};
use fwlab_record::{Backend, Family, InterfaceName, NodeName};
use fwlab_skipped::{Need, skipped};

use crate::support::read;

/// The shells that the script is for, as far as they are here.
fn shells() -> Vec<Vec<&'static str>> {
    let known = [vec!["sh"], vec!["dash"], vec!["busybox", "sh"]];
    let (there, missing): (Vec<_>, Vec<_>) = known
        .into_iter()
        .partition(|shell| find_tool(shell[0]).is_some());
    for shell in missing {
        skipped(Need::Machine, format_args!("there is no {}", shell[0]));
    }
    there
}

fn script(shell: &[&str]) -> Command {
    let mut command = Command::new(find_tool(shell[0]).expect("it was found"));
    command.args(&shell[1..]).stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("it can be started")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn end(node: &NodeName, interface: &str, addresses: &[&str]) -> LinkEnd {
    let addresses = addresses.iter();
    LinkEnd {
        node: node.clone(),
        interface: InterfaceName::new(interface).expect("an interface name"),
        addresses: addresses
            .map(|text| text.parse().expect("a prefix"))
            .collect(),
    }
}

/// A gateway between two hosts, and a default route.
fn topology() -> Topology {
    let (client, gateway, server) = (NodeName::client(), NodeName::gateway(), NodeName::server());
    let mut nodes = [&client, &gateway, &server].map(|name| NodeSpec::new(name.clone()));
    nodes[1].forwards = true;
    nodes[1].routes = vec![RouteSpec {
        to: "0.0.0.0/0".parse().expect("a prefix"),
        via: NextHop::Neighbour("192.0.2.1".parse().expect("an address")),
    }];
    let lan = [
        end(&client, "eth0", &["10.1.2.2/24", "fd00:1::2/64"]),
        end(&gateway, "lan0", &["10.1.2.1/24", "fd00:1::1/64"]),
    ];
    let wan = [
        end(&gateway, "wan0", &["192.0.2.10/24", "192.0.2.11/24"]),
        end(&server, "eth0", &["192.0.2.1/24"]),
    ];
    Topology {
        nodes: nodes.into(),
        links: vec![LinkSpec::new(lan), LinkSpec::new(wan)],
    }
}

/// Does something in the namespace of the gateway; nothing where there can be no lab.
fn on_a_host<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if let Err(error) = Privilege::current() {
        skipped(Need::Lab, format_args!("{error}; {}", error.help));
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let fabric = Fabric::build(&topology()).await.expect("a lab");
        let gateway = fabric
            .node(&NodeName::gateway())
            .expect("it is there")
            .clone();
        let done = gateway.run(async move || job()).await.expect("it lives");
        drop(gateway);
        fabric.join().await;
        Some(done)
    })
}

fn load(line: &str) -> bool {
    let mut words = line.split(' ');
    let Some(program) = words.next().and_then(find_tool) else {
        skipped(Need::Programs, format_args!("no program for `{line}`"));
        return false;
    };
    // The machine's own lock is root's.
    let lock = tempfile::NamedTempFile::new().expect("a file");
    let mut command = Command::new(program);
    let output = output(command.args(words).env("XTABLES_LOCKFILE", lock.path()));
    assert!(output.status.success(), "{line}: {}", said(&output));
    true
}

/// What the script must leave as it is.
fn state() -> String {
    let listed = find_tool("nft").map(|nft| output(Command::new(nft).args(["list", "ruleset"])));
    let listed = listed.map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned());
    let files = [
        "/proc/thread-self/net/ip_tables_names",
        "/proc/thread-self/net/ip6_tables_names",
        "/proc/modules",
    ];
    let files = files.map(|file| std::fs::read_to_string(file).unwrap_or_default());
    format!("{listed:?} {files:?}")
}

#[test]
fn a_host_is_read_by_each_shell_and_left_as_it_is() {
    let shells = shells();
    let read_by_each = on_a_host(move || {
        let loaded = [
            "iptables-nft -A FORWARD -p tcp --dport 21 -j ACCEPT",
            "ip6tables-nft -P FORWARD DROP",
            "iptables-legacy -t nat -A PREROUTING -d 192.0.2.11 -j DNAT --to-destination 10.1.2.2",
            "nft add table inet own",
            "ipset create allowed hash:ip",
        ];
        if !loaded.into_iter().all(load) {
            return Vec::new();
        }
        let before = state();
        let mut captures = Vec::new();
        for shell in shells {
            let output = output(script(&shell).args(["-c", SCRIPT]));
            assert!(output.status.success(), "{shell:?}: {}", said(&output));
            captures.push((
                output.stdout,
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ));
        }
        assert_eq!(state(), before);
        captures
    });
    for (capture, said) in read_by_each.into_iter().flatten() {
        let host = read(&capture);
        assert_eq!(host.unread, [], "{said}");
        check(&host);
        for thing in ["iptables-nft: ", "nft: nft list ruleset", "links: ip "] {
            assert!(said.contains(thing), "{said}");
        }
    }
}

/// A host without iproute2 is known by what its kernel shows: the same as `ip` says, but for rules that ask other tables.
#[test]
fn without_ip_the_kernel_s_files_say_the_same() {
    // The folder of links is of the namespace that it was mounted in.
    const MOUNTED: &str = "mount -t sysfs none /sys && exec \"$@\"";
    let without = format!("command() {{ [ \"$2\" != ip ] && type \"$2\"; }}\n{SCRIPT}");
    let shells = shells();
    let read_by_each = on_a_host(move || {
        let mounted = |command: &[&str]| {
            let mut running = Command::new(find_tool("unshare").expect("it is there"));
            running.args(["--mount", "sh", "-c", MOUNTED, "sh"]);
            output(running.args(command).stdin(Stdio::null()))
        };
        if !mounted(&["true"]).status.success() {
            skipped(Need::Machine, "no sysfs can be mounted here");
            return Vec::new();
        }
        for line in [
            "blackhole 198.51.100.0/24",
            "10.20.0.0/16 via 10.1.2.9 metric 7",
        ] {
            if !load(&format!("ip route add {line}")) {
                return Vec::new();
            }
        }
        let captured = |shell: &[&str], script: &str| {
            let output = mounted(&[shell, &["-c", script]].concat());
            assert!(output.status.success(), "{shell:?}: {}", said(&output));
            output.stdout
        };
        let by_each = shells.iter();
        let by_each = by_each.map(|shell| (captured(shell, SCRIPT), captured(shell, &without)));
        by_each.collect()
    });
    for (with, without) in read_by_each.into_iter().flatten() {
        let [with, without] = [&with, &without].map(|capture| read(capture));
        let unread: Vec<SectionName> = without.unread.iter().map(|one| one.section).collect();
        assert_eq!(unread, [SectionName::Rules, SectionName::Rules6]);
        let [expected, found] = [&with, &without].map(as_known);
        assert_eq!(found, expected);
        assert!(
            expected.contains(&"address wan0 192.0.2.11/24".to_owned()),
            "{expected:?}"
        );
        assert!(
            expected.contains(&"Blackhole 198.51.100.0/24".to_owned()),
            "{expected:?}"
        );
    }
}

/// What of a host is known by either way, in order. busybox's `ip` lists routes of groups, too, which lead to nobody.
fn as_known(host: &Host) -> Vec<String> {
    let links = host.links.iter().map(|link| {
        let master = link.master.as_ref().map(ToString::to_string);
        let is_loopback = link.kind.as_deref() == Some("loopback");
        let (is_up, has_carrier, mtu) = (link.is_up, link.has_carrier, link.mtu);
        format!(
            "link {} {is_loopback} {is_up} {has_carrier} {mtu:?} {master:?}",
            link.name
        )
    });
    let addresses = host.addresses();
    let addresses =
        addresses.map(|address| format!("address {} {}", address.interface, address.net));
    let of_groups = [RouteKind::Multicast, RouteKind::Anycast];
    let routes = host.routes.iter();
    let routes = routes.filter(|route| !of_groups.contains(&route.kind));
    let routes = routes.map(|route| {
        let mut shown = format!("{:?} {}", route.kind, route.to);
        for hop in &route.hops {
            shown += &format!(" {} {:?} {}", hop.interface, hop.via, route.metric);
        }
        shown
    });
    let mut known: Vec<String> = links.chain(addresses).chain(routes).collect();
    known.sort();
    known
}

fn check(host: &Host) {
    let rules = |backend, family| {
        let dump = host.iptables.get(&(backend, family));
        dump.map_or(String::new(), |dump| {
            String::from_utf8_lossy(&dump.text).into_owned()
        })
    };
    assert!(
        rules(Backend::Nft, Family::Ipv4).contains("-A FORWARD -p tcp -m tcp --dport 21 -j ACCEPT")
    );
    assert!(rules(Backend::Nft, Family::Ipv6).contains(":FORWARD DROP"));
    assert!(rules(Backend::Legacy, Family::Ipv4).contains("--to-destination 10.1.2.2"));
    let text = |piece: &Option<fwlab_host::Piece>| {
        let text = piece.as_ref().map(|piece| piece.text.clone());
        String::from_utf8(text.unwrap_or_default()).expect("it is text")
    };
    let nft = text(&host.nft);
    assert!(
        nft.contains("table inet own") && !nft.contains("table ip"),
        "{nft}"
    );
    assert!(text(&host.ipset).contains("create allowed hash:ip"));
    let addresses: Vec<String> = host
        .addresses()
        .map(|address| format!("{} {}", address.interface, address.net))
        .collect();
    for address in [
        "lan0 10.1.2.1/24",
        "lan0 fd00:1::1/64",
        "wan0 192.0.2.11/24",
    ] {
        assert!(addresses.iter().any(|it| it == address), "{addresses:?}");
    }
    let way = host.route_to("8.8.8.8".parse().expect("an address"));
    let (interface, via) = way.expect("there is a default route");
    assert_eq!(interface.as_str(), "wan0");
    assert_eq!(via.map(|via| via.to_string()).as_deref(), Some("192.0.2.1"));
    assert_eq!(host.sysctls["net.ipv4.conf.lan0.forwarding"], "1");
}

#[test]
fn who_is_not_root_is_told_and_nothing_is_written() {
    if !is_root() {
        skipped(Need::Machine, "to be somebody else needs root");
        return;
    }
    for shell in shells() {
        let output = output(script(&shell).args(["-c", SCRIPT]).uid(65534).gid(65534));
        assert_eq!(output.status.code(), Some(1));
        assert!(
            said(&output).contains("only root can read"),
            "{}",
            said(&output)
        );
        assert!(output.stdout.is_empty());
    }
}

/// Whether this process is the machine's root.
fn is_root() -> bool {
    matches!(Privilege::current(), Ok(Privilege::Root))
}

#[test]
fn a_file_is_written_once_and_for_nobody_else() {
    let shells = shells();
    on_a_host(move || {
        for shell in shells {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("host.fwlab");
            let capture = || {
                output(
                    script(&shell)
                        .args(["-c", SCRIPT, "capture.sh", "-o"])
                        .arg(&file),
                )
            };
            let first = capture();
            assert!(first.status.success(), "{}", said(&first));
            assert!(first.stdout.is_empty());
            let text = std::fs::read(&file).expect("it was written");
            read(&text);
            assert_eq!(mode(&file), 0o600);
            let again = capture();
            assert_eq!(again.status.code(), Some(1));
            assert!(said(&again).contains("exists already"), "{}", said(&again));
            assert_eq!(std::fs::read(&file).expect("it is there"), text);
        }
    });
}

fn mode(file: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(file).expect("it is there");
    found.permissions().mode() & 0o777
}

#[test]
fn every_section_is_on_the_page() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/host-files.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    for section in SectionName::WORDS {
        assert!(page.contains(&format!("`{section}`")), "{section}");
    }
}

#[test]
fn other_arguments_are_told() {
    for shell in shells() {
        for arguments in [&["--help"][..], &["-o"], &["-o", "a", "b"]] {
            let output = output(
                script(&shell)
                    .args(["-c", SCRIPT, "capture.sh"])
                    .args(arguments),
            );
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(
                said(&output).contains("usage: sh capture.sh"),
                "{}",
                said(&output)
            );
        }
    }
}
