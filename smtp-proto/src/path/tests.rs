use super::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// What was read, on one line: route, local part without quotes, domain.
fn outline(mailbox: Mailbox<'_>) -> String {
    let domain = match mailbox.domain() {
        Domain::Name(name) => std::format!("name {name}"),
        Domain::V4(ip) => std::format!("v4 {ip}"),
        Domain::V6(ip) => std::format!("v6 {ip}"),
        Domain::Tagged(tagged) => {
            let text = |bytes| String::from_utf8(Vec::from(bytes)).unwrap();
            std::format!("tag {} {}", text(tagged.tag()), text(tagged.content()))
        }
    };
    std::format!("{}|{domain}", mailbox.local_part().text())
}

#[test]
fn mailboxes() {
    // As written, what it means, canonical.
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str)] = &[
        // RFC 5321 appendix D
        ("Smith@bar.com", "Smith|name bar.com", "Smith@bar.com"),
        ("Jones@XYZ.COM", "Jones|name XYZ.COM", "Jones@XYZ.COM"),
        ("user+mailbox/department=shipping@example.com", "user+mailbox/department=shipping|name example.com", "user+mailbox/department=shipping@example.com"),
        ("!#$%&'*+-/=?^_`.{|}~@example.com", "!#$%&'*+-/=?^_`.{|}~|name example.com", "!#$%&'*+-/=?^_`.{|}~@example.com"),
        ("a@b", "a|name b", "a@b"),
        ("a@1-2.3", "a|name 1-2.3", "a@1-2.3"),
        ("a@xn--bcher-kva.example", "a|name xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        // Quoted: only what must be stays quoted.
        ("\"joe\"@a.b", "joe|name a.b", "joe@a.b"),
        ("\"joe.q\"@a.b", "joe.q|name a.b", "joe.q@a.b"),
        ("\"j\\oe\"@a.b", "joe|name a.b", "joe@a.b"),
        ("\"joe public\"@a.b", "joe public|name a.b", "\"joe public\"@a.b"),
        ("\"\\ \\@\\\"\\\\\"@a.b", " @\"\\|name a.b", "\" @\\\"\\\\\"@a.b"),
        ("\"\"@a.b", "|name a.b", "\"\"@a.b"),
        ("\".a\"@a.b", ".a|name a.b", "\".a\"@a.b"),
        ("\"a.\"@a.b", "a.|name a.b", "\"a.\"@a.b"),
        ("\"a..b\"@a.b", "a..b|name a.b", "\"a..b\"@a.b"),
        ("\"<a@b>\"@a.b", "<a@b>|name a.b", "\"<a@b>\"@a.b"),
        // Literals
        ("a@[192.0.2.1]", "a|v4 192.0.2.1", "a@[192.0.2.1]"),
        ("a@[IPv6:2001:DB8:0:0::1]", "a|v6 2001:db8::1", "a@[IPv6:2001:db8::1]"),
        ("a@[ipV6:2001:db8::192.0.2.1]", "a|v6 2001:db8::c000:201", "a@[IPv6:2001:db8::c000:201]"),
        ("a@[X-y:!~:]", "a|tag X-y !~:", "a@[X-y:!~:]"),
        // RFC 6531
        ("j\u{f6}rg@b\u{fc}cher.example", "j\u{f6}rg|name b\u{fc}cher.example", "j\u{f6}rg@b\u{fc}cher.example"),
        ("\"j\u{f6}rg\"@a.b", "j\u{f6}rg|name a.b", "j\u{f6}rg@a.b"),
        ("\"\u{f6} \\\"\u{1f600}\"@a.b", "\u{f6} \"\u{1f600}|name a.b", "\"\u{f6} \\\"\u{1f600}\"@a.b"),
    ];
    for (raw, meaning, canonical) in cases {
        let mailbox = Mailbox::parse(raw.as_bytes()).unwrap();
        assert_eq!(mailbox.raw(), raw.as_bytes());
        assert_eq!(mailbox.as_str(), *raw);
        assert_eq!(&outline(mailbox), meaning, "{raw}");
        assert_eq!(&mailbox.to_string(), canonical);
        assert_eq!(mailbox.is_ascii(), raw.is_ascii());
        let again = Mailbox::parse(canonical.as_bytes()).unwrap();
        assert_eq!(again, mailbox);
        assert_eq!(&again.to_string(), canonical);
    }
}
