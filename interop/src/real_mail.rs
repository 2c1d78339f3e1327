//! Real mail: the messages that `interop/real-mail/fetch` gets, as they were stored and with CRLF.

use std::path::{Path, PathBuf};

/// How many there are.
pub const COUNT: usize = 6_046;

/// What to do when there are none.
pub const HOW: &str = "no real mail: interop/real-mail/fetch gets it";

/// One message.
#[derive(Debug)]
pub struct RealMail {
    /// Its folder and number, the only thing of it to print.
    pub id: String,
    /// As it was stored, with LF (nearly always), without the `From ` line of an mbox.
    pub stored: Vec<u8>,
}

impl RealMail {
    /// With CRLF, as it came over the wire.
    pub fn crlf(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.stored.len() + self.stored.len() / 32);
        let mut before = 0;
        for &byte in &self.stored {
            if byte == b'\n' && before != b'\r' {
                out.push(b'\r');
            }
            out.push(byte);
            before = byte;
        }
        out
    }
}

/// All messages in the order of their names, from the folder `SCOP_REAL_MAIL` or `target/real-mail`;
/// `None` when they are not there.
///
/// # Panics
/// When some are missing or cannot be read.
pub fn real_mail() -> Option<Vec<RealMail>> {
    let root = std::env::var_os("SCOP_REAL_MAIL").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/real-mail")),
        PathBuf::from,
    );
    let folders = names(&root)?;
    let mut all = Vec::with_capacity(COUNT);
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for file in names(folder)? {
            let bytes = std::fs::read(&file).expect("a message can be read");
            all.push(RealMail {
                id: id(&file)?,
                stored: without_from_line(bytes),
            });
        }
    }
    assert_eq!(all.len(), COUNT, "messages in {}", root.display());
    Some(all)
}

fn names(folder: &Path) -> Option<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut names: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    names.sort();
    Some(names)
}

/// `spam-1/00001` for `.../spam-1/00001.7848dde101aa985090474a91ec93fcf0.txt`.
fn id(file: &Path) -> Option<String> {
    let folder = file.parent()?.file_name()?.to_str()?;
    let number = file.file_name()?.to_str()?.split('.').next()?;
    Some(format!("{folder}/{number}"))
}

fn without_from_line(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(b"From ") {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        bytes.drain(..end.map_or(bytes.len(), |at| at + 1));
    }
    bytes
}
