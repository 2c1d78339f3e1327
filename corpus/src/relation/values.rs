//! Whether what a reader says of a field is what the model says.

use std::fmt::Write as _;

use scop_core::Emit;
use scop_mime_core::header::address::{Group, Phrase};
use scop_mime_core::header::list::ListPost;
use scop_mime_core::header::trace::Clause;
use scop_mime_core::{
    AddrSpec, Address, AddressList, AuthResults, ContentDisposition, ContentLocation, DateTime,
    DecodedText, Encoding, Field, Mailbox, MessageId, MimeVersion, Parameters, Received,
    ReturnPath, TagList, Typed,
};

use crate::model::{self, Value};

use super::Mismatch;

type Checked = Result<(), Mismatch>;

/// A value under a name of its own: the reader's word against the model's.
fn same(what: &'static str, expected: &[u8], actual: &[u8]) -> Checked {
    if expected == actual {
        return Ok(());
    }
    Err(Mismatch {
        what,
        expected: expected.escape_ascii().to_string(),
        actual: actual.escape_ascii().to_string(),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "most are numbers")]
fn equal<T: PartialEq + std::fmt::Debug>(what: &'static str, expected: T, actual: T) -> Checked {
    if expected == actual {
        return Ok(());
    }
    Err(Mismatch {
        what,
        expected: format!("{expected:?}"),
        actual: format!("{actual:?}"),
    })
}

/// The same text, whatever the case of its ASCII letters.
fn same_word(what: &'static str, expected: &str, actual: &[u8]) -> Checked {
    if expected.as_bytes().eq_ignore_ascii_case(actual) {
        return Ok(());
    }
    same(what, expected.as_bytes(), actual)
}

fn decoded(what: &'static str, expected: &str, actual: DecodedText<'_>) -> Checked {
    if actual.is(expected) {
        return Ok(());
    }
    same(what, expected.as_bytes(), &actual.to_vec())
}

/// Whether `seen` says what `field` says; its bytes have been compared before.
pub(crate) fn check(field: &model::Field, seen: &Field<'_>) -> Checked {
    let typed = seen.typed();
    match (&field.value, typed) {
        (
            Value::Text(text),
            Typed::Subject(seen)
            | Typed::Comments(seen)
            | Typed::ContentDescription(seen)
            | Typed::Unstructured(seen),
        ) => decoded("text", &text.decoded(), seen.text()),
        (Value::Addresses(list), typed) => addresses(list, typed),
        (Value::Path(path), Typed::ReturnPath(seen)) => return_path(path, seen),
        (Value::Date(date), Typed::Date(seen) | Typed::ResentDate(seen)) => same_date(date, &seen),
        (
            Value::Id(id),
            Typed::MessageId(seen) | Typed::ResentMessageId(seen) | Typed::ContentId(seen),
        ) => same_id(id, &seen),
        (Value::Ids(list), Typed::InReplyTo(seen) | Typed::References(seen)) => {
            each("identifiers", list, seen.iter(), |id, seen| {
                same_id(id, &seen)
            })
        }
        (Value::Received(received), Typed::Received(seen)) => same_received(received, &seen),
        (Value::Keywords(list), Typed::Keywords(seen)) => {
            each("keywords", list, seen.iter(), |phrase, seen| {
                same_phrase(phrase, seen)
            })
        }
        (Value::ContentType(type_name, subtype, list), Typed::ContentType(seen)) => {
            same_word("type", type_name, seen.type_name())?;
            same_word("subtype", subtype, seen.subtype())?;
            parameters(list, seen.parameters())
        }
        (Value::Languages(list), Typed::ContentLanguage(seen) | Typed::AcceptLanguage(seen)) => {
            each("languages", list, seen.iter(), |language, seen| {
                same("language", language.as_bytes(), seen.tag())
            })
        }
        (
            Value::Urls(list),
            Typed::ListHelp(seen)
            | Typed::ListSubscribe(seen)
            | Typed::ListUnsubscribe(seen)
            | Typed::ListOwner(seen)
            | Typed::ListArchive(seen)
            | Typed::ListPost(ListPost::Urls(seen)),
        ) => each("URLs", list, seen.iter(), |url, seen| {
            same("URL", url.as_bytes(), &seen.to_vec())
        }),
        (Value::NoPosting, Typed::ListPost(ListPost::No))
        | (Value::OneClick, Typed::ListUnsubscribePost(_)) => Ok(()),
        (Value::ListId(description, id), Typed::ListId(seen)) => {
            same("list identifier", id.as_bytes(), seen.id())?;
            optional_phrase("description", description.as_ref(), seen.phrase())
        }
        (Value::AutoSubmitted(keyword, list), Typed::AutoSubmitted(seen)) => {
            same_word("keyword", keyword, seen.keyword())?;
            parameters(list, seen.parameters())
        }
        (
            Value::Tags(list),
            Typed::DkimSignature(seen) | Typed::ArcSeal(seen) | Typed::ArcMessageSignature(seen),
        ) => tags(list, &seen),
        (Value::Results(results), Typed::AuthenticationResults(seen)) => {
            same_results(results, &seen)
        }
        (Value::Results(results), Typed::ArcAuthenticationResults(seen)) => {
            equal("instance", results.instance, Some(seen.instance()))?;
            same_results(results, &seen.results())
        }
        (value, typed) => untyped(value, seen, &typed),
    }
}

/// The fields that are read by the name of their parser.
fn untyped(value: &Value, seen: &Field<'_>, typed: &Typed<'_>) -> Checked {
    let raw = seen.value();
    match value {
        Value::Version => equal("version", Ok(MimeVersion::ONE), MimeVersion::parse(raw)),
        Value::Encoding(encoding) => equal("encoding", Ok(*encoding), Encoding::parse(raw)),
        Value::Disposition(kind, list) => match ContentDisposition::parse(raw) {
            Ok(seen) => {
                same_word("disposition", kind, seen.disposition_type())?;
                parameters(list, seen.parameters())
            }
            Err(error) => Err(refused(&error)),
        },
        Value::Location(location) => match ContentLocation::parse(raw) {
            Ok(seen) if seen.uri().is(location.as_bytes()) => Ok(()),
            Ok(seen) => same("location", location.as_bytes(), seen.uri().raw()),
            Err(error) => Err(refused(&error)),
        },
        _ => Err(match typed.error() {
            Some(error) => refused(&error),
            None => Mismatch {
                what: "kind of value",
                expected: format!("{value:?}"),
                actual: format!("{typed:?}"),
            },
        }),
    }
}

fn refused(error: &dyn std::fmt::Display) -> Mismatch {
    Mismatch {
        what: "value",
        expected: "a valid value".to_owned(),
        actual: error.to_string(),
    }
}

/// Compares two lists in step.
fn each<'m, M, S>(
    what: &'static str,
    expected: &'m [M],
    actual: impl Iterator<Item = S>,
    mut same: impl FnMut(&'m M, S) -> Checked,
) -> Checked {
    let mut expected_items = expected.iter();
    let mut count: usize = 0;
    for seen in actual {
        count = count.saturating_add(1);
        match expected_items.next() {
            Some(item) => same(item, seen)?,
            None => break,
        }
    }
    equal(what, expected.len(), count)
}

fn addresses(list: &[model::Address], typed: Typed<'_>) -> Checked {
    match typed {
        Typed::From(seen)
        | Typed::ReplyTo(seen)
        | Typed::To(seen)
        | Typed::Cc(seen)
        | Typed::Bcc(Some(seen))
        | Typed::ResentFrom(seen)
        | Typed::ResentTo(seen)
        | Typed::ResentCc(seen)
        | Typed::ResentBcc(Some(seen))
        | Typed::ResentReplyTo(seen)
        | Typed::DispositionNotificationTo(seen) => address_list(list, &seen),
        Typed::Bcc(None) | Typed::ResentBcc(None) => equal("addresses", list.len(), 0),
        Typed::Sender(seen) | Typed::ResentSender(seen) => {
            each("addresses", list, [seen].into_iter(), same_address)
        }
        typed => Err(match typed.error() {
            Some(error) => refused(&error),
            None => Mismatch {
                what: "kind of value",
                expected: "addresses".to_owned(),
                actual: format!("{typed:?}"),
            },
        }),
    }
}

fn address_list(list: &[model::Address], seen: &AddressList<'_>) -> Checked {
    each("addresses", list, seen.iter(), same_address)?;
    // The flat view gives the same mailboxes.
    let flat = list
        .iter()
        .map(|address| match address {
            model::Address::Mailbox(_) => 1,
            model::Address::Group(_, members) => members.len(),
        })
        .sum();
    equal("mailboxes", flat, seen.mailboxes().count())
}

fn same_address(address: &model::Address, seen: Address<'_>) -> Checked {
    match (address, seen) {
        (model::Address::Mailbox(mailbox), Address::Mailbox(seen)) => same_mailbox(mailbox, &seen),
        (model::Address::Group(name, members), Address::Group(seen)) => {
            same_group(name, members, &seen)
        }
        (_, seen) => Err(Mismatch {
            what: "kind of address",
            expected: format!("{address:?}"),
            actual: seen.to_string(),
        }),
    }
}

fn same_group(name: &model::Phrase, members: &[model::Mailbox], seen: &Group<'_>) -> Checked {
    same_phrase(name, seen.name())?;
    each("members", members, seen.mailboxes(), |member, seen| {
        same_mailbox(member, &seen)
    })
}

fn same_mailbox(mailbox: &model::Mailbox, seen: &Mailbox<'_>) -> Checked {
    optional_phrase("display name", mailbox.name.as_ref(), seen.display_name())?;
    same_addr_spec(&mailbox.addr_spec, &seen.addr_spec())?;
    same_route(&mailbox.route, seen.route())
}

fn same_route(domains: &[model::Domain], seen: Option<&[u8]>) -> Checked {
    equal("source route", !domains.is_empty(), seen.is_some())?;
    let seen = seen.unwrap_or_default();
    // Only a route without white space and comments is its own text.
    if domains.is_empty() || seen.iter().any(|byte| b" \t\r\n(".contains(byte)) {
        return Ok(());
    }
    let mut route = String::new();
    for domain in domains {
        let _ = write!(route, "@{}", domain.text());
    }
    let seen: Vec<u8> = seen
        .iter()
        .copied()
        .filter(|byte| !b",:".contains(byte))
        .collect();
    let expected: Vec<u8> = route.bytes().filter(|byte| !b",:".contains(byte)).collect();
    same("source route", &expected, &seen)
}

fn same_addr_spec(addr_spec: &model::AddrSpec, seen: &AddrSpec<'_>) -> Checked {
    if !seen.local_part().is(addr_spec.local.as_bytes()) {
        let text: Vec<u8> = seen.local_part().text().collect();
        same("local part", addr_spec.local.as_bytes(), &text)?;
    }
    let domain = addr_spec.domain.text();
    if !seen.domain().text().is(domain.as_bytes()) {
        let text: Vec<u8> = seen.domain().text().collect();
        same("domain", domain.as_bytes(), &text)?;
    }
    equal(
        "literal",
        matches!(addr_spec.domain, model::Domain::Literal(_)),
        seen.domain().is_literal(),
    )
}

fn same_phrase(phrase: &model::Phrase, seen: Phrase<'_>) -> Checked {
    decoded("phrase", &phrase.decoded(), seen.decoded())
}

fn optional_phrase(
    what: &'static str,
    phrase: Option<&model::Phrase>,
    seen: Option<Phrase<'_>>,
) -> Checked {
    match (phrase, seen) {
        (Some(phrase), Some(seen)) => same_phrase(phrase, seen),
        (phrase, seen) => equal(what, phrase.is_some(), seen.is_some()),
    }
}

fn return_path(path: &model::Path, seen: ReturnPath<'_>) -> Checked {
    match (&path.0, seen) {
        (None, ReturnPath::Null) => Ok(()),
        (Some((_, addr_spec)), ReturnPath::Address(seen)) => same_addr_spec(addr_spec, &seen),
        (path, seen) => equal("null path", path.is_none(), seen == ReturnPath::Null),
    }
}

fn same_id(id: &model::Id, seen: &MessageId<'_>) -> Checked {
    let left: Vec<u8> = seen.left().collect();
    same("left side", id.0.local.as_bytes(), &left)?;
    let right: Vec<u8> = seen.right().collect();
    same("right side", id.0.domain.text().as_bytes(), &right)
}

fn same_date(date: &model::Date, seen: &DateTime) -> Checked {
    equal(
        "date",
        (date.year, date.month, date.day),
        (seen.year(), seen.month(), seen.day()),
    )?;
    equal(
        "time",
        (date.hour, date.minute, date.second),
        (seen.hour(), seen.minute(), seen.second()),
    )?;
    let zone = if seen.zone().is_unknown() {
        model::Zone::Unknown
    } else {
        model::Zone::Minutes(seen.zone().minutes())
    };
    equal("zone", date.zone, zone)?;
    equal("weekday", date.wrong_weekday, seen.has_wrong_weekday())?;
    equal("instant", unix_seconds(date), seen.unix_seconds())
}

/// Counted year by year and month by month, as a calendar is read.
fn unix_seconds(date: &model::Date) -> i64 {
    let year = i64::from(date.year);
    let before = year - 1;
    // Leap days before the year, less those before 1970.
    let leap_days = before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let of_year: i64 = months
        .iter()
        .take(usize::from(date.month).saturating_sub(1))
        .sum();
    let days = (year - 1970) * 365 + leap_days + of_year + i64::from(date.day) - 1;
    let zone = match date.zone {
        model::Zone::Minutes(minutes) => i64::from(minutes),
        model::Zone::Unknown => 0,
    };
    let minutes = days * 1440 + i64::from(date.hour) * 60 + i64::from(date.minute) - zone;
    minutes * 60 + i64::from(date.second)
}

fn same_received(received: &model::Received, seen: &Received<'_>) -> Checked {
    each("clauses", &received.clauses, seen.clauses(), same_clause)?;
    match seen.date() {
        Some(Ok(date)) => same_date(&received.date, &date),
        Some(Err(error)) => Err(refused(&error)),
        None => equal("date", true, false),
    }
}

fn same_clause(clause: &model::ReceivedClause, seen: Clause<'_>) -> Checked {
    equal("keyword", Some(clause.keyword), seen.keyword())?;
    same("clause", clause.value.as_bytes(), seen.value())?;
    if let Some(comment) = &clause.comment {
        let first = seen.comments().next();
        let raw = first.map_or(&b""[..], |comment| comment.raw());
        same("comment", format!("({comment})").as_bytes(), raw)?;
    }
    Ok(())
}

fn parameters(list: &[model::Parameter], seen: Parameters<'_>) -> Checked {
    for parameter in list {
        let Some(found) = seen.get(parameter.name.as_bytes()) else {
            return same("parameter", parameter.name.as_bytes(), b"");
        };
        if !found.value().is(&parameter.value) {
            same(
                "parameter value",
                parameter.value.as_bytes(),
                &found.value().to_vec(),
            )?;
        }
        let language = found.language().unwrap_or_default();
        same(
            "language",
            parameter.language.unwrap_or_default().as_bytes(),
            language,
        )?;
    }
    if let Some(error) = seen.sections().find_map(|section| section.error()) {
        return Err(refused(&error));
    }
    let firsts = seen
        .sections()
        .filter(|section| section.number().unwrap_or(0) == 0)
        .count();
    equal("parameters", list.len(), firsts)
}

fn tags(list: &[(String, String)], seen: &TagList<'_>) -> Checked {
    each("tags", list, seen.iter(), |(name, value), tag| {
        same("tag", name.as_bytes(), tag.name())?;
        let unfolded: Vec<u8> = tag
            .value()
            .iter()
            .copied()
            .filter(|byte| !b"\r\n".contains(byte))
            .collect();
        same("tag value", value.as_bytes(), &unfolded)
    })
}

fn same_results(results: &model::Results, seen: &AuthResults<'_>) -> Checked {
    let id: Vec<u8> = seen.authserv_id().text().collect();
    same("server", results.authserv_id.as_bytes(), &id)?;
    equal("version", results.version, seen.version())?;
    each(
        "results",
        &results.results,
        seen.results(),
        |resinfo, seen| {
            same_word("method", resinfo.method, seen.method())?;
            equal("method version", resinfo.version, seen.method_version())?;
            same_word("result", resinfo.result, seen.result())?;
            let reason: Option<Vec<u8>> = seen.reason().map(|reason| reason.text().collect());
            equal(
                "reason",
                resinfo
                    .reason
                    .as_ref()
                    .map(|reason| reason.clone().into_bytes()),
                reason,
            )?;
            each(
                "properties",
                &resinfo.properties,
                seen.properties(),
                |property, seen| {
                    same_word("property type", property.ptype, seen.ptype())?;
                    same_word("property", property.name, seen.name())?;
                    let value: Vec<u8> = seen.value().text().collect();
                    let expected = match &property.domain {
                        Some(domain) => format!("{}@{}", property.value, domain.text()),
                        None => property.value.clone(),
                    };
                    same("property value", expected.as_bytes(), &value)
                },
            )
        },
    )
}
