//! The system calls that no peer and no loader needs, and that have led out of confinements
//! before, or reach what no namespace holds.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

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

/// The families of sockets that there are. Others are in no network namespace (vsock), or
/// reach drivers that no peer needs.
const FAMILIES: [libc::c_int; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// The filters for this machine's processor; none where nobody has written them. A refused call
/// is one that the kernel does not know (ENOSYS), which programs are used to.
pub(super) fn filters() -> Vec<BpfProgram> {
    // The audit log is the machine's, in whatever network namespace it is asked for. Whoever would write to it takes a
    // kernel that has none.
    let audit = (libc::EPROTONOSUPPORT, audit_sockets());
    let filters = [(libc::ENOSYS, refused_calls()), audit];
    let programs = filters
        .into_iter()
        .map(|(errno, rules)| program(errno, rules?));
    programs.collect::<Option<_>>().unwrap_or_default()
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn program(errno: libc::c_int, rules: Rules) -> Option<BpfProgram> {
    let processor: TargetArch = std::env::consts::ARCH.try_into().ok()?;
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, processor).ok()?;
    filter.try_into().ok()
}

fn refused_calls() -> Option<Rules> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let other_family = FAMILIES.map(|family| condition(0, SeccompCmpOp::Ne, family.unsigned_abs()));
    rules.insert(libc::SYS_socket, vec![rule(other_family.into())?]);
    let user = libc::CLONE_NEWUSER.cast_unsigned();
    let in_user_namespace = condition(0, SeccompCmpOp::MaskedEq(user.into()), user);
    rules.insert(libc::SYS_clone, vec![rule(vec![in_user_namespace])?]);
    Some(rules)
}

fn audit_sockets() -> Option<Rules> {
    let audit = vec![
        condition(0, SeccompCmpOp::Eq, libc::AF_NETLINK.unsigned_abs()),
        condition(2, SeccompCmpOp::Eq, libc::NETLINK_AUDIT.unsigned_abs()),
    ];
    Some([(libc::SYS_socket, vec![rule(audit)?])].into())
}

fn condition(argument: u8, is: SeccompCmpOp, value: u32) -> Option<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value.into()).ok()
}

fn rule(conditions: Vec<Option<SeccompCondition>>) -> Option<SeccompRule> {
    SeccompRule::new(conditions.into_iter().collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_filters_where_the_project_is_tested() {
        assert_eq!(filters().len(), 2);
    }
}
