#!/bin/sh
# The same cell as the bench's, the way a tuned shell script does it: ip -batch,
# iptables-restore, vsftpd, curl. Root only.
#   cell.sh NUMBER pass|blocked WORKDIR
set -eu
n=$1 kind=$2 work=$3
c=fwb-c$n s=fwb-s$n
pid=
end() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || :
    for p in $(ip netns pids "$s" 2>/dev/null) $(ip netns pids "$c" 2>/dev/null); do kill -9 "$p" 2>/dev/null || :; done
    ip netns del "$c" 2>/dev/null || :
    ip netns del "$s" 2>/dev/null || :
}
trap end EXIT
ip netns add "$c"
ip netns add "$s"
ip -batch - <<E2
link add c$n netns $c type veth peer name s$n netns $s
E2
ip -n "$c" -batch - <<E2
link set lo up
addr add 192.168.0.211/24 dev c$n
link set c$n up
E2
ip -n "$s" -batch - <<E2
link set lo up
addr add 192.168.0.201/24 dev s$n
link set s$n up
E2
ip -n "$c" link show c$n >/dev/null
ip -n "$s" link show s$n >/dev/null
helper=
[ "$kind" = blocked ] || helper='*raw
-A OUTPUT -p tcp --dport 21 -j CT --helper ftp
COMMIT'
ip netns exec "$c" iptables-nft-restore <<E2
$helper
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT DROP
-A OUTPUT -p tcp --dport 21 -m state --state NEW,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --sport 21 -m state --state ESTABLISHED -j ACCEPT
-A OUTPUT -p tcp --sport 1024: --dport 1024: -m state --state ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp --sport 1024: --dport 1024: -m state --state ESTABLISHED -j ACCEPT
COMMIT
E2
ip netns exec "$s" "${VSFTPD:-vsftpd}" "$work/vsftpd.conf" >/dev/null 2>&1 &
pid=$!
until ip netns exec "$s" ss -Hltn 'sport = :21' | grep -q .; do :; done
rc=0
ip netns exec "$c" curl -q -s --max-time 5 --ftp-pasv --disable-epsv -o "$work/out.$n" ftp://192.168.0.201/fwlab.bin || rc=$?
if [ "$kind" = blocked ]; then [ "$rc" != 0 ]; else cmp -s "$work/out.$n" "$work/root/fwlab.bin"; fi
