//! The value of a DKIM-Signature field: what is read is what a naive reader finds, and without `b=` it
//! is what a naive removal leaves.

use scop_dkim::signature::{Algorithm, Signature, SignatureErrorKind};
use scop_dkim::tag_list::TagList;

use crate::rfc6376::{decode, names, tag, tags, without_b};

/// What follows the colon.
pub fn run(data: &[u8]) {
    check_tag_list(data);
    let value = data.strip_suffix(b"\n").unwrap_or(data);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    let signature = match Signature::parse(data) {
        Ok(signature) => signature,
        Err(error) => {
            assert!(error.offset() <= data.len());
            let is_list = !matches!(error.kind(), SignatureErrorKind::TagList(_));
            assert_eq!(is_list, tags(value).is_some(), "{error}");
            return;
        }
    };
    let tags = tags(value).expect("a signature is a tag list");
    let tag = |name: &str| tag(&tags, name.as_bytes());
    let digits = |name| -> Option<u64> {
        let text = std::str::from_utf8(tag(name)?).expect("a number is ASCII");
        assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
        Some(text.parse().unwrap_or(u64::MAX))
    };

    assert_eq!(signature.tags().as_bytes(), value);
    assert_eq!(tag("v"), Some(&b"1"[..]));
    match signature.algorithm() {
        Algorithm::Unknown => assert!(
            ![&b"rsa-sha1"[..], b"rsa-sha256", b"ed25519-sha256"]
                .contains(&tag("a").expect("a= is required"))
        ),
        known => assert_eq!(tag("a"), Some(known.as_str().as_bytes())),
    }
    assert!(
        !decode(tag("b").expect("b= is required"))
            .expect("it is base64")
            .is_empty()
    );
    assert!(decode(tag("bh").expect("bh= is required")).is_some());

    // Nothing but host names gets into a query (RFC 6376 3.6.2.1).
    let (domain, selector) = (signature.domain(), signature.selector());
    assert_eq!((Some(domain), Some(selector)), (tag("d"), tag("s")));
    assert!(is_host_name(domain, b"-") && domain.contains(&b'.'));
    assert!(is_host_name(selector, b"-_"));
    let name = signature
        .query_name()
        .to_name()
        .expect("it can be asked for");
    let asked = [selector, b"_domainkey", domain].join(&b'.');
    assert!(
        name.as_name()
            .labels()
            .eq(asked.split(|&byte| byte == b'.'))
    );

    let auid = signature.auid();
    if let Some(text) = tag("i") {
        assert_eq!([auid.local_part(), b"@", auid.domain()].concat(), text);
    }
    let below = [b".", domain].concat().to_ascii_lowercase();
    assert!(
        [b".", auid.domain()]
            .concat()
            .to_ascii_lowercase()
            .ends_with(&below)
    );

    assert_eq!(
        signature.header_names().collect::<Vec<_>>(),
        names(tag("h").expect("h= is required"))
    );
    assert!(
        signature
            .header_names()
            .any(|name| name.eq_ignore_ascii_case(b"from"))
    );
    let form = signature.canonicalization().to_string();
    let written = String::from_utf8(tag("c").unwrap_or(b"simple").to_vec()).expect("it is ASCII");
    assert!(
        form == written || form == format!("{written}/simple"),
        "{form} {written}"
    );
    assert_eq!(signature.body_length(), digits("l"));
    assert_eq!(signature.timestamp().map(|time| time.0), digits("t"));
    assert_eq!(signature.expiration().map(|time| time.0), digits("x"));
    if let (Some(start), Some(end)) = (signature.timestamp(), signature.expiration()) {
        assert!(start < end);
    }

    let span = signature
        .tags()
        .tag(b"b")
        .expect("b= is required")
        .raw_span();
    let mut removed = value.to_vec();
    removed.drain(span);
    assert_eq!(removed, without_b(value));
}

/// A tag list is read as the naive reader reads it.
fn check_tag_list(text: &[u8]) {
    let naive = tags(text);
    let list = TagList::parse(text);
    assert_eq!(list.is_ok(), naive.is_some(), "{list:?}");
    let Ok(list) = list else { return };
    let read: Vec<_> = list.iter().map(|tag| (tag.name(), tag.value())).collect();
    assert_eq!(Some(read), naive);
    for tag in list {
        assert_eq!(&text[tag.raw_span()], tag.raw());
        assert!(text[tag.value_offset()..].starts_with(tag.value()));
        assert_eq!(list.tag(tag.name()), Some(tag));
    }
}

/// Labels of letters, digits and, of `inner`, what may not stand at the ends: a hyphen.
fn is_host_name(text: &[u8], other: &[u8]) -> bool {
    text.len() <= 253
        && text.split(|&byte| byte == b'.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with(b"-")
                && !label.ends_with(b"-")
                && label
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || other.contains(byte))
        })
}
