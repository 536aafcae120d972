use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// As much as the kernel reads of a script's first line (`BINPRM_BUF_SIZE`).
const FIRST_LINE: u64 = 256;

/// Where a script finds the programs that it is made of.
const PROGRAMS: [&str; 6] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
];

/// What a program needs of the machine beside its file where it is a script: its interpreter, and this machine's
/// programs. Nothing for any other program.
pub(super) fn needs(program: &Path) -> Vec<PathBuf> {
    let Some(interpreter) = interpreter(program) else {
        return Vec::new();
    };
    let mut needs = vec![interpreter];
    needs.extend(PROGRAMS.map(PathBuf::from));
    needs
}

fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    let file = File::open(program).ok()?;
    file.take(FIRST_LINE).read_to_end(&mut start).ok()?;
    let line = start
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let mut words = line.split(|byte| byte.is_ascii_whitespace());
    let word = words.find(|word| !word.is_empty())?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_needs_its_interpreter() {
        let path = std::env::temp_dir().join(format!("fwlab-script-{}", std::process::id()));
        for (text, expected) in [
            ("#!/bin/sh\nexit\n", Some("/bin/sh")),
            ("#! /usr/bin/env -S python3 -u\n", Some("/usr/bin/env")),
            ("#!\n", None),
            ("\x7fELF", None),
            ("", None),
        ] {
            std::fs::write(&path, text).expect("it can be written");
            let first = needs(&path).into_iter().next();
            assert_eq!(first.as_deref(), expected.map(Path::new), "{text:?}");
        }
        std::fs::remove_file(&path).expect("it is ours");
    }
}
