//! Where messages go: the commit behind each 250.
//!
//! A message for one Maildir is delivered there. One for several is first kept in the spool `state`, because a kill
//! between two of them must not leave it in one alone: it is delivered from there, to each that does not have it
//! yet, at once, and when that fails or is cut short again and again, also after the next start.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use scop_smtp_proto::ForwardPath;
use tracing::{error, info, warn};

use super::content::{Body, free_space};
use super::recipients::Recipients;
use crate::error::Error;
use crate::maildir::{Content, Maildirs, Name, Part};
use crate::message::reason;
use crate::spool::{Entry, Envelope, Id, Lock, Spool};

/// Where the messages of a listener go.
#[derive(Debug)]
pub(crate) enum Destination {
    /// Nowhere.
    Discard,
    /// The spool of another program.
    Spool(Spool),
    Mailboxes(Box<Mailboxes>),
}

/// Maildirs, and the messages that are on their way to several of them.
#[derive(Debug)]
pub(crate) struct Mailboxes {
    folder: PathBuf,
    maildirs: Maildirs,
    /// By place.
    names: Vec<Name>,
    spool: Spool,
    #[expect(dead_code, reason = "it is held")]
    lock: Lock,
    /// Those that are being delivered from the spool.
    busy: Mutex<HashSet<Id>>,
}

/// A message that is whole.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) id: Id,
    pub(crate) envelope: Envelope,
    /// The places of its recipients, each once.
    pub(crate) places: Vec<usize>,
    /// The fields of this host, and the header with the empty line behind it.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Body,
}

impl Destination {
    /// Puts the message on disk. This blocks. After an error it is nowhere.
    pub(crate) fn commit(&self, parcel: &mut Parcel) -> io::Result<()> {
        match self {
            Self::Discard => Ok(()),
            Self::Spool(spool) => put(spool, parcel),
            Self::Mailboxes(mailboxes) => mailboxes.commit(parcel),
        }
    }

    /// Octets that may still be written where messages go; none where it does not matter.
    pub(crate) fn free_space(&self) -> io::Result<Option<u64>> {
        match self {
            Self::Discard => Ok(None),
            Self::Spool(spool) => spool.free_space().map(Some),
            Self::Mailboxes(mailboxes) => free_space(&mailboxes.folder).map(Some),
        }
    }

    /// Whether it is the last that a message comes to (RFC 5321 4.4: there is a Return-Path then).
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::Mailboxes(_))
    }

    /// Whether there is no commit.
    pub(crate) const fn is_nowhere(&self) -> bool {
        matches!(self, Self::Discard)
    }
}

impl Mailboxes {
    /// Opens them; `state` is the spool.
    pub(crate) fn open(
        folder: &Path,
        host: &str,
        names: Vec<Name>,
        state: &Path,
    ) -> Result<Self, Error> {
        let failed = |place: &Path, error| Error::new(place.display(), reason(&error));
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        let spool = Spool::open(state).map_err(|error| failed(state, error))?;
        let lock = spool.lock().map_err(|error| failed(state, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            maildirs: Maildirs::new(folder, host),
            names,
            spool,
            lock,
            busy: Mutex::default(),
        })
    }

    fn commit(&self, parcel: &mut Parcel) -> io::Result<()> {
        if let [place] = *parcel.places.as_slice() {
            let maildir = self.maildirs.open(self.name(place)?)?;
            let (memory, file) = parcel.body.parts()?;
            let content = Content {
                pieces: &[&parcel.head, memory],
                file,
            };
            return maildir.deliver(&parcel.id, content);
        }
        // Nobody else delivers it before this has come to its end.
        let busy = self.begin(&parcel.id);
        put(&self.spool, parcel)?;
        if let Err(error) = self.distribute(&parcel.id, &parcel.places) {
            warn!(id = %parcel.id, error = reason(&error), "kept, and to be delivered later");
        }
        drop(busy);
        Ok(())
    }

    /// Delivers what is left in the spool. This blocks.
    pub(crate) fn sweep(&self, recipients: &Recipients) {
        let ids = match self.spool.scan() {
            Ok(ids) => ids,
            Err(error) => return error!(error = reason(&error), "the spool cannot be read"),
        };
        for id in ids {
            let Some(busy) = self.begin(&id) else {
                continue;
            };
            match self.deliver_left(&id, recipients) {
                Ok(()) => info!(%id, "delivered from the spool"),
                // It was delivered while the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => warn!(%id, error = reason(&error), "still to be delivered"),
            }
            drop(busy);
        }
    }

    fn deliver_left(&self, id: &Id, recipients: &Recipients) -> io::Result<()> {
        let Entry { envelope, .. } = self.spool.read(id)?;
        let places: Option<Vec<usize>> = (envelope.to.iter())
            .map(|recipient| {
                let path = ForwardPath::parse(recipient.path.as_bytes()).ok()?;
                recipients.find(&path).ok()
            })
            .collect();
        let Some(mut places) = places else {
            // The configuration was changed meanwhile.
            error!(%id, "set aside in `failed`: a recipient is none any more");
            return self.spool.fail(id);
        };
        places.sort_unstable();
        places.dedup();
        self.distribute(id, &places)
    }

    /// From the spool into each Maildir that does not have it; then it is gone from the spool.
    fn distribute(&self, id: &Id, places: &[usize]) -> io::Result<()> {
        let entry = self.spool.read(id)?;
        let content = Content {
            pieces: &[],
            file: Some(Part {
                file: &entry.file,
                start: entry.start,
                octets: entry.octets,
            }),
        };
        for &place in places {
            let maildir = self.maildirs.open(self.name(place)?)?;
            maildir.deliver_once(id, content)?;
        }
        self.spool.remove(id)
    }

    fn name(&self, place: usize) -> io::Result<&Name> {
        let name = self.names.get(place);
        name.ok_or_else(|| io::Error::other("a recipient without a mailbox"))
    }

    fn begin(&self, id: &Id) -> Option<Busy<'_>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.insert(id.clone()).then(|| Busy {
            mailboxes: self,
            id: id.clone(),
        })
    }
}

/// A message that is being delivered from the spool, until this is dropped.
struct Busy<'m> {
    mailboxes: &'m Mailboxes,
    id: Id,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut busy = (self.mailboxes.busy.lock()).unwrap_or_else(PoisonError::into_inner);
        busy.remove(&self.id);
    }
}

fn put(spool: &Spool, parcel: &mut Parcel) -> io::Result<()> {
    let mut writer = spool.write(&parcel.id, &parcel.envelope)?;
    writer.put(&parcel.head)?;
    parcel.body.read(|octets| writer.put(octets))?;
    writer.commit().map(|_| ())
}
