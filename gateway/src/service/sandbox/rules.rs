//! landlock: files, ports, signals.

use std::io;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus, Scope,
};

use super::Sandbox;
use crate::error::Error;

/// The rights that are known and were tried; of these a kernel holds as many as it knows.
const TRIED: ABI = ABI::V6;

/// The landlock of a kernel, by its version; 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Landlock(i32);

impl Landlock {
    /// The version that is in force, 0 for none.
    pub(super) const fn in_force(self) -> i32 {
        if self.0 > 1 { self.0 } else { 0 }
    }

    /// Whether ports are bound.
    pub(super) const fn has_network(self) -> bool {
        self.0 >= 4
    }

    /// What the kernel does not hold, in words of the log.
    pub(super) const fn lack(self) -> Option<&'static str> {
        match self.0 {
            ..1 => Some(
                "this kernel has no landlock: file permissions alone keep the service from files of others",
            ),
            // A message is written in one folder and moved to another.
            1 => Some(
                "landlock is left out, as this kernel (before Linux 5.19) would forbid every move of a file: file \
                 permissions alone keep the service from files of others",
            ),
            2 => Some(
                "this kernel (before Linux 6.2) does not bind the service to its own ports, signals and abstract \
                 sockets, and lets it empty files that it may only read",
            ),
            3 => Some(
                "this kernel (before Linux 6.7) does not bind the service to its own ports, signals and abstract \
                 sockets",
            ),
            4 | 5 => Some(
                "this kernel (before Linux 6.12) does not bind the service to its own signals and abstract sockets",
            ),
            _ => None,
        }
    }
}

/// Puts the rules in force, as far as the kernel has such.
pub(super) fn apply(sandbox: &Sandbox) -> Result<Landlock, Error> {
    let failed = |error: RulesetError| Error::new("landlock", error);
    let mut rules = Ruleset::default()
        // Without this right none of the others, see `Landlock::lack`.
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::Refer)
        .map(|rules| rules.set_compatibility(CompatLevel::BestEffort))
        .and_then(|rules| rules.handle_access(AccessFs::from_all(TRIED)))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(TRIED)))
        .and_then(|rules| rules.scope(Scope::from_all(TRIED)))
        .and_then(Ruleset::create)
        .map_err(failed)?;
    for path in &sandbox.read {
        let Ok(metadata) = path.metadata() else {
            continue;
        };
        let rights: BitFlags<AccessFs> = if metadata.is_dir() {
            AccessFs::ReadFile | AccessFs::ReadDir
        } else {
            AccessFs::ReadFile.into()
        };
        let opened = PathFd::new(path).map_err(|error| Error::new(path.display(), error))?;
        rules = rules
            .add_rule(PathBeneath::new(opened, rights))
            .map_err(failed)?;
    }
    let write = sandbox.write.iter().map(|path| (path, write_rights()));
    let put = sandbox.put.iter().map(|path| (path, put_rights()));
    for (path, rights) in write.chain(put) {
        let opened = PathFd::new(path).map_err(|error| Error::new(path.display(), error))?;
        rules = rules
            .add_rule(PathBeneath::new(opened, rights))
            .map_err(failed)?;
    }
    for &port in &sandbox.connect {
        rules = rules
            .add_rule(NetPort::new(port, AccessNet::ConnectTcp))
            .map_err(failed)?;
    }
    let status = rules.restrict_self().map_err(failed)?;
    let landlock = match status.landlock {
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => Landlock(0),
        LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        } => Landlock(kernel_abi.unwrap_or(effective_abi as i32)),
    };
    if landlock.in_force() > 0 && status.ruleset == RulesetStatus::NotEnforced {
        let error = io::Error::from(io::ErrorKind::Unsupported);
        return Err(Error::new("landlock", error));
    }
    Ok(landlock)
}

/// Whoever keeps messages makes plain files and folders, moves and removes them; no links, no devices, and
/// nothing that can be started.
fn write_rights() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer
}

/// Whoever puts a message into the spool of another makes one file and gives it its name. To flush a folder is to
/// open it, which is to be able to list it. Nothing that is there is ever cut.
fn put_rights() -> BitFlags<AccessFs> {
    AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile | AccessFs::ReadDir
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_old_kernel_lacks_is_said() {
        let none = "file permissions alone";
        let ports = "its own ports, signals and abstract sockets";
        for (version, in_force, network, words) in [
            (0, 0, false, &["no landlock", none][..]),
            (1, 0, false, &["left out", "5.19", none]),
            (2, 2, false, &["6.2", ports, "empty files"]),
            (3, 3, false, &["6.7", ports]),
            (4, 4, true, &["6.12", "its own signals and"]),
            (5, 5, true, &["6.12", "its own signals and"]),
        ] {
            let landlock = Landlock(version);
            assert_eq!(landlock.in_force(), in_force);
            assert_eq!(landlock.has_network(), network);
            let said = landlock.lack().unwrap();
            for word in words {
                assert!(said.contains(word), "{version}: {said}");
            }
        }
        for version in 6..9 {
            let landlock = Landlock(version);
            assert_eq!((landlock.in_force(), landlock.lack()), (version, None));
            assert!(landlock.has_network());
        }
    }
}
