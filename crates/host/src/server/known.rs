//! The names of settings that there are, so that what is none is told.

use fwlab_model::ruleset::nearest;

use super::ServerProgram;

impl ServerProgram {
    /// All settings of the program, one a line: from its manual, and vsftpd's undocumented ones from the program itself.
    fn list(self) -> &'static str {
        match self {
            ServerProgram::Vsftpd => include_str!("known/vsftpd.txt"),
            ServerProgram::Proftpd => include_str!("known/proftpd.txt"),
            ServerProgram::PureFtpd => include_str!("known/pure-ftpd.txt"),
        }
    }

    /// Whether the program has such a setting. vsftpd alone knows small letters from capitals.
    pub(super) fn knows(self, key: &str) -> bool {
        self.list().lines().any(|known| match self {
            ServerProgram::Vsftpd => known == key,
            ServerProgram::Proftpd | ServerProgram::PureFtpd => known.eq_ignore_ascii_case(key),
        })
    }

    /// The setting that was probably meant.
    pub(super) fn nearest(self, key: &str) -> Option<&'static str> {
        nearest(key, self.list().lines())
    }
}
