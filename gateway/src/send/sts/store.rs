//! Policies on disk: one file for each domain, which has its name.
//!
//! ```text
//! scop-mta-sts 1
//! domain example.org
//! id 20261124T060000
//! fetched 1764000000
//!
//! version: STSv1
//! mode: enforce
//! ```
//!
//! Behind the empty line is the policy as it was served. A file that differs from this in anything is removed, and
//! the policy is fetched again. There are [`DOMAINS`] of them; when there are more, those that were fetched longest
//! ago go.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

use scop_core::UnixTime;
use scop_smtp_proto::policy::mta_sts::{Cached, Id, Policy, PolicyLimits};

use super::Kept;

/// Files that are kept.
pub(super) const DOMAINS: usize = 10_000;

/// The first line.
const FORMAT: &str = "scop-mta-sts 1";

/// Octets before the policy, and some.
const HEAD: usize = 512;

/// What no domain begins with: a file that is being written.
const UNFINISHED: &str = ".new-";

/// The folder.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// About how many files there are.
    files: AtomicUsize,
    limit: usize,
    number: AtomicU64,
}

impl Store {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Self::open_with(folder, DOMAINS)
    }

    pub(super) fn open_with(folder: &Path, limit: usize) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut files = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            } else {
                files += 1;
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            files: AtomicUsize::new(files),
            limit,
            number: AtomicU64::new(0),
        })
    }

    /// The policy of a domain, in lower case. A file that is none is removed.
    pub(super) fn read(&self, domain: &str) -> io::Result<Option<Kept>> {
        let path = self.folder.join(domain);
        let mut octets = Vec::new();
        let most = PolicyLimits::DEFAULT.octets.saturating_add(HEAD) as u64;
        match File::open(&path) {
            Ok(file) => file.take(most).read_to_end(&mut octets)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if let Some(kept) = parse(domain, &octets) {
            return Ok(Some(kept));
        }
        fs::remove_file(&path)?;
        self.files.fetch_sub(1, Ordering::Relaxed);
        let rule = format!(
            "{}: not a policy as it was written; removed",
            path.display()
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, rule))
    }

    /// Keeps a policy in one step.
    pub(super) fn write(&self, domain: &str, kept: &Kept) -> io::Result<()> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.folder.join(format!("{UNFINISHED}{number}"));
        let path = self.folder.join(domain);
        let is_new = !path.exists();
        let written = write_file(&unfinished, &emit(domain, kept))
            .and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        File::open(&self.folder)?.sync_all()?;
        if is_new && self.files.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.make_room()?;
        }
        Ok(())
    }

    /// Removes the oldest until a twentieth is free.
    fn make_room(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        files.sort();
        let keep = self.limit - self.limit / 20;
        let too_many = files.len().saturating_sub(keep);
        for (_, path) in files.iter().take(too_many) {
            fs::remove_file(path)?;
        }
        self.files.store(files.len() - too_many, Ordering::Relaxed);
        Ok(())
    }
}

fn write_file(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

fn emit(domain: &str, kept: &Kept) -> Vec<u8> {
    let Cached { id, fetched, .. } = kept.cached;
    let head = format!(
        "{FORMAT}\ndomain {domain}\nid {id}\nfetched {}\n\n",
        fetched.0
    );
    [head.as_bytes(), &kept.text].concat()
}

fn parse(domain: &str, octets: &[u8]) -> Option<Kept> {
    let end = octets.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, rest) = octets.split_at_checked(end)?;
    let text = rest.get(2..)?;
    let mut lines = std::str::from_utf8(head).ok()?.split('\n');
    let mut value = |name: &str| lines.next()?.strip_prefix(name);
    if !value(FORMAT)?.is_empty() || value("domain ")? != domain {
        return None;
    }
    let id = Id::new(value("id ")?.as_bytes())?;
    let fetched = value("fetched ")?.parse().ok()?;
    if lines.next().is_some() {
        return None;
    }
    let policy = Policy::parse(text).ok()?;
    Some(Kept {
        cached: Cached::new(id, &policy, UnixTime(fetched)),
        text: Arc::from(text),
    })
}
