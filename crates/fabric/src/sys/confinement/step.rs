use std::io;

macro_rules! steps {
    ($($name:ident => $text:literal,)+) => {
        /// A step on the way to a program.
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
    Spawner => "start the process that programs are forked from",
    Fork => "fork",
    Network => "enter its network namespace",
    Standard => "open its standard streams",
    Signals => "let signals through",
    Root => "enter the container",
    Namespaces => "make a PID and a mount namespace",
    Mounts => "make the mounts private",
    Temporary => "mount an empty /run and /tmp",
    Files => "mount its files (before Linux 6.15 they serve one program)",
    Overlays => "put a file over a system file",
    Processes => "start its init process",
    Proc => "mount /proc",
    Session => "start a session",
    Privileges => "give up privileges",
    Directory => "enter its working directory",
    Program => "run it",
}

/// What kept a program from being started.
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

/// What the lab is told of a program: its holder first, and then nothing more when it runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The process id of its holder.
    Holder(u32),
    /// The number of the step that failed, and the kernel's `errno`.
    Failed(u8, i32),
}

impl Report {
    /// How long one is, in bytes.
    pub(super) const SIZE: usize = 5;
    /// In place of a step's number.
    const HOLDER: u8 = u8::MAX;

    pub(super) fn bytes(&self) -> [u8; Report::SIZE] {
        let (first, rest) = match self {
            Report::Holder(holder) => (Report::HOLDER, holder.to_ne_bytes()),
            Report::Failed(step, errno) => (*step, errno.to_ne_bytes()),
        };
        let [a, b, c, d] = rest;
        [first, a, b, c, d]
    }

    pub(super) fn read(bytes: [u8; Report::SIZE]) -> Report {
        let [first, rest @ ..] = bytes;
        match first {
            Report::HOLDER => Report::Holder(u32::from_ne_bytes(rest)),
            step => Report::Failed(step, i32::from_ne_bytes(rest)),
        }
    }
}
