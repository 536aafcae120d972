//! `--against`: a run held against an earlier one.

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, lab};

const SCENARIO: &str = r#"
description = "held against another run"
[topology]
shape = "server-firewall"
[[ruleset]]
name = "own"
file = "rules.v4"
backends = "nft"
[matrix]
servers = ["libunftp"]
data = ["port", "pasv"]
families = "ipv4"
"#;

#[test]
fn what_ends_otherwise_is_told_and_shown() {
    let Some(_lab) = lab() else { return };
    let open = b"*filter\nCOMMIT\n".as_slice();
    let folder = folder(&[("one.toml", SCENARIO.as_bytes()), ("rules.v4", open)]);
    let run = |more: &[&str]| -> Ended {
        let mut command = fwlab();
        command
            .current_dir(folder.path())
            .args(["run", "one.toml"])
            .args(more);
        end_of(&mut command)
    };
    run(&["--report", "json=old.json"]).with(0);
    let ended = run(&["--against", "old.json"]).with(0);
    let told = |ended: &Ended| {
        let lines = ended
            .stdout
            .lines()
            .skip_while(|line| !line.starts_with("against"));
        let lines = lines.take_while(|line| !line.contains("cells in"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(
        told(&ended),
        "against old.json: 0 cells otherwise, 2 as before\n"
    );
    let rules = "*filter\n-A INPUT -p tcp --dport 1024: --syn -j DROP\nCOMMIT\n";
    std::fs::write(folder.path().join("rules.v4"), rules).expect("written");
    let ended = run(&["--against", "old.json", "--report", "html=new.html"]).with(0);
    insta::assert_snapshot!(told(&ended), @r"
    against old.json: 1 cell otherwise, 1 as before
      one::own::nft::libunftp::suppaftp::pasv::plain::ipv4::retr
        before: passes
        now:    timeout: server: ipv4/filter/INPUT/1, line 2 `-A INPUT -p tcp -m tcp --dport 1024:65535 --tcp-flags FIN,SYN,RST,ACK SYN -j DROP` stopped SYN 10.77.0.2 → 10.77.0.1, a high port
    ");
    let page = std::fs::read_to_string(folder.path().join("new.html")).expect("it is written");
    assert!(page.contains(r#""against":true"#) && page.contains(r#""otherwise""#));
    run(&["--report", "json=new.json"]).with(0);
    let diff = |old: &str, new: &str, more: &[&str]| {
        let mut command = fwlab();
        command
            .current_dir(folder.path())
            .args(["diff", old, new])
            .args(more);
        end_of(&mut command)
    };
    let ended = diff("old.json", "new.json", &["--report", "html=diff.html"]).with(1);
    assert!(
        ended
            .stdout
            .starts_with("against old.json: 1 cell otherwise, 1 as before\n"),
        "{}",
        ended.stdout
    );
    let page = std::fs::read_to_string(folder.path().join("diff.html")).expect("it is written");
    assert!(page.contains(r#""against":true"#));
    diff("old.json", "old.json", &[]).with(0);
    let ended = diff("old.json", "rules.v4", &[]).with(2);
    assert!(
        ended.stderr.contains("a report and rules"),
        "{}",
        ended.stderr
    );
    let ended = run(&["--against", "one.toml"]).with(2);
    assert!(
        ended
            .stderr
            .contains("one.toml is not a JSON report of fwlab"),
        "{}",
        ended.stderr
    );
    let ended = run(&["--against", "old.json", "--report", "json=old.json"]).with(2);
    assert!(ended.stderr.contains("old.json"), "{}", ended.stderr);
}
