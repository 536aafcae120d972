//! What a well-behaved small FTP server answers.

use std::net::IpAddr;

use crate::wire::Command;

/// What a verb that no script names comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// This reply, of one line or several.
    Reply(&'static str),
    /// SIZE: the size of the file that it names.
    Size,
    /// REST: the next transfer begins at this byte.
    Restart(u64),
    /// PORT or EPRT.
    Active,
    /// PASV or EPSV.
    Passive,
    /// RETR, STOR, APPE, LIST, NLST or MLSD.
    Transfer,
    /// QUIT: this reply is the last.
    Goodbye(&'static str),
}

pub(super) const GREETING: &str = "220 fwlab";

/// MLST is not among them: lftp would list by it.
const FEATURES: &str =
    "211-Features:\r\n EPRT\r\n EPSV\r\n PASV\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n211 End";

impl Answer {
    pub(super) fn to(command: &Command, own: IpAddr) -> Answer {
        let argument = command.argument_text();
        let reply = match command.verb().as_str() {
            "USER" => "331 any password will do",
            "PASS" => "230 logged in",
            "ACCT" | "ALLO" => "202 not needed here",
            "TYPE" | "MODE" | "STRU" | "OPTS" | "NOOP" | "CLNT" => "200 done",
            "SYST" => "215 UNIX Type: L8",
            "FEAT" => FEATURES,
            "PWD" | "XPWD" => "257 \"/\"",
            "CWD" | "XCWD" | "CDUP" | "XCUP" => "250 done",
            "ABOR" => "226 nothing to abort",
            "EPSV" if argument.eq_ignore_ascii_case("all") => "200 EPSV alone from now on",
            "PASV" if own.is_ipv6() => "425 PASV has no IPv6 address: use EPSV",
            "PASV" | "EPSV" => return Answer::Passive,
            "PORT" | "EPRT" => return Answer::Active,
            "RETR" | "STOR" | "APPE" | "LIST" | "NLST" | "MLSD" => return Answer::Transfer,
            "SIZE" => return Answer::Size,
            "REST" => match argument.trim().parse() {
                Ok(offset) => return Answer::Restart(offset),
                Err(_) => "501 not a number",
            },
            "QUIT" => return Answer::Goodbye("221 goodbye"),
            _ => "502 not implemented",
        };
        Answer::Reply(reply)
    }
}
