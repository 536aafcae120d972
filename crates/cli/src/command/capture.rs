use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::{ArgGroup, Args};
use fwlab_fabric::{Privilege, find_tool};
use fwlab_host::{Edits, Host, MAX_CAPTURE, Redacted, SCRIPT, redact, seal};
use fwlab_record::Exit;
use fwlab_scenario::input::{InputError, read_file_up_to, read_stream_up_to};

use super::exit::{complain, print, tell};

#[derive(Debug, Args)]
#[command(after_help = ON_ANOTHER_HOST, group = ArgGroup::new("changed").args(["redact", "edited"]).multiple(true))]
pub(super) struct CaptureArguments {
    /// Print the script that reads a host, in plain POSIX sh, for hosts without fwlab
    #[arg(long, conflicts_with_all = ["output", "redact", "from", "edited"])]
    print: bool,
    /// The file to write, which must not exist yet. Default: host.fwlab, host.redacted.fwlab or host.edited.fwlab
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace public addresses and the host's name with others. Addresses of one network stay in one network; comments of rules stay as they are
    #[arg(long)]
    redact: bool,
    /// Read this earlier capture instead of the host: to redact it, or because it was edited
    #[arg(long, value_name = "FILE", requires = "changed")]
    from: Option<PathBuf>,
    /// The file was edited on purpose: write it again, with a valid checksum
    #[arg(long, requires = "from")]
    edited: bool,
}

const ON_ANOTHER_HOST: &str = "On a host without fwlab:\n\n  fwlab capture --print > capture.sh\n  \
    sudo sh capture.sh -o host.fwlab    (on the host)\n\nThe script only reads, and says what it reads. Read the file before you send it.";

/// What messages call a capture that is in no file yet.
const THIS_HOST: &str = "this host";

/// Reads this host, or redacts what was read of one.
pub(super) fn capture(arguments: &CaptureArguments) -> Exit {
    if arguments.print {
        print(SCRIPT);
        return Exit::Good;
    }
    let path = arguments.output.clone().unwrap_or_else(|| {
        let name = match arguments {
            CaptureArguments { redact: true, .. } => "host.redacted.fwlab",
            CaptureArguments { edited: true, .. } => "host.edited.fwlab",
            _ => "host.fwlab",
        };
        name.into()
    });
    // Before the host is read for nothing.
    if fs::symlink_metadata(&path).is_ok() {
        complain(
            format!(
                "{} exists already, and fwlab does not overwrite it",
                path.display()
            ),
            Some("remove it, or name another file: -o FILE"),
        );
        return Exit::Usage;
    }
    let captured = match &arguments.from {
        Some(from) => given(from),
        None => this_host(),
    };
    let (name, text) = match captured {
        Ok(captured) => captured,
        Err(exit) => return exit,
    };
    let edits = match arguments.edited {
        true => Edits::Accepted,
        false => Edits::Refused,
    };
    match written(arguments.redact, &name, text, edits, &path) {
        Ok(said) => {
            print(said);
            Exit::Good
        }
        Err(exit) => exit,
    }
}

/// Checks what was captured, redacts it where that is asked for, and writes it; returns what to say of it.
fn written(
    is_redacted: bool,
    name: &str,
    text: Vec<u8>,
    edits: Edits,
    path: &Path,
) -> Result<String, Exit> {
    let mistaken = |mistakes| {
        tell([&mistakes as &dyn miette::Diagnostic]);
        match name {
            // It is no fault of the user's.
            THIS_HOST => Exit::Lab,
            _ => Exit::Usage,
        }
    };
    let host = Host::read(name, &text, edits).map_err(mistaken)?;
    for unread in &host.unread {
        let (section, line, why) = (unread.section, unread.line, &unread.why);
        complain(format!("not read: {section} ({name}:{line}): {why}"), None);
    }
    let shown = path.display();
    let (text, said) = if is_redacted {
        let key = key().map_err(|error| cannot("read /dev/urandom", error))?;
        let Redacted {
            text,
            addresses,
            has_comments,
        } = redact(name, &text, edits, &key).map_err(mistaken)?;
        let mut said = format!(
            "{shown} is written, with {addresses} public addresses replaced. Read it before you send it: names \
             in settings, interface names and hardware addresses are unchanged"
        );
        if has_comments {
            said += ", and so are the comments of rules";
        }
        (text, said + ".\n")
    } else {
        let text = match edits {
            Edits::Accepted => seal(name, &text).map_err(mistaken)?,
            Edits::Refused => text,
        };
        let said = format!(
            "{shown} is written. Read it before you send it: it contains this host's addresses, names and rules. \
             `fwlab capture --redact --from {shown}` replaces public addresses.\n"
        );
        (text, said)
    };
    write_new(path, &text).map_err(|error| cannot(format_args!("write {shown}"), error))?;
    Ok(said)
}

fn cannot(what: impl Display, error: io::Error) -> Exit {
    complain(format!("cannot {what}: {error}"), None);
    Exit::Lab
}

/// A file that was captured before.
fn given(path: &Path) -> Result<(String, Vec<u8>), Exit> {
    let name = path.display().to_string();
    match read_file_up_to(path, MAX_CAPTURE as u64) {
        Ok(text) => Ok((name, text)),
        Err(error) => {
            complain(format!("cannot read {name}: {error}"), None);
            Err(Exit::Usage)
        }
    }
}

/// What the script says of this host.
fn this_host() -> Result<(String, Vec<u8>), Exit> {
    if !matches!(Privilege::current(), Ok(Privilege::Root)) {
        complain(
            "only root can read a host's rules; nothing was written",
            Some("run it as root: sudo fwlab capture"),
        );
        return Err(Exit::Lab);
    }
    let mut script = start().map_err(|error| cannot("start sh", error))?;
    let text = match script.stdout.take() {
        Some(output) => read_stream_up_to(output, MAX_CAPTURE as u64),
        None => Ok(Vec::new()),
    };
    if text.is_err() {
        // It waits for somebody to read on.
        let _ = script.kill();
    }
    let status = script
        .wait()
        .map_err(|error| cannot("wait for sh", error))?;
    match text {
        Ok(text) if status.success() => Ok((THIS_HOST.to_owned(), text)),
        // It has said why.
        Ok(_) => Err(Exit::Lab),
        Err(InputError::Unreadable(error)) => Err(cannot("read what sh writes", error)),
        Err(error) => {
            complain(
                format!("the capture of this host was not written: {error}"),
                None,
            );
            Err(Exit::Lab)
        }
    }
}

fn start() -> io::Result<Child> {
    let sh = find_tool("sh").unwrap_or_else(|| "/bin/sh".into());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut script = Command::new(sh);
    script.args(["-c", SCRIPT, "capture.sh"]);
    // What the user's shell is set to changes nothing.
    script.env_clear().env("PATH", path);
    script.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()
}

/// What decides which address becomes which: used once, and kept nowhere.
fn key() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    Ok(key)
}

/// Writes a file that was not there before, for nobody else to read. What is written by half does not stay.
fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}
