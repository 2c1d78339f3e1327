//! What the tests of the encodings share.

use std::vec::Vec;

use proptest::prelude::*;

use crate::defect::{Defect, DefectKind};

/// What a decoder made of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) octets: Vec<u8>,
    /// The first of each kind, in the order of the kinds.
    defects: Vec<(DefectKind, u64)>,
}

impl Run {
    pub(crate) fn new(octets: Vec<u8>, defects: impl Iterator<Item = Defect>) -> Self {
        let mut defects: Vec<_> = defects.map(|defect| (defect.kind, defect.offset)).collect();
        defects.sort_unstable();
        Self { octets, defects }
    }

    pub(crate) fn clean(octets: &[u8]) -> Self {
        Self::with(octets, &[])
    }

    pub(crate) fn with(octets: &[u8], defects: &[(DefectKind, u64)]) -> Self {
        let defects = defects
            .iter()
            .map(|&(kind, offset)| Defect::new(kind, offset));
        Self::new(octets.to_vec(), defects)
    }

    pub(crate) fn first(&self, kind: DefectKind) -> Option<u64> {
        let mut defects = self.defects.iter();
        defects
            .find(|defect| defect.0 == kind)
            .map(|defect| defect.1)
    }

    pub(crate) fn note(&mut self, kind: DefectKind, at: usize) {
        let at = u64::try_from(at).unwrap();
        match self.defects.iter_mut().find(|defect| defect.0 == kind) {
            Some(defect) => defect.1 = defect.1.min(at),
            None => self.defects.push((kind, at)),
        }
        self.defects.sort_unstable();
    }

    /// Notes the lines of more than 76 characters.
    pub(crate) fn check_lines(&mut self, text: &[u8]) {
        let mut start = 0;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let bare = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n"));
            if bare.unwrap_or(line).len() > 76 {
                self.note(DefectKind::EncodedLineTooLong, start + 76);
            }
            start += line.len();
        }
    }
}

/// Decodes `text` whole, byte by byte, and in every two pieces.
pub(crate) fn every_split(text: &[u8], decode: impl Fn(&[&[u8]]) -> Run, expected: &Run) {
    let show = text.escape_ascii();
    assert_eq!(&decode(&[text]), expected, "{show}");
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    assert_eq!(&decode(&bytes), expected, "{show} by bytes");
    for at in 0..=text.len() {
        let (left, right) = text.split_at(at);
        assert_eq!(&decode(&[left, right]), expected, "{show} cut at {at}");
    }
}

/// `text` cut after so many bytes again and again.
pub(crate) fn in_pieces<'a>(text: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let mut rest = text;
    let mut pieces = Vec::new();
    for &cut in cuts {
        let (piece, after) = rest.split_at(usize::from(cut % 40).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// Runs of `good` bytes with bytes of `bad` between, and runs of one byte of these.
pub(crate) fn damaged(
    good: &'static [u8],
    bad: &'static [u8],
    len: usize,
) -> impl Strategy<Value = Vec<u8>> {
    let good_run = prop::collection::vec(prop::sample::select(good), 0..100);
    let bad_run = (
        prop::sample::select(bad),
        prop_oneof![8 => 1..3_usize, 1 => 70..90_usize],
    )
        .prop_map(|(byte, count)| std::vec![byte; count]);
    let few = prop::collection::vec(prop::sample::select(good), 0..5);
    let piece = prop_oneof![1 => good_run, 3 => few, 6 => bad_run, 1 => Just(b"\r\n".to_vec())];
    prop::collection::vec(piece, 0..len / 8).prop_map(|pieces| pieces.concat())
}

/// Text in which every LF has its CR.
pub(crate) fn canonical(octets: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for &octet in octets {
        if octet == b'\n' && text.last() != Some(&b'\r') {
            text.push(b'\r');
        }
        text.push(octet);
    }
    text
}
