//! The tree of a message as a person reads it.

use std::fmt::Write as _;

use super::document::{Document, OneAddress, OneField, OneMailbox};
use super::inspect::LineEnds;
use crate::terminal::{Style, Tone, shown, shown_within};

/// How many characters of a value are shown.
const WIDTH: usize = 100;

/// The fields that a person looks at first.
const SUMMARY: [&str; 6] = ["From", "Sender", "To", "Cc", "Date", "Subject"];

/// The tree as a person reads it.
pub(crate) fn render(document: &Document, style: Style) -> String {
    let mut out = String::new();
    for part in &document.parts {
        let depth = part
            .path
            .split('.')
            .filter(|number| !number.is_empty())
            .count();
        let indent = "  ".repeat(depth);
        let label = if part.path.is_empty() {
            "message"
        } else {
            &part.path
        };
        let _ = write!(
            out,
            "{indent}{}  {}",
            style.paint(Tone::Strong, label),
            shown_within(part.type_name.as_bytes(), WIDTH)
        );
        match part.decoded_size {
            Some(decoded) => {
                let _ = write!(
                    out,
                    "  {}, {} octets, {decoded} decoded",
                    part.encoding, part.size
                );
            }
            None => {
                let _ = write!(out, "  {} octets", part.size);
            }
        }
        if let Some(filename) = &part.filename {
            let _ = write!(out, "  \"{}\"", shown_within(filename.as_bytes(), WIDTH));
        }
        out.push('\n');
        for name in SUMMARY {
            for field in &part.fields {
                if field.name.eq_ignore_ascii_case(name) {
                    let _ = writeln!(out, "{indent}  {name}: {}", summary(field));
                }
            }
        }
    }
    if document.line_ends == LineEnds::Lf {
        out.push_str("line ends are LF, as in stored messages; read as CRLF\n");
    }
    for note in &document.notes {
        let text = shown_within(note.text.as_bytes(), 2 * WIDTH);
        let _ = writeln!(out, "note: byte {}: {text}", note.offset);
    }
    let answer = if document.ambiguous { "yes" } else { "no" };
    let _ = writeln!(out, "ambiguous: {answer}");
    if document.defects.is_empty() {
        out.push_str("no defects\n");
        return out;
    }
    out.push_str("defects\n");
    for defect in &document.defects {
        let (tone, note) = if defect.ambiguous {
            (Tone::Bad, " - readers may differ")
        } else {
            (Tone::Doubt, "")
        };
        let rule = style.paint(tone, shown(defect.rule.as_bytes()));
        let _ = writeln!(out, "  byte {}: {rule}{note}", defect.offset);
    }
    if document.defects_omitted > 0 {
        let _ = writeln!(out, "  and {} more", document.defects_omitted);
    }
    out
}

/// A value on one line: addresses with their names, other text as it is.
fn summary(field: &OneField) -> String {
    let Some(addresses) = &field.addresses else {
        return shown_within(field.value.as_bytes(), WIDTH);
    };
    let list: Vec<String> = addresses
        .iter()
        .map(|address| match address {
            OneAddress::Mailbox(one) => mailbox(one),
            OneAddress::Group { group, members } => {
                let members: Vec<String> = members.iter().map(mailbox).collect();
                let space = if members.is_empty() { "" } else { " " };
                format!("{group}:{space}{};", members.join(", "))
            }
        })
        .collect();
    shown_within(list.join(", ").as_bytes(), WIDTH)
}

fn mailbox(one: &OneMailbox) -> String {
    match &one.name {
        Some(name) => format!("{name} <{}>", one.address),
        None => one.address.clone(),
    }
}
