//! `scop sign`: a message with a DKIM-Signature field before it, and not a byte of it changed.
//!
//! The field comes first and needs the hash of the body, so a message is read twice: a file by going
//! back to its start, other input from memory or, when it is long, from a temporary file without a name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, Write};

use scop_crypto::RUST_CRYPTO;
use scop_dkim::canonical::Canonicalization;
use scop_dkim::sign::{SignOptions, Signer, SignerError};
use scop_mime_core::HeaderBlock;

use super::check::now;
use super::keygen::key_name;
use crate::cli::Sign;
use crate::error::Error;
use crate::key_file::{self, SigningKey};
use crate::message::{LineEnds, MessageReader, Source, reason};
use crate::output_error;
use crate::terminal::say;

/// Input that cannot be read twice is held in memory up to this length.
const SPOOL_MEMORY: usize = 1 << 20;

/// Writes the signed message to `out`.
pub(crate) fn run(arguments: &Sign, out: &mut impl Write) -> Result<(), Error> {
    key_name(&arguments.selector, &arguments.domain)?;
    let Some(canonicalization) = Canonicalization::parse(arguments.canon.as_bytes()) else {
        let rule = "relaxed or simple is needed for the header, and after a slash for the body (RFC 6376 3.5)";
        return Err(Error::new("--canon", rule));
    };
    if let Some(warning) = key_file::warning(&arguments.key) {
        say(format_args!("warning: {warning}"));
    }
    let key = SigningKey::read(&arguments.key)?;
    let options = SignOptions::new(arguments.domain.as_bytes(), arguments.selector.as_bytes())
        .canonicalization(canonicalization)
        .signed_at(arguments.at.unwrap_or_else(now));
    let source = Source::from_argument(arguments.file.as_deref());
    let fail = |error: io::Error| Error::new(&source, reason(&error));
    let seekable = match &source {
        Source::File(path) => {
            let file = Source::open_file(path)?;
            match file.metadata() {
                Ok(metadata) if metadata.is_file() => Ok(file),
                _ => Err(file),
            }
        }
        Source::Stdin => return sign_stream(&source, Source::stdin(), &key, options, out),
    };
    match seekable {
        Ok(mut file) => {
            let (field, length) = signature(&source, &file, &key, options)?;
            file.rewind().map_err(fail)?;
            write(out, &field)?;
            let copied = copy(&source, &mut file, out)?;
            if copied != length {
                let rule = "the file changed while it was signed; what was written is not valid";
                return Err(Error::at(&source, copied.min(length), rule));
            }
            Ok(())
        }
        Err(stream) => sign_stream(&source, stream, &key, options, out),
    }
}

fn sign_stream(
    source: &Source,
    stream: impl Read,
    key: &SigningKey,
    options: SignOptions<'_>,
    out: &mut impl Write,
) -> Result<(), Error> {
    let mut spool = Spool::default();
    let tee = Tee {
        reader: stream,
        spool: &mut spool,
    };
    let (field, _) = signature(source, tee, key, options)?;
    write(out, &field)?;
    write(out, &spool.memory)?;
    if let Some(mut file) = spool.file {
        file.rewind()
            .map_err(|error| Error::new("a temporary file", reason(&error)))?;
        copy(source, &mut file, out)?;
    }
    Ok(())
}

/// Reads a message to its end; gives the field with the line end of the message, and its length.
fn signature(
    source: &Source,
    reader: impl Read,
    key: &SigningKey,
    options: SignOptions<'_>,
) -> Result<(Vec<u8>, u64), Error> {
    let (mut message, header) = MessageReader::new(source.clone(), reader)?;
    if header.is_from_mbox() {
        let rule = "this line separates messages in an mbox file, and is no part of one (RFC 4155)";
        return Err(Error::at(source, 0, rule));
    }
    let block = HeaderBlock::new(header.as_bytes());
    let fail = |message: &MessageReader<_>, error: SignerError| match error {
        SignerError::BareLineEnd => {
            // Without such a byte, it is the end of the file that comes too soon.
            let byte = message.bare().unwrap_or(message.len());
            Error::at(source, byte, error)
        }
        SignerError::Domain => Error::new("--domain", error),
        SignerError::Selector => Error::new("--selector", error),
        SignerError::Times => Error::new("--at", error),
        _ => Error::new(source, error),
    };
    let mut signer = Signer::new(block, key.as_sign(), RUST_CRYPTO, options)
        .map_err(|error| fail(&message, error))?;
    while let Some(chunk) = message.body_chunk()? {
        signer.body(chunk);
    }
    let mut field = Vec::new();
    signer
        .finish(&mut field)
        .map_err(|error| fail(&message, error))?;
    if let LineEnds::Lf | LineEnds::LfWithCrlf { .. } = message.line_ends() {
        say(format_args!(
            "{source}: the line ends are LF: signed as CRLF, which is how it will travel, and written as LF"
        ));
        field.retain(|&byte| byte != b'\r');
    }
    Ok((field, message.len()))
}

fn write(out: &mut impl Write, bytes: &[u8]) -> Result<(), Error> {
    out.write_all(bytes).map_err(output_error)
}

fn copy(source: &Source, from: &mut File, out: &mut impl Write) -> Result<u64, Error> {
    let mut chunk = vec![0; 64 * 1024];
    let mut copied = 0;
    loop {
        let count = match from.read(&mut chunk) {
            Ok(0) => return Ok(copied),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::new(source, reason(&error))),
        };
        write(out, chunk.get(..count).unwrap_or_default())?;
        copied += count as u64;
    }
}

/// Keeps what is read, to be read again.
#[derive(Default)]
struct Spool {
    memory: Vec<u8>,
    /// What comes after `memory`.
    file: Option<File>,
}

impl Spool {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() && self.memory.len() + bytes.len() > SPOOL_MEMORY {
            self.file = Some(unnamed_file()?);
        }
        let Some(file) = &mut self.file else {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        };
        file.write_all(bytes)
    }
}

/// Keeps what passes by.
struct Tee<'s, R> {
    reader: R,
    spool: &'s mut Spool,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.spool.keep(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

/// A new file in the folder for temporary files that nobody else can read; it goes away with the program.
pub(crate) fn unnamed_file() -> io::Result<File> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let name = format!("scop-{:032x}", u128::from_ne_bytes(random));
    let path = std::env::temp_dir().join(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    // Open files live on without their name on Unix; elsewhere the name stays until it is cleaned up.
    let _ = std::fs::remove_file(&path);
    Ok(file)
}
