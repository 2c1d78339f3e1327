//! Both services with their sandbox on, and what someone who has taken one over can do: every call that they try is
//! made by the process itself, and refused by the kernel.
//!
//! The two run as the same user, and as root where the tests do: what keeps them apart here is nothing but the
//! sandbox. In front of it there are two users, and modes of files.

mod attempts;
mod hijacked;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use libc::c_long;
use nix::errno::Errno;
#[cfg(target_arch = "x86_64")]
use nix::sys::{signal::Signal, wait::WaitStatus};

use self::attempts::{Attempt, unlisted};
use self::hijacked::{Argument, Hijacked};
use crate::run::{folder, scop};

/// One of the two programs, confined; it is killed when this is dropped.
struct Service {
    child: Child,
    log: BufReader<ChildStderr>,
    /// What it logged until it was ready.
    started: String,
}

impl Service {
    fn start(program: &str, config: &Path) -> Self {
        let mut child = Command::new(program)
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut started = String::new();
        while !started.contains(" ready\n") {
            assert!(log.read_line(&mut started).unwrap() > 0, "{started}");
        }
        Self {
            child,
            log,
            started,
        }
    }

    /// The value of a field of the log.
    fn logged(&self, field: &str) -> &str {
        let (_, rest) = self.started.split_once(&format!(" {field}=")).unwrap();
        rest.split_ascii_whitespace().next().unwrap()
    }

    /// Stops it in peace.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        assert!(status.success() && log.contains("stopped"), "{log}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both services, and the folders of both.
struct World {
    folder: PathBuf,
    receiver: Service,
    sender: Service,
    /// Where the sender hands its mail.
    next: TcpListener,
    /// Whom the receiver asks.
    dns: TcpListener,
    /// Where neither has any business.
    other: TcpListener,
}

impl World {
    /// None where the test must not look into processes.
    fn new(test: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can take over a process that is not dumpable");
            return None;
        }
        let folder = folder(&format!("isolation-{test}"));
        for name in ["tls", "users", "keys", "mail", "other"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        let shown = folder.display();
        let made = rcgen::generate_simple_self_signed(["mx.example.org".to_owned()]).unwrap();
        fs::write(folder.join("tls/cert.pem"), made.cert.pem()).unwrap();
        fs::write(folder.join("tls/key.pem"), made.signing_key.serialize_pem()).unwrap();
        fs::write(folder.join("users/users"), "").unwrap();
        let keygen = scop(&[
            "keygen",
            "--algorithm=ed25519",
            "--domain=example.org",
            "--selector=s1",
            &format!("--out={shown}/keys/mail.pem"),
        ]);
        assert_eq!(keygen.code, 0, "{}", keygen.err);
        let [next, dns, other] = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());

        let config = folder.join("sender.toml");
        let text = format!(
            "name = 'mail.example.org'\nspool = '{shown}/spool'\nstate = '{shown}/sender'\n\
             [[sign]]\ndomain = 'example.org'\nselector = 's1'\nkey = '{shown}/keys/mail.pem'\n\
             [route]\nto = 'lmtp'\naddress = '{}'\n",
            next.local_addr().unwrap()
        );
        fs::write(&config, text).unwrap();
        let sender = Service::start(env!("CARGO_BIN_EXE_scop-sender"), &config);

        let config = folder.join("receiver.toml");
        let text = format!(
            "name = 'mx.example.org'\nstate = '{shown}/receiver'\n\
             [[listen]]\naddress = '127.0.0.1:0'\nkind = 'mx'\n\
             [tls]\ncertificate = '{shown}/tls/cert.pem'\nkey = '{shown}/tls/key.pem'\n\
             [deliver]\nto = 'maildir'\nfolder = '{shown}/mail'\n\
             mailboxes = {{ 'ann@example.org' = 'ann' }}\n\
             [submit]\nusers = '{shown}/users/users'\nspool = '{shown}/spool'\n\
             [checks]\nenabled = false\n[dns]\nserver = '{}'\n",
            dns.local_addr().unwrap()
        );
        fs::write(&config, text).unwrap();
        let receiver = Service::start(env!("CARGO_BIN_EXE_scop-receiver"), &config);
        Some(Self {
            folder,
            receiver,
            sender,
            next,
            dns,
            other,
        })
    }

    fn path(&self, name: &str) -> Argument {
        self.folder.join(name).as_path().into()
    }
}

/// Files that are not those of the service.
fn foreign_files(world: &World, other: u32, names: &[&str]) -> Vec<Attempt> {
    let open = |path: Argument, how: i32| vec![Argument::from(-100), path, how.into(), 0.into()];
    let mut attempts = Vec::new();
    let mut add = |name: String, arguments| {
        attempts.push((name, libc::SYS_openat, arguments, Errno::EACCES));
    };
    for name in names {
        let how = if world.folder.join(name).is_dir() {
            libc::O_DIRECTORY
        } else {
            libc::O_RDONLY
        };
        assert!(world.folder.join(name).exists(), "{name}");
        add(format!("open {name}"), open(world.path(name), how));
    }
    for name in ["mem", "environ", "maps", "root", "cwd", "fd", "task"] {
        let path = format!("/proc/{other}/{name}");
        add(path.clone(), open(path.as_str().into(), libc::O_RDONLY));
    }
    for path in [
        "/",
        "/etc/passwd",
        "/etc/shadow",
        "/root",
        "/tmp",
        "/dev/tty",
        "/sys",
        "/proc",
        "/proc/self/mem",
        "/proc/self/root",
        "/bin/true",
    ] {
        if Path::new(path).exists() || path.starts_with("/proc/self") {
            add(path.to_owned(), open(path.into(), libc::O_RDONLY));
        }
    }
    let create = libc::O_CREAT | libc::O_WRONLY;
    add("new file".to_owned(), open(world.path("other/new"), create));
    add(
        "file without a name".to_owned(),
        open("/tmp".into(), libc::O_TMPFILE | libc::O_RDWR),
    );
    attempts
}

/// Everything is tried, and one more thing than the table has: all numbers.
fn try_all(service: &Service, attempts: Vec<Attempt>) {
    let status = fs::read_to_string(format!("/proc/{}/status", service.child.id())).unwrap();
    for line in [
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "Seccomp_filters:\t2",
        "CapInh:\t0000000000000000",
    ] {
        assert!(
            status.lines().any(|found| found == line),
            "{line}\n{status}"
        );
    }
    let mut hijacked = Hijacked::new(service.child.id()).unwrap();
    // What is allowed works, or the refusals would say nothing.
    let own = hijacked.call(libc::SYS_getpid, &[]).unwrap();
    assert_eq!(own, u64::from(service.child.id()));
    let wrong: Vec<String> = attempts
        .into_iter()
        .filter_map(|(name, call, arguments, expected)| {
            let result = hijacked.call(call, &arguments);
            (result != Err(expected)).then(|| format!("{name}: {result:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        numbers(&mut hijacked).to_string(),
        service.logged("system_calls")
    );
}

/// How many calls of all numbers are not refused, whatever their arguments.
fn numbers(hijacked: &mut Hijacked) -> usize {
    // Those that would end the process, or lose its way.
    const LEFT_OUT: [c_long; 4] = [
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
    ];
    // Those that are allowed for some arguments, of which all ones is none.
    const IN_PART: usize = 11;
    // `uretprobe` and `uprobe` of x86_64: the kernel lets in who comes from its own code, and never asks a filter.
    const OF_THE_KERNEL: [c_long; 2] = [335, 336];
    let ones = [const { Argument::Number(-1) }; 6];
    let passed = (0..1_000)
        .filter(|number| !LEFT_OUT.contains(number) && !OF_THE_KERNEL.contains(number))
        .filter(|&number| {
            let refusal = if number == libc::SYS_clone3 {
                Errno::ENOSYS
            } else {
                Errno::EPERM
            };
            hijacked.call(number, &ones) != Err(refusal)
        })
        .count();
    passed + LEFT_OUT.len() + IN_PART
}

fn takes_mail(receiver: &Service) {
    let address: SocketAddr = receiver.logged("address").parse().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    let mut replies = BufReader::new(&stream).lines();
    for command in [
        "",
        "HELO client.example.net",
        "MAIL FROM:<joe@example.com>",
        "RCPT TO:<ann@example.org>",
        "DATA",
        "Subject: hi\r\n\r\nhi\r\n.",
    ] {
        if !command.is_empty() {
            (&stream)
                .write_all(format!("{command}\r\n").as_bytes())
                .unwrap();
        }
        let reply = replies.next().unwrap().unwrap();
        assert!(
            reply.starts_with('2') || reply.starts_with("354"),
            "{reply}"
        );
    }
}

/// Ports that are not those of the service, by every means to reach one.
fn try_ports(world: &World, service: &Service, own: &TcpListener) {
    let mut hijacked = Hijacked::new(service.child.id()).unwrap();
    let address = |listener: &TcpListener| {
        let port = listener.local_addr().unwrap().port().to_be_bytes();
        let family = u16::try_from(libc::AF_INET).unwrap().to_ne_bytes();
        let host = [127, 0, 0, 1];
        Argument::Octets([&family[..], &port, &host, &[0; 8]].concat())
    };
    let mut socket = || {
        let made = hijacked.call(
            libc::SYS_socket,
            &[libc::AF_INET.into(), libc::SOCK_STREAM.into(), 0.into()],
        );
        i64::try_from(made.unwrap()).unwrap()
    };
    let [first, second] = [socket(), socket()];
    // Sent with the first packet, by a call that is none of `connect`.
    let fast = hijacked.call(
        libc::SYS_sendto,
        &[
            first.into(),
            "x".into(),
            1.into(),
            libc::MSG_FASTOPEN.into(),
            address(&world.other),
            16.into(),
        ],
    );
    assert_eq!(fast, Err(Errno::EPERM));
    if service.logged("network") == "true" {
        for call in [libc::SYS_connect, libc::SYS_bind] {
            let refused = hijacked.call(call, &[first.into(), address(&world.other), 16.into()]);
            assert_eq!(refused, Err(Errno::EACCES));
        }
    }
    let allowed = hijacked.call(libc::SYS_connect, &[second.into(), address(own), 16.into()]);
    assert_eq!(allowed, Ok(0));
    for socket in [first, second] {
        hijacked.call(libc::SYS_close, &[socket.into()]).unwrap();
    }
    world.other.set_nonblocking(true).unwrap();
    let came = world.other.accept();
    assert!(came.is_err(), "{came:?}");
}

#[test]
fn a_receiver_that_is_taken_over_has_nothing_of_the_sender() {
    let Some(world) = World::new("receiver") else {
        return;
    };
    let (service, other) = (&world.receiver, world.sender.child.id());
    takes_mail(service);
    let mut attempts = unlisted(other, &world.folder);
    attempts.extend(foreign_files(
        &world,
        other,
        &[
            "keys/mail.pem",
            "keys",
            "sender",
            "spool",
            "spool/state",
            "spool/failed",
            "sender.toml",
            "receiver.toml",
            "other",
            ".",
        ],
    ));
    let (key, mail) = (|| world.path("keys/mail.pem"), || world.path("mail/ann"));
    for (name, call, arguments, error) in [
        (
            "link to the key",
            libc::SYS_linkat,
            vec![
                (-100).into(),
                key(),
                (-100).into(),
                world.path("mail/x"),
                0.into(),
            ],
            Errno::EXDEV,
        ),
        (
            "take the key",
            libc::SYS_renameat,
            vec![(-100).into(), key(), (-100).into(), world.path("mail/x")],
            Errno::EACCES,
        ),
        (
            "remove the key",
            libc::SYS_unlinkat,
            vec![(-100).into(), key(), 0.into()],
            Errno::EACCES,
        ),
        (
            "give mail away",
            libc::SYS_renameat,
            vec![(-100).into(), mail(), (-100).into(), world.path("other/x")],
            Errno::EACCES,
        ),
    ] {
        attempts.push((name.to_owned(), call, arguments, error));
    }
    try_all(service, attempts);
    try_ports(&world, service, &world.dns);
    // It was none the worse for it.
    takes_mail(service);
    world.receiver.stop();
    world.sender.stop();
}

#[test]
fn a_sender_that_is_taken_over_has_nothing_of_the_receiver() {
    let Some(world) = World::new("sender") else {
        return;
    };
    let (service, other) = (&world.sender, world.receiver.child.id());
    takes_mail(&world.receiver);
    let mut attempts = unlisted(other, &world.folder);
    attempts.extend(foreign_files(
        &world,
        other,
        &[
            "tls/key.pem",
            "tls",
            "users/users",
            "mail",
            "mail/ann/new",
            "receiver",
            "receiver.toml",
            "sender.toml",
            "other",
            ".",
        ],
    ));
    try_all(service, attempts);
    try_ports(&world, service, &world.next);
    world.sender.stop();
    world.receiver.stop();
}

/// Calls of another architecture have other numbers, of which the list says nothing.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_call_of_i386_ends_the_process() {
    let Some(world) = World::new("i386") else {
        return;
    };
    let hijacked = Hijacked::new(world.receiver.child.id()).unwrap();
    // Its `getpid`.
    let ended = hijacked.last_call(20);
    assert!(
        matches!(ended, WaitStatus::Signaled(_, Signal::SIGSYS, _)),
        "{ended:?}"
    );
}
