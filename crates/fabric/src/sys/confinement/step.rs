use std::io;

macro_rules! steps {
    ($($name:ident => $text:literal,)+) => {
        /// A step on the way to a confined process.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum SetupStep { $($name),+ }

        impl SetupStep {
            pub(crate) fn from_number(number: u8) -> Option<SetupStep> {
                [$(SetupStep::$name),+].into_iter().find(|step| *step as u8 == number)
            }

            pub(crate) fn describe(self) -> &'static str {
                match self { $(SetupStep::$name => $text),+ }
            }
        }
    };
}

steps! {
    Spawner => "start the process that others are forked from",
    Fork => "fork",
    Namespaces => "make a mount namespace",
    Mounts => "make the mounts private",
    Root => "make its root file system",
    Network => "enter its network namespace",
    Standard => "open its standard streams",
    EnterRoot => "enter its root file system",
    EnterContainer => "enter the container",
    Temporary => "mount an empty /run, /tmp and /sys",
    Proc => "mount /proc",
    Files => "mount its files (before Linux 6.15 they serve one program)",
    Processes => "start it below its init process",
    Session => "start a session",
    Privileges => "give up privileges",
    Filter => "filter its system calls",
    Directory => "enter its working directory",
    Program => "run it",
}

/// What kept a process from being started.
pub(crate) struct NotStarted {
    /// `None`: it was the program itself.
    pub(crate) step: Option<SetupStep>,
    pub(crate) source: io::Error,
}

impl NotStarted {
    pub(super) fn at(step: u8, errno: i32) -> NotStarted {
        NotStarted {
            step: SetupStep::from_number(step).filter(|step| *step != SetupStep::Program),
            source: io::Error::from_raw_os_error(errno),
        }
    }
}

/// What the lab is told of a process that it asked for. None of these: the spawner has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// It was forked, and this is its id.
    Forked(u32),
    /// The number of the step that failed, and the kernel's `errno`.
    Failed(u8, i32),
}

impl Report {
    /// How long one is, in bytes.
    pub(super) const SIZE: usize = 5;
    /// In place of a step's number.
    const FORKED: u8 = u8::MAX;

    pub(super) fn bytes(&self) -> [u8; Report::SIZE] {
        let (first, rest) = match self {
            Report::Forked(process) => (Report::FORKED, process.to_ne_bytes()),
            Report::Failed(step, errno) => (*step, errno.to_ne_bytes()),
        };
        let [a, b, c, d] = rest;
        [first, a, b, c, d]
    }

    pub(super) fn read(bytes: [u8; Report::SIZE]) -> Report {
        let [first, rest @ ..] = bytes;
        match first {
            Report::FORKED => Report::Forked(u32::from_ne_bytes(rest)),
            step => Report::Failed(step, i32::from_ne_bytes(rest)),
        }
    }
}
