/// No container can be started here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}; {mend}")]
pub struct NoEngine {
    /// Why not.
    pub why: String,
    /// What to do about it: one command, or one sentence.
    pub mend: String,
}

impl NoEngine {
    pub(crate) fn new(why: impl Into<String>, mend: impl Into<String>) -> NoEngine {
        NoEngine {
            why: why.into(),
            mend: mend.into(),
        }
    }
}
