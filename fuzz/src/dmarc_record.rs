//! DMARC records: what is read is what a naive reader makes of the tags, whole or cut into strings.

use scop_core::{Emit, Txt};
use scop_dmarc::Record;
use scop_dmarc::alignment::Mode;
use scop_dmarc::policy::{Basis, Disposition, Scope};
use scop_dmarc::record::{FailureOptions, Policy, Psd, RecordErrorKind};

use crate::choice::Choice;

/// The text of a TXT record.
pub fn run(data: &[u8]) {
    let mut wire = Vec::new();
    for string in Choice::of(data)
        .chunks(data)
        .into_iter()
        .flat_map(|chunk| chunk.chunks(255))
    {
        wire.push(u8::try_from(string.len()).expect("a string is short"));
        wire.extend(string);
    }
    // A record has one string or more.
    if wire.is_empty() {
        wire.push(0);
    }
    let cut = Policy::from_txt(Txt::parse(&wire).expect("it was made of strings"));
    let record = Record::parse(data);
    assert_eq!(Policy::from_txt(Txt::joined(data)), cut);
    assert_eq!(record.map(|record| record.policy()), cut);

    let tags = tags(data);
    let record = match record {
        Ok(record) => record,
        Err(error) => {
            assert!(error.offset() <= data.len());
            let is_first = data.first().is_some_and(|byte| b"vV".contains(byte))
                && tags
                    .first()
                    .and_then(|tag| tag.name)
                    .is_some_and(|name| name.len() == 1);
            let expected = if is_first {
                RecordErrorKind::Version
            } else {
                RecordErrorKind::VersionFirst
            };
            assert_eq!(error.kind(), expected);
            return assert!(!is_first || tags[0].value != b"DMARC1");
        }
    };
    assert_eq!(tags[0].value, b"DMARC1");
    assert_eq!(record.to_vec(), data);
    let read: Vec<Tag<'_>> = record
        .tags()
        .map(|tag| Tag {
            name: (tag.offset < data.len() && has_equals(data, tag.offset)).then_some(tag.name),
            value: tag.value,
        })
        .collect();
    assert_eq!(read, tags);
    for defect in record.defects() {
        assert!(defect.offset() <= data.len());
    }
    check_policy(&record, &tags[1..]);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tag<'a> {
    /// `None` without an equals sign.
    name: Option<&'a [u8]>,
    value: &'a [u8],
}

/// Whether an equals sign stands before the next semicolon.
fn has_equals(data: &[u8], offset: usize) -> bool {
    let part = data[offset..].split(|&byte| byte == b';').next();
    part.is_some_and(|part| part.contains(&b'='))
}

/// The parts between semicolons that are not blank.
fn tags(data: &[u8]) -> Vec<Tag<'_>> {
    let parts = data
        .split(|&byte| byte == b';')
        .map(trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| match part.iter().position(|&byte| byte == b'=') {
            Some(equals) => Tag {
                name: Some(trim(&part[..equals])),
                value: trim(&part[equals + 1..]),
            },
            None => Tag {
                name: None,
                value: part,
            },
        })
        .collect()
}

fn trim(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !b" \t".contains(byte);
    match (
        text.iter().position(is_text),
        text.iter().rposition(is_text),
    ) {
        (Some(first), Some(last)) => &text[first..=last],
        _ => b"",
    }
}

fn check_policy(record: &Record<'_>, tags: &[Tag<'_>]) {
    let value = |name: &str| {
        let is_it = |tag: &&Tag<'_>| {
            tag.name
                .is_some_and(|other| other.eq_ignore_ascii_case(name.as_bytes()))
        };
        tags.iter()
            .find(is_it)
            .map(|tag| tag.value.to_ascii_lowercase())
    };
    let word = |name| value(name).and_then(|value| String::from_utf8(value).ok());
    let policy = record.policy();
    let psd = match word("psd").as_deref() {
        Some("y") => Psd::Yes,
        Some("n") => Psd::No,
        _ => Psd::Unknown,
    };
    assert_eq!(policy.psd(), psd);
    let is_testing = word("t").as_deref() == Some("y");
    assert_eq!(policy.is_testing(), is_testing);
    let mode = |name| match word(name).as_deref() {
        Some("s") => Mode::Strict,
        _ => Mode::Relaxed,
    };
    assert_eq!(
        (policy.adkim(), policy.aspf()),
        (mode("adkim"), mode("aspf"))
    );

    let uris = |name: &str| {
        let is_it = |tag: &&Tag<'_>| {
            tag.name
                .is_some_and(|other| other.eq_ignore_ascii_case(name.as_bytes()))
        };
        let list = tags
            .iter()
            .find(is_it)
            .map(|tag| tag.value)
            .unwrap_or_default();
        let items = list.split(|&byte| byte == b',').map(trim);
        items
            .filter_map(uri)
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    let (rua, ruf) = (uris("rua"), uris("ruf"));
    let read = |uris: scop_dmarc::record::Uris<'_>| {
        uris.map(|uri| uri.as_bytes().to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(
        (read(record.rua()), read(record.ruf())),
        (rua.clone(), ruf.clone())
    );
    assert_eq!(policy.wants_aggregate_reports(), !rua.is_empty());
    let options = word("fo")
        .and_then(|text| failure_options(&text))
        .unwrap_or_default();
    assert_eq!(
        policy.wants_failure_reports(),
        (!ruf.is_empty()).then_some(options)
    );
    check_requests(&policy, value, !rua.is_empty());
}

/// RFC 9989 4.7 and 4.10.1.
fn check_requests(policy: &Policy, value: impl Fn(&str) -> Option<Vec<u8>>, wants_reports: bool) {
    let disposition = |name| {
        value(name).map(|word| match &word[..] {
            b"none" => Ok(Disposition::None),
            b"quarantine" => Ok(Disposition::Quarantine),
            b"reject" => Ok(Disposition::Reject),
            _ => Err(word),
        })
    };
    let published = [
        (disposition("p"), Basis::P),
        (disposition("sp"), Basis::Sp),
        (disposition("np"), Basis::Np),
    ];
    let is_broken = published.iter().any(|(tag, _)| matches!(tag, Some(Err(_))));
    for (scope, count) in [
        (Scope::Domain, 1),
        (Scope::Subdomain, 2),
        (Scope::NonExistent, 3),
    ] {
        let found = published[..count]
            .iter()
            .rev()
            .find_map(|(tag, basis)| match tag {
                Some(Ok(disposition)) => Some((*disposition, *basis)),
                _ => None,
            });
        let expected = if is_broken {
            wants_reports.then_some((Disposition::None, Basis::Fallback))
        } else {
            Some(found.unwrap_or((Disposition::None, Basis::Default)))
        };
        let request = policy.request(scope);
        assert_eq!(
            request.map(|request| (request.published, request.basis)),
            expected
        );
        if let Some(request) = request {
            let lowered = request.published.lowered();
            let wanted = if policy.is_testing() {
                lowered
            } else {
                request.published
            };
            assert_eq!(request.disposition, wanted);
        }
    }
}

fn failure_options(text: &str) -> Option<FailureOptions> {
    let mut options: Vec<&str> = text.split(':').collect();
    let count = options.len();
    let has = |option| options.contains(&option);
    let found = FailureOptions {
        any: has("1"),
        dkim: has("d"),
        spf: has("s"),
    };
    let is_valid = options
        .iter()
        .all(|option| ["0", "1", "d", "s"].contains(option))
        && !(has("0") && has("1"));
    options.sort_unstable();
    options.dedup();
    (is_valid && options.len() == count).then_some(found)
}

/// A URI without the size behind it; `None` when it is none (RFC 3986 3, RFC 9989 4.6).
fn uri(text: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(text).ok()?;
    let uri = match text.split_once('!') {
        None => text,
        Some((uri, size)) => {
            let digits = size
                .strip_suffix(|unit: char| "kmgtKMGT".contains(unit))
                .unwrap_or(size);
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            (!digits.is_empty() && is_number).then_some(uri)?
        }
    };
    let (scheme, rest) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme || rest.is_empty() {
        return None;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let has_authority = hierarchy.starts_with("//");
    let (authority, path) = match hierarchy.strip_prefix("//") {
        None => ("", hierarchy),
        Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
    };
    let all_in = |text: &str, extra: &str| {
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let is_encoded = byte == b'%'
                && bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())
                && bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
            let is_allowed = byte.is_ascii_alphanumeric()
                || b"-._~$&'()*+=:@".contains(&byte)
                || extra.as_bytes().contains(&byte);
            if !(is_encoded || is_allowed) {
                return false;
            }
        }
        true
    };
    let is_uri = all_in(authority, "[]")
        && all_in(path, "/")
        && all_in(query, "/?")
        && all_in(fragment, "/?");
    // Reports to `mailto` need an address.
    let is_mailto = scheme.eq_ignore_ascii_case("mailto");
    // A slash directly behind the scheme begins no local part.
    let address = match path.strip_prefix('/') {
        Some(after) if !has_authority => after,
        _ => path,
    };
    let has_address = address
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    (is_uri && (!is_mailto || has_address)).then_some(uri.as_bytes())
}
