//! The services of the gateway as programs: `scop receive` and `scop send`, each in a folder of its own.

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a service may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service that runs; it is ended when this is dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    log: PathBuf,
}

/// The folder of the programs of this workspace, built for the profile of the caller.
///
/// # Panics
/// When they do not build.
pub fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut folder = std::env::current_exe().expect("this program has a path");
        folder.pop();
        if folder.ends_with("deps") {
            folder.pop();
        }
        let target = folder.parent().expect("a profile lies in a target folder");
        let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        build
            .args(["build", "-q", "-p", "scop-gateway", "--bins"])
            .arg("--target-dir")
            .arg(target)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        // What cargo tells this program of its package is not about the one to build; ring's build script looks at it.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                build.env_remove(&*name);
            }
        }
        let status = build.status().expect("cargo runs");
        assert!(status.success(), "scop-gateway does not build");
        folder
    })
}

/// Runs `scop` with arguments to its end.
pub fn scop(arguments: &[&str], input: &[u8]) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(programs().join("scop"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scop starts");
    let mut stdin = child.stdin.take().expect("there is a pipe");
    // A program that does not read its input says so with its output.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("scop ends")
}

impl Service {
    /// Starts `scop receive` with this configuration, and waits until it listens.
    pub fn receiver(folder: &Path, config: &str) -> Self {
        Self::start("receive", "scop-receiver", folder, config)
    }

    /// Starts `scop send` with this configuration, and waits until it is ready.
    pub fn sender(folder: &Path, config: &str) -> Self {
        Self::start("send", "scop-sender", folder, config)
    }

    /// The same with another clock: `shift` in the words of faketime, as `+10d`. `None` when it is not installed.
    pub fn sender_at(folder: &Path, config: &str, shift: &str) -> Option<Self> {
        let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
        if !Path::new(library).exists() {
            crate::skip("faketime is not installed (Debian: apt-get install faketime)");
            return None;
        }
        let environment = [("LD_PRELOAD", library), ("FAKETIME", shift)];
        // Its timers do not run well, so it is left out where the clock is right.
        let environment = if shift == "+0d" {
            &[][..]
        } else {
            &environment[..]
        };
        Some(Self::start_in(
            environment,
            "send",
            "scop-sender",
            folder,
            config,
        ))
    }

    fn start(name: &str, program: &str, folder: &Path, config: &str) -> Self {
        Self::start_in(&[], name, program, folder, config)
    }

    fn start_in(
        environment: &[(&str, &str)],
        name: &str,
        program: &str,
        folder: &Path,
        config: &str,
    ) -> Self {
        let file = folder.join(format!("{name}.toml"));
        // Others may read it meanwhile.
        if fs::read_to_string(&file).unwrap_or_default() != config {
            fs::write(&file, config).expect("the configuration is written");
        }
        let log = folder.join(format!("{name}.log"));
        let begin = fs::metadata(&log).map_or(0, |log| log.len());
        let stderr = fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("the log is opened");
        let child = Command::new(programs().join(program))
            .arg("--config")
            .arg(&file)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("the service starts");
        let mut service = Self { child, log };
        let started = Instant::now();
        while !service.log_from(begin).contains("ready") {
            let ended = service.child.try_wait().expect("a child can be asked");
            assert!(
                ended.is_none() && started.elapsed() < PATIENCE,
                "{name} does not start ({ended:?}): {}",
                service.log_from(begin)
            );
            sleep(Duration::from_millis(10));
        }
        service
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged, all runs in this folder together.
    pub fn log(&self) -> String {
        self.log_from(0)
    }

    fn log_from(&self, begin: u64) -> String {
        use std::io::Seek as _;
        let mut text = Vec::new();
        let read = fs::File::open(&self.log).and_then(|mut log| {
            log.seek(std::io::SeekFrom::Start(begin))?;
            log.read_to_end(&mut text)
        });
        read.expect("the log is read");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits until the log holds `words`.
    ///
    /// # Panics
    /// When they do not come within 20 seconds.
    pub fn wait_for(&self, words: &str) {
        let begin = Instant::now();
        while !self.log().contains(words) {
            assert!(
                begin.elapsed() < PATIENCE,
                "{words:?} is not logged: {}",
                self.log()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal: `TERM`, `HUP`, `KILL`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "no {signal}");
    }

    /// Asks it to stop, and waits for its end.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                return status;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "it does not stop: {}",
                self.log()
            );
            sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as a crash does, and waits until it is gone.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something listens at an address.
///
/// # Panics
/// When nothing does within 20 seconds.
pub fn listens(address: SocketAddr) {
    let begin = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begin.elapsed() < PATIENCE, "nothing listens at {address}");
        sleep(Duration::from_millis(10));
    }
}

/// The messages in `new` and `cur` of a Maildir, in the order of their contents.
pub fn maildir(folder: &Path) -> Vec<Vec<u8>> {
    let mut messages: Vec<_> = ["new", "cur"]
        .iter()
        .filter_map(|name| fs::read_dir(folder.join(name)).ok())
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read(entry.path()).ok())
        .collect();
    messages.sort();
    messages
}
