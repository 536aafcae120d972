/// The engine has not done what it was asked in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Docker has not removed everything that was started in it; fwlab will remove it the next time it uses \
     Docker; `docker ps --all --filter label={}` shows it",
    OWNER_LABEL
)]
pub struct Unsettled;

/// The label of each container, which names its owner.
pub(crate) const OWNER_LABEL: &str = "org.fwlab.owner";
