macro_rules! steps {
    ($($name:ident => $text:literal,)+) => {
        /// A step between fork and exec.
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
