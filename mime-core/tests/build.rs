//! What is built is read back: every value, body and file name, octet for octet, without a defect.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use proptest::prelude::*;
use scop_core::Emit;
use scop_mime_core::build::{Address, Body, Draft, Field, Mailbox, Options, Transport};
use scop_mime_core::{ContentDisposition, DateTime, HeaderBlock, Index, Kind, Message, Typed};

/// A body, owned.
#[derive(Clone, Debug)]
enum Tree {
    Text(String, bool),
    Octets(String, Vec<u8>),
    Message(String),
    Draft(Box<Mail>),
    Multi(u8, Vec<Self>),
}

#[derive(Clone, Debug)]
struct Mail {
    from: (String, String),
    to: Vec<(String, String)>,
    group: Option<String>,
    subject: String,
    ids: Vec<String>,
    body: Tree,
}

/// Text that a header may hold.
fn phrase() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,30}",
        "\\PC{0,90}",
        "([a-z=?_ ]|\u{e9}|\u{2028}){0,200}"
    ]
    .prop_map(|text| text.replace('\u{2028}', " "))
}

fn body_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "([ -~]{0,80}\r?\n){0,8}",
        "(\\PC{0,30}|\r|\n|\r\n|--=_|From |\0|[a-z]{1000}){0,8}",
        "([a-z \u{e9}]{0,90}\n){0,8}",
    ]
}

fn address() -> impl Strategy<Value = (String, String)> {
    (
        phrase(),
        "[a-z]{1,9}([.][a-z0-9]{1,9}){0,2}@[a-z]{1,9}[.]example",
    )
}

fn mail(body: BoxedStrategy<Tree>) -> impl Strategy<Value = Mail> {
    let to = prop::collection::vec(address(), 1..4);
    let ids = prop::collection::vec("[a-z0-9.]{0,40}x@[a-z]{1,9}[.]example", 0..5);
    let ids = ids.prop_map(|ids| {
        let plain = |id: String| {
            id.replace("..", "y")
                .trim_start_matches('.')
                .replace("..", "y")
        };
        ids.into_iter()
            .map(plain)
            .map(|id| id.replace(".@", "@"))
            .collect()
    });
    (
        address(),
        to,
        prop::option::of(phrase()),
        phrase(),
        ids,
        body,
    )
        .prop_map(|(from, to, group, subject, ids, body)| Mail {
            from,
            to,
            group,
            subject,
            ids,
            body,
        })
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (body_text(), any::<bool>()).prop_map(|(text, html)| Tree::Text(text, html)),
        ("\\PC{0,60}", prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(name, octets)| Tree::Octets(name, octets)),
        "([ -~]{0,60}\r?\n){0,4}".prop_map(|text| {
            Tree::Message(
                [
                    "From: a@b.example\nDate: 1 Nov 2024 10:00:00 +0000\n\n",
                    &text,
                ]
                .concat(),
            )
        }),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            (0..4_u8, prop::collection::vec(inner.clone(), 1..4))
                .prop_map(|(kind, parts)| Tree::Multi(kind, parts)),
            mail(inner.boxed()).prop_map(|mail| Tree::Draft(Box::new(mail))),
        ]
    })
}

/// The builder borrows all that it writes, from memory that this test does not give back.
fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn body(tree: &'static Tree) -> Body<'static> {
    match tree {
        Tree::Text(text, false) => Body::text(text),
        Tree::Text(text, true) => Body::html(text).content_id("1@a.example"),
        Tree::Octets(name, octets) => Body::attachment("application/pdf", name, octets),
        Tree::Message(text) => Body::message(text.as_bytes()),
        Tree::Draft(mail) => Body::draft(leak(draft(mail))),
        Tree::Multi(kind, parts) => {
            let parts: &[Body<'_>] = leak(parts.iter().map(body).collect::<Vec<_>>());
            match kind {
                0 => Body::mixed(parts),
                1 => Body::alternative(parts),
                2 => Body::related(parts),
                _ => Body::digest(parts),
            }
        }
    }
}

fn draft(mail: &'static Mail) -> Draft<'static> {
    let date = DateTime::parse(b"Fri, 1 Nov 2024 10:00:00 +0000").unwrap();
    let mailbox = |(name, address): &'static (String, String)| Mailbox::new(name, address);
    let mailboxes: &[Mailbox<'_>] = leak(mail.to.iter().map(mailbox).collect::<Vec<_>>());
    let mut to: Vec<Address<'_>> = mailboxes.iter().copied().map(Address::Mailbox).collect();
    if let Some(name) = &mail.group {
        to.push(Address::Group(name, mailboxes));
    }
    let ids: &[&str] = leak(mail.ids.iter().map(String::as_str).collect::<Vec<_>>());
    let mut fields = vec![Field::to(leak(to)), Field::subject(&mail.subject)];
    if let Some(first) = ids.first() {
        fields.extend([Field::message_id(first), Field::references(ids)]);
    }
    Draft::new(date, mailbox(&mail.from), leak(fields), body(&mail.body))
}

/// What text is on its way.
fn lines(text: &str) -> Vec<u8> {
    text.replace("\r\n", "\n")
        .replace('\n', "\r\n")
        .into_bytes()
}

fn check_header(mail: &Mail, header: HeaderBlock<'_>) {
    let (mut to, mut seen) = (mail.to.clone(), 0);
    if mail.group.is_some() {
        to.extend(mail.to.clone());
    }
    for field in header.fields() {
        seen += 1;
        let list = match field.typed() {
            Typed::From(list) => (list, vec![mail.from.clone()]),
            Typed::To(list) => (list, to.clone()),
            Typed::Subject(text) => {
                assert_eq!(text.text().to_string(), mail.subject);
                continue;
            }
            Typed::MessageId(id) => {
                assert_eq!(id.to_string(), format!("<{}>", mail.ids[0]));
                continue;
            }
            Typed::References(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| id.to_string()).collect();
                let wanted: Vec<_> = mail.ids.iter().map(|id| format!("<{id}>")).collect();
                assert_eq!(ids, wanted);
                continue;
            }
            Typed::Malformed { error, .. } => panic!("{error} in {field:?}"),
            _ => continue,
        };
        let (list, wanted) = list;
        let read: Vec<_> = list
            .mailboxes()
            .map(|mailbox| {
                let name = mailbox
                    .display_name()
                    .map(|name| name.decoded().to_string());
                (name.unwrap_or_default(), mailbox.addr_spec().to_string())
            })
            .collect();
        assert_eq!(read, wanted);
    }
    assert!(seen >= 5);
}

fn check(tree: &Tree, index: &Index<'_>, path: &mut Vec<usize>) {
    let part = index.part(path).expect("a part is missing");
    let mut octets = Vec::new();
    let children = match tree {
        Tree::Multi(_, parts) => {
            assert_eq!(part.content().kind, Kind::Multipart);
            for (at, tree) in parts.iter().enumerate() {
                path.push(at + 1);
                check(tree, index, path);
                path.pop();
            }
            parts.len()
        }
        Tree::Message(text) => {
            assert_eq!(part.body(), Some(&lines(text)[..]));
            1
        }
        Tree::Draft(mail) => {
            path.push(1);
            check_header(mail, index.part(path).unwrap().header());
            check(&mail.body, index, path);
            path.pop();
            1
        }
        Tree::Text(text, html) => {
            assert!(part.decode(&mut octets).unwrap().is_empty());
            assert_eq!(octets, lines(text));
            assert!(
                part.content_type()
                    .is(b"text", if *html { b"html" } else { b"plain" })
            );
            0
        }
        Tree::Octets(name, wanted) => {
            assert!(part.decode(&mut octets).unwrap().is_empty());
            assert_eq!(&octets, wanted);
            let mut fields = part.header().fields();
            let field = fields
                .find(|field| field.is(b"Content-Disposition"))
                .unwrap();
            let disposition = ContentDisposition::parse(field.value()).unwrap();
            assert_eq!(
                disposition.filename().unwrap().value().to_vec(),
                name.as_bytes()
            );
            0
        }
    };
    path.push(children + 1);
    let has_more = index.part(path).is_some();
    path.pop();
    assert!(!has_more, "a part too many");
}

fn check_octets(bytes: &[u8], transport: Transport) {
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.contains('\0'));
    for line in text.split("\r\n") {
        assert!(!line.contains(['\r', '\n']) && line.len() <= 998, "{line}");
    }
    assert!(bytes.is_ascii() || transport > Transport::SevenBit);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn read_back(mail in mail(tree().boxed()), entropy: [u8; 16], transport in 0..3_usize) {
        let transport = [Transport::SevenBit, Transport::EightBit, Transport::Utf8][transport];
        let options = Options::new(entropy).transport(transport);
        let mail: &'static Mail = leak(mail);
        let draft = draft(mail);
        let mut bytes = Vec::new();
        draft.write(&options, &mut bytes).unwrap();
        check_octets(&bytes, transport);
        let mut again = Vec::new();
        draft.write(&options, &mut again).unwrap();
        prop_assert_eq!(&bytes, &again);

        let strict = Message::strict(&bytes);
        prop_assert!(strict.is_ok(), "{:?} in {}", strict, String::from_utf8_lossy(&bytes));
        let index = Message::index(&bytes);
        check_header(mail, index.part(&[]).unwrap().header());
        check(&mail.body, &index, &mut Vec::new());
    }

    /// Whatever a value is, it is refused or it is one value of one field.
    #[test]
    fn nothing_gets_out(
        name in "[A-Za-z:\r\n-]{1,8}",
        value in "([a-z@.<>,:;\"()=?-]|\r\n|\n|\r|\0| |\u{e9}|\u{85}){0,30}",
        what in 0..7_usize,
    ) {
        let date = DateTime::parse(b"Fri, 1 Nov 2024 10:00:00 +0000").unwrap();
        let to = [Address::new(&value, "a@b.example"), Address::new("", "c@d.example")];
        let by_address = [Address::new("", &value), Address::new("", "c@d.example")];
        let members = [Mailbox::new(&value, "a@b.example")];
        let groups = [Address::Group(&value, &members)];
        let parameters = [(&*value, "x"), ("y", &*value)];
        let field = match what {
            0 => Field::to(&to),
            1 => Field::to(&by_address),
            2 => Field::to(&groups),
            3 => Field::subject(&value),
            4 => Field::message_id(&value),
            5 => Field::list_unsubscribe(core::slice::from_ref(leak(leak(value.clone()).as_str()))),
            _ => Field::new(&name, scop_mime_core::build::Value::Text(&value)),
        };
        let fields = [field];
        let body = Body::text("x").parameters(&parameters[1..]).file_name(&value);
        let draft = Draft::new(date, Mailbox::new("", "a@b.example"), &fields, body);
        let mut bytes = Vec::new();
        if draft.write(&Options::new([1; 16]), &mut bytes).is_ok() {
            let has_control = value.chars().any(char::is_control);
            prop_assert!(!has_control);
            let message = Message::split(&bytes);
            prop_assert_eq!(message.header.fields().count(), 6);
            prop_assert_eq!(message.body, b"x");
            for field in message.header.fields() {
                prop_assert_eq!(field.defect(), None);
            }
            if let Some(Typed::To(list)) = message.header.fields().nth(2).map(|field| field.typed()) {
                let count = if what == 2 { 1 } else { 2 };
                prop_assert_eq!(list.mailboxes().count(), count);
            }
        }
    }
}
