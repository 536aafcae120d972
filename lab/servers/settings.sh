# What a scenario says of a server, with the defaults of a server that is started by
# hand. Every server's `serve` reads this first, and writes its own configuration.
#
#   FTP_FAMILY             ipv4 or ipv6: the family that it listens in
#   FTP_CONTROL_PORT       the port that it listens on
#   FTP_PASSIVE_MIN, _MAX  the range of its passive ports; both or none
#   FTP_DATA_SOURCE_PORT   20 or ephemeral: where its active data connections come from
#   FTP_ADVERTISED_ADDRESS the address in its answers to PASV; without, the one that it has
#   FTP_PROTECTION         plain, explicit, implicit or ccc: what it offers, and demands
#   FTP_SESSION_REUSE      required or free: whether a data connection must resume the TLS
#                          session of its control connection
#   FTP_CERTIFICATE        its certificate and key, as PEM text; without, one made at start
#   FTP_LOGIN              anonymous or named (user and password: fwlab)
#   FTP_OPTIONS            further settings in the server's own words, one a line: name=value
#   FTP_HOME               the directory that it serves
#   FTP_LOG                the file that it logs to
FTP_FAMILY=${FTP_FAMILY:-ipv4}
FTP_CONTROL_PORT=${FTP_CONTROL_PORT:-21}
FTP_PASSIVE_MIN=${FTP_PASSIVE_MIN:-}
FTP_PASSIVE_MAX=${FTP_PASSIVE_MAX:-}
FTP_DATA_SOURCE_PORT=${FTP_DATA_SOURCE_PORT:-20}
FTP_ADVERTISED_ADDRESS=${FTP_ADVERTISED_ADDRESS:-}
FTP_PROTECTION=${FTP_PROTECTION:-plain}
FTP_SESSION_REUSE=${FTP_SESSION_REUSE:-free}
FTP_CERTIFICATE=${FTP_CERTIFICATE:-}
FTP_LOGIN=${FTP_LOGIN:-anonymous}
FTP_OPTIONS=${FTP_OPTIONS:-}
FTP_HOME=${FTP_HOME:-/srv/ftp}
FTP_LOG=${FTP_LOG:-/run/ftp.log}

# A word of a setting that nobody knows must not be taken for the default.
known() {
    case " $3 " in
    *" $2 "*) ;;
    *) echo "$1=$2: it is one of $3" >&2; exit 64 ;;
    esac
}
known FTP_FAMILY "$FTP_FAMILY" "ipv4 ipv6"
known FTP_DATA_SOURCE_PORT "$FTP_DATA_SOURCE_PORT" "20 ephemeral"
known FTP_PROTECTION "$FTP_PROTECTION" "plain explicit implicit ccc"
known FTP_SESSION_REUSE "$FTP_SESSION_REUSE" "required free"
known FTP_LOGIN "$FTP_LOGIN" "anonymous named"

# Prints each of FTP_OPTIONS with a blank, or what is given, between name and value.
options() {
    printf '%s\n' "$FTP_OPTIONS" | while IFS='=' read -r name value; do
        [ -z "$name" ] || printf '%s%s%s\n' "$name" "${1- }" "$value"
    done
}

# For each server in its own words: it cannot do what is asked of it.
cannot() {
    echo "$*" >&2
    exit 64
}

# Certificate and key, where TLS needs them.
certificate=/run/fwlab.pem
if [ "$FTP_PROTECTION" != plain ]; then
    (
        umask 077
        if [ -n "$FTP_CERTIFICATE" ]; then
            printf '%s\n' "$FTP_CERTIFICATE" >$certificate
        else
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                -subj /CN=fwlab -keyout /run/key.pem -out /run/certificate.pem 2>/dev/null
            cat /run/certificate.pem /run/key.pem >$certificate
        fi
    )
fi

# Anybody may write: the server's own user is the server's affair. /run is empty where
# the root file system is read-only.
mkdir -p "$FTP_HOME"
chmod 777 "$FTP_HOME"
: >"$FTP_LOG"
