//! Counts on disk: one file for each day.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tracing::warn;

use super::Kept;
use super::count::Day;

/// The days that are on disk. A file that is none is put aside.
pub(super) fn read_days(folder: &Path) -> io::Result<BTreeMap<u64, Kept>> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut days = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("new") => fs::remove_file(&path)?,
            Some("json") => {
                let octets = fs::read(&path)?;
                let day = Day::parse(&octets).filter(|day| {
                    path.file_name()
                        .is_some_and(|name| name == day.file_name().as_str())
                });
                if let Some(day) = day {
                    let is_changed = false;
                    days.insert(day.number(), Kept { day, is_changed });
                } else {
                    warn!(
                        "{}: not counts of TLS as they were written; put aside",
                        path.display()
                    );
                    fs::rename(&path, path.with_extension("broken"))?;
                }
            }
            _ => {}
        }
    }
    Ok(days)
}

/// In one step.
pub(super) fn write_file(path: &Path, octets: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let file = fs::File::create(&unfinished)?;
    io::Write::write_all(&mut &file, octets)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent()
        .map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}
