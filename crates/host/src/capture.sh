#!/bin/sh
# Reads everything that matters to FTP on this host, and writes it as one text file that a person can read.
#
#   sh capture.sh > host.fwlab
#   sh capture.sh -o host.fwlab
#
# It only reads: no rule, route, setting or module is changed, and no file is written but the one that is
# asked for. It needs sh and the usual tools (sed, grep, tr, cksum), and root, since only root can read rules.
# What it reads, and what is not there, it says on standard error. `fwlab check host.fwlab` reads the file.
set -u
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
umask 077

newline='
'

say() { printf 'capture: %s\n' "$*" >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

is_root() {
    if has id; then [ "$(id -u)" = 0 ]; else grep -q '^Uid:[[:space:]]*[0-9]*[[:space:]]*0[[:space:]]' /proc/self/status; fi
}

# Every line of what a command answers begins with `|`, so none can be taken for one of this script's.
# What it says on standard error follows, each line behind `!`.
section() { # NAME COMMAND…
    name=$1
    shift
    say "$name: $*"
    printf '\n== %s\n$ %s\n' "$name" "$*"
    {
        said=$({ { "$@" 3>&-
            status=$?
            [ "$status" = 0 ] || printf '\n@failed %s\n' "$status" >&2
            printf '\nexit %s\n' "$status"; } | tr -d '\000' | sed '$!s/^/|/' >&3; } 2>&1)
    } 3>&1
    outcome=0
    case $said in
    *"$newline@failed "*)
        outcome=${said##*"$newline@failed "}
        said=${said%"$newline@failed "*}
        said=${said%"$newline"}
        say "$name: it failed (exit status $outcome): $said"
        ;;
    esac
    [ -z "$said" ] || printf '%s\n' "$said" | tr -d '\000' | sed 's/^/!/'
}

absent() { # NAME REASON
    say "$1: $2"
    printf '\n== %s\n- %s\n' "$1" "$2"
}

unread() { # NAME REASON
    say "$1: $2"
    printf '\n== %s\n? %s\n' "$1" "$2"
}

of_rules() { # NAME COMMAND…
    section "$@"
    if [ "$outcome" = 0 ]; then readable=yes; else unreadable=yes; fi
}

# vsftpd writes its version to descriptor 0.
first_line() { "$@" 2>&1 0>&1 | sed -n 1p; }

versions() {
    while read -r program option; do
        if has "$program"; then printf '%s = %s\n' "$program" "$(first_line "$program" "$option")"; fi
    done <<PROGRAMS
iptables --version
iptables-nft --version
iptables-legacy --version
ip6tables --version
nft --version
ipset --version
ip -V
vsftpd -v
proftpd -v
pure-ftpd --help
PROGRAMS
}

# A module of the kernel that is there and not loaded: whoever asks for its rules would load it.
is_unloaded() { # MODULE
    ! grep -q "^$1 " /proc/modules 2>/dev/null &&
        [ -n "$(find "/lib/modules/$(uname -r)" -name "$1.ko*" 2>/dev/null | sed -n 1p)" ]
}

# `iptables-legacy-save` makes the tables that it lists and loads their modules. So it is called only where the kernel
# says that there are some.
tables() { # FILE
    if [ -r "$1" ]; then cat "$1"; fi
}

legacy() { # PROGRAM FILE
    if [ -z "$(tables "$2" 2>/dev/null)" ]; then
        absent "$1-legacy" "the kernel has no such table ($2)"
    elif has "$1-legacy-save"; then
        of_rules "$1-legacy" "$1-legacy-save"
    elif has "$1-save" && ! is_nft "$1"; then
        of_rules "$1-legacy" "$1-save"
    else
        unread "$1-legacy" "the kernel has such tables, and $1-legacy-save is not there to read them"
        unreadable=yes
    fi
}

is_nft() { # PROGRAM
    case $(first_line "$1" --version) in *nf_tables*) return 0 ;; *) return 1 ;; esac
}

nft_variant() { # PROGRAM
    if is_unloaded nf_tables; then
        absent "$1-nft" "the kernel has no nf_tables loaded, so no such rules"
    elif has "$1-nft-save"; then
        of_rules "$1-nft" "$1-nft-save"
    elif has "$1-save" && is_nft "$1"; then
        of_rules "$1-nft" "$1-save"
    else
        absent "$1-nft" "there is no $1-nft-save"
    fi
}

# In the form that programs read where `ip` has it, and as people read it elsewhere.
network() { # NAME ARGUMENTS OF ip…
    name=$1
    shift
    if ! has ip; then
        section "$name" "proc_$name"
    elif [ "$json" = yes ]; then
        section "$name" ip -json -pretty "$@"
    else
        section "$name" ip "$@"
    fi
}

links() {
    if [ "$json" = yes ]; then
        section links ip -json -pretty -details link
    elif has ip && ip -details link >/dev/null 2>&1; then
        section links ip -details link
    else
        network links link
    fi
}

policy() { # NAME ARGUMENTS OF ip…
    if has ip; then network "$@"; else unread "$1" "there is no ip: rules that ask other tables are not known"; fi
}

# Where there is no `ip`: what the kernel shows in /proc and /sys, in the words of `ip`.
interfaces() { sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev; }

proc_links() {
    interfaces | while read -r interface; do
        folder=/sys/class/net/$interface
        { read -r index <"$folder/ifindex" && read -r flags <"$folder/flags" && read -r mtu <"$folder/mtu" && read -r type <"$folder/type"; } || exit 1
        states=
        [ $((flags & 1)) = 0 ] || states=UP
        # Of one that is down it cannot be read.
        if { read -r carrier <"$folder/carrier"; } 2>/dev/null && [ "$carrier" = 1 ]; then states=$states,LOWER_UP; fi
        master=$(sed -n 's/^INTERFACE=/ master /p' "$folder/master/uevent" 2>/dev/null)
        printf '%s: %s: <%s> mtu %s%s\n' "$index" "$interface" "$states" "$mtu" "$master"
        [ "$type" != 772 ] || printf '    link/loopback\n'
        [ ! -d "$folder/bridge" ] || printf '    bridge\n'
    done
}

# An address of IPv4 is one number of this processor there.
number() { # HEX
    number=$((0x$1))
    if [ "$order" = little ]; then
        number=$(((number & 255) << 24 | (number >> 8 & 255) << 16 | (number >> 16 & 255) << 8 | (number >> 24 & 255)))
    fi
}

dotted() { # NUMBER
    printf '%d.%d.%d.%d' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}

length() { # MASK
    length=0 mask=$1
    while [ $((mask >> 31 & 1)) = 1 ]; do length=$((length + 1)) mask=$((mask << 1)); done
}

groups() { printf '%s' "$1" | sed -e 's/..../&:/g' -e 's/:$//'; }

proc_routes() {
    [ -r /proc/net/route ] || { printf 'there is no /proc/net/route\n' >&2 && return 1; }
    sed 1d /proc/net/route | while read -r interface to via flags _ _ metric mask _; do
        number "$mask"
        length "$number"
        number "$to"
        to=$(dotted "$number")/$length
        number "$via"
        case $((0x$flags & 0x203)):$interface in
        1:\*) printf 'blackhole %s metric %s\n' "$to" "$metric" ;;
        1:*) printf '%s dev %s scope link metric %s\n' "$to" "$interface" "$metric" ;;
        3:*) printf '%s via %s dev %s metric %s\n' "$to" "$(dotted "$number")" "$interface" "$metric" ;;
        *) printf 'unreachable %s metric %s\n' "$to" "$metric" ;;
        esac
    done
}

# Without those of the host itself, of groups, and the last one, which refuses. Those of other tables are among them.
proc_routes6() {
    [ -r /proc/net/ipv6_route ] || return 0
    while read -r to length _ _ via metric _ _ flags interface; do
        case $to:$metric:$interface in ff* | *:ffffffff:lo) continue ;; esac
        [ $((0x$flags & 0x81100000)) = 0 ] || continue
        to=$(groups "$to")/$((0x$length)) metric=$((0x$metric))
        case $((0x$flags & 0x203)) in
        1) printf '%s dev %s metric %s\n' "$to" "$interface" "$metric" ;;
        3) printf '%s via %s dev %s metric %s\n' "$to" "$(groups "$via")" "$interface" "$metric" ;;
        *) printf 'unreachable %s metric %s\n' "$to" "$metric" ;;
        esac
    done </proc/net/ipv6_route
}

# The kernel does not show there which interface has an address of IPv4. It is that of the network around it, which the interface
# has by an address and not by a mere route where the last address of it is a broadcast.
interface_of() { # ADDRESS
    rest=$1. own=0 chosen='' longest=0
    case $1 in 127.*) chosen=lo longest=8 rest='' ;; esac
    while [ -n "$rest" ]; do own=$((own * 256 + ${rest%%.*})) rest=${rest#*.}; done
    while [ "$own" != 0 ] && read -r interface to _ flags _ _ _ mask _; do
        [ "$flags" = 0001 ] && [ "$interface" != '*' ] || continue
        number "$mask"
        inside=$number
        length "$inside"
        number "$to"
        [ "$length" -ge "$longest" ] && [ "$length" != 0 ] && [ $((own & inside)) = "$number" ] || continue
        case "$length:$ends" in
        31:* | *" $(dotted $((number | ~inside & 4294967295))) "*) ;;
        *) continue ;;
        esac
        if [ "$length" -gt "$longest" ] || [ "$chosen" = "$interface" ]; then chosen=$interface; else chosen=; fi
        longest=$length
    done </proc/net/route
    if [ -z "$chosen" ]; then
        printf 'which interface has %s is not known without ip\n' "$1" >&2
        return 1
    fi
    printf '%s %s/%s\n' "$chosen" "$1" "$longest"
}

proc_addresses() {
    all=' ' ends=' '
    while read -r first second third _; do
        case $first:$second:$third in
        '|--:'*) shown=$second ;;
        /32:host:LOCAL) case $all in *" $shown "*) ;; *) all="$all$shown " ;; esac ;;
        /32:link:BROADCAST) ends="$ends$shown " ;;
        esac
    done </proc/net/fib_trie || return 1
    found=$(for shown in $all; do interface_of "$shown" || exit 1; done) || return 1
    interfaces | while read -r interface; do
        printf '0: %s: \n' "$interface"
        printf '%s\n' "$found" | while read -r of net; do
            [ "$of" != "$interface" ] || printf '    inet %s\n' "$net"
        done
        [ -r /proc/net/if_inet6 ] || continue
        while read -r shown _ length _ _ of; do
            [ "$of" != "$interface" ] || printf '    inet6 %s/%s\n' "$(groups "$shown")" $((0x$length))
        done </proc/net/if_inet6
    done
}

# The kernel gives some only to who reads them in one go, which sh's own `read` does not. Two of them are secrets. A dot in the
# name of an interface becomes `/`, as sysctl has it.
settings() {
    find /proc/sys/net -type f ! -name stable_secret ! -name tcp_fastopen_key ! -name flush -exec grep '' /dev/null {} + 2>/dev/null |
        sed -e 's/^\/proc\/sys\///' -e h -e 's/:.*//' -e 'y/.\//\/./' -e x -e 's/^[^:]*://' -e H -e x -e 's/\n/ = /'
    # What may be read by nobody is no failure.
    return 0
}

modules() {
    for folder in /sys/module/*; do
        case ${folder##*/} in
        nf_* | nft_* | xt_* | ip_* | ip6_* | ip6t* | ipt* | arp* | eb* | br_netfilter | bridge | x_tables | nfnetlink*)
            printf '%s\n' "${folder##*/}"
            ;;
        esac
    done
}

parameters() {
    for file in /sys/module/nf_conntrack/parameters/* /sys/module/nf_conntrack_ftp/parameters/* /sys/module/nf_nat_ftp/parameters/*; do
        if { read -r value <"$file"; } 2>/dev/null; then
            folder=${file%/parameters/*}
            printf '%s.%s = %s\n' "${folder##*/}" "${file##*/}" "$value"
        fi
    done
}

# Passwords are left out, those in what is commented out, too.
without_passwords() { # FILE
    sed -e 's/^\([#[:space:]]*SQL[A-Za-z]*ConnectInfo\)[[:space:]].*/\1 (left out)/' \
        -e 's/^\([#[:space:]]*LDAP[A-Za-z]*Info\)[[:space:]].*/\1 (left out)/' \
        -e 's/^\([#[:space:]]*LDAP[A-Za-z]*Bind[A-Za-z]*\)[[:space:]].*/\1 (left out)/' \
        -e 's/^\([#[:space:]]*[A-Za-z_]*[Pp][Aa][Ss][Ss][WwPp][A-Za-z_]*\)[[:space:]=].*/\1 (left out)/' \
        -e 's/^\([#[:space:]]*[A-Za-z_]*[Ss][Ee][Cc][Rr][Ee][Tt][A-Za-z_]*\)[[:space:]=].*/\1 (left out)/' "$1"
}

servers() {
    while read -r program file; do
        # Where nothing is like the pattern, it stands for itself.
        for found in $file; do
            [ -f "$found" ] || continue
            case $found in *"$newline"*) continue ;; esac
            section "ftp-config $program" without_passwords "$found"
        done
    done <<FILES
vsftpd /etc/vsftpd.conf
vsftpd /etc/vsftpd/*.conf
proftpd /etc/proftpd.conf
proftpd /etc/proftpd/*.conf
proftpd /etc/proftpd/conf.d/*.conf
pure-ftpd /etc/pure-ftpd.conf
pure-ftpd /etc/pure-ftpd/pure-ftpd.conf
pure-ftpd /etc/pure-ftpd/conf/*
bftpd /etc/bftpd.conf
ftpd /etc/ftpd.conf
FILES
}

hex() { printf '%d' "0x$1"; }

# The kernel writes 32 bits of an address as one number of this processor.
address() { # HEX
    rest=$1 shown='' separator=
    while [ -n "$rest" ]; do
        behind=${rest#????????}
        word=${rest%"$behind"}
        rest=$behind
        d=${word#??????} c=${word#????} b=${word#??}
        a=${word%"$b"} b=${b%"$c"} c=${c%"$d"}
        if [ "$order" = little ]; then
            word=$a a=$d d=$word word=$b b=$c c=$word
        fi
        if [ "${#1}" = 8 ]; then
            shown=$(hex "$a").$(hex "$b").$(hex "$c").$(hex "$d")
        else
            shown=$shown$separator$a$b:$c$d separator=:
        fi
    done
    printf '%s' "$shown"
}

# From /proc, as other ways load a module. The ports of FTP, and those of programs that are named after it.
listening() {
    sockets=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | sed -n 's/^ *[0-9]*: \([0-9A-F]*\):\([0-9A-F]*\) [0-9A-F:]* 0A [^ ]* [^ ]* [^ ]* *[0-9]* *[0-9]* \([0-9]*\) .*/\1 \2 \3/p')
    [ -n "$sockets" ] || return 0
    # shellcheck disable=SC2012 # names of descriptors are numbers
    open=$(ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n -e 's/^\/proc\/\([0-9]*\)\/fd:$/\1/p' -e 's/.*-> socket:\[\([0-9]*\)\]$/ \1/p')
    printf '%s\n' "$sockets" | while read -r local port inode; do
        number=$(hex "$port")
        owner=
        case $open in
        *"$newline $inode$newline"* | *"$newline $inode")
            owner=${open%"$newline $inode"*}
            owner=$(printf '%s\n' "$owner" | grep '^[0-9]' | tail -n 1)
            ;;
        esac
        program=unknown words=
        if [ -n "$owner" ] && { read -r program <"/proc/$owner/comm"; } 2>/dev/null; then :; else program=unknown; fi
        case $program in
        *ftp*) words=$(tr '\000\n' '  ' <"/proc/$owner/cmdline" 2>/dev/null) ;;
        *) case $number in 20 | 21 | 990) ;; *) continue ;; esac ;;
        esac
        printf 'tcp %s %s %s %s\n' "$(address "$local")" "$number" "$(printf '%s' "$program" | tr ' ' _)" "$words"
    done | sed 's/ *$//'
}

body() {
    printf 'fwlab host 1\n'
    printf '# What a host was found to have: its firewall, network and FTP server. Lines that begin with | are what the\n'
    printf '# command above them answered, and lines that begin with ! what it complained of. Read it before you send it.\n'
    printf 'redacted no\n'
    readable=no unreadable=no
    case $(printf '\001\000' | od -An -tx2 2>/dev/null) in *0001*) order=little ;; *) order=big ;; esac
    section hostname uname -n
    section kernel uname -srm
    if [ -r /etc/os-release ]; then section system cat /etc/os-release; else absent system "there is no /etc/os-release"; fi
    section time date -u
    section versions versions
    nft_variant iptables
    nft_variant ip6tables
    legacy iptables /proc/net/ip_tables_names
    legacy ip6tables /proc/net/ip6_tables_names
    if is_unloaded nf_tables; then
        absent nft "the kernel has no nf_tables loaded, so no such rules"
    elif ! has nft; then
        unread nft "there is no nft, so rules that it would list are not known"
    else
        of_rules nft nft list ruleset
    fi
    # It would load the module.
    if ! has ipset; then
        absent ipset "there is no ipset"
    elif [ ! -d /sys/module/ip_set ]; then
        absent ipset "the kernel has no sets of ipset"
    else
        section ipset ipset save
    fi
    json=no
    if has ip; then case $(ip -json -pretty link 2>/dev/null) in "["*) json=yes ;; esac; fi
    links
    network addresses addr
    network routes -4 route show table main
    network routes6 -6 route show table main
    policy rules -4 rule
    policy rules6 -6 rule
    section sysctls settings
    section modules modules
    section parameters parameters
    servers
    section listening listening
    [ "$readable" = yes ] || [ "$unreadable" = no ]
}

file=
case $#:${1-} in
0:) ;;
2:-o) file=$2 ;;
*)
    say "usage: sh capture.sh > host.fwlab, or sh capture.sh -o host.fwlab"
    exit 2
    ;;
esac
if ! is_root; then
    say "only root can read a host's rules: run this with sudo. Nothing was written"
    exit 1
fi
if [ -z "$file" ] && [ -t 1 ]; then
    say "write what is read to a file: sh capture.sh -o host.fwlab"
    exit 2
fi
if [ -n "$file" ] && [ -e "$file" ]; then
    say "$file exists already: remove it, or name another file. Nothing was written"
    exit 1
fi
# It is held until it is whole, so that nothing half-read is written.
whole=$(body && printf .) || {
    say "the rules of this host could not be read: see above. Nothing was written"
    exit 1
}
whole=${whole%.}
count=$(printf '%s' "$whole" | grep -c '^== ')
bytes=$(printf '%s' "$whole" | wc -c | tr -d ' ')
if has cksum; then
    sum=$(printf '%s' "$whole" | cksum)
else
    say "there is no cksum here: only its length will show if the file is edited later"
    sum=none
fi
finish() { printf '%send sections=%s bytes=%s cksum=%s\n' "$whole" "$count" "$bytes" "${sum%% *}"; }
if [ -z "$file" ]; then
    finish || exit 1
else
    # Never over a file that came to be meanwhile.
    set -C
    finish >"$file" || exit 1
    say "written: $file. Read it before you send it; fwlab capture --redact --from $file replaces public addresses"
fi
