use super::{FailureOptions, Policy, Psd, Record, RecordErrorKind, TagDefect};
use crate::alignment::Mode;
use crate::policy::{Disposition, Scope};
use proptest::prelude::*;
use scop_core::{Emit, Txt};
use std::string::{String, ToString};
use std::vec::Vec;

fn parse(text: &str) -> Record<'_> {
    Record::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_version_is_first_and_exact() {
    use RecordErrorKind::{Version, VersionFirst};
    for text in [
        "v=DMARC1",
        "v=DMARC1;",
        "v=DMARC1 ; p=none",
        "v = DMARC1;p=none",
        "v\t=\tDMARC1\t;",
        "V=DMARC1;p=none",
        "v=DMARC1;;;",
    ] {
        assert!(Record::parse(text.as_bytes()).is_ok(), "{text}");
    }
    for (text, kind, at) in [
        ("", VersionFirst, 0),
        (";", VersionFirst, 0),
        (" v=DMARC1", VersionFirst, 0),
        (";v=DMARC1", VersionFirst, 0),
        ("p=none; v=DMARC1", VersionFirst, 0),
        ("vv=DMARC1", VersionFirst, 0),
        ("v DMARC1", VersionFirst, 0),
        ("DMARC1", VersionFirst, 0),
        ("v=spf1 -all", Version, 2),
        ("v=DMARC10", Version, 2),
        ("v=DMARC1 p=none", Version, 2),
        ("v=DMARC1,p=none", Version, 2),
        ("v=dmarc1", Version, 2),
        ("v=DMARC2", Version, 2),
        ("v=  DMARC", Version, 4),
        ("v=", Version, 2),
        ("v=DMARC1=", Version, 2),
        ("v=D MARC1", Version, 2),
        ("v=DMARC1\0", Version, 2),
    ] {
        let error = Record::parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{text}");
    }
}

#[test]
fn words() {
    let policy = parse("v=DMARC1").policy();
    assert_eq!(policy.psd(), Psd::Unknown);
    assert_eq!(
        (policy.adkim(), policy.aspf()),
        (Mode::Relaxed, Mode::Relaxed)
    );
    assert!(!policy.is_testing() && !policy.wants_aggregate_reports());
    assert_eq!(policy.wants_failure_reports(), None);

    let policy = parse("v=DMARC1;PSD=Y;adkim=s; ASPF = S ;t=Y;pct=0;rf=x;ri=y;zz=1").policy();
    assert_eq!(policy.psd(), Psd::Yes);
    assert_eq!(
        (policy.adkim(), policy.aspf()),
        (Mode::Strict, Mode::Strict)
    );
    assert!(policy.is_testing());

    assert_eq!(parse("v=DMARC1;psd=n").policy().psd(), Psd::No);
    for text in [
        "psd=u",
        "psd=yes",
        "psd=",
        "psd",
        "psd=y n",
        "psd=u;psd=y",
        "xpsd=y",
    ] {
        let text = std::format!("v=DMARC1;{text}");
        assert_eq!(parse(&text).policy().psd(), Psd::Unknown, "{text}");
    }
    for text in ["adkim=x", "adkim=ss", "aspf=s s", "adkimm=s", "adki=s"] {
        let policy = parse(&std::format!("v=DMARC1;{text}")).policy();
        assert_eq!(
            (policy.adkim(), policy.aspf()),
            (Mode::Relaxed, Mode::Relaxed),
            "{text}"
        );
    }
}

#[test]
fn fo_counts_with_ruf_only() {
    let options = |fo: &str| {
        let text = std::format!("v=DMARC1; ruf=mailto:a@b.example; fo={fo}");
        parse(&text).policy().wants_failure_reports().unwrap()
    };
    let expect = |any, dkim, spf| FailureOptions { any, dkim, spf };
    for (fo, expected) in [
        ("0", expect(false, false, false)),
        ("1", expect(true, false, false)),
        ("1:d:s", expect(true, true, true)),
        ("d:s", expect(false, true, true)),
        ("s:0:D", expect(false, true, true)),
        ("d:1", expect(true, true, false)),
        // Errors give the default.
        ("0:1", FailureOptions::DEFAULT),
        ("d:d", FailureOptions::DEFAULT),
        ("1:x", FailureOptions::DEFAULT),
        ("1:", FailureOptions::DEFAULT),
        ("", FailureOptions::DEFAULT),
        ("1: d", FailureOptions::DEFAULT),
    ] {
        assert_eq!(options(fo), expected, "{fo}");
    }
    assert_eq!(
        parse("v=DMARC1;fo=1").policy().wants_failure_reports(),
        None
    );
    assert_eq!(
        parse("v=DMARC1;fo=1;ruf=x")
            .policy()
            .wants_failure_reports(),
        None
    );
}

/// RFC 9989 B.2, the records as the strings of the zone file.
#[test]
fn appendix_b_records() {
    let reject = |policy: Policy| policy.request(Scope::Domain).unwrap();
    for (strings, disposition, rua, ruf) in [
        (
            &[
                "v=DMARC1; p=none; ",
                "rua=mailto:dmarc-feedback@example.com",
            ][..],
            Disposition::None,
            &["mailto:dmarc-feedback@example.com"][..],
            &[][..],
        ),
        (
            &[
                "v=DMARC1; p=none; ",
                "rua=mailto:dmarc-feedback@example.com; ",
                "ruf=mailto:auth-reports@example.com",
            ],
            Disposition::None,
            &["mailto:dmarc-feedback@example.com"],
            &["mailto:auth-reports@example.com"],
        ),
        (&["v=DMARC1;"], Disposition::None, &[], &[]),
        (
            &[
                "v=DMARC1; p=quarantine; ",
                "rua=mailto:dmarc-feedback@example.com,",
                "mailto:tld-test@thirdparty.example.net; ",
                "t=y",
            ],
            Disposition::None,
            &[
                "mailto:dmarc-feedback@example.com",
                "mailto:tld-test@thirdparty.example.net",
            ],
            &[],
        ),
        (
            &[
                "v=DMARC1; p=reject; ",
                "rua=mailto:dmarc-feedback@example.com,",
                "mailto:tld-test@thirdparty.example.net",
            ],
            Disposition::Reject,
            &[
                "mailto:dmarc-feedback@example.com",
                "mailto:tld-test@thirdparty.example.net",
            ],
            &[],
        ),
    ] {
        let mut wire = Vec::new();
        for string in strings {
            wire.push(u8::try_from(string.len()).unwrap());
            wire.extend(string.bytes());
        }
        let from_txt = Policy::from_txt(Txt::parse(&wire).unwrap()).unwrap();
        let joined = strings.concat();
        let record = parse(&joined);
        assert_eq!(from_txt, record.policy());
        assert_eq!(reject(from_txt).disposition, disposition);
        assert_eq!(
            record.rua().map(|uri| uri.to_string()).collect::<Vec<_>>(),
            rua
        );
        assert_eq!(
            record.ruf().map(|uri| uri.to_string()).collect::<Vec<_>>(),
            ruf
        );
        assert_eq!(from_txt.wants_aggregate_reports(), !rua.is_empty());
        assert_eq!(from_txt.wants_failure_reports().is_some(), !ruf.is_empty());
        assert_eq!(record.defects().count(), 0);
        assert_eq!(record.emitted_len(), joined.len());
    }
}

#[test]
fn defects_with_their_bytes() {
    use TagDefect::{Historic, NoEquals, Repeated, Unknown, Uri, Value};
    let text = "v=DMARC1; pct=50;x = 1 ; p=never;p=none;;junk; rua=mailto:a@b.example, c ,;\
                rua=x; ruf=; fo=2; v=DMARC1;averylongname=1;=";
    let defects: Vec<_> = parse(text)
        .defects()
        .map(|defect| (defect.kind(), &text[defect.offset()..]))
        .map(|(kind, rest)| (kind, rest.get(..4).unwrap_or(rest)))
        .collect();
    assert_eq!(
        defects,
        [
            (Historic, "pct="),
            (Unknown, "x = "),
            (Value, "p=ne"),
            (Repeated, "p=no"),
            (NoEquals, "junk"),
            (Uri, "c ,;"),
            (Uri, ";rua"),
            (Repeated, "rua="),
            (Uri, "; fo"),
            (Value, "fo=2"),
            (Repeated, "v=DM"),
            (Unknown, "aver"),
            (Unknown, "="),
        ]
    );
    let tags: Vec<_> = parse(text)
        .tags()
        .map(|tag| (tag.name, tag.value))
        .collect();
    assert_eq!(tags[2], (&b"x"[..], &b"1"[..]));
    assert_eq!(tags[5], (&b""[..], &b"junk"[..]));
    assert_eq!(tags[6].1, b"mailto:a@b.example, c ,");
}

/// Many lists must not make the work quadratic: each of the two is read once.
#[test]
fn the_work_is_linear() {
    let text = ["v=DMARC1", &";rua=x".repeat(2000), &";ruf=x".repeat(2000)].concat();
    let bytes = core::cell::Cell::new(0);
    let policy = Policy::read(|| text.bytes().inspect(|_| bytes.set(bytes.get() + 1)));
    assert!(!policy.unwrap().wants_aggregate_reports());
    assert!(bytes.get() <= 3 * text.len(), "{}", bytes.get());
}

/// A record in the shape of the grammar, with mistakes.
fn records() -> impl Strategy<Value = String> {
    let tag = prop::sample::select(std::vec![
        "p=reject",
        "p = quarantine ",
        "p=none",
        "p=x",
        "sp=reject",
        "sp=",
        "np=reject",
        "np=y",
        "psd=y",
        "psd=n",
        "t=y",
        "t",
        "adkim=s",
        "aspf=s",
        "aspf= r",
        "fo=1:d",
        "pct=7",
        "  ",
        "rua=mailto:a@b.example",
        "rua=x",
        "ruf=u:v, mailto:a@b!5k ,",
        "rua= , u:v",
        "q=\u{e9}",
    ]);
    prop::collection::vec(tag, 0..8).prop_map(|tags| std::format!("v=DMARC1;{}", tags.join(";")))
}

proptest! {
    #[test]
    fn strings_may_be_cut_anywhere(text in records(), cuts in prop::collection::vec(0_usize..90, 0..5)) {
        let whole = Record::parse(text.as_bytes()).unwrap();
        let mut wire = Vec::new();
        let mut put = |string: &[u8]| {
            wire.push(u8::try_from(string.len()).unwrap());
            wire.extend(string);
        };
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts.into_iter().chain([text.len()]) {
            put(&text.as_bytes()[from..cut]);
            from = cut;
        }
        prop_assert_eq!(Policy::from_txt(Txt::parse(&wire).unwrap()), Ok(whole.policy()));
        prop_assert_eq!(whole.policy().wants_aggregate_reports(), whole.rua().next().is_some());
        prop_assert_eq!(whole.policy().wants_failure_reports().is_some(), whole.ruf().next().is_some());
    }

    #[test]
    fn any_bytes(text: Vec<u8>, after: Vec<u8>) {
        let _ = Record::parse(&text);
        let text = [b"v=DMARC1;", &after[..]].concat();
        let record = Record::parse(&text).unwrap();
        for tag in record.tags() {
            prop_assert!(text[tag.offset..].starts_with(tag.name));
        }
        for defect in record.defects() {
            prop_assert!(defect.offset() <= text.len());
        }
        prop_assert!(record.rua().chain(record.ruf()).all(|uri| uri.as_bytes().is_ascii()));
    }
}
