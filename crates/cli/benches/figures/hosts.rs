//! What `fwlab check` costs as its users run it: a process, from rules to a truth table.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::figures::at_most;
use crate::median;

/// A host's files, and how it is asked about.
struct Host {
    what: &'static str,
    files: Vec<(&'static str, String)>,
    arguments: &'static [&'static str],
    /// In so many seconds.
    limit: f64,
}

/// The most memory, in megabytes.
const MEMORY: f64 = 150.0;

pub(crate) fn hosts() {
    for host in [small(), usual(), blocklist()] {
        let folder = tempfile::tempdir().expect("a folder");
        let paths: Vec<PathBuf> = host
            .files
            .iter()
            .map(|(name, text)| {
                let path = folder.path().join(name);
                std::fs::write(&path, text).expect("it can be written");
                path
            })
            .collect();
        let runs = (0..5).map(|_| run(&host, &paths));
        let (times, sizes): (Vec<f64>, Vec<f64>) = runs.unzip();
        at_most(
            host.limit,
            &format!("check: {}", host.what),
            median(times),
            "s",
        );
        at_most(
            MEMORY,
            &format!("check: {}, memory", host.what),
            median(sizes),
            "MB",
        );
    }
}

/// Waits until the kernel has taken the namespaces of earlier runs away: until then, new ones wait for it, some 0.4 s.
fn until_cleared() {
    let end = Instant::now() + Duration::from_secs(60);
    while is_clearing() {
        assert!(
            Instant::now() < end,
            "the kernel still takes namespaces away"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a worker of the kernel is at it: its name then says so, `kworker/u8:6+netns`.
fn is_clearing() -> bool {
    let processes = std::fs::read_dir("/proc").expect("there is /proc");
    let mut names = processes
        .filter_map(|process| std::fs::read_to_string(process.ok()?.path().join("comm")).ok());
    names.any(|name| name.starts_with("kworker") && name.trim_end().ends_with("+netns"))
}

/// Seconds, and the most memory in megabytes, of a run that no other one precedes.
fn run(host: &Host, paths: &[PathBuf]) -> (f64, f64) {
    until_cleared();
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fwlab"));
    command.arg("check").args(paths).args(host.arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().expect("it starts");
    let took = begun.elapsed().as_secs_f64();
    assert!(status.success(), "{}: {status}", host.what);
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    // Of all children that ended, the largest: those that come later are larger.
    let kilobytes = usage.expect("it is told").max_rss();
    (took, kilobytes as f64 / 1000.0)
}

/// Twenty rules of one family.
fn small() -> Host {
    Host {
        what: "20 rules, one family",
        limit: 0.3,
        files: vec![("rules.v4", rules(14, "192.0.2", 32))],
        arguments: &[
            "--at",
            "server",
            "--backend",
            "nft",
            "--protection",
            "plain",
        ],
    }
}

/// Two hundred rules, both families, four classes of peers, plain and TLS.
fn usual() -> Host {
    Host {
        what: "200 rules, both families, TLS",
        limit: 3.0,
        files: vec![
            ("rules.v4", rules(94, "192.0.2", 32)),
            ("rules.v6", rules(94, "2001:db8::", 128)),
        ],
        arguments: &["--at", "server", "--backend", "nft"],
    }
}

/// Twenty thousand addresses that are refused.
fn blocklist() -> Host {
    let mut text =
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n".to_owned();
    for number in 0..20_000_u32 {
        let [_, _, high, low] = (number * 3).to_be_bytes();
        let _ = writeln!(text, "-A INPUT -s 100.64.{high}.{low}/32 -j DROP");
    }
    text += "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT\nCOMMIT\n";
    Host {
        what: "20,000 rules",
        limit: 8.0,
        files: vec![("rules.v4", text)],
        arguments: &["--at", "server", "--backend", "nft"],
    }
}

/// A dump of a host that serves FTP and other things, with so many further rules.
fn rules(further: u32, network: &str, length: u8) -> String {
    let mut text =
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n".to_owned();
    text +=
        "-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
    if length == 128 {
        text += "-A INPUT -p ipv6-icmp -j ACCEPT\n";
    }
    let member = |last: u32| match length {
        32 => format!("{network}.{last}/32"),
        _ => format!("{network}{last:x}/128"),
    };
    let _ = writeln!(text, "-A INPUT -s {} -j DROP", member(7));
    text += "-A INPUT -i eth1 -p tcp -m tcp --dport 21 -j ACCEPT\n-A INPUT -i eth0 -p tcp -m tcp --dport 21 -j ACCEPT\n";
    for number in 0..further {
        let _ = writeln!(
            text,
            "-A INPUT -p udp -m udp --dport {} -j ACCEPT",
            2000 + number
        );
    }
    text + "COMMIT\n"
}
