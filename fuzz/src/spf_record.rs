//! SPF records and macro-strings: read as a second reader reads them, expanded as it expands them.

use std::net::IpAddr;

use scop_core::{Txt, UnixTime};
use scop_spf::{
    DomainSpec, MacroContext, MacroString, Mechanism, Qualifier, Record, Term, TermKind,
};

use crate::choice::Choice;
use crate::rfc7208::{self, Scope};

/// A record, and a macro-string of its own.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    check_macros(data, &mut choice);
    let naive = rfc7208::record(data);
    let record = match Record::parse(data) {
        Ok(record) => record,
        Err(error) => {
            assert!(error.offset() <= data.len());
            return assert_eq!(naive, None, "{error}");
        }
    };
    assert_eq!(record.as_bytes(), data);
    assert!(Record::is_selected(&Txt::joined(data)));
    let mut end = 0;
    for term in record.terms() {
        assert_eq!(&data[term.offset..term.offset + term.text.len()], term.text);
        assert!(end < term.offset);
        end = term.offset + term.text.len();
        for spec in specs(&term) {
            check_macros(spec.as_bytes(), &mut choice);
        }
    }
    let terms: Vec<rfc7208::Term> = record.terms().map(|term| meaning(&term)).collect();
    assert_eq!(Some(&terms), naive.as_ref());
    for (name, found) in [
        ("redirect", record.redirect()),
        ("exp", record.explanation()),
    ] {
        let expected = terms.iter().find_map(|term| match term {
            rfc7208::Term::Modifier(other, value) if other == name.as_bytes() => Some(&value[..]),
            _ => None,
        });
        assert_eq!(found.map(|spec| spec.as_bytes()), expected);
    }
}

fn specs<'a>(term: &Term<'a>) -> Vec<DomainSpec<'a>> {
    match term.kind {
        TermKind::Directive(directive) => match directive.mechanism {
            Mechanism::Include(spec) | Mechanism::Exists(spec) => vec![spec],
            Mechanism::A(spec, _) | Mechanism::Mx(spec, _) | Mechanism::Ptr(spec) => {
                spec.into_iter().collect()
            }
            _ => Vec::new(),
        },
        TermKind::Redirect(spec) | TermKind::Explanation(spec) => vec![spec],
        TermKind::Unknown { .. } => Vec::new(),
    }
}

/// A term in the words of the second reader.
fn meaning(term: &Term<'_>) -> rfc7208::Term {
    let directive = match term.kind {
        TermKind::Directive(directive) => directive,
        TermKind::Redirect(spec) => {
            return rfc7208::Term::Modifier(b"redirect".to_vec(), spec.as_bytes().to_vec());
        }
        TermKind::Explanation(spec) => {
            return rfc7208::Term::Modifier(b"exp".to_vec(), spec.as_bytes().to_vec());
        }
        TermKind::Unknown { name, value } => {
            let name = name.to_ascii_lowercase();
            return rfc7208::Term::Modifier(name, value.as_bytes().to_vec());
        }
    };
    let qualifier = match directive.qualifier {
        Qualifier::Pass => '+',
        Qualifier::Fail => '-',
        Qualifier::SoftFail => '~',
        Qualifier::Neutral => '?',
    };
    let mechanism = |name, spec: Option<DomainSpec<'_>>, cidr| {
        let spec = spec.map(|spec| spec.as_bytes().to_vec());
        rfc7208::Term::Mechanism(qualifier, name, spec, cidr)
    };
    let whole = (32, 128);
    match directive.mechanism {
        Mechanism::All => mechanism("all", None, whole),
        Mechanism::Include(spec) => mechanism("include", Some(spec), whole),
        Mechanism::A(spec, cidr) => mechanism("a", spec, (cidr.ip4, cidr.ip6)),
        Mechanism::Mx(spec, cidr) => mechanism("mx", spec, (cidr.ip4, cidr.ip6)),
        Mechanism::Ptr(spec) => mechanism("ptr", spec, whole),
        Mechanism::Ip4(network, prefix) => {
            rfc7208::Term::Network(qualifier, network.into(), prefix)
        }
        Mechanism::Ip6(network, prefix) => {
            rfc7208::Term::Network(qualifier, network.into(), prefix)
        }
        Mechanism::Exists(spec) => mechanism("exists", Some(spec), whole),
    }
}

fn check_macros(text: &[u8], choice: &mut Choice) {
    assert_eq!(
        DomainSpec::parse(text).is_ok(),
        rfc7208::is_domain_spec(text)
    );
    // The client says some of it, so it may be anything.
    let some = |choice: &mut Choice| {
        let end = choice.below(text.len() + 1);
        let start = choice.below(end + 1);
        match choice.below(4) {
            0 => &b"mx.example.org"[..],
            1 => b"strong-bad",
            2 => b"",
            _ => &text[start..end],
        }
    };
    let ips: [IpAddr; 3] = [
        [192, 0, 2, 3].into(),
        [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xcb01].into(),
        [0; 16].into(),
    ];
    let context = MacroContext {
        local_part: some(choice),
        sender_domain: some(choice),
        domain: some(choice),
        ip: choice.pick(&ips),
        helo: some(choice),
        validated_name: some(choice),
        receiver: some(choice),
        now: UnixTime(choice.bits()),
    };
    for (scope, parsed) in [
        (Scope::Term, MacroString::parse(text)),
        (Scope::Explanation, MacroString::parse_explanation(text)),
    ] {
        let naive = rfc7208::macro_string(text, scope);
        match parsed {
            Ok(string) => {
                let naive = naive.expect("the second reader refuses it");
                let mut out = Vec::new();
                string
                    .expand(&context, &mut out)
                    .expect("a vector is never full");
                let expected = rfc7208::expand(&naive, &context);
                assert_eq!(out, expected, "{} {context:?}", text.escape_ascii());
                let uses_p = |piece: &rfc7208::Piece| {
                    matches!(piece, rfc7208::Piece::Macro(b'p' | b'P', ..))
                };
                assert_eq!(string.uses_validated_name(), naive.iter().any(uses_p));
            }
            Err(error) => {
                assert!(error.offset() <= text.len());
                assert_eq!(naive, None, "{error}");
            }
        }
    }
}
