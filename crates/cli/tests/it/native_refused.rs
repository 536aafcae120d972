//! Scripts of nft that are told their mistakes, or are not taken.

use fwlab::{Backend, DataSetup, Lab, Policy, Side};

use crate::bad_input::{folder, told};
use crate::native::{helper_object, lab_with_nft};
use crate::support::{end_of, fwlab, shared};

/// What `fwlab check` says to a script for a server.
fn checked(script: &str) -> String {
    let folder = folder(&[("rules.nft", script.as_bytes())]);
    let check = ["check", "rules.nft", "--at", "server", "--data", "pasv"];
    told(folder.path(), &check)
}

#[test]
fn a_script_is_checked_as_it_is() {
    let Some(_lab) = lab_with_nft() else { return };
    let script = format!(
        "#!/usr/sbin/nft -f\nflush ruleset\n{}",
        helper_object("prerouting priority -300")
    );
    let folder = folder(&[("rules.nft", script.as_bytes())]);
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "check",
        "rules.nft",
        "--at",
        "server",
        "--server",
        "libunftp",
    ]);
    let ended = end_of(&mut command).with(0);
    for part in [
        "rules.nft  ipv4  native  libunftp ← suppaftp  passes        –             timeout       timeout",
        // Its table is of both families, and stops what finds neighbours.
        "rules.nft  ipv6  native  libunftp ← suppaftp  –             –             –             ctl rejected",
        "server: inet/t/i, line 10 `type filter hook input priority filter + 10; policy drop;` stopped SYN ",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is not in\n{}",
            ended.stdout
        );
    }
}

#[test]
fn a_script_that_nft_refuses_is_told_its_place() {
    let Some(_lab) = lab_with_nft() else { return };
    for (script, place, marked) in [
        (
            "table inet t {\n\tchain c {\n\t\ttcp dprot 21 accept\n\t}\n}\n",
            "[rules.nft:3:7]",
            "syntax error",
        ),
        (
            "table inet t {\n chain c { jump nosuch; }\n}\n",
            "[rules.nft:2:",
            "No such file or directory",
        ),
        (
            "table inet t {\n chain c { ip saddr no.such.host.invalid accept; }\n}\n",
            "[rules.nft:2:21]",
            "the lab has no resolver: write addresses",
        ),
    ] {
        let told = checked(script);
        assert!(told.starts_with("exit 2\n"), "{told}");
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["nft refuses ruleset `rules.nft`", place, marked] {
            assert!(flat.contains(part), "{part} is not in\n{told}");
        }
    }
}

#[test]
fn a_script_of_a_scenario_is_told_by_the_scenario_s_lines() {
    let Some(_lab) = lab_with_nft() else { return };
    let text = "description = \"x\"
[topology]
shape = \"server-firewall\"
[[ruleset]]
name = \"rules\"
text = '''
table inet t {
    chain c { tcp dprot 21 accept; }
}
'''
";
    let folder = folder(&[("scenario.toml", text.as_bytes())]);
    let told = told(folder.path(), &["run", "scenario.toml"]);
    assert!(told.starts_with("exit 2\n"), "{told}");
    assert!(told.contains("[scenario.toml:8:19]"), "{told}");
}

#[test]
fn what_reaches_beyond_the_lab_is_refused() {
    let _machine = shared();
    insta::assert_snapshot!(checked("table inet t { }\ninclude \"/etc/shadow\"\nmonitor\ndelete table inet fwlab-observe\n"), @r#"
    exit 2
      × 3 mistakes in rules.nft
      × `include` would read a file of this machine
       ╭─[rules.nft:2:1]
     1 │ table inet t { }
     2 │ include "/etc/shadow"
       · ───┬───
       ·    ╰── not in a lab
     3 │ monitor
       ╰────
      help: put what it includes here; or, with `fwlab check`, --include FOLDER reads it from there
      × `monitor` never ends
       ╭─[rules.nft:3:1]
     2 │ include "/etc/shadow"
     3 │ monitor
       · ───┬───
       ·    ╰── only watches
     4 │ delete table inet fwlab-observe
       ╰────
      help: remove it: it changes no rule
      × `fwlab-observe` is the lab's own table
       ╭─[rules.nft:4:19]
     3 │ monitor
     4 │ delete table inet fwlab-observe
       ·                   ──────┬──────
       ·                         ╰── a script may not name it
       ╰────
    "#);
}

#[test]
fn two_languages_are_not_mixed() {
    let _machine = shared();
    let scenario = |ruleset: &str| {
        let text = format!(
            "description = \"x\"\n[topology]\nshape = \"server-firewall\"\n[[ruleset]]\nname = \"rules\"\n{ruleset}"
        );
        let folder = folder(&[("scenario.toml", text.as_bytes())]);
        told(folder.path(), &["run", "scenario.toml"])
    };
    let script = "'table inet t { }'";
    let rules = "'iptables -P INPUT DROP'";
    let all: Vec<String> = [
        format!("text = {script}\nbackends = [\"nft\", \"native\"]\n"),
        format!("text = {script}\nbackends = \"nft\"\n"),
        format!("text = {rules}\nbackends = \"native\"\n"),
        "policy = { allow = \"pasv\" }\nbackends = \"native\"\n".to_owned(),
        format!("text = {script}\nhelper = true\nskip-refused-lines = true\n"),
        format!("text = {script}\nbeside = {{ backend = \"native\", text = {script} }}\n"),
        format!("text = {script}\nbeside = {{ backend = \"legacy\", text = {script} }}\n"),
    ]
    .iter()
    .map(|ruleset| scenario(ruleset))
    .collect();
    insta::assert_snapshot!(all.join("\n----\n"), @r#"
    exit 2
      × scenario.toml has 1 mistake
      × `native` loads nft scripts, the other backends iptables rules: a ruleset cannot be both
       ╭─[scenario.toml:7:12]
     6 │ text = 'table inet t { }'
     7 │ backends = ["nft", "native"]
       ·            ────────┬────────
       ·                    ╰── here
       ╰────
      help: write a ruleset for each, or one `beside` the other


    ----
    exit 2
      × scenario.toml has 1 mistake
      × this is an nft script, but its backend loads iptables rules
       ╭─[scenario.toml:6:8]
     5 │ name = "rules"
     6 │ text = 'table inet t { }'
       ·        ─────────┬────────
       ·                 ╰── here
     7 │ backends = "nft"
       ╰────
      help: write `backends = "native"`


    ----
    exit 2
      × scenario.toml has 1 mistake
      × these are iptables rules, but `native` loads nft scripts
       ╭─[scenario.toml:6:8]
     5 │ name = "rules"
     6 │ text = 'iptables -P INPUT DROP'
       ·        ────────────┬───────────
       ·                    ╰── here
     7 │ backends = "native"
       ╰────
      help: write `backends = "nft"` or `"legacy"`


    ----
    exit 2
      × scenario.toml has 1 mistake
      × `policy` is not something that `native` loads
       ╭─[scenario.toml:7:12]
     6 │ policy = { allow = "pasv" }
     7 │ backends = "native"
       ·            ────┬───
       ·                ╰── here
       ╰────
      help: `native` loads nft scripts: write one as `text` or `file`


    ----
    exit 2
      × scenario.toml has 2 mistakes
      × `helper` adds an iptables rule, but this is an nft script
       ╭─[scenario.toml:7:10]
     6 │ text = 'table inet t { }'
     7 │ helper = true
       ·          ──┬─
       ·            ╰── here
     8 │ skip-refused-lines = true
       ╰────
      help: write a `ct helper` object and a rule with `ct helper set` into the script
      × no line of an nft script can be left out: it is loaded as a whole or not at all
       ╭─[scenario.toml:8:22]
     7 │ helper = true
     8 │ skip-refused-lines = true
       ·                      ──┬─
       ·                        ╰── here
       ╰────
      help: remove this, and fix the script


    ----
    exit 2
      × scenario.toml has 1 mistake
      × a second nft script beside the first
       ╭─[scenario.toml:7:10]
     6 │ text = 'table inet t { }'
     7 │ beside = { backend = "native", text = 'table inet t { }' }
       ·          ────────────────────────┬────────────────────────
       ·                                  ╰── here
       ╰────
      help: write both into one script


    ----
    exit 2
      × scenario.toml has 1 mistake
      × this is an nft script, but its backend loads iptables rules
       ╭─[scenario.toml:7:39]
     6 │ text = 'table inet t { }'
     7 │ beside = { backend = "legacy", text = 'table inet t { }' }
       ·                                       ─────────┬────────
       ·                                                ╰── here
       ╰────
      help: write `backend = "native"`
    "#);
    let folder = folder(&[
        ("rules.nft", b"table inet t { }\n"),
        ("rules.v4", b"*filter\nCOMMIT\n"),
    ]);
    for (file, backend) in [("rules.nft", "legacy"), ("rules.v4", "native")] {
        let check = ["check", file, "--at", "server", "--backend", backend];
        let told = told(folder.path(), &check);
        let expected = format!("exit 2\nfwlab: --backend {backend}: these rules are loaded by ");
        assert!(told.starts_with(&expected), "{told}");
    }
}

#[test]
fn one_table_is_not_loaded_by_two_programs() {
    let Some(_lab) = lab_with_nft() else { return };
    let text = "description = \"x\"
[topology]
shape = \"server-firewall\"
[[ruleset]]
name = \"both\"
text = 'iptables -P INPUT DROP'
backends = \"nft\"
beside = { backend = \"native\", text = 'table ip filter { }' }
";
    let folder = folder(&[("scenario.toml", text.as_bytes())]);
    insta::assert_snapshot!(told(folder.path(), &["run", "scenario.toml"]), @r#"
    exit 2
      × ruleset `both` has a table `ip filter` both from nft and from iptables-nft: it could not be
      │ told whose rule stopped a packet there
      help: give the script's table a different name
    "#);
    let lab = Lab::server_firewall()
        .policy(Policy::new(Side::Server, [DataSetup::Pasv]))
        .backend(Backend::Native);
    let error = lab.transfer(DataSetup::Pasv).unwrap_err().to_string();
    assert!(error.contains("is not an nft script"), "{error}");
}
