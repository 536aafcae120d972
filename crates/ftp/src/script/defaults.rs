//! What a well-behaved small FTP server answers.

use fwlab_record::Protection;

use crate::wire::Command;

/// What a verb that no script names comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// This reply, of one line or several.
    Reply(String),
    /// AUTH: this reply, and TLS from then on.
    Secure,
    /// CCC: this reply, and no TLS from then on.
    Clear,
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
    /// QUIT: the reply to it is the last.
    Goodbye,
}

pub(super) const GREETING: &str = "220 fwlab";

/// What an answer depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// The protection that is offered, and, unless it is none, demanded.
    pub(super) protection: Protection,
    /// Whether TLS is on the control connection, or was until CCC.
    pub(super) is_secured: bool,
    /// Whether data connections are under TLS.
    pub(super) protects_data: bool,
    /// Whether the control connection is over IPv6.
    pub(super) over_six: bool,
}

impl Manners {
    /// The answer to a command.
    pub(super) fn answer(self, command: &Command) -> Answer {
        let argument = command.argument_text();
        let verb = command.verb();
        let demands = self.protection.protects_data();
        let reply = match verb.as_str() {
            "USER" | "PASS" if demands && !self.is_secured => "530 TLS first",
            "USER" => "331 any password will do",
            "PASS" => "230 logged in",
            "ACCT" | "ALLO" => "202 not needed here",
            "TYPE" | "MODE" | "STRU" | "OPTS" | "NOOP" | "CLNT" => "200 done",
            "SYST" => "215 UNIX Type: L8",
            "FEAT" => return Answer::Reply(self.features()),
            "PWD" | "XPWD" => "257 \"/\"",
            "CWD" | "XCWD" | "CDUP" | "XCUP" => "250 done",
            "ABOR" => "226 nothing to abort",
            "AUTH" if self.offers_auth() && argument.to_ascii_uppercase().starts_with("TLS") => {
                return Answer::Secure;
            }
            "AUTH" if self.offers_auth() => "504 TLS is what is known here",
            "PBSZ" | "PROT" if !self.is_secured => "503 AUTH comes first",
            "PBSZ" => "200 PBSZ=0",
            "PROT" if argument.eq_ignore_ascii_case("p") => "200 data is protected",
            "PROT" if demands => "534 protected data alone",
            "PROT" if argument.eq_ignore_ascii_case("c") => "200 data is in the clear",
            "PROT" => "536 P or C",
            "CCC" if self.protection == Protection::Ccc && self.is_secured => {
                return Answer::Clear;
            }
            "CCC" => "534 not here",
            "EPSV" if argument.eq_ignore_ascii_case("all") => "200 EPSV alone from now on",
            "PASV" if self.over_six => "425 PASV has no IPv6 address: use EPSV",
            "PORT" if self.over_six => "501 PORT has no IPv6 address: use EPRT",
            "PASV" | "EPSV" => return Answer::Passive,
            "PORT" | "EPRT" => return Answer::Active,
            "RETR" | "STOR" | "APPE" | "LIST" | "NLST" | "MLSD"
                if demands && !self.protects_data =>
            {
                "522 PROT P first"
            }
            "RETR" | "STOR" | "APPE" | "LIST" | "NLST" | "MLSD" => return Answer::Transfer,
            "SIZE" => return Answer::Size,
            "REST" => match argument.trim().parse() {
                Ok(offset) => return Answer::Restart(offset),
                Err(_) => "501 not a number",
            },
            "QUIT" => return Answer::Goodbye,
            _ => "502 not implemented",
        };
        Answer::Reply(reply.into())
    }

    fn offers_auth(self) -> bool {
        matches!(self.protection, Protection::Explicit | Protection::Ccc)
    }

    /// MLST is not among them: lftp would list by it.
    fn features(self) -> String {
        let mut features = vec!["EPRT", "EPSV", "PASV", "REST STREAM", "SIZE", "UTF8"];
        if self.offers_auth() {
            features.push("AUTH TLS");
        }
        if self.protection.protects_data() {
            features.extend(["PBSZ", "PROT"]);
        }
        if self.protection == Protection::Ccc {
            features.push("CCC");
        }
        format!("211-Features:\r\n {}\r\n211 End", features.join("\r\n "))
    }
}
