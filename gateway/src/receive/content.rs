//! The body of a message while it arrives: in memory as far as that goes, and then in a file without a name.
//!
//! All sessions together have a bound on what they keep in memory ([`Memory`]), and so have those of one client; who
//! gets none of it writes to the file at once. The file is gone whenever the body is dropped, also by `kill -9`: it has no name any more when
//! the first octet is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::maildir::Part;
use crate::spool::Id;

/// Octets of one body in memory; most messages are shorter.
const IN_MEMORY: usize = 256 << 10;

/// The first piece of memory.
const FIRST: usize = 8 << 10;

/// Octets that are read from the file at once.
const PIECE: usize = 64 << 10;

/// What all sessions may keep in memory, or those of one client.
#[derive(Debug)]
pub(crate) struct Memory {
    free: AtomicUsize,
    /// What is left for headers: a body can go to a file, and a header cannot.
    for_headers: usize,
    /// From which it is taken, too.
    whole: Option<Arc<Self>>,
}

/// What memory is for.
#[derive(Clone, Copy, Debug)]
enum Need {
    /// Without it the message is deferred.
    Header,
    /// There is another way.
    Spare,
}

/// A part of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    memory: Arc<Memory>,
    octets: usize,
}

/// Where bodies go that are too long for memory.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// The body of one message.
#[derive(Debug)]
pub(crate) struct Body {
    /// What is not in the file, behind what is.
    memory: Vec<u8>,
    share: Share,
    file: Option<File>,
    folder: Folder,
}

impl Memory {
    pub(crate) fn new(octets: usize) -> Arc<Self> {
        Self::bounded(octets, None)
    }

    /// A bound for one client. Nothing is set aside: what is taken here is taken from the whole as well.
    pub(crate) fn part(self: &Arc<Self>, octets: usize) -> Arc<Self> {
        Self::bounded(octets, Some(Arc::clone(self)))
    }

    fn bounded(octets: usize, whole: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self {
            free: AtomicUsize::new(octets),
            for_headers: octets / 2,
            whole,
        })
    }

    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share {
            memory: Arc::clone(self),
            octets: 0,
        }
    }

    /// Takes octets here and of the whole, or nowhere.
    fn take(&self, octets: usize, need: Need) -> bool {
        let least = match need {
            Need::Header => 0,
            Need::Spare => self.for_headers,
        };
        let taken = (self.free).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
            free.checked_sub(octets).filter(|&rest| rest >= least)
        });
        if taken.is_err() {
            return false;
        }
        let Some(whole) = &self.whole else {
            return true;
        };
        let taken = whole.take(octets, need);
        if !taken {
            self.free.fetch_add(octets, Ordering::Relaxed);
        }
        taken
    }

    fn give_back(&self, octets: usize) {
        if let Some(whole) = &self.whole {
            whole.give_back(octets);
        }
        self.free.fetch_add(octets, Ordering::Relaxed);
    }
}

impl Share {
    /// Makes it as large as a header needs; returns whether it is.
    pub(crate) fn grow(&mut self, octets: usize) -> bool {
        self.grow_for(octets, Need::Header)
    }

    /// Makes it as large as that for what can do without; returns whether it is.
    pub(crate) fn grow_if_spare(&mut self, octets: usize) -> bool {
        self.grow_for(octets, Need::Spare)
    }

    fn grow_for(&mut self, octets: usize, need: Need) -> bool {
        let more = octets.saturating_sub(self.octets);
        let taken = more == 0 || self.memory.take(more, need);
        if taken {
            self.octets = self.octets.max(octets);
        }
        taken
    }

    fn release(&mut self) {
        self.memory.give_back(std::mem::take(&mut self.octets));
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

impl Folder {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Makes it, and clears away what a killed process left: names of a moment.
    pub(crate) fn make(&self) -> io::Result<()> {
        let Self(folder) = self;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        for entry in fs::read_dir(folder)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file that has no name.
    fn file(&self) -> io::Result<File> {
        let path = self.0.join(Id::new()?.as_str());
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }
}

impl Body {
    pub(crate) fn new(memory: &Arc<Memory>, folder: &Folder) -> Self {
        Self {
            memory: Vec::new(),
            share: memory.share(),
            file: None,
            folder: folder.clone(),
        }
    }

    /// Takes octets into memory, or says that there is no place and they are to go through [`Body::spill`].
    #[must_use]
    pub(crate) fn take(&mut self, octets: &[u8]) -> bool {
        let need = self.memory.len().saturating_add(octets.len());
        if need > self.memory.capacity() {
            let twice = self.memory.capacity().saturating_mul(2);
            let room = twice.clamp(FIRST, IN_MEMORY).max(need);
            if need > IN_MEMORY || !self.share.grow_if_spare(room) {
                return false;
            }
            self.memory
                .reserve_exact(room.saturating_sub(self.memory.len()));
        }
        self.memory.extend_from_slice(octets);
        true
    }

    /// Writes to the file what is in memory, and then these octets. What the share does not cover is not kept: a
    /// client that stops here holds no memory that nobody counts.
    ///
    /// # Errors
    /// What was written is lost then: the message cannot be taken.
    pub(crate) async fn spill(&mut self, octets: &[u8]) -> io::Result<()> {
        let mut file = self.file.take();
        let memory = std::mem::take(&mut self.memory);
        let more = octets.to_vec();
        let folder = self.folder.clone();
        let work = tokio::task::spawn_blocking(move || {
            let mut file = match file.take() {
                Some(file) => file,
                None => folder.file()?,
            };
            file.write_all(&memory)?;
            file.write_all(&more)?;
            io::Result::Ok((file, memory))
        });
        let (file, mut memory) = work.await.map_err(io::Error::other)??;
        memory.clear();
        self.file = Some(file);
        self.memory = memory;
        Ok(())
    }

    /// All of it, as what is in memory and then what is in a file. This blocks.
    pub(crate) fn parts(&mut self) -> io::Result<(&[u8], Option<Part<'_>>)> {
        let Some(file) = &mut self.file else {
            return Ok((&self.memory, None));
        };
        // In the file comes first what is there already.
        file.write_all(&self.memory)?;
        self.memory.clear();
        let octets = file.metadata()?.len();
        let part = Part {
            file,
            start: 0,
            octets,
        };
        Ok((&[], Some(part)))
    }

    /// Hands out all of it, in pieces. This blocks.
    pub(crate) fn read(&mut self, mut put: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if let Some(file) = &self.file {
            let mut piece = vec![0; PIECE];
            let mut at = 0;
            loop {
                // The file stays positioned at its end.
                let count = match file.read_at(&mut piece, at) {
                    Ok(0) => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    count => count?,
                };
                at = at.saturating_add(count as u64);
                put(piece.get(..count).unwrap_or_default())?;
            }
        }
        put(&self.memory)
    }
}

/// Octets that may still be written to the disk of a folder.
pub(crate) fn free_space(folder: &Path) -> io::Result<u64> {
    let system = rustix::fs::statvfs(folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("scop-content-{test}-{}", std::process::id()));
        let folder = Folder::new(&path);
        folder.make().unwrap();
        folder
    }

    async fn put(body: &mut Body, octets: &[u8]) {
        if !body.take(octets) {
            body.spill(octets).await.unwrap();
        }
    }

    fn whole(body: &mut Body) -> Vec<u8> {
        let mut read = Vec::new();
        body.read(|piece| {
            read.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
        read
    }

    #[tokio::test]
    async fn every_length_comes_back() {
        let folder = folder("length");
        for (memory, len) in [
            (1 << 20, 0),
            (1 << 20, 100),
            (1 << 20, IN_MEMORY),
            (1 << 20, IN_MEMORY + 1),
            (1 << 20, 3 * IN_MEMORY + 7),
            (0, 100),
            (FIRST, 5 * FIRST),
        ] {
            let memory = Memory::new(memory);
            let mut body = Body::new(&memory, &folder);
            let octets: Vec<u8> = (0..len)
                .map(|n: usize| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
                .collect();
            for piece in octets.chunks(4_099) {
                put(&mut body, piece).await;
            }
            assert!(whole(&mut body) == octets, "{len}");
            let (start, part) = body.parts().unwrap();
            let mut read = start.to_vec();
            if let Some(Part { file, octets, .. }) = part {
                read.resize(usize::try_from(octets).unwrap(), 0);
                file.read_exact_at(&mut read, 0).unwrap();
            }
            assert!(read == octets, "{len}");
            assert!(whole(&mut body) == octets, "{len}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        fs::remove_dir(folder.path()).unwrap();
    }

    #[tokio::test]
    async fn memory_is_bounded_and_given_back() {
        let folder = folder("memory");
        let memory = Memory::new(3 * FIRST);
        let free = || memory.free.load(Ordering::Relaxed);
        let mut bodies: Vec<Body> = (0..8).map(|_| Body::new(&memory, &folder)).collect();
        for body in &mut bodies {
            for _ in 0..10 {
                put(body, &[7; FIRST]).await;
            }
        }
        let kept: usize = bodies.iter().map(|body| body.memory.capacity()).sum();
        // Who gets no share keeps nothing, however much it sent.
        assert!(kept <= 3 * FIRST, "{kept}");
        drop(bodies);
        assert_eq!(free(), 3 * FIRST);
        fs::remove_dir(folder.path()).unwrap();
    }

    #[test]
    fn one_client_leaves_memory_to_others() {
        let memory = Memory::new(100);
        let free = |memory: &Memory| memory.free.load(Ordering::Relaxed);
        let (one, other) = (memory.part(40), memory.part(80));
        let mut first = one.share();
        assert!(first.grow(30));
        let mut second = one.share();
        assert!(!second.grow(11));
        assert_eq!((free(&one), free(&memory)), (10, 70));
        // What the whole does not have is not taken of the part.
        let mut third = other.share();
        assert!(!third.grow(71));
        assert_eq!((free(&other), free(&memory)), (80, 70));
        assert!(third.grow(70));
        assert!(third.grow(7), "a share does not shrink");
        drop(first);
        assert!(second.grow(30));
        drop((second, third));
        assert_eq!((free(&one), free(&other), free(&memory)), (40, 80, 100));
    }

    #[test]
    fn bodies_leave_half_to_headers() {
        let memory = Memory::new(100);
        let part = memory.part(40);
        let (mut body, mut header) = (part.share(), part.share());
        assert!(!body.grow_if_spare(21));
        assert!(body.grow_if_spare(20));
        assert!(header.grow(20));
        drop((body, header));
        let part = memory.part(200);
        let (mut body, mut header) = (part.share(), part.share());
        assert!(!body.grow_if_spare(51));
        assert!(body.grow_if_spare(50));
        assert!(header.grow(50));
    }
}
