//! seccomp: the system calls of a service.
//!
//! They are those of tokio, of files in the standard library, of ring and of the C library, when no program
//! is started and no socket listens any more. Everything else fails with EPERM; first of all `execve`,
//! `fork`, `ptrace`, `mount`, `bpf`, `io_uring_setup`, `keyctl`, `kill`, and sockets other than those of the
//! internet.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

use crate::error::Error;

/// Free of conditions.
const ALLOWED: &[c_long] = &[
    // Files.
    libc::SYS_close,
    libc::SYS_copy_file_range,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_linkat,
    libc::SYS_lseek,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_sendfile,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
    libc::SYS_write,
    libc::SYS_writev,
    // Sockets.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_recvfrom,
    libc::SYS_recvmmsg,
    libc::SYS_recvmsg,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    // Waiting.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_futex,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Threads and signals of this process.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_get_robust_list,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_membarrier,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    // What this process is, and chance.
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_getuid,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// The same under names from before, which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OF_OLD: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_epoll_wait,
    libc::SYS_getdents,
    libc::SYS_link,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_open,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_rmdir,
    libc::SYS_stat,
    libc::SYS_time,
    libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OF_OLD: &[c_long] = &[];

/// Requests of `ioctl`: whether a descriptor blocks, and whether it is a terminal.
const REQUESTS: [u64; 2] = [libc::FIONBIO, libc::TCGETS];

/// Kinds of sockets with their protocols; 0 is the first protocol of the kind.
const SOCKETS: [(i32, i32); 4] = [
    (libc::SOCK_STREAM, 0),
    (libc::SOCK_STREAM, libc::IPPROTO_TCP),
    (libc::SOCK_DGRAM, 0),
    (libc::SOCK_DGRAM, libc::IPPROTO_UDP),
];

/// Bits of a kind of socket; flags are beyond (`SOCK_TYPE_MASK` of the kernel).
const SOCKET_KIND: u64 = 0xf;

/// Whether a condition concerns half a register, as the kernel reads it, or all of it.
const WORD: SeccompCmpArgLen = SeccompCmpArgLen::Dword;

/// Puts the list in force, and gives its length; none on an architecture without one.
pub(super) fn restrict() -> Result<Option<usize>, Error> {
    let Ok(architecture) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(None);
    };
    let (threads, list, length) =
        programs(architecture).map_err(|error| Error::new("seccomp", error))?;
    // In this order: the second one forbids a third.
    apply_filter_all_threads(&threads)
        .and_then(|()| apply_filter_all_threads(&list))
        .map_err(|error| Error::new("seccomp", error))?;
    Ok(Some(length))
}

/// Two filters, of which the stricter counts for each call, and how many calls are allowed.
fn programs(architecture: TargetArch) -> Result<(BpfProgram, BpfProgram, usize), BackendError> {
    // What `clone3` is to do cannot be seen from here. It is one that does not exist, so that the C library
    // makes its threads with `clone`, where it can.
    let threads = SeccompFilter::new(
        [(libc::SYS_clone3, Vec::new())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(error_number(libc::ENOSYS)),
        architecture,
    )?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED
        .iter()
        .chain(ALLOWED_OF_OLD)
        .chain([&libc::SYS_clone3])
        .map(|&call| (call, Vec::new()))
        .collect();
    rules.extend(conditions()?);
    // One of these exists for the other filter alone.
    let length = rules.len().saturating_sub(1);
    let list = SeccompFilter::new(
        rules,
        SeccompAction::Errno(error_number(libc::EPERM)),
        SeccompAction::Allow,
        architecture,
    )?;
    Ok((threads.try_into()?, list.try_into()?, length))
}

/// Calls that are allowed for some arguments; each rule is one way.
fn conditions() -> Result<Vec<(c_long, Vec<SeccompRule>)>, BackendError> {
    let thread = bits(libc::CLONE_THREAD);
    Ok(vec![
        // A thread, never a process.
        (
            libc::SYS_clone,
            vec![rule(0, SeccompCmpOp::MaskedEq(thread), thread)?],
        ),
        // No memory becomes code.
        (libc::SYS_mmap, vec![without(2, libc::PROT_EXEC)?]),
        (libc::SYS_mprotect, vec![without(2, libc::PROT_EXEC)?]),
        (libc::SYS_socket, sockets()?),
        // With this flag, to send is to connect, which landlock does not see.
        (libc::SYS_sendto, vec![without(3, libc::MSG_FASTOPEN)?]),
        (libc::SYS_sendmsg, vec![without(2, libc::MSG_FASTOPEN)?]),
        (libc::SYS_sendmmsg, vec![without(3, libc::MSG_FASTOPEN)?]),
        // A pair of this process with itself: the runtime's own signals.
        (
            libc::SYS_socketpair,
            vec![rule(0, SeccompCmpOp::Eq, bits(libc::AF_UNIX))?],
        ),
        (
            libc::SYS_ioctl,
            REQUESTS
                .into_iter()
                .map(|request| rule(1, SeccompCmpOp::Eq, request))
                .collect::<Result<_, _>>()?,
        ),
        // The name of a thread.
        (
            libc::SYS_prctl,
            vec![rule(0, SeccompCmpOp::Eq, bits(libc::PR_SET_NAME))?],
        ),
        // Limits of this process are read, not set.
        (
            libc::SYS_prlimit64,
            vec![SeccompRule::new(vec![
                condition(0, SeccompCmpOp::Eq, 0)?,
                SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?,
            ])?],
        ),
        // To abort.
        (
            libc::SYS_tgkill,
            vec![rule(0, SeccompCmpOp::Eq, u64::from(std::process::id()))?],
        ),
    ])
}

/// TCP and UDP, and nothing else that is spoken over the internet: landlock knows the ports of no other protocol.
fn sockets() -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        for (kind, protocol) in SOCKETS {
            rules.push(SeccompRule::new(vec![
                condition(0, SeccompCmpOp::Eq, bits(family))?,
                condition(1, SeccompCmpOp::MaskedEq(SOCKET_KIND), bits(kind))?,
                condition(2, SeccompCmpOp::Eq, bits(protocol))?,
            ])?);
        }
    }
    Ok(rules)
}

/// The call without this flag.
fn without(argument: u8, flag: i32) -> Result<SeccompRule, BackendError> {
    rule(argument, SeccompCmpOp::MaskedEq(bits(flag)), 0)
}

fn rule(argument: u8, operation: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![condition(argument, operation, value)?])
}

fn condition(
    argument: u8,
    operation: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, WORD, operation, value)
}

/// A constant of the C library, none of which is negative.
fn bits(constant: i32) -> u64 {
    u64::from(constant.unsigned_abs())
}

fn error_number(constant: i32) -> u32 {
    constant.unsigned_abs()
}

#[cfg(test)]
mod tests;
