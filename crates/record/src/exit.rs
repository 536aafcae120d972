/// How a command of fwlab ends: its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything required was met.
    Good = 0,
    /// Something was missed.
    Missed = 1,
    /// The arguments, a scenario or a ruleset are wrong.
    Usage = 2,
    /// The lab could not tell, or cannot work here.
    Lab = 3,
}

impl Exit {
    /// The exit code of the process.
    pub fn code(self) -> u8 {
        self as u8
    }
}
