use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// How many symbolic links one path may lead through, as in the kernel.
const LINKS_LIMIT: usize = 40;

/// Which files and folders of the machine stand in a root of its own, and the symbolic links
/// that lead to them there as they do on the machine.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Canonical paths; none of them is below another.
    pub(super) mounts: BTreeSet<PathBuf>,
    /// Links outside of those folders, and what they hold.
    pub(super) links: BTreeMap<PathBuf, PathBuf>,
}

impl Plan {
    /// Adds what a path leads to.
    ///
    /// # Errors
    /// When it leads nowhere, or to what is neither a file nor a folder; or to the root itself.
    pub(super) fn add(&mut self, path: &Path) -> io::Result<()> {
        let mut rest: VecDeque<OsString> = words(path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(word) = rest.pop_front() {
            if word == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&word);
            let found = next.symlink_metadata()?;
            if !found.is_symlink() {
                at = next;
                continue;
            }
            links += 1;
            if links > LINKS_LIMIT {
                return Err(io::Error::from_raw_os_error(libc::ELOOP));
            }
            let target = next.read_link()?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for word in words(&target).into_iter().rev() {
                rest.push_front(word);
            }
            self.links.insert(next, target);
        }
        let kind = at.symlink_metadata()?.file_type();
        let other = kind.is_socket() || kind.is_fifo() || kind.is_block_device();
        if at == Path::new("/") || other || kind.is_char_device() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.mounts.insert(at);
        Ok(())
    }

    /// Leaves out what is seen through a folder anyway.
    pub(super) fn reduced(mut self) -> Plan {
        let all = self.mounts.clone();
        let covered = |path: &Path| path.ancestors().skip(1).any(|above| all.contains(above));
        self.mounts.retain(|path| !covered(path));
        self.links.retain(|path, _| !covered(path));
        self
    }
}

/// A path's words, without those that lead nowhere.
fn words(path: &Path) -> VecDeque<OsString> {
    let words = path.components().filter_map(|part| match part {
        std::path::Component::Normal(word) => Some(word.to_owned()),
        std::path::Component::ParentDir => Some("..".into()),
        _ => None,
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let folder =
                std::env::temp_dir().join(format!("fwlab-plan-{}-{name}", std::process::id()));
            fs::create_dir_all(&folder).expect("a folder");
            Folder(folder.canonicalize().expect("it is there"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn links_on_the_way_stand_as_they_do_on_the_machine() {
        let folder = Folder::new("links");
        let top = &folder.0;
        fs::create_dir_all(top.join("usr/lib/inner")).unwrap();
        fs::write(top.join("usr/lib/inner/real"), "").unwrap();
        symlink("usr/lib", top.join("lib")).unwrap();
        symlink(top.join("lib/inner/../inner/real"), top.join("name")).unwrap();
        let mut plan = Plan::default();
        plan.add(&top.join("name")).unwrap();
        assert_eq!(plan.mounts, [top.join("usr/lib/inner/real")].into());
        let links: Vec<_> = plan.links.keys().cloned().collect();
        assert_eq!(links, [top.join("lib"), top.join("name")]);
        assert_eq!(plan.links[&top.join("lib")], Path::new("usr/lib"));
        // A folder hides what is below it, links too.
        symlink("real", top.join("usr/lib/inner/other")).unwrap();
        plan.add(&top.join("usr/lib/inner/other")).unwrap();
        plan.add(&top.join("usr/lib")).unwrap();
        let plan = plan.reduced();
        assert_eq!(plan.mounts, [top.join("usr/lib")].into());
        assert_eq!(plan.links.len(), 2, "{plan:?}");
    }

    #[test]
    fn what_is_no_file_and_what_leads_nowhere_is_refused() {
        let folder = Folder::new("refused");
        let top = &folder.0;
        symlink("circle", top.join("circle")).unwrap();
        let refused = |path: &Path| {
            Plan::default()
                .add(path)
                .map_err(|error| error.raw_os_error())
        };
        assert_eq!(refused(&top.join("circle")), Err(Some(libc::ELOOP)));
        assert_eq!(refused(&top.join("absent")), Err(Some(libc::ENOENT)));
        for path in ["/", "/usr/..", "/dev/null"] {
            assert!(refused(Path::new(path)).is_err(), "{path}");
        }
    }
}
