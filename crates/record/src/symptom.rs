use crate::words;

words! {
    /// What the client's user sees.
    pub enum Symptom {
        /// The bytes arrived unchanged and the final reply was read.
        Transferred,
        /// The data connection never came up, or stalled: silence until a timer ends it.
        DataTimeout,
        /// The data connection was answered with a TCP reset, an ICMP error or an error at once.
        DataRejected,
        /// The control connection never came up, or stalled.
        ControlTimeout,
        /// The control connection was answered with a TCP reset or an ICMP error.
        ControlRejected,
        /// The peer refused in an FTP reply.
        Refused,
    }
}

impl Symptom {
    /// The one-letter form that dense matrices use: `P D d C c S`.
    pub fn letter(self) -> char {
        match self {
            Symptom::Transferred => 'P',
            Symptom::DataTimeout => 'D',
            Symptom::DataRejected => 'd',
            Symptom::ControlTimeout => 'C',
            Symptom::ControlRejected => 'c',
            Symptom::Refused => 'S',
        }
    }
}
