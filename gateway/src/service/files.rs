//! Files that a configuration names.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::message::reason;

/// Longer files of keys and certificates are a slip of the hand.
const LONGEST: u64 = 1 << 20;

/// Bits of a mode that let others read.
const OTHERS_READ: u32 = 0o004;

/// The whole of a plain file, which may be secret.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |error| Error::new(path.display(), reason(&error));
    let metadata = path.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Error::new(path.display(), "a plain file is needed"));
    }
    if metadata.len() > LONGEST {
        return Err(Error::new(
            path.display(),
            "it is longer than 1 MiB, the limit",
        ));
    }
    // Its length is known, so that the buffer does not move and leave copies behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len()).unwrap_or_default() + 1,
    ));
    File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut octets))
        .map_err(failed)?;
    Ok(octets)
}

/// Whether everyone on this computer can read it.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & OTHERS_READ != 0)
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    octets: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    /// None while there is no such file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        path.metadata().ok().map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            octets: metadata.size(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}
