//! From the verdict of the library to the document.

use std::collections::HashMap;

use scop_core::{Rdata, Rtype, Security, UnixTime};
use scop_dkim::signature::Signature;
use scop_dkim::verify::SignatureResult;
use scop_dmarc::alignment::Alignment as Found;
use scop_dmarc::authenticator::{Part, claims};
use scop_dmarc::author::Author;
use scop_dmarc::policy::Basis;
use scop_mime_core::header::auth_results::WriteError;
use scop_mime_core::{Field as HeaderField, HeaderBlock};

use super::{
    Alignment, Connection, Defect, Dkim, Dmarc, Field, Lookup, Message, Report, SignedBody,
    SignedField, Spf, VERSION, verdict,
};
use crate::body::BodyHashes;
use crate::command::check::Authentication;
use crate::message::{Header, LineEnds, Source};
use crate::resolve::driver::Asked;
use crate::resolve::{Origin, Outcome};

/// What was done, besides the verdict.
pub(crate) struct Facts<'a> {
    pub(crate) source: &'a Source,
    pub(crate) header: &'a Header,
    pub(crate) bytes: u64,
    pub(crate) body_bytes: u64,
    pub(crate) line_ends: LineEnds,
    pub(crate) bodies: &'a BodyHashes,
    pub(crate) connection: Connection,
    pub(crate) checked_at: UnixTime,
    pub(crate) authserv_id: &'a str,
    pub(crate) asked: &'a [Asked],
    pub(crate) notes: &'a [String],
}

/// The document.
///
/// # Errors
/// When the Authentication-Results field cannot be written; the name of the checker is then the cause.
pub(crate) fn build(facts: Facts<'_>, found: &Authentication<'_>) -> Result<Report, WriteError> {
    let header = HeaderBlock::new(facts.header.as_bytes());
    let dkim: Vec<Dkim> = (0..)
        .zip(found.dkim())
        .map(|(index, result)| dkim(&facts, header, result, dkim_alignment(found, index, result)))
        .collect();
    let spf = spf(&facts.connection, found);
    let dmarc = dmarc(found);
    let mut field = Vec::new();
    found.write_results(facts.authserv_id.as_bytes(), &mut field)?;
    let mut notes = facts.notes.to_vec();
    for field in claims(header, facts.authserv_id.as_bytes()).take(MAX_LISTED) {
        let line = facts.header.place(field.offset()).line;
        notes.push(format!(
            "line {line}: this Authentication-Results field came with the message and claims to be from {}; it proves nothing (RFC 8601 5)",
            facts.authserv_id
        ));
    }
    if found.skipped_signatures() > 0 {
        notes.push(format!(
            "{} more signatures were not looked at: too many",
            found.skipped_signatures()
        ));
    }
    notes.extend(failures(facts.asked));
    let message = message(&facts, header);
    let parts = verdict::Parts {
        places: facts.header,
        message: &message,
        connection: &facts.connection,
        dkim: &dkim,
        dmarc: &dmarc,
    };
    Ok(Report {
        format: "scop-check",
        version: VERSION,
        checked_at: time(facts.checked_at),
        verdict: verdict::conclude(&parts, found),
        message,
        connection: facts.connection,
        dkim,
        spf,
        dmarc,
        authentication_results: text(&field),
        lookups: facts.asked.iter().map(lookup).collect(),
        notes,
    })
}

/// A note for each cause of failed lookups: the results say only of what kind it was.
fn failures(asked: &[Asked]) -> Vec<String> {
    let mut causes: Vec<(&str, usize)> = Vec::new();
    for asked in asked {
        if let Some(Outcome::Failed { why, .. }) = asked.reply.as_ref().map(|reply| &reply.outcome)
        {
            match causes.iter_mut().find(|(cause, _)| cause == why) {
                Some((_, count)) => *count += 1,
                None => causes.push((why, 1)),
            }
        }
    }
    causes
        .iter()
        .take(MAX_LISTED)
        .map(|(why, count)| match count {
            1 => format!("a lookup failed: {why}"),
            count => format!("{count} lookups failed: {why}"),
        })
        .collect()
}

fn message(facts: &Facts<'_>, header: HeaderBlock<'_>) -> Message {
    let places = facts.header;
    let field = |field: HeaderField<'_>| {
        let place = places.place(field.offset());
        Field {
            value: unfolded(field.value()),
            line: place.line,
            byte: place.byte,
        }
    };
    let last = |name: &[u8]| {
        header
            .fields()
            .rev()
            .find(|field| field.is(name))
            .map(field)
    };
    Message {
        source: facts.source.to_string(),
        bytes: facts.bytes,
        line_ends: facts.line_ends,
        header_bytes: header.as_bytes().len() as u64,
        body_bytes: facts.body_bytes,
        fields: header.fields().count() as u64,
        from_fields: header.fields().filter(|field| field.is(b"From")).count() as u64,
        from: header
            .fields()
            .filter(|field| field.is(b"From"))
            .take(MAX_LISTED)
            .map(field)
            .collect(),
        subject: last(b"Subject"),
        date: last(b"Date"),
        defects: header
            .fields()
            .filter_map(|field| {
                let place = places.place(field.offset());
                Some(Defect {
                    rule: field.defect()?.to_string(),
                    line: place.line,
                    byte: place.byte,
                })
            })
            .take(MAX_LISTED)
            .collect(),
    }
}

/// How many fields of one kind are listed: a header full of them is a long line of the same news.
const MAX_LISTED: usize = 20;

/// How a signature is aligned, also where DMARC did not have to look: for the author domain itself that
/// is plain.
fn dkim_alignment(
    found: &Authentication<'_>,
    index: usize,
    result: &SignatureResult<'_>,
) -> Alignment {
    let is_same = |domain: &[u8]| {
        let author = found.author().domain();
        author.is_some_and(|author| author.as_bytes().eq_ignore_ascii_case(domain))
    };
    match found.dkim_alignment(index) {
        Found::Unchecked if result.signature().is_some_and(|own| is_same(own.domain())) => {
            Alignment::Strict
        }
        alignment => self::alignment(alignment),
    }
}

fn alignment(found: Found) -> Alignment {
    match found {
        Found::NotAligned => Alignment::None,
        Found::Relaxed => Alignment::Relaxed,
        Found::Strict => Alignment::Strict,
        Found::Unchecked => Alignment::Unchecked,
        Found::Unknown => Alignment::Unknown,
    }
}

fn dkim(
    facts: &Facts<'_>,
    header: HeaderBlock<'_>,
    result: &SignatureResult<'_>,
    alignment: Alignment,
) -> Dkim {
    let place = facts.header.place(result.field_offset());
    let signature = result.signature();
    let tag = |name: &[u8]| Some(text(signature?.tags().tag(name)?.value()));
    Dkim {
        result: result.result().to_string(),
        why: result.reason().to_string(),
        domain: signature.map(|signature| text(signature.domain())),
        selector: signature.map(|signature| text(signature.selector())),
        identity: tag(b"i"),
        algorithm: signature.map(|signature| signature.algorithm().as_str().to_owned()),
        canonicalization: signature.map(|signature| {
            let forms = signature.canonicalization();
            format!("{}/{}", forms.header.as_str(), forms.body.as_str())
        }),
        signed_fields: signature
            .map(|signature| signed_fields(facts.header, header, signature, result.field_offset()))
            .unwrap_or_default(),
        signed_at: signature.and_then(Signature::timestamp).map(time),
        expires_at: signature.and_then(Signature::expiration).map(time),
        body: signature.and_then(|signature| {
            let form = signature.canonicalization().body;
            let limit = signature.body_length();
            let (octets, hash) = facts.bodies.of(form, limit)?;
            let signed = tag(b"bh").unwrap_or_default();
            Some(SignedBody {
                octets,
                limit,
                hash,
                signed_hash: signed.split_ascii_whitespace().collect(),
            })
        }),
        alignment,
        aligned: matches!(alignment, Alignment::Relaxed | Alignment::Strict),
        testing: result.is_testing(),
        key_security: security(result.key_security()),
        line: place.line,
        byte: place.byte,
    }
}

/// The fields that the names of `h=` stand for: of several with one name, the last one first (RFC 6376 5.4.2).
fn signed_fields(
    places: &Header,
    header: HeaderBlock<'_>,
    signature: &Signature<'_>,
    own: usize,
) -> Vec<SignedField> {
    let mut rows = Vec::new();
    // The rows of each name that have no field yet, the first one at the end.
    let mut open: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (row, name) in (0..).zip(signature.header_names()) {
        open.entry(name.to_ascii_lowercase())
            .or_default()
            .insert(0, row);
        rows.push(SignedField {
            name: text(name),
            line: None,
            byte: None,
        });
    }
    for field in header.fields().rev().filter(|field| field.offset() != own) {
        let waiting = open.get_mut(&field.name().to_ascii_lowercase());
        let row = waiting.and_then(Vec::pop).and_then(|row| rows.get_mut(row));
        if let Some(row) = row {
            let place = places.place(field.offset());
            (row.line, row.byte) = (Some(place.line), Some(place.byte));
        }
    }
    rows
}

fn spf(connection: &Connection, found: &Authentication<'_>) -> Vec<Spf> {
    let row = |identity: &'static str, value: &Option<String>, verdict: &scop_spf::Verdict<'_>| {
        // DMARC looks at one identity: MAIL FROM, and HELO for the null path (RFC 9989 3.2.4).
        let counts = found.spf().is_some_and(|spf| std::ptr::eq(spf, verdict));
        let alignment = if counts {
            alignment(found.spf_alignment())
        } else {
            Alignment::Unchecked
        };
        Spf {
            identity,
            value: value.clone().unwrap_or_default(),
            result: verdict.result().to_string(),
            why: verdict.reason().to_string(),
            domain: text(verdict.domain()),
            explanation: verdict.explanation().map(text),
            alignment,
            aligned: matches!(alignment, Alignment::Relaxed | Alignment::Strict),
            lookups: verdict.lookups(),
            void_lookups: verdict.void_lookups(),
        }
    };
    let mail_from = found
        .mail_from()
        .map(|verdict| row("mailfrom", &connection.mail_from, verdict));
    let helo = found
        .helo()
        .map(|verdict| row("helo", &connection.helo, verdict));
    mail_from.into_iter().chain(helo).collect()
}

fn dmarc(found: &Authentication<'_>) -> Dmarc {
    let author = match found.author() {
        Author::One(_) => "one",
        Author::None => "none",
        Author::Many => "many",
        Author::Ambiguous(_) => "ambiguous",
    };
    Dmarc {
        result: found.result().to_string(),
        why: found.reason().to_string(),
        author,
        author_domain: found
            .author()
            .domain()
            .map(|domain| text(domain.as_bytes())),
        organizational_domain: found
            .organizational_domain()
            .map(|domain| text(domain.as_bytes())),
        policy_domain: found.record().map(|record| text(record.domain.as_bytes())),
        policy: found
            .request()
            .map(|request| request.disposition.to_string()),
        policy_basis: found.request().map(|request| basis(request.basis)),
        disposition: found.disposition().to_string(),
    }
}

fn lookup(asked: &Asked) -> Lookup {
    let reply = asked.reply.as_ref();
    let (outcome, failure, records) = match reply.map(|reply| &reply.outcome) {
        Some(Outcome::Records(records)) => {
            let shown = records
                .iter()
                .map(|data| rdata(data, asked.rtype))
                .collect();
            ("records", None, shown)
        }
        Some(Outcome::NoData) => ("no_data", None, Vec::new()),
        Some(Outcome::NxDomain) => ("no_such_name", None, Vec::new()),
        Some(Outcome::Failed { why, .. }) => ("failed", Some(why.clone()), Vec::new()),
        None => (
            "failed",
            Some("was not needed any more".to_owned()),
            Vec::new(),
        ),
    };
    Lookup {
        name: asked.name.clone(),
        rtype: asked.rtype.to_string(),
        asked_by: match Part::of(asked.id) {
            Some(Part::Dkim) => "dkim",
            Some(Part::Helo | Part::MailFrom) => "spf",
            _ => "dmarc",
        },
        outcome,
        failure,
        records,
        aliases: reply
            .map(|reply| reply.aliases.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        server: match reply.map(|reply| reply.origin) {
            Some(Origin::Server(address)) => Some(address.to_string()),
            _ => None,
        },
        milliseconds: reply
            .and_then(|reply| reply.elapsed)
            .map(|elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)),
        security: security(reply.map(|reply| reply.security).unwrap_or_default()),
    }
}

/// A record's data as a zone file has it, but TXT as the one text that its strings make.
fn rdata(data: &[u8], rtype: Rtype) -> String {
    match Rdata::parse_in(data, 0, data.len(), rtype) {
        Ok(Rdata::A(address)) => address.to_string(),
        Ok(Rdata::Aaaa(address)) => address.to_string(),
        Ok(Rdata::Cname(name) | Rdata::Ns(name) | Rdata::Ptr(name)) => name.to_string(),
        Ok(Rdata::Mx {
            preference,
            exchange,
        }) => format!("{preference} {exchange}"),
        Ok(Rdata::Txt(txt)) => text(&scop_core::Emit::to_vec(&txt)),
        _ => format!("\\# {} octets", data.len()),
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::P => "p",
        Basis::Sp => "sp",
        Basis::Np => "np",
        Basis::Default => "default",
        Basis::Fallback => "fallback",
    }
}

fn security(security: Security) -> &'static str {
    match security {
        Security::Secure => "secure",
        Security::Insecure => "insecure",
        Security::Bogus => "bogus",
        Security::Indeterminate => "indeterminate",
    }
}

/// RFC 3339; what no calendar holds stays a number.
pub(super) fn time(time: UnixTime) -> String {
    i64::try_from(time.0)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| time.to_string(), |time| time.to_string())
}

/// What is not UTF-8 is replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A field's value without its line ends (RFC 5322 2.2.3).
fn unfolded(value: &[u8]) -> String {
    let line: Vec<u8> = value
        .iter()
        .copied()
        .filter(|byte| !b"\r\n".contains(byte))
        .collect();
    text(line.trim_ascii())
}
