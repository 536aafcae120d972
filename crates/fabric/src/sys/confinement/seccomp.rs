//! The system calls that no peer and no loader needs, and that have led out of confinements
//! before, or reach what no namespace holds.

use std::collections::BTreeMap;
use std::io;

use libc::{c_int, c_long, sock_filter};

/// Refused whatever their arguments are.
const REFUSED: &[c_long] = &[
    // Mounts and namespaces. Without `clone3`, which no filter can look into, libc takes `clone`.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_clone3,
    // Files by number in place of name: past every mount.
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Keys belong to users, and not to namespaces.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Programs and machinery in the kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_fanotify_init,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    // The machine itself.
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_vhangup,
];

/// The families of sockets that there are, beside netlink. Others are in no network namespace (vsock), or
/// reach drivers that no peer needs.
const FAMILIES: [c_int; 3] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];

/// The first number of the calls with 32-bit pointers that x86-64 has beside its own (x32). There they are others'
/// numbers; elsewhere there are none so high.
const X32: u32 = 0x4000_0000;

/// What this processor's calls are told by (`AUDIT_ARCH_…`): its number as an ELF machine, 64 bits, little-endian. The filter
/// reads halves of arguments where such a processor has them.
const PROCESSOR: Option<u32> = match () {
    () if cfg!(target_arch = "x86_64") => Some(0xc000_0000 | libc::EM_X86_64 as u32),
    () if cfg!(all(target_arch = "aarch64", target_endian = "little")) => {
        Some(0xc000_0000 | libc::EM_AARCH64 as u32)
    }
    () if cfg!(target_arch = "riscv64") => Some(0xc000_0000 | libc::EM_RISCV as u32),
    () => None,
};

// Where things stand in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The filter of this machine's processor; none where nobody has written one. A refused call is one that the kernel does not
/// know (ENOSYS), which programs are used to. The audit log is the machine's, in whatever network namespace it is asked
/// for: whoever would write to it takes a kernel that has none.
///
/// The kernel tries a filter on each call that there is when a process takes it, and compiles it: with the
/// shortest way to each answer that is a tenth of a millisecond less for every process.
pub(super) struct Filter(Vec<sock_filter>);

impl Filter {
    pub(super) fn new() -> Option<Filter> {
        assembled(PROCESSOR?).map(Filter)
    }

    /// Puts it on this process, which can gain no privileges any more, and on all that it starts.
    pub(super) fn apply(&self) -> io::Result<()> {
        let program = libc::sock_fprog {
            len: u16::try_from(self.0.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
            filter: self.0.as_ptr().cast_mut(),
        };
        // SAFETY: the kernel reads the program, which lives throughout.
        let applied = unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
                0,
                0,
            )
        };
        match applied {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Where a filter goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    /// At an instruction.
    At(usize),
    /// At one of the parts behind the search.
    Part(Part),
}

/// What a filter ends with: more tests, or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Socket,
    Clone,
    Allow,
    Unknown,
    NoAudit,
    Foreign,
}

enum Instruction {
    /// Reads a word of `struct seccomp_data`.
    Load(u32),
    /// Compares it with a value (`BPF_JEQ`, `BPF_JGE`, `BPF_JSET`).
    Test(u32, u32, To, To),
    Answer(u32),
}

fn assembled(processor: u32) -> Option<Vec<sock_filter>> {
    use Instruction::{Answer, Load, Test};
    use libc::{BPF_JEQ as IS, BPF_JSET as HAS};

    let errno = |errno: c_int| libc::SECCOMP_RET_ERRNO | errno.cast_unsigned();
    let is = |value: c_int, yes, no| Test(IS, value.cast_unsigned(), yes, no);
    let allow = To::Part(Part::Allow);
    let unknown = To::Part(Part::Unknown);

    let mut program = vec![
        Load(ARCHITECTURE),
        Test(IS, processor, To::At(2), To::Part(Part::Foreign)),
        Load(NUMBER),
    ];
    search(&mut program, &pieces()?);
    let mut parts: Vec<(Part, usize)> = Vec::new();
    let mut part = |part, program: &mut Vec<Instruction>| parts.push((part, program.len()));

    part(Part::Socket, &mut program);
    program.push(Load(ARGUMENTS));
    for family in FAMILIES {
        let next = To::At(program.len() + 1);
        program.push(is(family, allow, next));
    }
    let protocol = To::At(program.len() + 1);
    program.push(is(libc::AF_NETLINK, protocol, unknown));
    program.push(Load(ARGUMENTS + 2 * 8));
    program.push(is(libc::NETLINK_AUDIT, To::Part(Part::NoAudit), allow));

    part(Part::Clone, &mut program);
    program.push(Load(ARGUMENTS));
    let user = libc::CLONE_NEWUSER.cast_unsigned();
    program.push(Test(HAS, user, unknown, allow));

    for (what, answer) in [
        (Part::Allow, libc::SECCOMP_RET_ALLOW),
        (Part::Unknown, errno(libc::ENOSYS)),
        (Part::NoAudit, errno(libc::EPROTONOSUPPORT)),
        (Part::Foreign, libc::SECCOMP_RET_KILL_PROCESS),
    ] {
        part(what, &mut program);
        program.push(Answer(answer));
    }

    let place = |to: To| match to {
        To::At(at) => Some(at),
        To::Part(part) => parts
            .iter()
            .find(|known| known.0 == part)
            .map(|known| known.1),
    };
    let encoded = program.iter().enumerate().map(|(at, instruction)| {
        let jump = |to| u8::try_from(place(to)?.checked_sub(at + 1)?).ok();
        let (code, k, yes, no) = match *instruction {
            Load(from) => (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, from, 0, 0),
            Test(how, value, yes, no) => (
                libc::BPF_JMP | how | libc::BPF_K,
                value,
                jump(yes)?,
                jump(no)?,
            ),
            Answer(answer) => (libc::BPF_RET | libc::BPF_K, answer, 0, 0),
        };
        Some(sock_filter {
            code: u16::try_from(code).ok()?,
            jt: yes,
            jf: no,
            k,
        })
    });
    encoded.collect()
}

/// The first number of each stretch of calls with the same fate, in order.
fn pieces() -> Option<Vec<(u32, Part)>> {
    let special = [
        (libc::SYS_socket, Part::Socket),
        (libc::SYS_clone, Part::Clone),
    ];
    let refused = REFUSED.iter().map(|call| (*call, Part::Unknown));
    let mut fates: BTreeMap<u32, Part> = BTreeMap::new();
    for (call, fate) in refused.chain(special) {
        fates.insert(u32::try_from(call).ok()?, fate);
    }
    let mut pieces = vec![(0, Part::Allow)];
    let mut begin = |at: u32, fate: Part| match pieces.last_mut() {
        Some(last) if last.1 == fate => {}
        Some(last) if last.0 == at => last.1 = fate,
        _ => pieces.push((at, fate)),
    };
    for (call, fate) in &fates {
        begin(*call, *fate);
        if !fates.contains_key(&(call + 1)) {
            begin(call + 1, Part::Allow);
        }
    }
    begin(X32, Part::Unknown);
    Some(pieces)
}

/// Finds the piece that the number which was read last is in, by halves.
fn search(program: &mut Vec<Instruction>, pieces: &[(u32, Part)]) {
    let (lower, upper) = pieces.split_at(pieces.len() / 2);
    let (Some((from, fate)), false) = (upper.first(), lower.is_empty()) else {
        return;
    };
    let at = program.len();
    let alone = |pieces: &[(u32, Part)], fate| (pieces.len() == 1).then_some(To::Part(fate));
    let below = alone(lower, lower[0].1);
    let from_there = alone(upper, *fate);
    // Filled in when it is known where the upper half begins.
    program.push(Instruction::Answer(0));
    search(program, lower);
    let yes = from_there.unwrap_or(To::At(program.len()));
    program[at] = Instruction::Test(libc::BPF_JGE, *from, yes, below.unwrap_or(To::At(at + 1)));
    search(program, upper);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel makes of a call.
    fn answer(program: &[sock_filter], processor: u32, number: u32, arguments: [u32; 3]) -> u32 {
        let (mut at, mut word) = (0, 0);
        loop {
            let step = program[at];
            at += 1;
            match u32::from(step.code) & 7 {
                libc::BPF_LD => {
                    word = match step.k {
                        NUMBER => number,
                        ARCHITECTURE => processor,
                        argument => arguments[(argument - ARGUMENTS) as usize / 8],
                    }
                }
                libc::BPF_RET => return step.k,
                _ => {
                    let holds = match u32::from(step.code) & 0xf0 {
                        libc::BPF_JEQ => word == step.k,
                        libc::BPF_JGE => word >= step.k,
                        libc::BPF_JSET => word & step.k != 0,
                        other => panic!("a test {other:#x}"),
                    };
                    at += usize::from(if holds { step.jt } else { step.jf });
                }
            }
        }
    }

    fn here(number: c_long, arguments: [c_int; 3]) -> u32 {
        let program = Filter::new()
            .expect("the project is tested where there is one")
            .0;
        let arguments = arguments.map(c_int::cast_unsigned);
        let number = u32::try_from(number).expect("a number");
        answer(&program, PROCESSOR.expect("as above"), number, arguments)
    }

    const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
    const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

    #[test]
    fn every_call_meets_the_fate_that_is_written() {
        let by_arguments = [libc::SYS_socket, libc::SYS_clone];
        for number in (0..2048).filter(|number| !by_arguments.contains(number)) {
            let expected = match REFUSED.contains(&number) {
                true => UNKNOWN,
                false => ALLOWED,
            };
            assert_eq!(here(number, [0; 3]), expected, "{number}");
        }
    }

    #[test]
    fn calls_by_another_processor_s_numbers_get_nowhere() {
        let program = assembled(0xc000_003e).expect("a filter");
        let i386 = 0x4000_0003;
        let killed = libc::SECCOMP_RET_KILL_PROCESS;
        assert_eq!(answer(&program, i386, 1, [0; 3]), killed);
        for number in [X32, X32 + 1, u32::MAX] {
            assert_eq!(answer(&program, 0xc000_003e, number, [0; 3]), UNKNOWN);
        }
    }

    #[test]
    fn sockets_are_of_the_families_of_the_network() {
        let of = |family, protocol| here(libc::SYS_socket, [family, libc::SOCK_RAW, protocol]);
        for family in FAMILIES {
            assert_eq!(of(family, 0), ALLOWED, "{family}");
        }
        for family in [libc::AF_VSOCK, libc::AF_ALG, libc::AF_PACKET, -1] {
            assert_eq!(of(family, 0), UNKNOWN, "{family}");
        }
        assert_eq!(of(libc::AF_NETLINK, libc::NETLINK_NETFILTER), ALLOWED);
        let no_audit = libc::SECCOMP_RET_ERRNO | libc::EPROTONOSUPPORT.cast_unsigned();
        assert_eq!(of(libc::AF_NETLINK, libc::NETLINK_AUDIT), no_audit);
        assert_eq!(of(libc::AF_INET, libc::NETLINK_AUDIT), ALLOWED);
    }

    #[test]
    fn no_process_is_begun_in_a_user_namespace() {
        let clone = |flags| here(libc::SYS_clone, [flags, 0, 0]);
        assert_eq!(clone(libc::SIGCHLD), ALLOWED);
        assert_eq!(clone(libc::CLONE_NEWUSER | libc::SIGCHLD), UNKNOWN);
    }

    #[test]
    fn each_call_is_found_in_a_few_steps() {
        let program = Filter::new().expect("as above").0;
        assert!(program.len() < 128, "{}", program.len());
    }
}
