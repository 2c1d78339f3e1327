//! What whoever has taken over a service may try besides files and ports: calls of every kind that the service does
//! not need.

use std::path::Path;

use libc::c_long;
use nix::errno::Errno;

use super::hijacked::Argument;

/// What is tried: the name, the call, its arguments, and the error that the kernel answers with.
pub(super) type Attempt = (String, c_long, Vec<Argument>, Errno);

/// A table of attempts that all come to the same error.
macro_rules! attempts {
    ($($name:expr => $call:ident($($argument:expr),*),)*) => {
        [$((String::from($name), libc::$call, vec![$(Argument::from($argument)),*])),*]
    };
}

/// Calls that are not of the list, and calls with arguments that are not.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn unlisted(other: u32, folder: &Path) -> Vec<Attempt> {
    let other = other.cast_signed();
    let room = || Argument::Octets(vec![0; 64]);
    let path = || Argument::from(folder);
    let attempts = attempts![
        // Other processes, and this one as another.
        "follow" => SYS_ptrace(16, other, 0, 0),
        "follow from now on" => SYS_ptrace(0x4206, other, 0, 0),
        "be followed" => SYS_ptrace(0, 0, 0, 0),
        "read memory" => SYS_process_vm_readv(other, room(), 1, room(), 1, 0),
        "write memory" => SYS_process_vm_writev(other, room(), 1, room(), 1, 0),
        "handle of a process" => SYS_pidfd_open(other, 0),
        "file of a process" => SYS_pidfd_getfd(3, 0, 0),
        "signal by a handle" => SYS_pidfd_send_signal(3, 0, 0, 0),
        "compare" => SYS_kcmp(other, other, 0, 0, 0),
        "signal" => SYS_kill(other, 0),
        "signal to a thread" => SYS_tkill(other, 0),
        "signal to a thread of a process" => SYS_tgkill(other, other, 0),
        "signal with a value" => SYS_rt_sigqueueinfo(other, 0, room()),
        "signal to a thread with a value" => SYS_rt_tgsigqueueinfo(other, other, 0, room()),
        "advice for another" => SYS_process_madvise(3, room(), 1, 4, 0),
        "limits of another" => SYS_prlimit64(other, 7, 0, room()),
        "own limits" => SYS_prlimit64(0, 7, room(), 0),
        // Programs and code.
        "program" => SYS_execve("/bin/true", 0, 0),
        "program by its folder" => SYS_execveat(-100, "/bin/true", 0, 0, 0),
        "process" => SYS_clone(libc::SIGCHLD, 0, 0, 0, 0),
        "process in spaces of its own" => SYS_clone(libc::CLONE_NEWUSER | libc::SIGCHLD, 0, 0, 0, 0),
        "file in memory" => SYS_memfd_create("x", 0),
        "secret memory" => SYS_memfd_secret(0),
        "code" => SYS_mmap(0, 4096, libc::PROT_READ | libc::PROT_EXEC, 0x22, -1, 0),
        "memory made code" => SYS_mprotect(0, 4096, libc::PROT_EXEC),
        "memory made code with a key" => SYS_pkey_mprotect(0, 4096, libc::PROT_EXEC, -1),
        "shared memory" => SYS_shmget(0, 4096, 0o1600),
        "foreign personality" => SYS_personality(0),
        // The kernel.
        "program of the kernel" => SYS_bpf(0, room(), 64),
        "performance" => SYS_perf_event_open(room(), 0, -1, -1, 0),
        "faults" => SYS_userfaultfd(0),
        "ring" => SYS_io_uring_setup(1, room()),
        "ring of before" => SYS_io_uring_enter(3, 1, 0, 0, 0, 0),
        "ring's files" => SYS_io_uring_register(3, 0, 0, 0),
        "asynchronous files" => SYS_io_setup(1, room()),
        "keyring" => SYS_keyctl(0, -3, 0),
        "key" => SYS_add_key("user", "x", "x", 1, -3),
        "key of another" => SYS_request_key("user", "x", 0, -3),
        "module" => SYS_init_module(room(), 64, ""),
        "module of a file" => SYS_finit_module(3, "", 0),
        "remove a module" => SYS_delete_module("x", 0),
        "kernel" => SYS_kexec_load(0, 0, 0, 0),
        "kernel of a file" => SYS_kexec_file_load(3, 3, 0, 0, 0),
        "restart" => SYS_reboot(0, 0, 0, 0),
        "swap" => SYS_swapon(path(), 0),
        "no swap" => SYS_swapoff(path()),
        "log of the kernel" => SYS_syslog(3, room(), 64),
        "accounts" => SYS_acct(path()),
        "quotas" => SYS_quotactl(0, path(), 0, room()),
        "clock" => SYS_clock_settime(0, room()),
        "time" => SYS_settimeofday(room(), 0),
        "pace of the clock" => SYS_adjtimex(room()),
        "name of the host" => SYS_sethostname("x", 1),
        "name of the domain" => SYS_setdomainname("x", 1),
        // File systems and other views of them.
        "mount" => SYS_mount(path(), path(), "none", 4096, 0),
        "unmount" => SYS_umount2(path(), 0),
        "file system" => SYS_fsopen("tmpfs", 0),
        "tree" => SYS_open_tree(-100, path(), 1),
        "move a mount" => SYS_move_mount(3, "", -100, path(), 4),
        "attributes of a mount" => SYS_mount_setattr(-100, path(), 0, room(), 32),
        "root" => SYS_chroot(path()),
        "another root" => SYS_pivot_root(path(), path()),
        "space of its own" => SYS_unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS),
        "space of another" => SYS_setns(3, 0),
        "open by number" => SYS_open_by_handle_at(3, room(), 0),
        "number of a file" => SYS_name_to_handle_at(-100, path(), room(), room(), 0),
        "watch folders" => SYS_fanotify_init(0, 0),
        "open in a manner" => SYS_openat2(-100, path(), room(), 24),
        "other folder" => SYS_chdir(path()),
        "mode" => SYS_fchmodat(-100, path(), 0o777),
        "owner" => SYS_fchownat(-100, path(), 1, 1, 0),
        "attribute" => SYS_setxattr(path(), "user.x", "x", 1, 0),
        "device" => SYS_mknodat(-100, path(), 0o20666, 0),
        "link" => SYS_symlinkat("/", -100, path()),
        "cut" => SYS_truncate(path(), 0),
        "umask" => SYS_umask(0),
        // Who this process is.
        "user" => SYS_setuid(0),
        "users" => SYS_setresuid(0, 0, 0),
        "group" => SYS_setgid(0),
        "groups" => SYS_setgroups(0, 0),
        "capabilities" => SYS_capset(room(), room()),
        "session" => SYS_setsid(),
        "process group" => SYS_setpgid(0, 0),
        "priority" => SYS_setpriority(0, 0, -20),
        "scheduler" => SYS_sched_setscheduler(0, 1, room()),
        "cores" => SYS_sched_setaffinity(0, 8, room()),
        "core file" => SYS_prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0),
        "whose tracer" => SYS_prctl(libc::PR_SET_PTRACER, -1, 0, 0, 0),
        "capabilities of children" => SYS_prctl(libc::PR_CAP_AMBIENT, 2, 12, 0, 0),
        "filter" => SYS_prctl(libc::PR_SET_SECCOMP, 2, room(), 0, 0),
        "filter by its name" => SYS_seccomp(1, 0, room()),
        "rules" => SYS_landlock_restrict_self(3, 0),
        // Terminals and sockets.
        "words in the mouth of a terminal" => SYS_ioctl(0, 0x5412, room()),
        "paste on a console" => SYS_ioctl(0, 0x541c, room()),
        "listen" => SYS_listen(3, 1),
        "local socket" => SYS_socket(libc::AF_UNIX, libc::SOCK_STREAM, 0),
        "socket of the kernel" => SYS_socket(libc::AF_NETLINK, libc::SOCK_RAW, 0),
        "packets" => SYS_socket(libc::AF_PACKET, libc::SOCK_RAW, 0),
        "cryptography of the kernel" => SYS_socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
        "socket to the host" => SYS_socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        "raw socket" => SYS_socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
        "TCP by another name" => SYS_socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP),
        "SCTP" => SYS_socket(libc::AF_INET, libc::SOCK_SEQPACKET, 0),
    ];
    let attempts = attempts
        .into_iter()
        .map(|(name, call, arguments)| (name, call, arguments, Errno::EPERM));
    // The C library then takes `clone`, whose flags the kernel shows to the filter.
    let hidden = [(
        "hidden flags".to_owned(),
        libc::SYS_clone3,
        vec![room(), Argument::from(64)],
        Errno::ENOSYS,
    )];
    attempts.chain(hidden).collect()
}
