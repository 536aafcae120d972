//! What the lab asks of the spawner: one message for each process.

use std::ffi::{CStr, CString};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

use super::{Capabilities, Confinement, Executable, Kind, Root};
use crate::namespace::Namespaces;

/// The most that a message can hold: more than a socket's buffer does, by default.
pub(super) const LIMIT: usize = 256 << 10;

/// The descriptors of a request with all there can be.
type Descriptors = [RawFd; 10];

/// A process to start, and where to report.
pub(super) struct Request {
    pub(super) executable: Executable,
    pub(super) confinement: Confinement,
    pub(super) report: OwnedFd,
}

/// What of a request's parts are there, one bit for each.
struct Parts(u8);

impl Parts {
    const CONTAINER: u8 = 1;
    const FILES: u8 = 2;
    const PROGRAM: u8 = 4;
    const AS_ON_5_10: u8 = 8;
    const ORDINARY: u8 = 16;

    fn of(confinement: &Confinement) -> Parts {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let Confinement {
            root,
            files,
            kind,
            by_ordinary_user,
            as_on_5_10,
            ..
        } = confinement;
        Parts(
            bit(matches!(root, Root::Container(_)), Parts::CONTAINER)
                | bit(files.is_some(), Parts::FILES)
                | bit(matches!(kind, Kind::Program(_)), Parts::PROGRAM)
                | bit(*as_on_5_10, Parts::AS_ON_5_10)
                | bit(*by_ordinary_user, Parts::ORDINARY),
        )
    }

    fn has(&self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Sends one: numbers first (arguments, variables, what it sees), capabilities and parts, then
/// the texts, each with the NUL at its end.
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
        directory,
        standard,
        kind,
        capabilities,
        by_ordinary_user: _,
        as_on_5_10: _,
    } = confinement;
    let Executable {
        program,
        arguments,
        environment,
    } = executable;
    let (sees, container): (&[CString], _) = match root {
        Root::Own(sees) => (sees, None),
        Root::Container(namespaces) => (&[], Some(namespaces)),
    };
    let mut message = Vec::with_capacity(4096);
    for count in [arguments.len(), environment.len(), sees.len()] {
        let count = u32::try_from(count).map_err(|_| io::ErrorKind::InvalidInput)?;
        message.extend(count.to_ne_bytes());
    }
    message.extend(capabilities.mask().to_ne_bytes());
    message.push(Parts::of(confinement).0);
    let texts = [program, directory].into_iter().chain(arguments);
    let texts = texts.chain(environment).chain(sees);
    for text in texts.chain(files.iter().map(|(_, point)| point)) {
        message.extend(text.as_bytes_with_nul());
    }
    let status = match kind {
        Kind::Tool => None,
        Kind::Program(status) => Some(status),
    };
    let container = container
        .iter()
        .flat_map(|root| [&root.mount, &root.ipc, &root.uts]);
    let descriptors = [report, &**network].into_iter().chain(standard);
    let descriptors = descriptors
        .chain(status)
        .chain(container)
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

/// What came in.
pub(super) enum Received {
    Request(Box<Request>),
    /// Something that is no request: whoever sent it sees the end of its report.
    Malformed,
    /// The lab has let go.
    End,
}

/// Receives one.
pub(super) fn receive(socket: RawFd, buffer: &mut [u8]) -> Received {
    let mut space = nix::cmsg_space!(Descriptors);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let received = loop {
        match recvmsg::<UnixAddr>(socket, &mut parts, Some(&mut space), flags) {
            Err(nix::Error::EINTR) => {}
            Err(_) => return Received::End,
            Ok(received) => break received,
        }
    };
    let length = received.bytes;
    let descriptors: Vec<RawFd> = received
        .cmsgs()
        .into_iter()
        .flatten()
        .filter_map(|message| match message {
            ControlMessageOwned::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    if length == 0 && descriptors.is_empty() {
        return Received::End;
    }
    // SAFETY: the kernel has just opened them for this process, and nobody else knows them.
    let descriptors = descriptors
        .into_iter()
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
        .collect::<Vec<_>>();
    let request = buffer
        .get(..length)
        .and_then(|message| read(message, descriptors.into_iter()));
    request.map_or(Received::Malformed, |request| {
        Received::Request(Box::new(request))
    })
}

fn read(message: &[u8], mut descriptors: impl Iterator<Item = OwnedFd>) -> Option<Request> {
    let (numbers, rest) = message.split_first_chunk::<12>()?;
    let (&capabilities, rest) = rest.split_first_chunk::<8>()?;
    let (&[parts], mut texts) = rest.split_first_chunk::<1>()?;
    let parts = Parts(parts);
    let mut counts = numbers.chunks_exact(4).map(|number| {
        let number = number.try_into().map(u32::from_ne_bytes).ok()?;
        usize::try_from(number).ok()
    });
    let mut count = || counts.next().flatten();
    let (arguments, environment, sees) = (count()?, count()?, count()?);
    let mut text = || {
        let text = CStr::from_bytes_until_nul(texts).ok()?;
        texts = texts.get(text.count_bytes() + 1..)?;
        Some(CString::from(text))
    };
    let (program, directory) = (text()?, text()?);
    let arguments = (0..arguments).map(|_| text()).collect::<Option<_>>()?;
    let environment = (0..environment).map(|_| text()).collect::<Option<_>>()?;
    let sees = (0..sees).map(|_| text()).collect::<Option<_>>()?;
    let point = match parts.has(Parts::FILES) {
        true => Some(text()?),
        false => None,
    };
    let mut descriptor = || descriptors.next();
    let (report, network) = (descriptor()?, descriptor()?);
    let standard = [descriptor()?, descriptor()?, descriptor()?];
    let kind = match parts.has(Parts::PROGRAM) {
        true => Kind::Program(descriptor()?),
        false => Kind::Tool,
    };
    let root = match parts.has(Parts::CONTAINER) {
        true => {
            let (mount, ipc, uts) = (descriptor()?, descriptor()?, descriptor()?);
            Root::Container(Arc::new(Namespaces { mount, ipc, uts }))
        }
        false => Root::Own(sees),
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
            directory,
            standard,
            kind,
            capabilities: Capabilities::from_mask(u64::from_ne_bytes(capabilities)),
            by_ordinary_user: parts.has(Parts::ORDINARY),
            as_on_5_10: parts.has(Parts::AS_ON_5_10),
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

    fn pair() -> (OwnedFd, OwnedFd) {
        let kind = SockType::SeqPacket;
        socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC).expect("sockets")
    }

    fn container() -> Root {
        let [mount, ipc, uts] =
            ["mnt", "ipc", "uts"].map(|name| file(&format!("/proc/self/ns/{name}")));
        Root::Container(Arc::new(Namespaces { mount, ipc, uts }))
    }

    fn own() -> Root {
        Root::Own(vec![c"/usr/sbin/nft".into(), c"/usr/lib".into()])
    }

    /// What a confinement is made of, so that two can be compared.
    fn all(confinement: &Confinement) -> (Vec<(u64, u64)>, Vec<&CString>, [u64; 3]) {
        let mut all: Vec<_> = [&*confinement.network]
            .into_iter()
            .chain(&confinement.standard)
            .map(identity)
            .collect();
        let mut texts = vec![&confinement.directory];
        if let Kind::Program(status) = &confinement.kind {
            all.push(identity(status));
        }
        match &confinement.root {
            Root::Own(sees) => texts.extend(sees),
            Root::Container(root) => all.extend([&root.mount, &root.ipc, &root.uts].map(identity)),
        }
        if let Some((files, point)) = &confinement.files {
            all.push(identity(files));
            texts.push(point);
        }
        let flags = [confinement.by_ordinary_user, confinement.as_on_5_10].map(u64::from);
        let numbers = [confinement.capabilities.mask(), flags[0], flags[1]];
        (all, texts, numbers)
    }

    #[test]
    fn what_is_sent_is_received() {
        let (ours, theirs) = pair();
        for bits in 0..32 {
            let [in_container, with_files, is_program, old, by_ordinary_user] =
                [1, 2, 4, 8, 16].map(|bit| bits & bit != 0);
            let executable = Executable {
                program: c"/bin/program".into(),
                arguments: vec![c"program".into(), c"".into(), c"\xff\n".into()],
                environment: vec![c"A=1".into()],
            };
            let confinement = Confinement {
                network: Arc::new(file("/proc/self/ns/net")),
                root: if in_container { container() } else { own() },
                files: with_files.then(|| (Arc::new(file("/")), c"/files".into())),
                directory: c"/files".into(),
                standard: ["/dev/null", "/dev/zero", "/dev/full"].map(file),
                kind: match is_program {
                    true => Kind::Program(file("/proc/self/stat")),
                    false => Kind::Tool,
                },
                capabilities: Capabilities::SERVER,
                by_ordinary_user,
                as_on_5_10: old,
            };
            send(&ours, &executable, &confinement, &file("/proc/self/status")).expect("it is sent");
            let mut buffer = vec![0; LIMIT];
            let Received::Request(request) = receive(theirs.as_raw_fd(), &mut buffer) else {
                panic!("a request");
            };
            assert_eq!(request.executable.program, executable.program);
            assert_eq!(request.executable.arguments, executable.arguments);
            assert_eq!(request.executable.environment, executable.environment);
            assert_eq!(all(&request.confinement), all(&confinement));
        }
        drop(ours);
        assert!(
            matches!(receive(theirs.as_raw_fd(), &mut [0; 16]), Received::End),
            "the lab has let go"
        );
    }

    #[test]
    fn what_is_no_request_is_told_from_the_end() {
        let files = || (0..10).map(|_| file("/dev/null"));
        for message in [&[][..], &[0; 13], &[0; 21], &[255; 400], &[1; 64]] {
            assert!(read(message, files()).is_none(), "{message:?}");
        }
        let (ours, theirs) = pair();
        nix::unistd::write(&ours, b"nonsense").expect("it is sent");
        assert!(matches!(
            receive(theirs.as_raw_fd(), &mut [0; 16]),
            Received::Malformed
        ));
    }
}
