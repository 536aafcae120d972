iptables -t filter -F
iptables -t nat -F
iptables --table nat --append POSTROUTING --out-interface eth0 -j MASQUERADE
iptables --append FORWARD --in-interface eth1 -j ACCEPT
sudo iptables -A FORWARD -i eth0 -o eth1 -m state --state RELATED,ESTABLISHED -j ACCEPT
sudo iptables -A FORWARD -i eth1 ! -o eth1 -s 192.168.1.0/255.255.255.0 -j ACCEPT
iptables -P FORWARD DROP
iptables -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
iptables -t raw -A PREROUTING -i eth1 -p tcp --dport 21 -j CT --helper ftp
iptables -A PREROUTING -t nat -i eth0 -p tcp --dport 21 -j DNAT --to-destination 192.168.1.10
iptables -A PREROUTING -t nat -i eth0 -p tcp --dport 50000:50100 -j DNAT --to 192.168.1.10:50000-50100
iptables -A FORWARD -d 192.168.1.10 -p tcp -m multiport --dports 21,50000:50100 -j ACCEPT
iptables -t mangle -A PREROUTING -p tcp --sport 20 -j TOS --set-tos Maximize-Throughput
