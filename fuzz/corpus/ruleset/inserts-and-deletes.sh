iptables -N ftp
iptables -N old
iptables -A INPUT -j DROP
iptables -I INPUT -i lo -j ACCEPT
iptables -I INPUT 2 -p tcp --dport 21 -j ftp
iptables -A INPUT -j LOG
iptables -D INPUT 4
iptables -A old -j ACCEPT
iptables -F old
iptables -X old
iptables -A ftp -s 10.0.0.1,10.0.0.2 -d 10.1.0.1,10.1.0.2 -j ACCEPT
iptables -I ftp 2 -s 10.2.0.1,10.2.0.2 -j REJECT
iptables -D ftp 1
iptables -R ftp 4 -s 10.3.0.1 -j ACCEPT
iptables -E ftp transfers
iptables -A INPUT -p tcp --dport 990 -j transfers
iptables -P INPUT DROP
iptables -C INPUT -i lo -j ACCEPT
iptables -Z
