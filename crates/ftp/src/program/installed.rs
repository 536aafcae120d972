use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fwlab_fabric::{ContainerRoot, Peers, ProgramSpec, Scratch};

use crate::PeerMissing;
use fwlab_record::PeerName;

/// How long a program may take to say its version.
const VERSION_DEADLINE: Duration = Duration::from_secs(5);

/// Where a container's root has a directory for a program's files.
const FILES_IN_CONTAINER: &str = "/srv";

/// What a peer's program is called on a machine that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostProgram {
    /// Its file's name.
    pub file: &'static str,
    /// The Debian package that it is of.
    pub package: &'static str,
    /// The arguments by which it tells its version, if it is there.
    pub version_arguments: &'static [&'static str],
    /// The Python module that it is, where the file is an interpreter.
    pub module: Option<&'static str>,
}

/// A peer's program, on this machine or in a container.
#[derive(Debug, Clone)]
pub(crate) struct Installed {
    path: PathBuf,
    library_path: Option<OsString>,
    /// Where Python modules were unpacked to.
    modules: Option<PathBuf>,
    root: Option<ContainerRoot>,
    /// The version as the program gives it, its first line.
    pub(crate) version: String,
}

impl Installed {
    /// Looks for a peer's program: the first of that name that tells its version.
    pub(crate) fn find(peer: PeerName, program: HostProgram) -> Result<Installed, PeerMissing> {
        let HostProgram {
            file,
            package,
            version_arguments,
            module,
        } = program;
        let missing = |why: String| PeerMissing {
            peer,
            why,
            remedy: format!(
                "install the package `{package}`, or unpack it below a directory and name that in FWLAB_PEERS"
            ),
        };
        let found = Peers::all(file);
        let Some(first) = found.first() else {
            return Err(missing(format!(
                "no program `{file}` in PATH or below FWLAB_PEERS"
            )));
        };
        let why = match module {
            Some(module) => {
                format!("no `{file}` in PATH or below FWLAB_PEERS has the module `{module}`")
            }
            None => format!("{} does not run", first.path.display()),
        };
        found
            .into_iter()
            .find_map(|found| {
                let mut installed = Installed {
                    path: found.path,
                    library_path: found.library_path,
                    modules: module.and_then(|_| Peers::python_modules()),
                    root: None,
                    version: String::new(),
                };
                installed.version = installed.ask_version(version_arguments)?;
                Some(installed)
            })
            .ok_or_else(|| missing(why))
    }

    /// The program with that path in a container.
    pub(crate) fn inside(root: ContainerRoot, path: &str, version: impl Into<String>) -> Installed {
        Installed {
            path: path.into(),
            library_path: None,
            modules: None,
            root: Some(root),
            version: version.into(),
        }
    }

    /// The program with these files, which are its home, and with nothing but what it needs to
    /// find its libraries beside that in its environment.
    pub(crate) fn spec(&self, files: &Scratch) -> ProgramSpec {
        let mut spec = self.bare();
        spec.environment
            .push(("HOME".into(), files.mount_point().into()));
        spec.files(files.clone())
    }

    /// Files, to be found where there is a place for them.
    pub(crate) fn place(&self, files: Scratch) -> Scratch {
        match self.root {
            Some(_) => files.with_mount_point(Path::new(FILES_IN_CONTAINER)),
            None => files,
        }
    }

    fn bare(&self) -> ProgramSpec {
        let mut spec = ProgramSpec::new(&self.path);
        spec.root = self.root.clone();
        spec.environment = vec![
            ("LC_ALL".into(), "C".into()),
            ("TERM".into(), "dumb".into()),
        ];
        if let Some(path) = &self.library_path {
            spec.sees = std::env::split_paths(path).collect();
            spec.environment
                .push(("LD_LIBRARY_PATH".into(), path.clone()));
        }
        if let Some(modules) = &self.modules {
            spec.sees.push(modules.clone());
            spec.environment.push(("PYTHONPATH".into(), modules.into()));
        }
        spec
    }

    fn ask_version(&self, arguments: &[&str]) -> Option<String> {
        let mut spec = self.bare().arguments(arguments.iter().copied());
        // vsftpd speaks to whom it takes for its client: its standard input.
        spec.speaks_on_input = true;
        let said = spec.said_alone(VERSION_DEADLINE).ok()?;
        let text = String::from_utf8_lossy(&said).into_owned();
        let line = text.lines().next()?.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }
}
