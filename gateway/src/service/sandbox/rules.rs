//! landlock: files, ports, signals.

use std::io;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

use super::Sandbox;
use crate::error::Error;

/// The rights that are known and were tried; of these a kernel holds as many as it knows.
const TRIED: ABI = ABI::V6;

/// From this one on, ports are bound (Linux 6.7).
const NETWORK: i32 = 4;

/// From this one on, signals and abstract sockets are (Linux 6.12).
const SCOPE: i32 = 6;

/// What the kernel holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// The version of its landlock.
    pub(super) version: i32,
    pub(super) network: bool,
    pub(super) scope: bool,
}

/// Puts the rules in force; none if the kernel has no landlock.
pub(super) fn apply(sandbox: &Sandbox) -> Result<Option<Held>, Error> {
    let failed = |error: RulesetError| Error::new("landlock", error);
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(TRIED))
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
    match status.landlock {
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => Ok(None),
        LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        } => {
            if status.ruleset == RulesetStatus::NotEnforced {
                let error = io::Error::from(io::ErrorKind::Unsupported);
                return Err(Error::new("landlock", error));
            }
            let version = kernel_abi.unwrap_or(effective_abi as i32);
            Ok(Some(Held {
                version,
                network: version >= NETWORK,
                scope: version >= SCOPE,
            }))
        }
    }
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
