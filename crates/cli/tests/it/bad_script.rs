//! What a user gets wrong in a script is told, at its line of the scenario file.

use crate::bad_input::{folder, told};
use crate::support::shared;

fn said(text: &str) -> String {
    let _machine = shared();
    let folder = folder(&[("scenario.toml", text.as_bytes())]);
    told(folder.path(), &["run", "scenario.toml"])
}

#[test]
fn all_mistakes_of_both_scripts_are_told_at_once() {
    let text = r#"description = "Much is wrong with its scripts."
[topology]
shape = "client-firewall"
[server]
script = '''
PASSV
  227 ({h1,h2,h3,h4,p1,p2})
RETR
  @conect from 20 to client:8080
  @send
'''
[client]
script = '''
@login
@accept
RETR {fiel}
QUIT
226
226
'''
[[ruleset]]
name = "rules"
text = "iptables -P INPUT DROP"
[matrix]
servers = "scripted-server"
clients = "scripted-client"
"#;
    insta::assert_snapshot!(said(text), @r#"
    exit 2
      × scenario.toml has 5 mistakes
      × no client sends `PASSV`
       ╭─[scenario.toml:6:1]
     5 │ script = '''
     6 │ PASSV
       · ──┬──
       ·   ╰── here
     7 │   227 ({h1,h2,h3,h4,p1,p2})
       ╰────
      help: did you mean `PASS`?
      × there is no `@conect`
        ╭─[scenario.toml:9:3]
      8 │ RETR
      9 │   @conect from 20 to client:8080
        ·   ───┬───
        ·      ╰── here
     10 │   @send
        ╰────
      help: did you mean `@connect`?
      × this can never happen: nobody listens here
        ╭─[scenario.toml:15:1]
     14 │ @login
     15 │ @accept
        · ───┬───
        ·    ╰── here
     16 │ RETR {fiel}
        ╰────
      help: write `@listen` on a line before
      × fwlab does not know what to fill in for `{fiel}`
        ╭─[scenario.toml:16:6]
     15 │ @accept
     16 │ RETR {fiel}
        ·      ───┬──
        ·         ╰── here
     17 │ QUIT
        ╰────
      help: did you mean `file`?
      × this can never happen: QUIT on line 17 ends the session
        ╭─[scenario.toml:19:1]
     18 │ 226
     19 │ 226
        · ─┬─
        ·  ╰── here
     20 │ '''
        ╰────
      help: remove it, or write it before QUIT
    "#);
}

#[test]
fn what_the_topology_and_the_matrix_do_not_have_is_told() {
    let text = r#"description = "Much is wrong with its scripts."
[topology]
shape = "client-firewall"
[server]
script = """
RETR
  @connect from 10.0.0.9 to clint:8080
"""
[client]
script = "220\n331 x\n"
[[ruleset]]
name = "rules"
text = "iptables -P INPUT DROP"
[matrix]
servers = "scripted-server"
"#;
    insta::assert_snapshot!(said(text), @r#"
    exit 2
      × scenario.toml has 4 mistakes
      × this topology has no node `clint` with an address of ipv4
       ╭─[scenario.toml:7:3]
     6 │ RETR
     7 │   @connect from 10.0.0.9 to clint:8080
       ·   ──────────────────┬─────────────────
       ·                     ╰── here
     8 │ """
       ╰────
      help: did you mean `client`?
      × `server` has no address 10.0.0.9 to connect from
       ╭─[scenario.toml:7:3]
     6 │ RETR
     7 │   @connect from 10.0.0.9 to clint:8080
       ·   ──────────────────┬─────────────────
       ·                     ╰── here
     8 │ """
       ╰────
      help: give it one in [topology], or write only a port: `from 20`
      × a client waits for a reply's code, whatever its text
        ╭─[scenario.toml:10:10]
      9 │ [client]
     10 │ script = "220\n331 x\n"
        ·          ───────┬──────
        ·                 ╰── here
     11 │ [[ruleset]]
        ╰────
      help: write `331` alone
      × no cell plays this script: [matrix] does not name `scripted-client`
        ╭─[scenario.toml:10:10]
      9 │ [client]
     10 │ script = "220\n331 x\n"
        ·          ───────┬──────
        ·                 ╰── here
     11 │ [[ruleset]]
        ╰────
      help: write `clients = "scripted-client"` in [matrix]
    "#);
}

/// A scripted peer in a matrix, and no script: not the file's mistake, as a command
/// line may name it too, but nothing that is passed over in silence.
#[test]
fn a_peer_without_a_script_is_skipped_with_what_to_write() {
    let Some(_lab) = crate::support::lab() else {
        return;
    };
    let folder = folder(&[(
        "scenario.toml",
        br#"description = "No script."
[topology]
shape = "client-firewall"
[[ruleset]]
name = "none"
none = true
"#,
    )]);
    for (option, peer, table) in [
        ("--server", "scripted-server", "[server]"),
        ("--client", "scripted-client", "[client]"),
    ] {
        let mut command = crate::support::fwlab();
        command
            .current_dir(folder.path())
            .args(["run", "scenario.toml", option, peer]);
        let ended = crate::support::end_of(&mut command);
        let write = format!(
            "not supported by {peer}: there is no script for it: write `script = '''…'''` in {table}"
        );
        assert!(ended.stdout.contains(&write), "{}", ended.stdout);
    }
}
