//! Confinement by the kernel: what a service does not need it cannot do.
//!
//! On Linux, for good and for all threads to come:
//!
//! * no program that is started has more rights than this one, and no capability is left but those over files;
//! * other processes of the same user cannot look into this one, and it leaves no core file;
//! * landlock: files are those of the service, no TCP port is bound any more, connections go to its own ports,
//!   signals and abstract sockets reach nobody outside;
//! * seccomp: system calls are those of a list ([`calls`]), everything else is refused with EPERM.
//!
//! What the kernel lacks is said in the log, and the service goes on without it. What is open when the
//! confinement begins stays open: listening sockets, files, standard error.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod rules;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::error::Error;

/// What `--no-sandbox` means.
pub(crate) const LOST: &str = "no sandbox, as asked for: whoever takes over this process can read and write \
    every file of its user, start programs, look into its other processes, and reach every host";

/// Authorities of the system, where distributions keep them.
const AUTHORITIES: [&str; 5] = [
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
];

/// Who the resolvers are.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Where chance comes from in a program that is linked statically: it does not find the C library's `getrandom`.
const CHANCE: [&str; 2] = ["/dev/random", "/dev/urandom"];

/// What a service needs once it runs; all else it cannot do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sandbox {
    /// Files and folders that it reads; one that does not exist is not missed.
    pub(crate) read: Vec<PathBuf>,
    /// Folders in which it makes, changes and removes files. They exist.
    pub(crate) write: Vec<PathBuf>,
    /// Folders of others into which it puts files, without reading what is there. They exist.
    pub(crate) put: Vec<PathBuf>,
    /// TCP ports to which it connects.
    pub(crate) connect: Vec<u16>,
}

impl Sandbox {
    /// What every service needs: the list of resolvers, and chance.
    pub(crate) fn new() -> Self {
        Self {
            read: [RESOLV_CONF]
                .into_iter()
                .chain(CHANCE)
                .map(PathBuf::from)
                .collect(),
            ..Self::default()
        }
    }

    /// A file that is read again when it changes. It may be replaced by another of its name, and it may be a
    /// link, so that it is the folders that are opened: of the file, and of what it leads to.
    pub(crate) fn read_again(&mut self, file: &Path) {
        let target = file.canonicalize();
        for file in [Some(file), target.as_deref().ok()].into_iter().flatten() {
            let folder = match file.parent() {
                Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
                Some(folder) => folder,
                None => continue,
            };
            if !self.read.iter().any(|known| known == folder) {
                self.read.push(folder.to_owned());
            }
        }
    }

    /// The spool of another service, into which messages are put.
    pub(crate) fn put_into(&mut self, spool: &Path) {
        self.put.push(spool.join("queue"));
    }

    /// The authorities of the system, for a client of TLS.
    pub(crate) fn read_authorities(&mut self) {
        self.read.extend(AUTHORITIES.map(PathBuf::from));
    }

    /// Confines this process, for good. It must have no other thread yet.
    #[cfg(target_os = "linux")]
    pub(crate) fn confine(&self) -> Result<(), Error> {
        use tracing::{info, warn};

        give_up_capabilities();
        let landlock = rules::apply(self)?;
        let calls = calls::restrict()?;
        if let Some(lack) = landlock.lack() {
            warn!("{lack}");
        }
        if calls.is_none() {
            warn!(
                "system calls are not restricted: not on {}",
                std::env::consts::ARCH
            );
        }
        info!(
            landlock = landlock.in_force(),
            network = landlock.has_network(),
            system_calls = calls,
            "confined"
        );
        Ok(())
    }

    /// There is nothing of the kind here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn confine(&self) -> Result<(), Error> {
        tracing::warn!("no sandbox: there is one on Linux only");
        Ok(())
    }
}

/// Nothing is left of what a privileged start needed, such as the right to ports below 1024. What root may do
/// with files of others stays, within the bounds of landlock: Maildirs may belong to others.
#[cfg(target_os = "linux")]
fn give_up_capabilities() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    use rustix::thread::{
        CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, set_capabilities,
    };
    use tracing::warn;

    let kept = CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::DAC_READ_SEARCH
        | CapabilitySet::CHOWN
        | CapabilitySet::FOWNER;
    let given_up = clear_ambient_capability_set()
        .and_then(|()| capabilities(None))
        .and_then(|now| {
            set_capabilities(
                None,
                CapabilitySets {
                    effective: now.effective & kept,
                    permitted: now.permitted & kept,
                    inheritable: CapabilitySet::empty(),
                },
            )
        });
    if let Err(error) = given_up {
        warn!(%error, "the capabilities of this process stay as they are");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        warn!(%error, "other processes of the same user can look into this one");
    }
    if rustix::process::geteuid().is_root() {
        warn!("this service runs as root: a user of its own is better");
    }
}
