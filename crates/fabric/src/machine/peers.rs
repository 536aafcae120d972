use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::tools::{find_tools, is_program};

/// A peer's program: an FTP client or server that is installed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerProgram {
    /// Its file.
    pub path: PathBuf,
    /// What its `LD_LIBRARY_PATH` must be, for one that was unpacked into a folder.
    pub library_path: Option<OsString>,
}

/// Where peers' programs are found: below the folder that the environment variable
/// `FWLAB_PEERS` names (packages unpacked there, not installed), then in `PATH`.
#[derive(Debug, Clone, Copy)]
pub struct Peers;

impl Peers {
    /// The program of that name that comes first.
    pub fn find(name: &str) -> Option<PeerProgram> {
        Peers::all(name).into_iter().next()
    }

    /// The programs of that name, those first that are to be tried first.
    pub fn all(name: &str) -> Vec<PeerProgram> {
        let unpacked = folder().and_then(|folder| below(&folder, name));
        let installed = find_tools(name).map(|path| PeerProgram {
            path,
            library_path: None,
        });
        unpacked.into_iter().chain(installed).collect()
    }

    /// Where the packages that were unpacked have Python modules.
    pub fn python_modules() -> Option<PathBuf> {
        let modules = folder()?.join("usr/lib/python3/dist-packages");
        modules.canonicalize().ok()
    }
}

fn folder() -> Option<PathBuf> {
    let folder = env::var_os("FWLAB_PEERS").filter(|folder| !folder.is_empty());
    folder.map(PathBuf::from)
}

fn below(folder: &Path, name: &str) -> Option<PeerProgram> {
    let folder = folder.canonicalize().ok()?;
    let path = [".", "bin", "sbin", "usr/bin", "usr/sbin"]
        .into_iter()
        .map(|inner| folder.join(inner).join(name))
        .find(|file| is_program(file))?;
    Some(PeerProgram {
        path: path.canonicalize().ok()?,
        library_path: library_path(&folder),
    })
}

fn library_path(folder: &Path) -> Option<OsString> {
    let mut found = Vec::new();
    for inner in ["lib", "usr/lib"] {
        let library = folder.join(inner);
        let Ok(entries) = fs::read_dir(&library) else {
            continue;
        };
        let mut multiarch: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-linux-gnu") && path.is_dir())
            .collect();
        multiarch.sort();
        found.push(library);
        found.extend(multiarch);
    }
    // A folder with a colon in its name cannot be said in a search path.
    env::join_paths(found)
        .ok()
        .filter(|joined| !joined.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_unpacked_program_is_found_with_its_libraries() {
        let folder = env::temp_dir().join(format!("fwlab-peers-{}", std::process::id()));
        let library = folder.join("usr/lib/x86_64-linux-gnu");
        fs::create_dir_all(folder.join("usr/sbin")).unwrap();
        fs::create_dir_all(&library).unwrap();
        let program = folder.join("usr/sbin/vsftpd");
        fs::write(&program, "").unwrap();
        assert_eq!(below(&folder, "vsftpd"), None, "not a program yet");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let found = below(&folder, "vsftpd").unwrap();
        let folder = folder.canonicalize().unwrap();
        assert_eq!(found.path, folder.join("usr/sbin/vsftpd"));
        let paths = found.library_path.unwrap();
        let paths: Vec<_> = env::split_paths(&paths).collect();
        let library = folder.join("usr/lib/x86_64-linux-gnu");
        assert_eq!(paths, [folder.join("usr/lib"), library]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
