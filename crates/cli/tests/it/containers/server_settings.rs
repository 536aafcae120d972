//! Servers that run in containers alone run with their own settings there.

use super::docker::containers;
use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab};

const RULES: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 21 -j ACCEPT
-A INPUT -p tcp --dport 40000:40100 -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
";

fn check(name: &str, text: &str, data: &str) -> Ended {
    let folder = folder(&[("rules.v4", RULES.as_bytes()), (name, text.as_bytes())]);
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "check",
        "rules.v4",
        name,
        "--at",
        "server",
        "--where",
        "container",
        "--client",
        "suppaftp",
        "--backend",
        "nft",
        "--data",
        data,
    ]);
    end_of(&mut command)
}

/// What the row of the table came to.
fn row(ended: &Ended) -> Vec<&str> {
    let mut lines = ended.stdout.lines();
    let row = lines.find_map(|line| line.split_once("← suppaftp"));
    row.map_or_else(Vec::new, |(_, row)| row.split_whitespace().collect())
}

#[test]
fn proftpd_and_pure_ftpd_refuse_what_their_settings_refuse() {
    let Some(_containers) = containers() else {
        return;
    };
    let range = "PassivePorts 40000 40100\nAllowForeignAddress on\nUser nobody\nDisplayConnect /etc/shadow\n";
    let text = format!("{range}<Limit EPSV>\n  DenyAll\n</Limit>\n");
    let ended = check("proftpd.conf", &text, "pasv,epsv").with(0);
    assert_eq!(row(&ended), ["passes", "refused"], "{}", ended.stdout);
    let told = "of proftpd.conf 3 settings are used as they are; replaced by the lab's: User; left out: DisplayConnect";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);

    let text = "PassivePortRange 40000 40100\nNATmode yes\nMaxClientsPerIP 5\nExtAuth /run/x\n";
    let ended = check("pure-ftpd.conf", text, "port,epsv").with(0);
    assert_eq!(row(&ended), ["passes", "refused"], "{}", ended.stdout);
    let told = "of pure-ftpd.conf 3 settings are used as they are; left out: ExtAuth";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);

    let text = "listen=YES\npasv_min_port=40000\npasv_max_port=40100\ncmds_denied=EPSV\n";
    let ended = check("vsftpd.conf", text, "pasv,epsv").with(0);
    assert_eq!(row(&ended), ["passes", "refused"], "{}", ended.stdout);
}

#[test]
fn what_proftpd_does_not_start_with_is_told_in_its_words() {
    let Some(_containers) = containers() else {
        return;
    };
    let text = "Port 21\nSocketOptions bogus 3\nNoSuchThing /etc/shadow\n";
    let ended = check("proftpd.conf", text, "pasv").with(2);
    for told in [
        "does not start with `SocketOptions bogus 3`: SocketOptions: : unknown socket option: 'bogus'",
        "does not start with `NoSuchThing`: unknown configuration directive 'NoSuchThing'",
        "proftpd.conf:3: proftpd ",
    ] {
        assert!(ended.stderr.contains(told), "{told}\n{}", ended.stderr);
    }
    assert_eq!(ended.stdout, "");
}
