//! Captured gateways with a narrow link, as PPPoE is: what tells senders of it, and what does without.

use crate::bad_input::folder;
use crate::captured::host;
use crate::support::{Ended, end_of, fwlab, lab};

const LINKS: &str = r#"[
{"ifname":"lan0","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"link_type":"ether"},
{"ifname":"ppp0","flags":["POINTOPOINT","UP","LOWER_UP"],"mtu":1400,"link_type":"ppp"}]"#;

const ADDRESSES: &str = r#"[
{"ifname":"lan0","addr_info":[{"family":"inet","local":"192.168.7.1","prefixlen":24}]},
{"ifname":"ppp0","addr_info":[{"family":"inet","local":"203.0.113.5","prefixlen":32}]}]"#;

const ROUTES: &str = r#"[
{"dst":"default","dev":"ppp0","flags":[]},
{"dst":"192.168.7.0/24","dev":"lan0","scope":"link","prefsrc":"192.168.7.1","flags":[]}]"#;

fn fixed(section: (&str, &str, &str), links: &str) -> Ended {
    let sections = [
        section,
        ("links", "ip -json -details link", links),
        ("addresses", "ip -json addr", ADDRESSES),
        ("routes", "ip -json -4 route show table main", ROUTES),
    ];
    let folder = folder(&[("host.fwlab", host(&sections).as_bytes())]);
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "fix",
        "host.fwlab",
        "--server",
        "libunftp",
        "--data",
        "pasv",
        "--want",
        "plain/pasv",
    ]);
    end_of(&mut command)
}

/// Everything that a transfer needs, and nothing by which a sender hears of the narrow link.
const DUMP: &str = "*mangle
:FORWARD ACCEPT [0:0]
-A FORWARD -i lan0 -j ACCEPT
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i ppp0 -p tcp -m tcp --dport 21 -j DNAT --to-destination 192.168.7.10
COMMIT
*filter
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i ppp0 -p tcp -m tcp --dport 21 -j ACCEPT
-A OUTPUT -p icmp -j DROP
COMMIT
";

const SCRIPT: &str = "table ip gateway {
\tct helper std {
\t\ttype \"ftp\" protocol tcp
\t}
\tchain pre {
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t\tiifname \"ppp0\" tcp dport 21 dnat to 192.168.7.10
\t}
\tchain helps {
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\ttcp dport 21 ct helper set \"std\"
\t}
\tchain out {
\t\ttype filter hook output priority filter; policy accept;
\t\tip protocol icmp drop
\t}
}";

/// It opens nothing: so it is taken where it does, and ICMP stays as it was.
#[test]
fn a_gateway_with_a_narrow_link_clamps() {
    let Some(_lab) = lab() else { return };
    let ended = fixed(("iptables-nft", "iptables-nft-save", DUMP), LINKS).with(0);
    insta::assert_snapshot!(ended.stdout, @r"
    host.fwlab: 1 of 1 stopped transfers pass with this, and 1 are as before:
      - clamp the MSS of forwarded TCP to what the gateway's links carry

    --- host.fwlab: iptables-save (nft)
    +++ host.fwlab: iptables-save (nft)
    @@ -1,4 +1,6 @@
     *mangle
     :FORWARD ACCEPT [0:0]
    +# clamp the MSS of forwarded TCP to what the gateway's links carry
    +-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
     -A FORWARD -i lan0 -j ACCEPT
     COMMIT

    Of 20 ports that were tried, it opens none to new connections.
    The patch applies to the rules as they were loaded on that host. Write its lines where they are loaded from, such as ufw's before.rules, Docker's DOCKER-USER chain or /etc/nftables.conf.
    ");
    let ended = fixed(("nft", "nft list ruleset", SCRIPT), LINKS).with(0);
    for told in [
        "1 of 1 stopped transfers pass with this",
        "+\t\ttcp flags syn tcp option maxseg size set rt mtu\n",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("ICMP"), "{}", ended.stdout);
}

/// On links as wide as usual the same rules let everything through.
#[test]
fn what_is_not_narrow_needs_nothing() {
    let Some(_lab) = lab() else { return };
    let wide = LINKS.replace("1400", "1500");
    let ended = fixed(("iptables-nft", "iptables-nft-save", DUMP), &wide).with(0);
    assert!(ended.stdout.contains("nothing to fix"), "{}", ended.stdout);
}
