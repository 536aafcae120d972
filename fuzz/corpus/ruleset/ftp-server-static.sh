#!/bin/sh
# A passive range, for TLS.
modprobe ip_conntrack_ftp
echo 1 > /proc/sys/net/ipv4/tcp_syncookies
sysctl -w net.netfilter.nf_conntrack_helper=0

iptables -F
iptables -X
/sbin/iptables -P INPUT DROP
/sbin/iptables -P FORWARD DROP
/sbin/iptables -P OUTPUT ACCEPT
iptables -A INPUT -i lo -j ACCEPT
#iptables -A INPUT -p tcp --dport 23 -j ACCEPT
# iptables -A INPUT -p tcp --dport 24 -j ACCEPT
iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
iptables -A INPUT -p tcp --dport 20:21 -m state --state NEW -j ACCEPT    # FTP
iptables -A INPUT \
    -p tcp \
    --dport 50000:50100 -m state --state NEW -j ACCEPT
iptables -A INPUT -j LOG --log-prefix 'dropped: '
iptables -A INPUT -s 192.168.0.0/24,10.8.0.0/24 -j REJECT
iptables -w 5 -A INPUT -j DROP
iptables -L -n -v
service iptables save
