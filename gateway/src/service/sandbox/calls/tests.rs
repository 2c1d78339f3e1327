use super::*;

/// What the kernel is told of a call (seccomp(2)): number, architecture, address, arguments.
fn data(architecture: u32, call: c_long, arguments: [u64; 6]) -> Vec<u8> {
    let mut data = u32::try_from(call).unwrap().to_le_bytes().to_vec();
    data.extend(architecture.to_le_bytes());
    data.extend([0; 8]);
    data.extend(arguments.map(u64::to_le_bytes).as_flattened());
    data
}

/// Runs a filter as the kernel does: the instructions of linux/filter.h that it may have.
fn decide(program: &BpfProgram, data: &[u8]) -> u32 {
    let (mut at, mut word) = (0, 0);
    loop {
        let instruction = &program[at];
        at += 1;
        let skip = |holds: bool| {
            usize::from(if holds {
                instruction.jt
            } else {
                instruction.jf
            })
        };
        let constant = instruction.k;
        match instruction.code {
            0x20 => {
                let start = constant as usize;
                word = u32::from_le_bytes(data[start..start + 4].try_into().unwrap());
            }
            0x54 => word &= constant,
            0x05 => at += constant as usize,
            0x15 => at += skip(word == constant),
            0x25 => at += skip(word > constant),
            0x35 => at += skip(word >= constant),
            0x06 => return constant,
            other => panic!("instruction {other:#x}"),
        }
    }
}

/// The names of linux/audit.h.
const X86_64: u32 = 0xc000_003e;
const AARCH64: u32 = 0xc000_00b7;
const I386: u32 = 0x4000_0003;

const ALLOW: u32 = 0x7fff_0000;
const KILL: u32 = 0x8000_0000;

/// The same call as one of the ABI x32.
const X32: c_long = 0x4000_0000;

fn refuse(error: i32) -> u32 {
    0x0005_0000 | error_number(error)
}

/// The stricter answer of both filters, which is the lower number.
fn answer(architecture: TargetArch, audit: u32, call: c_long, arguments: [u64; 6]) -> u32 {
    let (threads, list, _) = programs(architecture).unwrap();
    let data = data(audit, call, arguments);
    let answers = [decide(&threads, &data), decide(&list, &data)];
    // To end the process comes before all else, and is negative (seccomp(2)).
    answers
        .into_iter()
        .min_by_key(|answer| answer.cast_signed())
        .unwrap()
}

fn here(call: c_long, arguments: [u64; 6]) -> u32 {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let audit = match architecture {
        TargetArch::x86_64 => X86_64,
        TargetArch::aarch64 => AARCH64,
        TargetArch::riscv64 => panic!("not tried"),
    };
    answer(architecture, audit, call, arguments)
}

#[test]
fn what_no_service_may_call() {
    assert_eq!(here(libc::SYS_read, [0; 6]), ALLOW);
    for call in [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_listen,
        libc::SYS_memfd_create,
        libc::SYS_setuid,
        libc::SYS_capset,
        libc::SYS_seccomp,
        libc::SYS_personality,
        libc::SYS_open_by_handle_at,
        libc::SYS_init_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_fchmodat,
        libc::SYS_fchownat,
        libc::SYS_mknodat,
        libc::SYS_symlinkat,
    ] {
        assert_eq!(here(call, [0; 6]), refuse(libc::EPERM), "{call}");
    }
    // The C library then takes `clone`, whose flags are seen.
    assert_eq!(here(libc::SYS_clone3, [0; 6]), refuse(libc::ENOSYS));
}

/// Every number there is and many that there are not.
#[test]
fn the_filter_is_the_list() {
    let conditions = conditions().unwrap();
    let (_, _, length) = programs(TargetArch::x86_64).unwrap();
    let mut allowed = 0;
    for call in 0..2_000 {
        if conditions.iter().any(|(known, _)| *known == call) {
            allowed += 1;
        } else if ALLOWED.contains(&call) || ALLOWED_OF_OLD.contains(&call) {
            allowed += 1;
            assert_eq!(here(call, [u64::MAX; 6]), ALLOW, "{call}");
        } else if call != libc::SYS_clone3 {
            assert_eq!(here(call, [0; 6]), refuse(libc::EPERM), "{call}");
        }
        assert_eq!(here(X32 | call, [0; 6]), refuse(libc::EPERM), "{call}");
    }
    assert_eq!(allowed, length);
}

#[test]
fn arguments_that_count() {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let pid = std::process::id();
    let pid = i32::try_from(pid).unwrap();
    let thread = libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND;
    for (call, arguments, allowed) in [
        (libc::SYS_clone, [thread, 0, 0, 0], true),
        (libc::SYS_clone, [libc::SIGCHLD, 0, 0, 0], false),
        (libc::SYS_clone, [libc::CLONE_NEWUSER, 0, 0, 0], false),
        (libc::SYS_mmap, [0, 1, libc::PROT_READ, 0], true),
        (libc::SYS_mmap, [0, 1, libc::PROT_EXEC, 0], false),
        (libc::SYS_mprotect, [0, 1, libc::PROT_WRITE, 0], true),
        (
            libc::SYS_mprotect,
            [0, 1, libc::PROT_READ | libc::PROT_EXEC, 0],
            false,
        ),
        (
            libc::SYS_socket,
            [libc::AF_INET, libc::SOCK_STREAM | flags, 0, 0],
            true,
        ),
        (
            libc::SYS_socket,
            [
                libc::AF_INET6,
                libc::SOCK_DGRAM | flags,
                libc::IPPROTO_UDP,
                0,
            ],
            true,
        ),
        (
            libc::SYS_socket,
            [libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP, 0],
            false,
        ),
        (
            libc::SYS_socket,
            [libc::AF_INET, libc::SOCK_SEQPACKET, 0, 0],
            false,
        ),
        (
            libc::SYS_socket,
            [libc::AF_INET6, libc::SOCK_RAW, 0, 0],
            false,
        ),
        (
            libc::SYS_socket,
            [libc::AF_UNIX, libc::SOCK_STREAM, 0, 0],
            false,
        ),
        (
            libc::SYS_socketpair,
            [libc::AF_UNIX, libc::SOCK_STREAM | flags, 0, 0],
            true,
        ),
        (
            libc::SYS_socketpair,
            [libc::AF_TIPC, libc::SOCK_STREAM, 0, 0],
            false,
        ),
        (libc::SYS_sendto, [0, 0, 0, libc::MSG_NOSIGNAL], true),
        (
            libc::SYS_sendto,
            [0, 0, 0, libc::MSG_NOSIGNAL | libc::MSG_FASTOPEN],
            false,
        ),
        (libc::SYS_sendmsg, [0, 0, libc::MSG_NOSIGNAL, 0], true),
        (libc::SYS_sendmsg, [0, 0, libc::MSG_FASTOPEN, 0], false),
        (libc::SYS_sendmmsg, [0, 0, 0, libc::MSG_NOSIGNAL], true),
        (libc::SYS_sendmmsg, [0, 0, 0, libc::MSG_FASTOPEN], false),
        (libc::SYS_ioctl, [0, 0x5421, 0, 0], true),
        // TIOCSTI puts words into the mouth of a terminal.
        (libc::SYS_ioctl, [0, 0x5412, 0, 0], false),
        (libc::SYS_prctl, [libc::PR_SET_NAME, 0, 0, 0], true),
        (libc::SYS_prctl, [libc::PR_SET_DUMPABLE, 1, 0, 0], false),
        (libc::SYS_prlimit64, [0, 0, 0, 1], true),
        (libc::SYS_prlimit64, [0, 0, 1, 0], false),
        (libc::SYS_prlimit64, [1, 0, 0, 1], false),
        (libc::SYS_tgkill, [pid, pid, 6, 0], true),
        (libc::SYS_tgkill, [1, 1, 6, 0], false),
    ] {
        let mut six = [0; 6];
        for (to, from) in six.iter_mut().zip(arguments) {
            *to = bits(from);
        }
        let expected = if allowed { ALLOW } else { refuse(libc::EPERM) };
        assert_eq!(here(call, six), expected, "{call} {arguments:?}");
    }
}

/// Calls of another architecture have other numbers: who makes one does not go on.
#[test]
fn a_filter_is_for_its_architecture() {
    for (architecture, audit) in [(TargetArch::x86_64, X86_64), (TargetArch::aarch64, AARCH64)] {
        for other in [X86_64, AARCH64, I386] {
            let expected = if other == audit { ALLOW } else { KILL };
            let found = answer(architecture, other, libc::SYS_read, [0; 6]);
            assert_eq!(found, expected, "{architecture:?} {other:#x}");
        }
    }
}

/// What a service calls by a name from before on this architecture it calls by the newer one where that is all there
/// is: so what is enough here is enough there.
#[cfg(target_arch = "x86_64")]
#[test]
fn each_name_from_before_has_a_newer_one() {
    let newer = [
        (libc::SYS_access, libc::SYS_faccessat),
        (libc::SYS_epoll_wait, libc::SYS_epoll_pwait),
        (libc::SYS_getdents, libc::SYS_getdents64),
        (libc::SYS_link, libc::SYS_linkat),
        (libc::SYS_lstat, libc::SYS_newfstatat),
        (libc::SYS_mkdir, libc::SYS_mkdirat),
        (libc::SYS_open, libc::SYS_openat),
        (libc::SYS_poll, libc::SYS_ppoll),
        (libc::SYS_readlink, libc::SYS_readlinkat),
        (libc::SYS_rename, libc::SYS_renameat),
        (libc::SYS_rmdir, libc::SYS_unlinkat),
        (libc::SYS_stat, libc::SYS_newfstatat),
        (libc::SYS_time, libc::SYS_clock_gettime),
        (libc::SYS_unlink, libc::SYS_unlinkat),
    ];
    assert_eq!(newer.map(|(old, _)| old), ALLOWED_OF_OLD);
    assert!(newer.iter().all(|(_, new)| ALLOWED.contains(new)));
}
