/// No container can be started here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}; {remedy}")]
pub struct NoEngine {
    /// Why not.
    pub why: String,
    /// What to do about it: one command, or one sentence.
    pub remedy: String,
}

impl NoEngine {
    pub(crate) fn new(why: impl Into<String>, remedy: impl Into<String>) -> NoEngine {
        NoEngine {
            why: why.into(),
            remedy: remedy.into(),
        }
    }
}
