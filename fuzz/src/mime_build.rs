//! New messages: a strict reader takes what is written, and finds every value and every body again; what
//! cannot stand in a message is an error.

use std::cell::OnceCell;

use scop_core::{Counter, SliceSink};
use scop_mime_core::build::{
    Address, Body, BuildErrorKind, Draft, Field, Mailbox, Options, Transport, Value,
};
use scop_mime_core::{
    Address as ReadAddress, ContentDisposition, DateTime, Kind, Message, Part, Typed, Unstructured,
};

use crate::coding_decoders::check_lines;
use crate::rfc2045;

/// What the message is to be, line by line: `name:value`, where `\` stands before `n`, `r`, `t`, `0` and
/// itself.
///
/// - `transport:7`, `8` or `u`; `from:name|address`; `to:name|address`; `subject:text`; `id:identifier`;
///   `x:text`, which is X-Text; `list:name|identifier`.
/// - `text:`, `html:`, `octets:` and `message:` are bodies; `mixed:`, `alternative:` and `related:` begin a
///   multipart, and `end:` ends it.
/// - `name:`, `describe:`, `cid:` and `parameter:name|value` belong to the body before.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let script = Script::read(&text);
    let arena = Arena::new();
    let addresses: Vec<Address<'_>> = script
        .to
        .iter()
        .map(|(name, address)| Address::new(name, address))
        .collect();
    let mut fields = Vec::new();
    if !addresses.is_empty() {
        fields.push(Field::to(&addresses));
    }
    for (name, value) in &script.fields {
        fields.push(match *name {
            "subject" => Field::subject(value),
            "id" => Field::message_id(value),
            "list" => {
                let (name, id) = value.split_once('|').unwrap_or(("", value));
                Field::list_id(name, id)
            }
            _ => Field::new("X-Text", Value::Text(value)),
        });
    }
    let date = DateTime::parse(b"Fri, 1 Nov 2024 10:00:00 +0000").unwrap();
    let from = Mailbox::new(&script.from.0, &script.from.1);
    let draft = Draft::new(date, from, &fields, arena.body(&script.body));
    let options = Options::new(*b"sixteen octets!!").transport(script.transport);

    let mut message = Vec::new();
    let result = draft.write(&options, &mut message);
    match result {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(
                error.kind() != BuildErrorKind::Full && error.kind() != BuildErrorKind::NoBoundary
            );
            let is_control = error.kind() == BuildErrorKind::Control;
            assert!(!is_control || script.holds_control);
            return;
        }
        Ok(()) => assert!(!script.value_holds_control, "{}", message.escape_ascii()),
    }
    let mut counter = Counter::default();
    draft
        .write(&options, &mut counter)
        .expect("twice is the same");
    assert_eq!(counter.len(), message.len());
    let mut small = vec![0; message.len() - 1];
    let full = draft
        .write(&options, &mut SliceSink::new(&mut small))
        .unwrap_err();
    assert_eq!(full.kind(), BuildErrorKind::Full);

    check_lines(&message, 998);
    assert!(message.is_ascii() || script.transport > Transport::SevenBit);
    check_header(&message, &script);
    check_bodies(&message, &script);
}

/// A body that is to be written.
#[derive(Debug, Default)]
struct Node {
    kind: String,
    value: String,
    name: Option<String>,
    description: Option<String>,
    id: Option<String>,
    parameters: Vec<(String, String)>,
    parts: Vec<Node>,
}

#[derive(Debug)]
struct Script {
    transport: Transport,
    from: (String, String),
    to: Vec<(String, String)>,
    fields: Vec<(&'static str, String)>,
    body: Node,
    /// Whether some value holds a control character, TAB and the two separators included.
    holds_control: bool,
    /// Whether one does that is no content.
    value_holds_control: bool,
}

const FIELDS: [&str; 4] = ["subject", "id", "x", "list"];
const MULTIPARTS: [&str; 3] = ["mixed", "alternative", "related"];

impl Script {
    fn read(text: &str) -> Self {
        let mut script = Self {
            transport: Transport::SevenBit,
            from: (String::new(), "joe@example.org".to_owned()),
            to: Vec::new(),
            fields: Vec::new(),
            body: Node::default(),
            holds_control: false,
            value_holds_control: false,
        };
        // The multiparts that are open; the first holds the body itself.
        let mut open = vec![Node::default()];
        for line in text.split('\n').take(60) {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = unescape(value);
            let control = value.chars().any(|c| c.is_control() && c != '\t');
            let is_content = ["text", "html", "octets", "message"].contains(&name);
            let pair = |value: &str| {
                let (one, other) = value.split_once('|').unwrap_or(("", value));
                (one.to_owned(), other.to_owned())
            };
            let depth = open.len();
            let children = &mut open.last_mut().expect("the first stays open").parts;
            let mut used = true;
            match (name, children.last_mut()) {
                ("transport", _) => {
                    used = false;
                    script.transport = match value.as_str() {
                        "8" => Transport::EightBit,
                        "u" => Transport::Utf8,
                        _ => Transport::SevenBit,
                    };
                }
                ("from", _) => {
                    script.from = pair(&value);
                    // The one before is not written.
                    script.value_holds_control |= control;
                }
                ("to", _) => script.to.push(pair(&value)),
                ("end", _) if depth > 1 => {
                    used = false;
                    let node = open.pop().expect("it is open");
                    open.last_mut()
                        .expect("the first stays open")
                        .parts
                        .push(node);
                }
                ("name", Some(last)) => used = last.name.replace(value.clone()).is_none(),
                ("describe", Some(last)) => {
                    used = last.description.replace(value.clone()).is_none();
                }
                ("cid", Some(last)) => used = last.id.replace(value.clone()).is_none(),
                ("parameter", Some(last)) => last.parameters.push(pair(&value)),
                (name, _) if is_content => children.push(Node {
                    kind: name.to_owned(),
                    value: value.clone(),
                    ..Node::default()
                }),
                (name, _) if MULTIPARTS.contains(&name) && depth < 15 => {
                    used = false;
                    open.push(Node {
                        kind: name.to_owned(),
                        ..Node::default()
                    });
                }
                _ => match FIELDS.iter().find(|field| **field == name) {
                    Some(field) => script.fields.push((field, value.clone())),
                    None => used = false,
                },
            }
            let is_odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
            script.holds_control |= value.chars().any(is_odd);
            // What was said twice may not be written.
            script.value_holds_control |= control && used && !is_content && name != "from";
        }
        while let Some(mut node) = open.pop() {
            match open.last_mut() {
                Some(outer) => outer.parts.push(node),
                None if node.parts.is_empty() => {
                    script.body = Node {
                        kind: "text".to_owned(),
                        ..Node::default()
                    };
                }
                None if node.parts.len() == 1 => script.body = node.parts.remove(0),
                None => {
                    "mixed".clone_into(&mut node.kind);
                    script.body = node;
                }
            }
        }
        // These two are asserted only where nothing was replaced.
        if text.matches("from:").count() > 1
            || ["name:", "describe:", "cid:"]
                .iter()
                .any(|name| text.matches(name).count() > 1)
        {
            script.value_holds_control = false;
        }
        script
    }
}

fn unescape(value: &str) -> String {
    let mut out = String::new();
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        out.push(match c {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('0') => '\0',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    out
}

/// Keeps the lists of parts that bodies borrow from.
struct Arena<'a> {
    parts: [OnceCell<Vec<Body<'a>>>; 64],
    parameters: [OnceCell<Vec<(&'a str, &'a str)>>; 64],
}

impl<'a> Arena<'a> {
    const fn new() -> Self {
        Self {
            parts: [const { OnceCell::new() }; 64],
            parameters: [const { OnceCell::new() }; 64],
        }
    }

    fn body(&'a self, node: &'a Node) -> Body<'a> {
        let mut body = match node.kind.as_str() {
            "text" => Body::text(&node.value),
            "html" => Body::html(&node.value),
            "octets" => Body::octets("application/octet-stream", node.value.as_bytes()),
            "message" => Body::message(node.value.as_bytes()),
            kind => {
                let parts = node.parts.iter().map(|part| self.body(part)).collect();
                let parts = keep(&self.parts, parts);
                match kind {
                    "alternative" => Body::alternative(parts),
                    "related" => Body::related(parts),
                    _ => Body::mixed(parts),
                }
            }
        };
        if let Some(name) = &node.name {
            body = body.file_name(name);
        }
        if let Some(text) = &node.description {
            body = body.description(text);
        }
        if let Some(id) = &node.id {
            body = body.content_id(id);
        }
        let parameters = node.parameters.iter();
        let parameters = parameters.map(|(name, value)| (name.as_str(), value.as_str()));
        body.parameters(keep(&self.parameters, parameters.collect()))
    }
}

fn keep<T>(cells: &[OnceCell<Vec<T>>], value: Vec<T>) -> &[T] {
    let cell = cells.iter().find(|cell| cell.get().is_none());
    cell.expect("a script has no more lines")
        .get_or_init(|| value)
}

fn check_header(message: &[u8], script: &Script) {
    let header = Message::split(message).header;
    let mut to = script.to.iter();
    let mut fields = script.fields.iter();
    for field in header.fields() {
        match field.typed() {
            Typed::From(list) => {
                let mailbox = list.mailboxes().next().expect("one author");
                check_mailbox(&ReadAddress::Mailbox(mailbox), &script.from);
            }
            Typed::To(list) => {
                for address in list.iter() {
                    check_mailbox(&address, to.next().expect("one that was given"));
                }
            }
            Typed::Subject(text) | Typed::Unstructured(text) if !field.is(b"MIME-Version") => {
                assert!(
                    text.text()
                        .is(&fields.next().expect("one that was given").1)
                );
            }
            Typed::MessageId(id) => {
                let written = &fields.next().expect("one that was given").1;
                assert_eq!(id.raw(), format!("<{written}>").as_bytes());
            }
            Typed::ListId(list) => {
                let written = &fields.next().expect("one that was given").1;
                let (name, id) = written.split_once('|').unwrap_or(("", written));
                assert_eq!(list.id(), id.as_bytes());
                assert!(
                    list.phrase()
                        .map_or(name.is_empty(), |phrase| phrase.decoded().is(name))
                );
            }
            Typed::Malformed { .. } | Typed::NotAField { .. } => panic!("a bad field"),
            _ => {}
        }
    }
    assert!(to.next().is_none() && fields.next().is_none());
}

fn check_mailbox(address: &ReadAddress<'_>, (name, written): &(String, String)) {
    let ReadAddress::Mailbox(mailbox) = address else {
        panic!("no group was written");
    };
    let shown = mailbox.display_name().map(|phrase| phrase.decoded());
    assert!(shown.map_or(name.is_empty(), |shown| shown.is(name)));
    let given = scop_mime_core::AddrSpec::parse(written.as_bytes()).expect("it was written");
    assert_eq!(mailbox.addr_spec(), given);
}

/// All nodes in the order in which they are written.
fn nodes(node: &Node) -> Vec<&Node> {
    let parts = node.parts.iter().flat_map(nodes);
    [node].into_iter().chain(parts).collect()
}

fn check_bodies(message: &[u8], script: &Script) {
    let nodes = nodes(&script.body);
    let messages = nodes.iter().filter(|node| node.kind == "message");
    // A header alone is a message, but not one that a delimiter may follow.
    let own_bytes = messages.clone().any(|node| {
        let bytes = rfc2045::with_crlf(node.value.as_bytes());
        Message::strict(&bytes).is_err() || Message::split(&bytes).separator.is_empty()
    });
    let quoted = script
        .to
        .iter()
        .chain([&script.from])
        .any(|(_, address)| address.contains('"'));
    if !own_bytes && !quoted {
        let strict = Message::strict(message);
        assert!(
            strict.is_ok(),
            "{:?} {}",
            strict.err(),
            message.escape_ascii()
        );
    }
    let mut parts = Message::index(message).parts().filter(|part| {
        // Those in a message that was given are not ours.
        part.entity().depth <= 16
    });
    let index = Message::index(message);
    if messages.clone().next().is_some() {
        return;
    }
    for node in nodes {
        let part = parts.next().expect("as many as were given");
        check_body(&index.whole(&part).expect("it is there"), node);
    }
    assert!(parts.next().is_none());
}

fn check_body(part: &Part<'_>, node: &Node) {
    let content = part.content_type();
    let mut octets = Vec::new();
    assert!(
        part.decode(&mut octets)
            .expect("a vector is never full")
            .is_empty()
    );
    match node.kind.as_str() {
        "text" | "html" => {
            let subtype: &[u8] = if node.kind == "text" {
                b"plain"
            } else {
                b"html"
            };
            assert!(content.is(b"text", subtype) && content.charset().is_some());
            assert_eq!(octets, rfc2045::with_crlf(node.value.as_bytes()));
        }
        "octets" => assert_eq!(octets, node.value.as_bytes()),
        kind => {
            assert_eq!(part.content().kind, Kind::Multipart);
            assert!(content.is(b"multipart", kind.as_bytes()));
            let mut boundary = Vec::new();
            content
                .boundary()
                .expect("it has one")
                .octets(&mut boundary)
                .unwrap();
            // A delimiter for each part and the last one: in the parts there is none.
            let delimiter = [b"--", boundary.as_slice()].concat();
            let body = part.body().expect("it is whole");
            let lines = body.split(|&byte| byte == b'\n');
            let found = lines.filter(|line| line.starts_with(&delimiter));
            assert_eq!(found.count(), node.parts.len() + 1);
        }
    }
    for (name, value) in &node.parameters {
        let parameter = content
            .parameters()
            .get(name.as_bytes())
            .expect("it was written");
        assert!(parameter.value().is(value));
    }
    let field = |name: &str| {
        let mut fields = part.header().fields();
        fields
            .find(|field| field.is(name.as_bytes()))
            .map(|field| field.value())
    };
    if let Some(name) = &node.name {
        let disposition = ContentDisposition::parse(field("Content-Disposition").unwrap()).unwrap();
        assert!(disposition.is_attachment());
        assert!(
            disposition
                .filename()
                .expect("it was written")
                .value()
                .is(name)
        );
    }
    if let Some(text) = &node.description {
        assert!(
            Unstructured::new(field("Content-Description").unwrap())
                .text()
                .is(text)
        );
    }
    if let Some(id) = &node.id {
        let written = field("Content-ID").unwrap().trim_ascii();
        assert_eq!(written, format!("<{id}>").as_bytes());
    }
}
