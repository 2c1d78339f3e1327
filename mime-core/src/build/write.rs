//! Writing a draft: the header, then the tree of bodies.

use scop_core::{Emit, Full, Sink};

use super::body::{Body, Disposition, Kind};
use super::boundary::Boundary;
use super::content::{self, Lines, PlainCheck, of_text};
use super::error::{BuildError, BuildErrorKind, Fault, Item};
use super::field::{check_text, emit_id, emit_mailbox};
use super::walk::{Step, Walk};
use super::{Draft, Options, Transport};
use crate::coding::Form;
use crate::coding::encoding::Encoding;
use crate::header::encoded_word::{Utf8, emit_unstructured};
use crate::header::fold::FoldSink;
use crate::header::lexical::is_wsp;
use crate::header::parameter::read::is_token_byte;
use crate::header::parameter::{WriteParameterError, emit_parameter};
use crate::header::scan::Message;
use crate::limits::Limits;

pub(super) fn write<S: Sink + ?Sized>(
    draft: &Draft<'_>,
    options: &Options,
    sink: &mut S,
) -> Result<(), BuildError> {
    let survey = Survey::of(draft, options)?;
    let mut writer = Writer::new(sink, options, survey);
    writer.header(draft)?;
    let mut walk = Walk::new(&draft.body);
    let mut is_closed = false;
    loop {
        let step = walk.next();
        writer.part = walk.part();
        match step.map_err(|fault| writer.error(Item::Whole, fault))? {
            None => break,
            Some(Step::Enter {
                body,
                within,
                number,
            }) => {
                if let Some((number, is_first)) = within {
                    writer.delimiter(number, is_first, false)?;
                }
                writer.body(body, number)?;
                is_closed = false;
            }
            Some(Step::Leave(number)) => {
                writer.delimiter(number, false, true)?;
                is_closed = true;
            }
        }
    }
    if is_closed {
        writer.put(b"\r\n")?;
    }
    Ok(())
}

/// What must be known of the whole before the first byte is written.
struct Survey {
    boundary: Boundary,
    /// Whether some content is written as 8bit: what it is in must say so too (RFC 2045 6.4).
    eight_bit: bool,
}

impl Survey {
    fn of(draft: &Draft<'_>, options: &Options) -> Result<Self, BuildError> {
        let (mut has_opaque, mut eight_bit) = (false, false);
        each_body(draft, |body| {
            let encoding = match body.kind {
                Kind::Message(message) => {
                    has_opaque = true;
                    PlainCheck::of(message).finish(options.transport)?
                }
                Kind::Machine { written, .. } => {
                    has_opaque = true;
                    let mut check = PlainCheck::default();
                    written.write_to(&mut check)?;
                    check.finish(options.transport)?
                }
                Kind::Text { text, .. } if options.transport >= Transport::EightBit => {
                    of_text(text, options.transport).encoding
                }
                Kind::Draft(inner) if !has_ascii_header(inner, options) => Encoding::EightBit,
                _ => Encoding::SevenBit,
            };
            eight_bit |= encoding == Encoding::EightBit;
            Ok(())
        })?;
        let attempts = if has_opaque { Boundary::ATTEMPTS } else { 1 };
        for attempt in 0..attempts {
            let boundary = Boundary::derive(options.entropy, attempt);
            if !has_opaque || !is_taken(&boundary, draft)? {
                return Ok(Self {
                    boundary,
                    eight_bit,
                });
            }
        }
        let fault = Fault::new(BuildErrorKind::NoBoundary, 0);
        Err(BuildError::new(0, Item::Whole, fault))
    }
}

/// Whether the fields of a draft are ASCII; only with SMTPUTF8 can it be otherwise. What cannot be written
/// at all is an error when it is written.
fn has_ascii_header(draft: &Draft<'_>, options: &Options) -> bool {
    if options.transport < Transport::Utf8 {
        return true;
    }
    let mut check = PlainCheck::default();
    let survey = Survey {
        boundary: Boundary::derive(options.entropy, 0),
        eight_bit: false,
    };
    let _ = Writer::new(&mut check, options, survey).header(draft);
    check.is_ascii()
}

/// Whether octets that are written as they are hold the boundary.
fn is_taken(boundary: &Boundary, draft: &Draft<'_>) -> Result<bool, BuildError> {
    let mut is_taken = false;
    each_body(draft, |body| {
        let mut search = boundary.search();
        match body.kind {
            Kind::Message(message) => search.put(message)?,
            Kind::Machine { written, .. } => written.write_to(&mut search)?,
            Kind::Text { .. } | Kind::Octets { .. } | Kind::Draft(_) | Kind::Multipart { .. } => {}
        }
        is_taken |= search.found;
        Ok(())
    })?;
    Ok(is_taken)
}

fn each_body<'a>(
    draft: &'a Draft<'a>,
    mut visit: impl FnMut(&'a Body<'a>) -> Result<(), Fault>,
) -> Result<(), BuildError> {
    let mut walk = Walk::new(&draft.body);
    loop {
        let step = walk.next();
        let error = |item, fault| BuildError::new(walk.part(), item, fault);
        match step.map_err(|fault| error(Item::Whole, fault))? {
            None => return Ok(()),
            Some(Step::Leave(_)) => {}
            Some(Step::Enter { body, .. }) => {
                visit(body).map_err(|fault| error(Item::Content, fault))?;
            }
        }
    }
}

struct Writer<'s, S: ?Sized> {
    sink: &'s mut S,
    options: &'s Options,
    survey: Survey,
    part: usize,
    /// How many octets and fields the header has so far.
    octets: usize,
    fields: usize,
}

impl<'s, S: Sink + ?Sized> Writer<'s, S> {
    const fn new(sink: &'s mut S, options: &'s Options, survey: Survey) -> Self {
        Self {
            sink,
            options,
            survey,
            part: 0,
            octets: 0,
            fields: 0,
        }
    }

    /// The fields of a message, but for those of its body.
    fn header(&mut self, draft: &Draft<'_>) -> Result<(), BuildError> {
        let options = self.options;
        // Date, of at most 31 octets, and MIME-Version; the others count themselves.
        (self.octets, self.fields) = (31, 2);
        self.put(b"Date: ")?;
        let date = draft.date.emit(self.sink);
        date.map_err(|Full| self.error(Item::Whole, Full.into()))?;
        self.put(b"\r\n")?;
        self.field(Item::From, b"From:", |sink| {
            sink.put(b" ")?;
            emit_mailbox(draft.from, options, sink)
        })?;
        for (index, field) in draft.fields.iter().enumerate() {
            let item = Item::Field(index);
            let before = draft.fields.get(..index).unwrap_or_default();
            let checked = field.check(before);
            checked.map_err(|fault| self.error(item, fault))?;
            self.field(item, field.name.as_bytes(), |sink| {
                sink.put(b":")?;
                field.emit(options, sink)
            })?;
        }
        self.put(b"MIME-Version: 1.0\r\n")
    }

    /// The fields of a body, the empty line, and what it holds but for other bodies.
    fn body(&mut self, body: &Body<'_>, number: usize) -> Result<(), BuildError> {
        let part = self.part;
        let fault = |fault| BuildError::new(part, Item::Content, fault);
        let transport = self.options.transport;
        let eight_bit = if self.survey.eight_bit {
            Encoding::EightBit
        } else {
            Encoding::SevenBit
        };
        let mut form = Form::Text;
        let (encoding, is_ascii) = match body.kind {
            Kind::Text { text, .. } => {
                let plan = of_text(text, transport);
                form = plan.form;
                (plan.encoding, plan.is_ascii)
            }
            Kind::Octets { .. } => (Encoding::Base64, false),
            Kind::Message(message) => {
                let encoding = PlainCheck::of(message).finish(transport);
                let header = Message::split(message).header;
                (encoding.map_err(fault)?, header.as_bytes().is_ascii())
            }
            Kind::Machine { written, .. } => {
                let mut check = PlainCheck::default();
                let written = written.write_to(&mut check);
                written.map_err(|Full| fault(Full.into()))?;
                let encoding = check.finish(transport);
                (encoding.map_err(fault)?, check.is_ascii())
            }
            Kind::Draft(draft) => (eight_bit, has_ascii_header(draft, self.options)),
            Kind::Multipart { .. } => (eight_bit, true),
        };
        self.content_type(body, number, is_ascii)?;
        if let (true, Some(name)) = (encoding != Encoding::SevenBit, encoding.name()) {
            self.fields = self.fields.saturating_add(1);
            self.put(b"Content-Transfer-Encoding: ")?;
            self.put(name.as_bytes())?;
            self.put(b"\r\n")?;
        }
        self.description(body)?;
        let limits = Limits::DEFAULT;
        if self.octets > limits.header || self.fields > limits.fields {
            return Err(self.error(Item::Whole, Fault::new(BuildErrorKind::TooLong, 0)));
        }
        self.put(b"\r\n")?;
        let written = match body.kind {
            Kind::Text { text: lines, .. } | Kind::Message(lines) => {
                content::emit(lines, encoding, form, self.sink)
            }
            Kind::Octets { octets, .. } => content::emit(octets, encoding, Form::Binary, self.sink),
            Kind::Machine { written, .. } => written.write_to(&mut Lines::new(self.sink)),
            Kind::Draft(draft) => return self.header(draft),
            Kind::Multipart { .. } => Ok(()),
        };
        written.map_err(|Full| self.error(Item::Content, Full.into()))
    }

    fn content_type(
        &mut self,
        body: &Body<'_>,
        number: usize,
        is_ascii: bool,
    ) -> Result<(), BuildError> {
        let (options, boundary) = (self.options, self.survey.boundary);
        check_media_type(body).map_err(|fault| self.error(Item::MediaType, fault))?;
        let is_message = matches!(body.kind, Kind::Message(_) | Kind::Draft(_));
        if is_message && !is_ascii && options.transport < Transport::Utf8 {
            let fault = Fault::new(BuildErrorKind::NotAscii, 0);
            return Err(self.error(Item::Content, fault));
        }
        // Which parameter was written last, for the error.
        let mut item = Item::MediaType;
        let result = fold(self.sink, b"Content-Type: ", |sink| {
            let (main, sub) = body.media_type();
            if is_message && !is_ascii {
                sink.put(b"message/global")?;
            } else {
                sink.put(main.as_bytes())?;
                sink.put(sub.as_bytes())?;
            }
            match body.kind {
                Kind::Text { charset: true, .. } => {
                    let is_ascii = if is_ascii { "us-ascii" } else { "utf-8" };
                    put_parameter("charset", is_ascii, sink)?;
                }
                Kind::Multipart {
                    parts, report_type, ..
                } => {
                    sink.put(b"; boundary=\"")?;
                    boundary.emit(number, sink)?;
                    sink.put(b"\"")?;
                    if let Some(report_type) = report_type {
                        put_parameter("report-type", report_type, sink)?;
                    }
                    if let (b"related", Some(root)) = (sub.as_bytes(), parts.first()) {
                        // RFC 2387 3.1. A media type is no token, but is in quotes, and plain.
                        let (main, sub) = root.media_type();
                        sink.put(b"; type=\"")?;
                        sink.put(main.as_bytes())?;
                        sink.put(sub.as_bytes())?;
                        sink.put(b"\"")?;
                    }
                }
                _ => {}
            }
            for (index, (name, value)) in body.parameters.iter().enumerate() {
                item = Item::Parameter(index);
                let same = |other: &str| other.eq_ignore_ascii_case(name);
                let before = body.parameters.get(..index).unwrap_or_default();
                if OWN_PARAMETERS.iter().any(|own| same(own))
                    || before.iter().any(|(other, _)| same(other))
                {
                    return Err(Fault::new(BuildErrorKind::BadMediaType, 0));
                }
                put_parameter(name, value, sink)?;
            }
            Ok(())
        });
        self.wrote(item, result)
    }

    /// Content-ID, Content-Description and Content-Disposition, which all are ASCII.
    fn description(&mut self, body: &Body<'_>) -> Result<(), BuildError> {
        let options = self.options;
        if let Some(id) = body.content_id {
            self.field(Item::ContentId, b"Content-ID: ", |sink| {
                emit_id(id, options, sink)
            })?;
        }
        if let Some(text) = body.description {
            self.field(Item::Description, b"Content-Description:", |sink| {
                // An empty value, without a space at the end of the line.
                if text.is_empty() {
                    return Ok(());
                }
                sink.put(b" ")?;
                Ok(emit_unstructured(text, Utf8::Encode, sink)?)
            })?;
        }
        let kind = match body.disposition {
            None => return Ok(()),
            Some(Disposition::Inline) => "inline",
            Some(Disposition::Attachment) => "attachment",
        };
        self.field(Item::FileName, b"Content-Disposition: ", |sink| {
            sink.put(kind.as_bytes())?;
            match body.file_name {
                Some(name) => put_parameter("filename", name, sink),
                None => Ok(()),
            }
        })
    }

    /// ```text
    /// delimiter       = CRLF "--" boundary                        ; RFC 2046 5.1.1
    /// close-delimiter = delimiter "--"
    /// ```
    ///
    /// The first one stands behind an empty line, and needs no other.
    fn delimiter(
        &mut self,
        number: usize,
        is_first: bool,
        is_close: bool,
    ) -> Result<(), BuildError> {
        self.put(if is_first { b"--" } else { b"\r\n--" })?;
        let written = self.survey.boundary.emit(number, self.sink);
        written.map_err(|Full| self.error(Item::Whole, Full.into()))?;
        self.put(if is_close { b"--" } else { b"\r\n" })?;
        (self.octets, self.fields) = (0, 0);
        Ok(())
    }

    fn field(
        &mut self,
        item: Item,
        start: &[u8],
        value: impl FnOnce(&mut FoldSink<'_, Measured<'_, S>>) -> Result<(), Fault>,
    ) -> Result<(), BuildError> {
        let result = fold(self.sink, start, value);
        self.wrote(item, result)
    }

    /// A field was written.
    fn wrote(&mut self, item: Item, octets: Result<usize, Fault>) -> Result<(), BuildError> {
        let octets = octets.map_err(|fault| self.error(item, fault))?;
        self.fields = self.fields.saturating_add(1);
        self.octets = self.octets.saturating_add(octets);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.octets = self.octets.saturating_add(bytes.len());
        let written = self.sink.put(bytes);
        written.map_err(|Full| self.error(Item::Whole, Full.into()))
    }

    const fn error(&self, item: Item, fault: Fault) -> BuildError {
        BuildError::new(self.part, item, fault)
    }
}

/// Writes one field; says how many octets it has, which are no more than a reader takes.
fn fold<S: Sink + ?Sized>(
    sink: &mut S,
    start: &[u8],
    value: impl FnOnce(&mut FoldSink<'_, Measured<'_, S>>) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    let mut measured = Measured { sink, octets: 0 };
    let mut sink = FoldSink::new(&mut measured);
    let written = sink.put(start).map_err(Fault::from);
    match written.and_then(|()| value(&mut sink)) {
        Ok(()) => sink.finish()?,
        // The sink could say no more than that it is full.
        Err(fault) => {
            return Err(match sink.error() {
                Some(error) if fault.kind == BuildErrorKind::Full => error.into(),
                _ => fault,
            });
        }
    }
    if measured.octets > Limits::DEFAULT.field {
        return Err(Fault::new(BuildErrorKind::TooLong, 0));
    }
    Ok(measured.octets)
}

/// Knows how much it passed on.
#[derive(Debug)]
struct Measured<'s, S: ?Sized> {
    sink: &'s mut S,
    octets: usize,
}

impl<S: Sink + ?Sized> Sink for Measured<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.octets = self.octets.saturating_add(bytes.len());
        self.sink.put(bytes)
    }
}

/// What is written by itself.
const OWN_PARAMETERS: [&str; 4] = ["charset", "boundary", "report-type", "type"];

/// Parameters are ASCII on every transport, so that only the fields of a message can be anything else.
fn put_parameter<S: Sink + ?Sized>(
    name: &str,
    value: &str,
    sink: &mut FoldSink<'_, S>,
) -> Result<(), Fault> {
    let fault = |kind, offset| Err(Fault::new(kind, offset));
    if value.bytes().any(is_wsp) {
        // It fits a line of its own, so that it is not folded: some readers keep the line end in the value.
        sink.end_line()?;
    }
    match emit_parameter(name, value, Utf8::Encode, sink) {
        Ok(()) => Ok(()),
        Err(WriteParameterError::Full) => Err(Full.into()),
        Err(WriteParameterError::BadName { offset }) => fault(BuildErrorKind::BadMediaType, offset),
        Err(WriteParameterError::Control { offset }) => fault(BuildErrorKind::Control, offset),
        Err(WriteParameterError::TooLong) => fault(BuildErrorKind::LineTooLong, 0),
    }
}

/// Whether this type of message holds another one, whole or in pieces, and so is no report.
fn is_other_message(subtype: &str) -> bool {
    ["rfc822", "global", "news", "partial", "external-body"]
        .iter()
        .any(|other| subtype.eq_ignore_ascii_case(other))
}

/// ```text
/// type "/" subtype                                                ; RFC 2045 5.1, both tokens
/// ```
fn check_media_type(body: &Body<'_>) -> Result<(), Fault> {
    let media_type = match body.kind {
        Kind::Text { media_type, .. }
        | Kind::Octets { media_type, .. }
        | Kind::Machine { media_type, .. } => media_type,
        Kind::Multipart { .. } | Kind::Message(_) | Kind::Draft(_) => return Ok(()),
    };
    let fault = |offset| Err(Fault::new(BuildErrorKind::BadMediaType, offset));
    check_text(media_type, &Options::new([0; 16]))?;
    let Some((main, sub)) = media_type.split_once('/') else {
        return fault(media_type.len());
    };
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
    if !is_token(main) {
        return fault(0);
    }
    if !is_token(sub) {
        return fault(main.len().saturating_add(1));
    }
    let is = |wanted: &str| main.eq_ignore_ascii_case(wanted);
    let fits = match body.kind {
        Kind::Text { .. } => is("text"),
        Kind::Octets { .. } => !is("multipart") && !is("message"),
        _ => !(is("multipart") || is("message") && is_other_message(sub)),
    };
    if fits { Ok(()) } else { fault(0) }
}
