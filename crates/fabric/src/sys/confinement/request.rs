//! What the lab asks of the spawner: one message for each program.

use std::ffi::{CStr, CString};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

use super::{Confinement, Executable, Overlay};
use crate::namespace::Namespaces;

/// The most that a message can hold: more than a socket's buffer does, by default.
pub(super) const LIMIT: usize = 256 << 10;

/// The descriptors of a request with all there can be.
type Descriptors = [RawFd; 10];

/// A program to start, and where to report.
pub(super) struct Request {
    pub(super) executable: Executable,
    pub(super) confinement: Confinement,
    pub(super) report: OwnedFd,
}

/// Sends one: numbers first (arguments, variables, overlays), then what there is of
/// container and files, then the texts, each with the NUL at its end.
pub(super) fn send(
    socket: &OwnedFd,
    executable: &Executable,
    confinement: &Confinement,
    report: &OwnedFd,
) -> io::Result<()> {
    let Confinement {
        network,
        root,
        files,
        overlays,
        directory,
        standard,
        lifeline,
    } = confinement;
    let mut message = Vec::with_capacity(4096);
    let Executable {
        program,
        arguments,
        environment,
    } = executable;
    for count in [arguments.len(), environment.len(), overlays.len()] {
        let count = u32::try_from(count).map_err(|_| io::ErrorKind::InvalidInput)?;
        message.extend(count.to_ne_bytes());
    }
    message.extend([u8::from(root.is_some()), u8::from(files.is_some())]);
    let overlays = overlays
        .iter()
        .flat_map(|overlay| [&overlay.file, &overlay.over]);
    let texts = [program, directory].into_iter().chain(arguments);
    let texts = texts.chain(environment).chain(overlays);
    for text in texts.chain(files.iter().map(|(_, point)| point)) {
        message.extend(text.as_bytes_with_nul());
    }
    let root = root
        .iter()
        .flat_map(|root| [&root.mount, &root.ipc, &root.uts]);
    let descriptors = [report, &**network, lifeline].into_iter().chain(standard);
    let descriptors = descriptors
        .chain(root)
        .chain(files.iter().map(|(files, _)| &**files));
    let descriptors: Vec<RawFd> = descriptors.map(AsRawFd::as_raw_fd).collect();
    sendmsg::<UnixAddr>(
        socket.as_raw_fd(),
        &[IoSlice::new(&message)],
        &[ControlMessage::ScmRights(&descriptors)],
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?;
    Ok(())
}

/// Receives one; `None` when the lab has let go, or sends what is none.
pub(super) fn receive(socket: RawFd, buffer: &mut [u8]) -> Option<Request> {
    let mut space = nix::cmsg_space!(Descriptors);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let received = loop {
        match recvmsg::<UnixAddr>(socket, &mut parts, Some(&mut space), flags) {
            Err(nix::Error::EINTR) => {}
            received => break received.ok()?,
        }
    };
    let descriptors: Vec<RawFd> = received
        .cmsgs()
        .ok()?
        .filter_map(|message| match message {
            ControlMessageOwned::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    let length = received.bytes;
    // SAFETY: the kernel has just opened them for this process, and nobody else knows them.
    let descriptors = descriptors
        .into_iter()
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    read(buffer.get(..length)?, descriptors)
}

fn read(message: &[u8], mut descriptors: impl Iterator<Item = OwnedFd>) -> Option<Request> {
    let (numbers, rest) = message.split_first_chunk::<12>()?;
    let (&[has_root, has_files], mut texts) = rest.split_first_chunk::<2>()?;
    let mut counts = numbers.chunks_exact(4).map(|number| {
        let number = number.try_into().map(u32::from_ne_bytes).ok()?;
        usize::try_from(number).ok()
    });
    let mut count = || counts.next().flatten();
    let (arguments, environment, overlays) = (count()?, count()?, count()?);
    let mut text = || {
        let text = CStr::from_bytes_until_nul(texts).ok()?;
        texts = texts.get(text.count_bytes() + 1..)?;
        Some(CString::from(text))
    };
    let (program, directory) = (text()?, text()?);
    let arguments = (0..arguments).map(|_| text()).collect::<Option<_>>()?;
    let environment = (0..environment).map(|_| text()).collect::<Option<_>>()?;
    let mut overlay = || {
        let (file, over) = (text()?, text()?);
        Some(Overlay { file, over })
    };
    let overlays = (0..overlays).map(|_| overlay()).collect::<Option<_>>()?;
    let point = if has_files == 1 { Some(text()?) } else { None };
    let mut descriptor = || descriptors.next();
    let (report, network, lifeline) = (descriptor()?, descriptor()?, descriptor()?);
    let standard = [descriptor()?, descriptor()?, descriptor()?];
    let root = if has_root == 1 {
        let (mount, ipc, uts) = (descriptor()?, descriptor()?, descriptor()?);
        Some(Arc::new(Namespaces { mount, ipc, uts }))
    } else {
        None
    };
    let files = match point {
        Some(point) => Some((Arc::new(descriptor()?), point)),
        None => None,
    };
    Some(Request {
        executable: Executable {
            program,
            arguments,
            environment,
        },
        confinement: Confinement {
            network: Arc::new(network),
            root,
            files,
            overlays,
            directory,
            standard,
            lifeline,
        },
        report,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    use super::*;

    fn file(path: &str) -> OwnedFd {
        File::open(path).expect("it is there").into()
    }

    fn identity(descriptor: &OwnedFd) -> (u64, u64) {
        let file = File::from(descriptor.try_clone().expect("a copy"));
        let metadata = file.metadata().expect("it is open");
        (metadata.dev(), metadata.ino())
    }

    #[test]
    fn what_is_sent_is_received() {
        let kind = SockType::SeqPacket;
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC).expect("sockets");
        let namespaces = || {
            let [mount, ipc, uts] =
                ["mnt", "ipc", "uts"].map(|name| file(&format!("/proc/self/ns/{name}")));
            Arc::new(Namespaces { mount, ipc, uts })
        };
        for (in_container, with_files) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            let executable = Executable {
                program: c"/bin/program".into(),
                arguments: vec![c"program".into(), c"".into(), c"\xff\n".into()],
                environment: vec![c"A=1".into()],
            };
            let confinement = Confinement {
                network: Arc::new(file("/proc/self/ns/net")),
                root: in_container.then(namespaces),
                files: with_files.then(|| (Arc::new(file("/")), c"/files".into())),
                overlays: vec![Overlay {
                    file: c"/files/passwd".into(),
                    over: c"/etc/passwd".into(),
                }],
                directory: c"/files".into(),
                standard: ["/dev/null", "/dev/zero", "/dev/full"].map(file),
                lifeline: file("/proc/self/stat"),
            };
            send(&ours, &executable, &confinement, &file("/proc/self/status")).expect("it is sent");
            let mut buffer = vec![0; LIMIT];
            let request = receive(theirs.as_raw_fd(), &mut buffer).expect("a request");
            assert_eq!(request.executable.program, executable.program);
            assert_eq!(request.executable.arguments, executable.arguments);
            assert_eq!(request.executable.environment, executable.environment);
            let received = &request.confinement;
            assert_eq!(received.directory, confinement.directory);
            assert_eq!(received.overlays.len(), 1);
            assert_eq!(received.overlays[0].file, confinement.overlays[0].file);
            assert_eq!(received.overlays[0].over, confinement.overlays[0].over);
            let all = |confinement: &Confinement| {
                let own = [&*confinement.network, &confinement.lifeline];
                let mut all: Vec<_> = own
                    .into_iter()
                    .chain(&confinement.standard)
                    .map(identity)
                    .collect();
                let root = confinement.root.iter();
                all.extend(root.flat_map(|root| [&root.mount, &root.ipc, &root.uts].map(identity)));
                let files = confinement.files.iter();
                all.extend(files.map(|(files, _)| identity(files)));
                all
            };
            assert_eq!(all(received), all(&confinement));
            let point = |confinement: &Confinement| {
                confinement.files.as_ref().map(|(_, point)| point.clone())
            };
            assert_eq!(point(received), point(&confinement));
        }
        drop(ours);
        assert!(
            receive(theirs.as_raw_fd(), &mut [0; 16]).is_none(),
            "the lab has let go"
        );
    }

    #[test]
    fn what_is_no_request_is_none() {
        let files = || (0..10).map(|_| file("/dev/null"));
        for message in [&[][..], &[0; 13], &[0; 14], &[255; 400], &[1; 64]] {
            assert!(read(message, files()).is_none(), "{message:?}");
        }
    }
}
