//! What an operator asks of the process that works on the messages.
//!
//! A request is an empty file in the folder `requests`, and its name says all of it:
//!
//! | name | |
//! |---|---|
//! | `try` | each message is tried now |
//! | `try-ID` | this one is |
//! | `remove-ID` | it is over: nobody is told |
//! | `fail-ID` | it is over: its sender is told that it failed |
//!
//! So a request is there or not, and never in part; and that a file of root cannot be read by the owner of the folder
//! does not matter. Any other name is no request, and is left alone. Whoever may write there can remove mail, so the
//! folder must be closed to all but its owner; it is made so.
//!
//! A request to try is gone when it was heard; one to remove when it was done.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use super::flush::flush;
use super::{Id, Spool, fault, unless_gone};

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// All messages, where there is none.
    Try(Option<Id>),
    Remove {
        id: Id,
        /// Its sender is told.
        tells: bool,
    },
}

impl Spool {
    /// Makes the folder, for the one that hears the requests.
    ///
    /// # Errors
    /// When others may write there.
    pub(crate) fn hear(&self) -> io::Result<()> {
        let folder = self.requests_folder();
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => flush(self.folder())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let metadata = fs::metadata(&folder)?;
        let mode = metadata.mode() & 0o7777;
        let me = rustix::process::geteuid().as_raw();
        if mode & 0o022 != 0 || ![0, me].contains(&metadata.uid()) {
            let rule = format!(
                "others may write to `requests` (mode {mode:04o}, user {}), and could remove mail by it: it must be \
                 of this user ({me}), with mode 0700",
                metadata.uid()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, rule));
        }
        Ok(())
    }

    /// Asks. Once more is the same as once.
    pub(crate) fn ask(&self, request: &Request) -> io::Result<()> {
        fault::step()?;
        // What is there is not opened: it may be root who asks, and the owner of the folder could have put a link to
        // any place of the system there, or a pipe.
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.request(request));
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        flush(&self.requests_folder())
    }

    /// What is asked.
    pub(crate) fn requests(&self) -> io::Result<Vec<Request>> {
        let mut requests = Vec::new();
        for entry in fs::read_dir(self.requests_folder())? {
            requests.extend(Request::parse(&entry?.file_name()));
        }
        Ok(requests)
    }

    /// Whether it is still asked.
    pub(crate) fn is_asked(&self, request: &Request) -> io::Result<bool> {
        self.request(request).try_exists()
    }

    /// It was heard.
    pub(crate) fn heard(&self, request: &Request) -> io::Result<()> {
        fault::step()?;
        unless_gone(fs::remove_file(self.request(request)))
    }

    /// It is removed, in whatever way that was asked.
    pub(crate) fn removed(&self, id: &Id) -> io::Result<()> {
        for tells in [false, true] {
            let id = id.clone();
            self.heard(&Request::Remove { id, tells })?;
        }
        Ok(())
    }

    fn requests_folder(&self) -> PathBuf {
        self.folder().join("requests")
    }

    fn request(&self, request: &Request) -> PathBuf {
        self.requests_folder().join(request.name())
    }
}

impl Request {
    fn parse(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        if name == "try" {
            return Some(Self::Try(None));
        }
        let (verb, id) = name.split_once('-')?;
        let id = Id::parse(id)?;
        match verb {
            "try" => Some(Self::Try(Some(id))),
            "remove" => Some(Self::Remove { id, tells: false }),
            "fail" => Some(Self::Remove { id, tells: true }),
            _ => None,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Try(None) => "try".to_owned(),
            Self::Try(Some(id)) => format!("try-{id}"),
            Self::Remove { id, tells: false } => format!("remove-{id}"),
            Self::Remove { id, tells: true } => format!("fail-{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::tests::Place;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn names_are_read_as_they_were_written() {
        let id = Id::new().unwrap();
        for request in [
            Request::Try(None),
            Request::Try(Some(id.clone())),
            Request::Remove {
                id: id.clone(),
                tells: false,
            },
            Request::Remove {
                id: id.clone(),
                tells: true,
            },
        ] {
            assert_eq!(Request::parse(request.name().as_ref()), Some(request));
        }
        let path = format!("remove-../queue/{id}");
        for other in ["", "remove", "try-", "try-x", "Try", &path, id.as_str()] {
            assert_eq!(Request::parse(other.as_ref()), None, "{other}");
        }
    }

    #[test]
    fn asked_and_heard() {
        let place = Place::new();
        let spool = Spool::open(&place.0).unwrap();
        let request = Request::Try(None);
        // Nobody has ever heard any.
        assert_eq!(
            spool.ask(&request).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        spool.hear().unwrap();
        spool.hear().unwrap();
        assert_eq!(spool.requests().unwrap(), []);
        spool.ask(&request).unwrap();
        spool.ask(&request).unwrap();
        fs::write(place.0.join("requests/notes"), "of somebody").unwrap();
        assert_eq!(spool.requests().unwrap(), std::slice::from_ref(&request));
        assert!(spool.is_asked(&request).unwrap());
        spool.heard(&request).unwrap();
        spool.heard(&request).unwrap();
        assert!(!spool.is_asked(&request).unwrap());
    }

    /// Who asks may be root, and the folder is of another.
    #[test]
    fn nothing_is_made_or_opened_elsewhere() {
        let place = Place::new();
        let spool = Spool::open(&place.0).unwrap();
        spool.hear().unwrap();
        let elsewhere = place.0.join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, place.0.join("requests/try")).unwrap();
        spool.ask(&Request::Try(None)).unwrap();
        assert!(fs::symlink_metadata(&elsewhere).is_err());
        // It counts as a request all the same.
        assert_eq!(spool.requests().unwrap(), [Request::Try(None)]);
        spool.heard(&Request::Try(None)).unwrap();
        assert_eq!(spool.requests().unwrap(), []);
    }

    #[test]
    fn a_folder_that_is_open_to_others_is_refused() {
        let place = Place::new();
        let spool = Spool::open(&place.0).unwrap();
        spool.hear().unwrap();
        let folder = place.0.join("requests");
        for (mode, is_good) in [
            (0o700, true),
            (0o750, true),
            (0o770, false),
            (0o3777, false),
        ] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            let heard = spool.hear();
            assert_eq!(heard.is_ok(), is_good, "{mode:o}");
            if let Err(error) = heard {
                assert!(error.to_string().contains("with mode 0700"), "{error}");
            }
        }
    }
}
