ip6tables -P INPUT DROP
ip6tables -A INPUT -p icmpv6 -j ACCEPT
ip6tables -A INPUT -p tcp -s 2001:db8::/32 --dport 21 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
ip6tables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
ip6tables -A INPUT -p tcp --dport 1024: -m conntrack --ctstate RELATED,ESTABLISHED -m helper --helper ftp -j ACCEPT
ip6tables -t mangle -A PREROUTING -j HL --hl-set 64
ip6tables -A INPUT -j REJECT --reject-with tcp-reset -p tcp
