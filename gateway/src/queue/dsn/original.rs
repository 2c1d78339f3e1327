//! What a notification gives back of its message (RFC 3461 4.3, RFC 6522 3).

use std::io;
use std::os::unix::fs::FileExt as _;

use scop_mime_core::report::delivery::Action;
use scop_mime_core::{HeaderEnd, find_header_end};
use scop_smtp_proto::parameter::Ret;

use super::{Told, is_secret, parameter};
use crate::spool::Entry;

/// The longest message that is given back whole, where its sender asked for that.
const MAX_FULL: u64 = 1 << 20;

/// The longest header that is given back.
pub(super) const MAX_HEADER: usize = 64 << 10;

/// What is given back of a message.
pub(super) struct Original {
    pub(super) octets: Vec<u8>,
    /// 0 when the header is too long.
    pub(super) header_len: usize,
    pub(super) is_full: bool,
}

impl Original {
    pub(super) fn read(entry: &Entry, told: &[Told<'_>]) -> io::Result<Self> {
        // RET is of notifications of failure (RFC 3461 4.3).
        let is_failure = told.iter().any(|told| told.action == Action::Failed);
        let ret = parameter(&entry.envelope.parameters, "RET").map(Ret::parse);
        let is_full = is_failure
            && matches!(ret, Some(Ok(Ret::Full)))
            // The whole message is not to travel once more (RFC 8689 5).
            && !is_secret(&entry.envelope)
            && entry.octets <= MAX_FULL;
        let length = if is_full {
            entry.octets
        } else {
            entry.octets.min(MAX_HEADER as u64)
        };
        let mut octets = vec![0; usize::try_from(length).unwrap_or(MAX_HEADER)];
        entry.file.read_exact_at(&mut octets, entry.start)?;
        let header_len = match find_header_end(&octets, 0) {
            HeaderEnd::Found { header_len, .. } => header_len.min(MAX_HEADER),
            // All of it is header.
            HeaderEnd::NotYet { .. } if length == entry.octets => octets.len().min(MAX_HEADER),
            HeaderEnd::NotYet { .. } => 0,
        };
        Ok(Self {
            octets,
            header_len,
            is_full,
        })
    }
}
