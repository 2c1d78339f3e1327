//! Messages that the builder of mime-core writes: what the strict reader accepts, and reads as it was meant.

use scop_mime_core::build::{self, Body, Draft, Field, Options, Transport};
use scop_mime_core::header::date::Zone;
use scop_mime_core::{
    ContentDisposition, DateTime, FieldName, Index, Inspector, Kind, Limits, Part, Typed,
};

use super::Mismatch;
use crate::generate::Generator;

/// A leaf, as a reader must see it.
struct Leaf {
    file_name: Option<String>,
    octets: Vec<u8>,
}

/// What a message is to say.
struct Plan {
    from: (String, String),
    to: Vec<(String, String)>,
    subject: String,
    text: String,
    html: Option<String>,
    attachments: Vec<(String, Vec<u8>)>,
    inner_subject: Option<String>,
    transport: Transport,
    entropy: [u8; 16],
}

impl Plan {
    fn draw(generator: &mut Generator) -> Self {
        let entropy = [generator.rng.next(), generator.rng.next()].map(u64::to_le_bytes);
        let [low, high] = entropy;
        let mut entropy = [0; 16];
        for (to, from) in entropy.iter_mut().zip(low.into_iter().chain(high)) {
            *to = from;
        }
        Self {
            from: person(generator),
            to: generator.several(1, 4, person),
            subject: generator.line(12),
            text: text(generator),
            html: generator.maybe(40, text),
            attachments: generator.several(0, 2, |generator| {
                let name = generator.line(4);
                let len = usize::try_from(generator.rng.below(300)).unwrap_or(0);
                let octets = (0..len).map(|_| generator.rng.byte()).collect();
                // A file name is never empty.
                (format!("a{name}"), octets)
            }),
            inner_subject: generator.maybe(20, |generator| generator.line(4)),
            transport: match generator.rng.below(3) {
                0 => Transport::EightBit,
                1 => Transport::Utf8,
                _ => Transport::SevenBit,
            },
            entropy,
        }
    }

    /// Writes the message behind what `out` holds.
    fn write(&self, date: DateTime, out: &mut Vec<u8>) -> Result<(), Mismatch> {
        let versions = [
            Body::text(&self.text),
            Body::html(self.html.as_deref().unwrap_or_default()),
        ];
        let first = match self.html {
            Some(_) => Body::alternative(&versions),
            None => Body::text(&self.text),
        };
        let inner_fields = [Field::subject(
            self.inner_subject.as_deref().unwrap_or_default(),
        )];
        let mailbox = build::Mailbox::new("", "ann@example.net");
        let inner = Draft::new(date, mailbox, &inner_fields, Body::text("inner\r\n"));
        let mut parts = vec![first];
        for (name, octets) in &self.attachments {
            parts.push(Body::attachment("application/octet-stream", name, octets));
        }
        if self.inner_subject.is_some() {
            parts.push(Body::draft(&inner));
        }
        let body = match parts.as_slice() {
            [one] => *one,
            _ => Body::mixed(&parts),
        };
        let to: Vec<build::Address<'_>> = self
            .to
            .iter()
            .map(|(name, address)| build::Address::new(name, address))
            .collect();
        let fields = [Field::to(&to), Field::subject(&self.subject)];
        let from = build::Mailbox::new(&self.from.0, &self.from.1);
        let options = Options::new(self.entropy).transport(self.transport);
        Draft::new(date, from, &fields, body)
            .write(&options, out)
            .map_err(|error| Mismatch::text("builder", "a message", error.to_string()))
    }

    /// The leaves in order.
    fn leaves(&self) -> Vec<Leaf> {
        let text = |text: &str| Leaf {
            file_name: None,
            octets: with_crlf(text),
        };
        let mut leaves = vec![text(&self.text)];
        leaves.extend(self.html.as_deref().map(text));
        for (name, octets) in &self.attachments {
            leaves.push(Leaf {
                file_name: Some(name.clone()),
                octets: octets.clone(),
            });
        }
        if self.inner_subject.is_some() {
            leaves.push(text("inner\r\n"));
        }
        leaves
    }
}

fn person(generator: &mut Generator) -> (String, String) {
    let name = generator.maybe(70, |generator| generator.line(4));
    let address =
        generator
            .rng
            .pick(&["joe@example.org", "a.b+c@mail.example.com", "x@[192.0.2.1]"]);
    (name.unwrap_or_default(), address.to_owned())
}

/// Text with line ends of both kinds, and what cannot stand as it is.
fn text(generator: &mut Generator) -> String {
    let mut text = String::new();
    for _ in 0..generator.rng.below(12) {
        let line = generator.line(12);
        text.push_str(&line);
        let odd = [
            "\n", "\r\n", "\n", "\n", "\r", " \n", "\n--", "\nFrom ", "\0", "\n.\n", "",
        ];
        text.push_str(generator.rng.pick(&odd));
    }
    if generator.rng.one_in(20) {
        text.push_str(&"x".repeat(1200));
    }
    text
}

/// Each line end as CRLF; a CR that no LF follows is none.
fn with_crlf(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if byte == b'\n' && octets.last() != Some(&b'\r') {
            octets.push(b'\r');
        }
        octets.push(byte);
    }
    octets
}

/// Builds a message from `seed` into `out`, and reads it.
pub(crate) fn check(seed: u64, out: &mut Vec<u8>, decoded: &mut Vec<u8>) -> Result<(), Mismatch> {
    let mut generator = Generator::new(seed);
    let plan = Plan::draw(&mut generator);
    let date = DateTime::new(2024, 11, 1, 10, 0, 0, Zone::UTC)
        .ok_or_else(|| Mismatch::text("date", "one", "none"))?;
    out.clear();
    plan.write(date, out)?;
    let mut inspector = Inspector::<4>::new(&Limits::DEFAULT);
    let index = Index::with_limits(out, Limits::DEFAULT);
    for event in index.events() {
        inspector.event(&event);
    }
    inspector.finish();
    if let Some(defect) = inspector.defects().first() {
        return Err(Mismatch::text(
            "defects of what is built",
            "none",
            defect.to_string(),
        ));
    }
    if plan.transport == Transport::SevenBit && !out.is_ascii() {
        return Err(Mismatch::text("transport", "ASCII", "other octets"));
    }
    header(&plan, &index)?;
    let mut leaves = plan.leaves().into_iter();
    for part in index
        .parts()
        .filter(|part| part.content().kind == Kind::Leaf)
    {
        let Some(leaf) = leaves.next() else {
            return Err(Mismatch::text("leaves", "no more", "one more"));
        };
        decoded.clear();
        // A vector is never full.
        let _ = part.decode(decoded);
        if leaf.octets != *decoded {
            return Err(Mismatch::bytes("decoded leaf", &leaf.octets, decoded));
        }
        let name = file_name(&part);
        if name != leaf.file_name {
            let (due, seen) = (format!("{:?}", leaf.file_name), format!("{name:?}"));
            return Err(Mismatch::text("file name", due, seen));
        }
    }
    match leaves.next() {
        None => Ok(()),
        Some(_) => Err(Mismatch::text("leaves", "one more", "no more")),
    }
}

fn file_name(part: &Part<'_>) -> Option<String> {
    let header = part.header();
    let field = header
        .fields()
        .find(|field| field.is(b"Content-Disposition"))?;
    let disposition = ContentDisposition::parse(field.value()).ok()?;
    disposition.filename().map(|name| name.value().to_string())
}

/// The fields of the message itself.
fn header(plan: &Plan, index: &Index<'_>) -> Result<(), Mismatch> {
    let mut subjects = [Some(&plan.subject), plan.inner_subject.as_ref()]
        .into_iter()
        .flatten();
    for (number, part) in index.parts().enumerate() {
        for field in part.header().fields() {
            match (field.typed(), number) {
                (Typed::Subject(seen), _) => {
                    let due = subjects.next().map_or("", String::as_str);
                    if !seen.text().is(due) {
                        return Err(Mismatch::text("subject", due, seen.text().to_string()));
                    }
                }
                (Typed::From(seen), 0) => people(std::slice::from_ref(&plan.from), &seen)?,
                (Typed::To(seen), 0) => people(&plan.to, &seen)?,
                (Typed::Malformed { error, .. }, _) => {
                    return Err(Mismatch::text("field", "a valid one", error.to_string()));
                }
                _ => {}
            }
        }
    }
    let block = index.parts().next().map(|part| part.header());
    let names = block.iter().flat_map(scop_mime_core::HeaderBlock::fields);
    let count = names
        .filter(|field| field.known() == Some(FieldName::Date))
        .count();
    if count == 1 {
        Ok(())
    } else {
        Err(Mismatch::text("Date", "1", count.to_string()))
    }
}

fn people(
    due: &[(String, String)],
    seen: &scop_mime_core::AddressList<'_>,
) -> Result<(), Mismatch> {
    let seen: Vec<(String, String)> = seen
        .mailboxes()
        .map(|mailbox| {
            let name = mailbox
                .display_name()
                .map(|name| name.decoded().to_string());
            (name.unwrap_or_default(), mailbox.addr_spec().to_string())
        })
        .collect();
    if seen == due {
        return Ok(());
    }
    Err(Mismatch::text(
        "people",
        format!("{due:?}"),
        format!("{seen:?}"),
    ))
}
