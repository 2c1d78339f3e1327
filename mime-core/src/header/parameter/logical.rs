//! The parameter that is meant: pieces joined, percent-encoding undone (RFC 2231 3, 4).

use memchr::memchr;
use scop_core::{Cursor, Full, Sink};

use super::read::Reader;
use super::{MAX_SECTIONS, Parameters, Section};

/// A parameter: one section, or several that continue one another.
#[derive(Clone, Copy, Debug)]
pub struct Parameter<'a> {
    parameters: Parameters<'a>,
    /// The section without number, or with number 0.
    first: Section<'a>,
}

impl<'a> Parameter<'a> {
    pub(super) fn find(parameters: Parameters<'a>, name: &[u8]) -> Option<Self> {
        let mut plain = None;
        for section in parameters.bounded().filter(|section| section.is_of(name)) {
            match (section.number, section.extended) {
                (None, true) | (Some(0), _) => {
                    return Some(Self {
                        parameters,
                        first: section,
                    });
                }
                (None, false) => {
                    plain.get_or_insert(section);
                }
                (Some(_), _) => {}
            }
        }
        plain.map(|first| Self { parameters, first })
    }

    /// The first piece: all of the parameter, unless it has a number.
    pub const fn first(&self) -> Section<'a> {
        self.first
    }

    /// The name as written in the first piece.
    pub const fn name(&self) -> &'a [u8] {
        self.first.name
    }

    /// The name of the character set (RFC 2231 4); `None` where there is none or an empty one.
    pub fn charset(&self) -> Option<&'a [u8]> {
        let (charset, _) = charset_and_language(&self.first)?;
        Some(charset).filter(|charset| !charset.is_empty())
    }

    /// The language tag (RFC 2231 4); `None` where there is none or an empty one.
    pub fn language(&self) -> Option<&'a [u8]> {
        let (_, language) = charset_and_language(&self.first)?;
        Some(language).filter(|language| !language.is_empty())
    }

    /// Writes the octets that are meant: quotes, backslashes, folds and percent-encoding removed, the
    /// pieces joined. They are in [`Self::charset`], and may be any octets.
    ///
    /// # Errors
    /// `Full` when the sink cannot take them.
    pub fn octets<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if self.first.number.is_none() {
            return put_octets(&self.first, sink);
        }
        // Where the section with each number begins, plus one.
        let mut places = [0_usize; MAX_SECTIONS];
        for section in self.parameters.bounded() {
            if !section.is_of(self.first.name) {
                continue;
            }
            let number = section
                .number
                .and_then(|number| usize::try_from(number).ok());
            if let Some(place) = number.and_then(|number| places.get_mut(number))
                && *place == 0
            {
                *place = section.offset.saturating_add(1);
            }
        }
        for place in places {
            let Some(offset) = place.checked_sub(1) else {
                break;
            };
            let mut reader = Reader::new(Cursor::at(self.parameters.value, offset));
            if let Some(section) = reader.section() {
                put_octets(&section, sink)?;
            }
        }
        Ok(())
    }

    /// Whether the octets are `bytes`.
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.matches(bytes, <[u8]>::eq)
    }

    /// Whether the octets are `bytes`, without regard to ASCII case.
    pub fn is_ignore_case(&self, bytes: &[u8]) -> bool {
        self.matches(bytes, <[u8]>::eq_ignore_ascii_case)
    }

    fn matches(&self, bytes: &[u8], equal: fn(&[u8], &[u8]) -> bool) -> bool {
        let mut rest = Matching { rest: bytes, equal };
        self.octets(&mut rest).is_ok() && rest.rest.is_empty()
    }
}

/// Takes nothing but the expected bytes.
struct Matching<'b> {
    rest: &'b [u8],
    equal: fn(&[u8], &[u8]) -> bool,
}

impl Sink for Matching<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let (due, rest) = self.rest.split_at_checked(bytes.len()).ok_or(Full)?;
        if !(self.equal)(due, bytes) {
            return Err(Full);
        }
        self.rest = rest;
        Ok(())
    }
}

/// What stands before the two apostrophes of an initial extended value.
fn charset_and_language<'a>(section: &Section<'a>) -> Option<(&'a [u8], &'a [u8])> {
    if !section.extended || section.number.unwrap_or(0) != 0 {
        return None;
    }
    let raw = section.value?.raw();
    let inner = raw.strip_prefix(b"\"").unwrap_or(raw);
    let (charset, rest) = inner.split_at_checked(memchr(b'\'', inner)?)?;
    let rest = rest.get(1..)?;
    let language = rest.get(..memchr(b'\'', rest)?)?;
    Some((charset, language))
}

fn put_octets<S: Sink + ?Sized>(section: &Section<'_>, sink: &mut S) -> Result<(), Full> {
    let Some(value) = section.value else {
        return Ok(());
    };
    let mut apostrophes_due = if charset_and_language(section).is_some() {
        2
    } else {
        0
    };
    for mut run in value.text().runs() {
        while apostrophes_due > 0 {
            let Some(at) = memchr(b'\'', run) else {
                run = &[];
                break;
            };
            run = run.get(at.saturating_add(1)..).unwrap_or_default();
            apostrophes_due -= 1;
        }
        if section.extended {
            put_decoded(run, sink)?;
        } else {
            sink.put(run)?;
        }
    }
    Ok(())
}

/// Writes `text` with its percent-encoding undone; also says whether all of that is well formed. What
/// is not stays as written.
pub(super) fn put_decoded<S: Sink + ?Sized>(text: &[u8], sink: &mut S) -> Result<bool, Full> {
    let mut cursor = Cursor::new(text);
    let mut well_formed = true;
    loop {
        sink.put(cursor.take_while(|byte| byte != b'%'))?;
        if cursor.take_byte().is_none() {
            return Ok(well_formed);
        }
        let mut ahead = cursor;
        let octet = ahead
            .take_array()
            .and_then(|[high, low]| Some(hex_digit(high)?.wrapping_shl(4) | hex_digit(low)?));
        if let Some(octet) = octet {
            cursor = ahead;
            sink.put_byte(octet)?;
        } else {
            well_formed = false;
            sink.put_byte(b'%')?;
        }
    }
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte & 0xf),
        b'a'..=b'f' | b'A'..=b'F' => Some((byte & 0xf).wrapping_add(9)),
        _ => None,
    }
}
