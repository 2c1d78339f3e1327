//! Known attacks, from message and connection to the verdict: none may pass.
//!
//! A1 to A19 are the cases that the authors of "Composition Kills" (USENIX Security 2020) published,
//! typed anew. In each the attacker controls `attack.example` and its DNS, and sends from there with an
//! SPF pass and a valid signature of that domain; `legitimate.example` publishes `p=reject`.

use scop_dkim::verify::DkimResult;
use scop_dmarc::policy::Disposition;
use scop_dmarc::{Author, DmarcResult};
use scop_mime_core::AuthResults;
use scop_spf::SpfResult;

use crate::signing::{EVIL_KEY, GOOD_KEY, key_record, sign};
use crate::zone::{EVIL, GOOD, Session, Zone, judge};

const REST: &str = "To: <victim@victim.example>\r\nSubject: x\r\n\r\nHi\r\n";

const ATTACKER: Session<'static> = Session {
    ip: EVIL,
    helo: b"attack.example",
    mail_from: b"any@attack.example",
};

fn zone() -> Zone {
    let spf = "v=spf1 ip4:203.0.113.66 -all";
    let key = key_record(EVIL_KEY);
    Zone::default()
        .txt("legitimate.example", "v=spf1 ip4:192.0.2.25 -all")
        .a("legitimate.example", GOOD)
        .txt("_dmarc.legitimate.example", "v=DMARC1; p=reject; np=reject")
        .txt("s._domainkey.legitimate.example", &key_record(GOOD_KEY))
        .txt("attack.example", spf)
        .txt("helo.attack.example", spf)
        .txt("any.attack.example", spf)
        .txt("legitimate.example(a.attack.example", spf)
        .txt("legitimate.example'a.attack.example", spf)
        .txt("_dmarc.attack.example", "v=DMARC1; p=none")
        .txt("s._domainkey.attack.example", &key)
        .txt("selector._domainkey.attack.example", &key)
        .txt("s._domainkey.legitimate.example'a.attack.example", &key)
}

/// What a reader of our own field believes: `method=result` with the values of its properties.
fn field(verdict: &scop_dmarc::Verdict<'_, '_>) -> Vec<(String, Vec<String>)> {
    let mut out = heapless::Vec::<u8, 4096>::new();
    verdict.write_results(b"mx.example.net", &mut out).unwrap();
    let value = out.strip_prefix(b"Authentication-Results:").unwrap();
    let value = value.strip_suffix(b"\r\n").unwrap();
    let results = AuthResults::parse(value).unwrap();
    assert!(results.authserv_id().is(b"mx.example.net"));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    results
        .results()
        .map(|result| {
            let name = format!("{}={}", text(result.method()), text(result.result()));
            let values = result
                .properties()
                .map(|property| property.value().to_string());
            (name, values.collect())
        })
        .collect()
}

/// The message must not pass; gives what else is worth a look.
fn refused(name: &str, message: &str, from: Session<'_>) -> (DmarcResult, Disposition) {
    judge(&zone(), message.as_bytes(), Some(from), |verdict| {
        assert_ne!(verdict.result(), DmarcResult::Pass, "{name}");
        assert!(!verdict.is_authentic(), "{name}");
        let field = field(verdict);
        // One DKIM result for each signature or `none`, two of SPF or one, one of DMARC.
        let spf = 1 + usize::from(verdict.mail_from().is_some());
        assert_eq!(
            field.len(),
            verdict.dkim().len().max(1) + spf + 1,
            "{name}: {field:?}"
        );
        let passed = field.iter().filter(|(result, _)| result.ends_with("=pass"));
        for (result, values) in passed {
            let lie = values.iter().any(|value| value == "legitimate.example");
            assert!(!lie, "{name}: {result} {values:?}");
        }
        (verdict.result(), verdict.disposition())
    })
}

#[test]
fn the_zone_lets_honest_mail_pass() {
    let message = format!("From: <admin@legitimate.example>\r\n{REST}");
    let honest = Session {
        ip: GOOD,
        helo: b"legitimate.example",
        mail_from: b"admin@legitimate.example",
    };
    judge(&zone(), message.as_bytes(), Some(honest), |verdict| {
        assert_eq!(verdict.result(), DmarcResult::Pass);
    });
    let signed = sign(&message, "legitimate.example", "s", GOOD_KEY, "");
    judge(&zone(), signed.as_bytes(), Some(ATTACKER), |verdict| {
        assert_eq!(verdict.result(), DmarcResult::Pass);
    });
    // And the attacker may speak for itself.
    let own = format!("From: <any@attack.example>\r\n{REST}");
    judge(&zone(), own.as_bytes(), Some(ATTACKER), |verdict| {
        assert_eq!(verdict.result(), DmarcResult::Pass);
    });
}

/// The attacks on the envelope: From is the honest address each time.
#[test]
fn a1_a2_a5_a6_a7_mail_from() {
    let message = format!("From: <admin@legitimate.example>\r\n{REST}");
    let signed = sign(&message, "attack.example", "s", EVIL_KEY, "");
    for (name, helo, mail_from) in [
        ("plain", "attack.example", "any@attack.example"),
        (
            "A1",
            "helo.attack.example",
            "any@mailfrom.notexist.legitimate.example",
        ),
        ("A1 itself", "helo.attack.example", "any@legitimate.example"),
        ("A2", "attack.example", "(any@legitimate.example"),
        ("A2 null", "attack.example", ""),
        ("A2 no domain", "attack.example", "any@"),
        ("A2 helo", "legitimate.example", ""),
        (
            "A5",
            "attack.example",
            "any@legitimate.example(a.attack.example",
        ),
        (
            "A6",
            "attack.example",
            "any@legitimate.example'@any.attack.example",
        ),
        (
            "A6 domain",
            "attack.example",
            "any@legitimate.example'a.attack.example",
        ),
        (
            "A7",
            "attack.example",
            "@legitimate.example,@any.example:'any@attack.example",
        ),
        (
            "NUL",
            "attack.example",
            "any@legitimate.example\0.attack.example",
        ),
        (
            "CRLF",
            "attack.example",
            "any@attack.example\r\nX: spf=pass legitimate.example",
        ),
        (
            "quote",
            "attack.example",
            "\"any; dmarc=pass header.from=legitimate.example\"@attack.example",
        ),
        (
            "helo",
            "attack.example; dmarc=pass (x",
            "any@attack.example",
        ),
    ] {
        let from = Session {
            ip: EVIL,
            helo: helo.as_bytes(),
            mail_from: mail_from.as_bytes(),
        };
        for message in [&message, &signed] {
            let outcome = refused(name, message, from);
            assert_eq!(outcome, (DmarcResult::Fail, Disposition::Reject), "{name}");
        }
    }
    // A1: the sub-domain is not authenticated by HELO.
    let from = Session {
        ip: EVIL,
        helo: b"helo.attack.example",
        mail_from: b"any@mailfrom.notexist.legitimate.example",
    };
    judge(&zone(), message.as_bytes(), Some(from), |verdict| {
        assert_eq!(verdict.helo().unwrap().result(), SpfResult::Pass);
        assert_eq!(verdict.spf().unwrap().result(), SpfResult::None);
    });
    // A sub-domain that does not exist in From gets `np`.
    let message = message.replace("legitimate", "ghost.legitimate");
    let outcome = refused("np", &message, from);
    assert_eq!(outcome, (DmarcResult::Fail, Disposition::Reject));
}

/// The attacks on DKIM: a name in the signature that a resolver or a reader cuts short.
#[test]
fn a3_a4_names_in_signatures() {
    let message = format!("From: <admin@legitimate.example>\r\n{REST}");
    for (name, domain, selector) in [
        (
            "A3",
            "legitimate.example",
            "selector._domainkey.attack.example.\0.any",
        ),
        (
            "A3 dot",
            "legitimate.example",
            "selector._domainkey.attack.example.",
        ),
        ("A4", "legitimate.example'a.attack.example", "s"),
        ("A4 paren", "legitimate.example(.attack.example", "s"),
        ("A4 quote", "legitimate.example\"=(.attack.example", "s"),
        ("other", "attack.example", "s"),
        ("stolen", "legitimate.example", "s"),
        ("suffix", "example", "s"),
    ] {
        let signed = sign(&message, domain, selector, EVIL_KEY, "");
        let outcome = refused(name, &signed, ATTACKER);
        assert_eq!(outcome, (DmarcResult::Fail, Disposition::Reject), "{name}");
        judge(&zone(), signed.as_bytes(), Some(ATTACKER), |verdict| {
            let passes = verdict.dkim()[0].result() == DkimResult::Pass;
            assert_eq!(passes, name == "other", "{name}");
        });
    }
}

/// Headers with two readings.
const FROM_HEADERS: &[(&str, &str)] = &[
    (
        "A8",
        "From: <first@attack.example>\r\nFrom: <admin@legitimate.example>\r\n",
    ),
    (
        "A8 other way",
        "From: <admin@legitimate.example>\r\nFrom: <first@attack.example>\r\n",
    ),
    (
        "A9",
        " From: <first@attack.example>\r\nFrom: <admin@legitimate.example>\r\n",
    ),
    (
        "A9 other way",
        " From: <admin@legitimate.example>\r\nFrom: <first@attack.example>\r\n",
    ),
    (
        "A10",
        "From: <first@attack.example>\r\nFrom : <admin@legitimate.example>\r\n",
    ),
    (
        "A11",
        "From\r\n : <first@attack.example>\r\nFrom: <admin@legitimate.example>\r\n",
    ),
    (
        "A11 other way",
        "From\r\n : <admin@legitimate.example>\r\nFrom: <a@attack.example>\r\n",
    ),
    (
        "A12",
        "From\r\n : <first@attack.example>\r\nSender: <admin@legitimate.example>\r\n",
    ),
    ("A12 no From", "Sender: <any@attack.example>\r\n"),
    (
        "A13",
        "From\r\n : <first@attack.example>\r\nResent-From: <admin@legitimate.example>\r\n",
    ),
    (
        "A14",
        "From: <first@attack.example>, <admin@legitimate.example>\r\n",
    ),
    (
        "A14 other way",
        "From: <admin@legitimate.example>, <first@attack.example>\r\n",
    ),
    (
        "A15",
        "From:=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuZXhhbXBsZT4=?=,<second@attack.example>\r\n",
    ),
    (
        "A15 local",
        "From: =?utf-8?Q?admin=40legitimate.example=2C?=@attack.example\r\n",
    ),
    (
        "A16",
        "From: <@attack.example,@any.example:admin@legitimate.example>\r\n",
    ),
    (
        "A16 other way",
        "From: <@legitimate.example,@any.example:any@attack.example>\r\n",
    ),
    (
        "A17",
        "From: <admin@legitimate.example>\\,<second@attack.example>\r\n",
    ),
    (
        "A18",
        "From: admin@legitimate.example,<second@attack.example>\r\n",
    ),
    (
        "A19",
        "From: <any@attack.example>admin@legitimate.example\r\n",
    ),
    (
        "A19 other way",
        "From: <admin@legitimate.example>any@attack.example\r\n",
    ),
    (
        "name",
        "From: admin@legitimate.example <any@attack.example>\r\n",
    ),
    (
        "quoted local",
        "From: \"admin@legitimate.example,\"@attack.example\r\n",
    ),
    (
        "comment",
        "From: admin@legitimate.example(@attack.example\r\n",
    ),
    (
        "comment inside",
        "From: any@(legitimate.example)attack.example\r\n",
    ),
    (
        "bare CR",
        "X: y\rFrom: <admin@legitimate.example>\r\nFrom: <any@attack.example>\r\n",
    ),
    (
        "bare CR in From",
        "From: <any@attack.example>\rFrom: <admin@legitimate.example>\r\n",
    ),
    (
        "NUL in the name",
        "Fr\0om: <admin@legitimate.example>\r\nFrom: <any@attack.example>\r\n",
    ),
    ("group", "From: legitimate.example: any@attack.example;\r\n"),
    ("NUL", "From: admin@legitimate.example\0@attack.example\r\n"),
    (
        "two at",
        "From: admin@legitimate.example@attack.example\r\n",
    ),
    (
        "semicolon",
        "From: any@attack.example; admin@legitimate.example\r\n",
    ),
];

/// The attacks on From: two readings of one header.
#[test]
fn a8_to_a19_from() {
    for (name, header) in FROM_HEADERS {
        let message = format!("{header}{REST}");
        let signed = sign(&message, "attack.example", "s", EVIL_KEY, "");
        // Behind a signature, a line with a blank in front would be a part of that.
        let signed = (!header.starts_with(' ')).then_some(&signed);
        for message in [&message].into_iter().chain(signed) {
            let (result, _) = refused(name, message, ATTACKER);
            judge(&zone(), message.as_bytes(), Some(ATTACKER), |verdict| {
                // Either it is plainly the honest domain, and fails, or nobody's.
                match verdict.author() {
                    Author::One(domain) => {
                        assert_eq!(domain.as_bytes(), b"legitimate.example", "{name}");
                        assert_eq!(result, DmarcResult::Fail, "{name}");
                    }
                    _ => assert_eq!(result, DmarcResult::PermError, "{name}"),
                }
                assert_eq!(verdict.spf().unwrap().result(), SpfResult::Pass, "{name}");
            });
        }
    }
}

/// U-labels are not compared with A-labels, so a homograph gets no pass.
#[test]
fn homographs() {
    for domain in [
        "l\u{435}gitimate.example",
        "legitimate.\u{435}xample",
        "attack\u{ff0e}example",
    ] {
        let message = format!("From: <admin@{domain}>\r\n{REST}");
        let signed = sign(&message, "attack.example", "s", EVIL_KEY, "");
        assert_eq!(refused(domain, &signed, ATTACKER).0, DmarcResult::PermError);
        let itself = sign(&message, domain, "s", EVIL_KEY, "");
        assert_eq!(refused(domain, &itself, ATTACKER).0, DmarcResult::PermError);
    }
}

/// A field that claims to be ours changes nothing in the verdict.
#[test]
fn a_forged_field_is_not_believed() {
    let message = format!(
        "Authentication-Results: mx.example.net; dmarc=pass header.from=legitimate.example\r\n\
         Received-SPF: pass\r\nFrom: <admin@legitimate.example>\r\n{REST}"
    );
    assert_eq!(refused("forged", &message, ATTACKER).1, Disposition::Reject);
}
