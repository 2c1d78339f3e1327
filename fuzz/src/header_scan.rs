//! The header scanner against a naive one, from both ends, and the search for the end of the header
//! in a buffer that grows.

use scop_mime_core::{Field, HeaderBlock, HeaderEnd, Message, find_header_end};

use crate::choice::Choice;

/// Any bytes are a message.
pub fn run(data: &[u8]) {
    let message = Message::split(data);
    let naive = Naive::read(data);

    let forward: Vec<Field<'_>> = message.header.fields().collect();
    let raws: Vec<&[u8]> = forward.iter().map(Field::raw).collect();
    assert_eq!(raws, naive.fields, "fields");
    assert_eq!(message.separator, naive.separator, "separator");
    assert_eq!(message.body, naive.body, "body");

    let mut offset = 0;
    for field in &forward {
        check_field(field);
        assert_eq!(field.offset(), offset);
        offset += field.raw().len();
    }
    assert_eq!(offset, message.header.as_bytes().len());
    assert_eq!(HeaderBlock::new(data), message.header);

    let mut backward: Vec<Field<'_>> = message.header.fields().rev().collect();
    backward.reverse();
    assert_eq!(forward, backward, "from the end");
    check_both_ends(&forward, message.header, data);
    check_growth(data, naive.end());
}

/// Takes fields from the two ends in turn, as `data` chooses.
fn check_both_ends(forward: &[Field<'_>], header: HeaderBlock<'_>, data: &[u8]) {
    let mut choice = Choice::of(data);
    let mut fields = header.fields();
    let (mut front, mut back) = (Vec::new(), Vec::new());
    loop {
        let (field, side) = if choice.one_in(2) {
            (fields.next(), &mut front)
        } else {
            (fields.next_back(), &mut back)
        };
        match field {
            Some(field) => side.push(field),
            None => break,
        }
    }
    assert!(fields.next().is_none() && fields.next_back().is_none());
    front.extend(back.into_iter().rev());
    assert_eq!(forward, front, "from both ends");
}

/// The search may stop and go on at any byte.
fn check_growth(data: &[u8], end: Option<(usize, usize)>) {
    // All prefixes of a short message; of a long one, those around its start and its header's end.
    let near = |at: usize| at.saturating_sub(64)..(at + 64).min(data.len() + 1);
    let mut cuts: Vec<usize> = near(0)
        .chain(near(end.map_or(0, |(header_len, _)| header_len)))
        .chain([data.len()])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();

    let mut resume = 0;
    for &cut in &cuts {
        let fresh = find_header_end(&data[..cut], 0);
        let resumed = find_header_end(&data[..cut], resume);
        match (fresh, resumed) {
            (
                HeaderEnd::Found {
                    header_len,
                    body_start,
                },
                resumed,
            ) => {
                assert_eq!(fresh, resumed, "cut at {cut}, resumed at {resume}");
                assert_eq!(Some((header_len, body_start)), end, "cut at {cut}");
                return;
            }
            (HeaderEnd::NotYet { .. }, HeaderEnd::NotYet { resume: next }) => {
                assert!(
                    resume <= next && next <= cut,
                    "the search goes on, in bounds"
                );
                resume = next;
            }
            (HeaderEnd::NotYet { .. }, HeaderEnd::Found { .. }) => panic!("{cut}: {resumed:?}"),
        }
    }
    assert_eq!(end, None, "the end was not found");
}

fn check_field(field: &Field<'_>) {
    let raw = field.raw();
    assert!(!raw.is_empty());
    // The name is read from the first line: `field-name *WSP ":"` (RFC 5322 2.2, 4.5.8).
    let line = raw.split_inclusive(|&byte| byte == b'\n').next().unwrap();
    let before = line.iter().position(|&byte| byte == b':').map(|colon| {
        let name = &line[..colon];
        let end = name.iter().rposition(|byte| !b" \t".contains(byte));
        &name[..end.map_or(0, |last| last + 1)]
    });
    let name = before
        .filter(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic))
        .unwrap_or_default();
    assert_eq!(field.name(), name);
    assert_eq!(field.is_malformed(), name.is_empty());
    assert_eq!(field.is(&name.to_ascii_uppercase()), !name.is_empty());
    assert!(!field.is_malformed() || field.defect().is_some());

    let value_end = field.value_start() + field.value().len();
    assert_eq!(&raw[field.value_start()..value_end], field.value());
    assert!(matches!(&raw[value_end..], b"" | b"\n" | b"\r\n"));
    assert_eq!(
        &raw[..field.value_start()].last(),
        &(!name.is_empty()).then_some(&b':')
    );

    let defects: Vec<_> = field.defects().collect();
    assert_eq!(defects.first().copied(), field.defect());
    let long = raw.split(|&byte| byte == b'\n').any(|line| {
        line.strip_suffix(b"\r").unwrap_or(line).len() > 998 // RFC 5322 2.1.1
    });
    for (defect, is_there) in [
        (scop_mime_core::FieldDefect::Nul, raw.contains(&0)),
        (
            scop_mime_core::FieldDefect::Control,
            raw.iter()
                .any(|&byte| byte != 0 && byte.is_ascii_control() && !b"\t\r\n".contains(&byte)),
        ),
        (
            scop_mime_core::FieldDefect::NotUtf8,
            std::str::from_utf8(raw).is_err(),
        ),
        (
            scop_mime_core::FieldDefect::SpaceBeforeColon,
            before.is_some_and(|before| before.len() + 1 < field.value_start()),
        ),
    ] {
        assert_eq!(defects.contains(&defect), is_there, "{defect:?}");
    }
    // A CR that ends the last field, without LF, makes the line longer by one.
    if !raw.ends_with(b"\r") {
        let found = defects.contains(&scop_mime_core::FieldDefect::LineTooLong);
        assert_eq!(found, long);
    }
}

/// Line by line.
pub(crate) struct Naive<'a> {
    pub(crate) fields: Vec<&'a [u8]>,
    separator: &'a [u8],
    body: &'a [u8],
}

impl<'a> Naive<'a> {
    pub(crate) fn read(data: &'a [u8]) -> Self {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        for line in data.split_inclusive(|&byte| byte == b'\n') {
            let end = at + line.len();
            match line {
                b"\n" | b"\r\n" => {
                    return Self {
                        fields: spans
                            .iter()
                            .map(|&(start, end)| &data[start..end])
                            .collect(),
                        separator: line,
                        body: &data[end..],
                    };
                }
                [b' ' | b'\t', ..] if !spans.is_empty() => spans.last_mut().unwrap().1 = end,
                _ => spans.push((at, end)),
            }
            at = end;
        }
        Self {
            fields: spans
                .iter()
                .map(|&(start, end)| &data[start..end])
                .collect(),
            separator: b"",
            body: b"",
        }
    }

    /// Where the header ends and the body begins.
    fn end(&self) -> Option<(usize, usize)> {
        let header_len = self.fields.iter().map(|field| field.len()).sum::<usize>();
        (!self.separator.is_empty()).then_some((header_len, header_len + self.separator.len()))
    }
}
