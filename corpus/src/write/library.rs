//! Fields that mime-core's own writers spell, so that a fault in one of them shows.

use scop_core::{Emit, Full, Sink};
use scop_mime_core::header::auth_results::WriteError;
use scop_mime_core::header::date;
use scop_mime_core::header::encoded_word::{TextError, Utf8, emit_phrase, emit_unstructured};
use scop_mime_core::header::parameter::{WriteParameterError, emit_parameter};
use scop_mime_core::{AddrSpec, AuthResultsWriter, DateTime, FoldSink, MessageId};

use super::address;
use super::pen::Pen;
use crate::feature::{Feature, Features};
use crate::model::{self, How, LineEnd, Value};

/// Why a writer did not write.
enum Refusal {
    /// It has no form for it: the corpus spells it.
    Unsupported,
    /// It should have. What is written instead makes the relation fail.
    Fault,
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Self {
        Self::Fault
    }
}

impl From<WriteParameterError> for Refusal {
    fn from(_: WriteParameterError) -> Self {
        Self::Fault
    }
}

impl From<TextError> for Refusal {
    fn from(_: TextError) -> Self {
        Self::Fault
    }
}

/// What stands in place of a value that a writer refused although it is a valid one.
const REFUSED: &[u8] = b" (mime-core refused the value)";

/// What stands in place of a value with a line that should have been folded.
const TOO_LONG: &[u8] = b" (mime-core wrote a line that is too long)";

/// Writes what stands behind the colon, if mime-core can. The field's name must have been written.
pub(crate) fn value(pen: &mut Pen<'_>, value: &Value) -> bool {
    let utf8 = if pen.rng.percent(75) {
        Utf8::Encode
    } else {
        Utf8::Raw
    };
    let mut out = Vec::with_capacity(256);
    let written = match value {
        Value::Results(results) => results_field(results, &mut out),
        _ => folded(pen, value, utf8, &mut out),
    };
    match written {
        Ok(()) => {}
        Err(Refusal::Unsupported) => return false,
        Err(Refusal::Fault) => {
            pen.put(REFUSED);
            return true;
        }
    }
    pen.features.count(Feature::LibraryField);
    if pen.line_end == LineEnd::Lf {
        out.retain(|&byte| byte != b'\r');
    }
    let has_parameters = matches!(
        value,
        Value::ContentType(..) | Value::Disposition(..) | Value::AutoSubmitted(..)
    );
    let too_long = out
        .split(|&byte| byte == b'\n')
        .any(|line| is_too_long(line.strip_suffix(b"\r").unwrap_or(line), has_parameters));
    let text = out.strip_suffix(pen.line_end.bytes());
    match text.and_then(|text| text.get(pen.column()..)) {
        Some(value) if !too_long => pen.put(value),
        Some(_) => pen.put(TOO_LONG),
        None => pen.put(REFUSED),
    }
    true
}

/// A line keeps to 78 octets where it can be folded, and to 998 always (RFC 5322 2.1.1); parameters are cut
/// into sections for that (RFC 2231 3). The folder keeps white space at the start of a line together.
fn is_too_long(line: &[u8], has_parameters: bool) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let text = line.iter().skip_while(|byte| is_blank(byte));
    line.len() > 998 || line.len() > 78 && (has_parameters || text.into_iter().any(is_blank))
}

/// Writes a whole field through the folder of mime-core.
fn folded(pen: &Pen<'_>, value: &Value, utf8: Utf8, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let start = pen.out.len().saturating_sub(pen.column());
    let mut sink = FoldSink::new(out);
    sink.put(pen.out.get(start..).unwrap_or_default())?;
    sink.put(b" ")?;
    emit(value, utf8, &mut sink)?;
    sink.finish().map_err(|_| Refusal::Fault)
}

fn emit<S: Sink + ?Sized>(value: &Value, utf8: Utf8, sink: &mut S) -> Result<(), Refusal> {
    match value {
        Value::Text(text) => emit_unstructured(&text.decoded(), utf8, sink)?,
        Value::Addresses(list) => {
            for (index, one) in list.iter().enumerate() {
                if index > 0 {
                    sink.put(b", ")?;
                }
                emit_address(one, utf8, sink)?;
            }
        }
        Value::Keywords(keywords) => {
            for (index, keyword) in keywords.iter().enumerate() {
                if index > 0 {
                    sink.put(b", ")?;
                }
                emit_phrase(&keyword.decoded(), utf8, sink)?;
            }
        }
        Value::ListId(description, id) => {
            if let Some(description) = description {
                emit_phrase(&description.decoded(), utf8, sink)?;
                sink.put(b" ")?;
            }
            sink.put(b"<")?;
            sink.put(id.as_bytes())?;
            sink.put(b">")?;
        }
        Value::Date(date) => emit_date(date, sink)?,
        Value::Id(id) => emit_id(id, sink)?,
        Value::Ids(ids) => {
            for (index, id) in ids.iter().enumerate() {
                if index > 0 {
                    sink.put(b" ")?;
                }
                emit_id(id, sink)?;
            }
        }
        Value::ContentType(type_name, subtype, parameters) => {
            sink.put(type_name.as_bytes())?;
            sink.put(b"/")?;
            sink.put(subtype.as_bytes())?;
            emit_parameters(parameters, utf8, sink)?;
        }
        Value::Disposition(word, parameters) | Value::AutoSubmitted(word, parameters) => {
            sink.put(word.as_bytes())?;
            emit_parameters(parameters, utf8, sink)?;
        }
        _ => return Err(Refusal::Unsupported),
    }
    Ok(())
}

fn emit_parameters<S: Sink + ?Sized>(
    parameters: &[model::Parameter],
    utf8: Utf8,
    sink: &mut S,
) -> Result<(), Refusal> {
    // It writes no language, and no name that RFC 2231 7 does not allow.
    let unsupported =
        |one: &model::Parameter| one.language.is_some() || one.name.contains(['%', '\'']);
    if parameters.iter().any(unsupported) {
        return Err(Refusal::Unsupported);
    }
    for parameter in parameters {
        emit_parameter(&parameter.name, &parameter.value, utf8, sink)?;
    }
    Ok(())
}

fn emit_address<S: Sink + ?Sized>(
    address: &model::Address,
    utf8: Utf8,
    sink: &mut S,
) -> Result<(), Refusal> {
    match address {
        model::Address::Mailbox(mailbox) => emit_mailbox(mailbox, utf8, sink),
        model::Address::Group(name, members) => {
            emit_phrase(&name.decoded(), utf8, sink)?;
            sink.put(b":")?;
            for (index, member) in members.iter().enumerate() {
                sink.put(if index > 0 { b", " } else { b" " })?;
                emit_mailbox(member, utf8, sink)?;
            }
            Ok(sink.put(b";")?)
        }
    }
}

fn emit_mailbox<S: Sink + ?Sized>(
    mailbox: &model::Mailbox,
    utf8: Utf8,
    sink: &mut S,
) -> Result<(), Refusal> {
    if !mailbox.route.is_empty() {
        return Err(Refusal::Unsupported);
    }
    if let Some(name) = &mailbox.name {
        emit_phrase(&name.decoded(), utf8, sink)?;
        sink.put(b" ")?;
    }
    if mailbox.angle {
        sink.put(b"<")?;
    }
    let plain = plain(|pen| address::addr_spec(pen, &mailbox.addr_spec));
    AddrSpec::parse(&plain)
        .map_err(|_| Refusal::Fault)?
        .emit(sink)?;
    if mailbox.angle {
        sink.put(b">")?;
    }
    Ok(())
}

fn emit_id<S: Sink + ?Sized>(id: &model::Id, sink: &mut S) -> Result<(), Refusal> {
    let plain = plain(|pen| address::id(pen, id));
    MessageId::parse(&plain)
        .map_err(|_| Refusal::Fault)?
        .emit(sink)?;
    Ok(())
}

/// What the corpus writes in the plainest form.
fn plain(write: impl FnOnce(&mut Pen<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut features = Features::default();
    let mut pen = Pen::new(&mut out, &mut features, LineEnd::Crlf, How::default());
    write(&mut pen);
    out
}

fn emit_date<S: Sink + ?Sized>(date: &model::Date, sink: &mut S) -> Result<(), Refusal> {
    if date.wrong_weekday {
        return Err(Refusal::Unsupported);
    }
    let zone = match date.zone {
        model::Zone::Unknown => date::Zone::UNKNOWN,
        model::Zone::Minutes(minutes) => date::Zone::from_minutes(minutes).ok_or(Refusal::Fault)?,
    };
    let written = DateTime::new(
        date.year,
        date.month,
        date.day,
        date.hour,
        date.minute,
        date.second,
        zone,
    );
    written.ok_or(Refusal::Fault)?.emit(sink)?;
    Ok(())
}

fn results_field(results: &model::Results, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let versioned = results.version.is_some()
        || results
            .results
            .iter()
            .any(|resinfo| resinfo.version.is_some());
    if versioned || results.instance.is_some() {
        return Err(Refusal::Unsupported);
    }
    write_results(results, out).map_err(|_| Refusal::Fault)
}

fn write_results(results: &model::Results, out: &mut Vec<u8>) -> Result<(), WriteError> {
    let mut writer = AuthResultsWriter::new(out, results.authserv_id.as_bytes())?;
    for resinfo in &results.results {
        writer.result(resinfo.method.as_bytes(), resinfo.result.as_bytes())?;
        if let Some(reason) = &resinfo.reason {
            writer.reason(reason.as_bytes())?;
        }
        for property in &resinfo.properties {
            let mut value = property.value.clone();
            if let Some(domain) = &property.domain {
                value = format!("{value}@{}", domain.text());
            }
            let ptype = property.ptype.as_bytes();
            writer.property(ptype, property.name.as_bytes(), value.as_bytes())?;
        }
    }
    writer.finish()
}
