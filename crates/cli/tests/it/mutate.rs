//! `mutate`: mistakes in the rules of a scenario, and which of them its requirements notice.

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, lab};

/// Rules of which one does not matter, and requirements of which one is missing.
const RULES: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp --dport 21 -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
";

fn mutate(rules: &str, requirements: &str) -> Ended {
    let scenario = format!(
        "description = \"a server\"\n[topology]\nshape = \"server-firewall\"\n\
         [[ruleset]]\nname = \"own\"\nfile = \"rules.v4\"\nbackends = \"nft\"\n\
         [matrix]\nservers = [\"libunftp\"]\ndata = [\"port\", \"pasv\"]\nfamilies = \"ipv4\"\n{requirements}"
    );
    let folder = folder(&[
        ("rules.v4", rules.as_bytes()),
        ("server.toml", scenario.as_bytes()),
    ]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["mutate", "server.toml"]);
    end_of(&mut command)
}

const PORT_PASSES: &str = "[[require]]\ndata = \"port\"\nsymptom = \"transferred\"\n";
const PASV_DOES_NOT: &str = "[[require]]\ndata = \"pasv\"\nsymptom = \"data-timeout\"\n";

#[test]
fn what_no_requirement_notices_is_told_by_its_line() {
    let Some(_lab) = lab() else { return };
    let ended = mutate(RULES, PORT_PASSES).with(1);
    insta::assert_snapshot!(ended.stdout, @r"
    server own: 2 of 9 mistakes noticed
      rules.v4, line 2 `:INPUT DROP [0:0]`
        with the policy ACCEPT: a cell ends otherwise, which no requirement forbids (server::own::nft::libunftp::suppaftp::pasv::plain::ipv4::retr: timeout → passes)
      rules.v4, line 3 `-A INPUT -i lo -j ACCEPT`
        taken away: every transfer ends as before
        without `-i lo`: a cell ends otherwise, which no requirement forbids (server::own::nft::libunftp::suppaftp::pasv::plain::ipv4::retr: timeout → passes)
        after line 4: every transfer ends as before
      rules.v4, line 4 `-A INPUT -p tcp --dport 21 -j ACCEPT`
        without `--dport 21`: a cell ends otherwise, which no requirement forbids (server::own::nft::libunftp::suppaftp::pasv::plain::ipv4::retr: timeout → passes)
        after line 5: every transfer ends as before
      rules.v4, line 5 `-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT`
        without `-m conntrack --ctstate ESTABLISHED`: a cell ends otherwise, which no requirement forbids (server::own::nft::libunftp::suppaftp::pasv::plain::ipv4::retr: timeout → passes)
    note: 1 mistake that the loader refuses, not counted
    22 % noticed of 9 mistakes: 2 missed a requirement, 7 did not, 0 unclear
    ");
    let ended = mutate(RULES, &format!("{PORT_PASSES}{PASV_DOES_NOT}")).with(1);
    insta::assert_snapshot!(ended.stdout, @r"
    server own: 6 of 9 mistakes noticed
      rules.v4, line 3 `-A INPUT -i lo -j ACCEPT`
        taken away: every transfer ends as before
        after line 4: every transfer ends as before
      rules.v4, line 4 `-A INPUT -p tcp --dport 21 -j ACCEPT`
        after line 5: every transfer ends as before
    note: 1 mistake that the loader refuses, not counted
    66 % noticed of 9 mistakes: 6 missed a requirement, 3 did not, 0 unclear
    ");
}

#[test]
fn where_all_are_noticed_it_ends_well() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n-A INPUT -p tcp --dport 1024: --syn -j DROP\nCOMMIT\n";
    let ended = mutate(rules, &format!("{PORT_PASSES}{PASV_DOES_NOT}")).with(0);
    insta::assert_snapshot!(ended.stdout, @r"
    server own: 3 of 3 mistakes noticed
    note: 1 mistake that the loader refuses, not counted
    100 % noticed of 3 mistakes: 3 missed a requirement, 0 did not, 0 unclear
    ");
}

#[test]
fn requirements_that_do_not_hold_prove_nothing() {
    let Some(_lab) = lab() else { return };
    let ended = mutate(RULES, "[[require]]\nsymptom = \"transferred\"\n").with(1);
    insta::assert_snapshot!(ended.stderr, @r"
    fwlab: server::own::nft::libunftp::suppaftp::pasv::plain::ipv4::retr misses its requirement without any mistake
      `fwlab run` shows why; fwlab mutates only rules whose requirements hold
    ");
    let ended = mutate(RULES, "").with(2);
    insta::assert_snapshot!(ended.stderr, @r"
    fwlab: no requirement names a cell
      write [[require]] into the scenario; `fwlab run --write-requirements` prints what was observed
    ");
}

#[test]
fn rules_that_nobody_wrote_have_no_line() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[(
        "none.toml",
        b"description = \"open\"\n[topology]\nshape = \"server-firewall\"\n[[ruleset]]\nname = \"none\"\npolicy = { allow = [\"pasv\"] }\n\
          [matrix]\nservers = [\"libunftp\"]\ndata = [\"pasv\"]\n[[require]]\nsymptom = \"transferred\"\n",
    )]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["mutate", "none.toml"]);
    let ended = end_of(&mut command);
    insta::assert_snapshot!(ended.stderr, @r"
    note: the rules of none of none were not written by hand, so there is no line to change
    fwlab: there is no rule to change that a requirement looks at
      a scenario needs rules that somebody wrote, and [[require]]
    ");
}
