//! mail-parser 1.0.1. Its `parse` reads the tree and every known field, whether one asks for them or not;
//! bodies are decoded on access. With `parse_with` the storage of the message before is used again.

use mail_parser::{Address, AddressList, Message, MessageParser, PartKind};

use super::{Scratch, Seen};

/// The fields and parts of the whole tree.
pub fn tree(mail: &[u8], _: &mut Scratch) -> Seen {
    MessageParser::new()
        .parse(mail)
        .map_or_else(Seen::default, |message| count(&message))
}

/// The same, in the storage of the message before.
pub fn tree_reused(mail: &[u8], scratch: &mut Scratch) -> Seen {
    reused(mail, scratch, |message, _| count(message))
}

/// The five fields with which a mail is listed, and the tree.
pub fn fields(mail: &[u8], scratch: &mut Scratch) -> Seen {
    reused(mail, scratch, |message, _| {
        let mut seen = Seen::default();
        for list in [message.from(), message.to()].into_iter().flatten() {
            addresses(list, &mut seen);
        }
        if let Some(subject) = message.subject() {
            seen.add(1, 1);
            seen.add(2, subject.len());
        }
        if let Some(date) = message.date() {
            seen.add(1, 1);
            seen.add(2, usize::from(date.day));
        }
        if let Some(id) = message.message_id() {
            seen.add(1, 1);
            seen.add(2, id.len());
        }
        seen
    })
}

/// Each leaf without its transfer encoding, in one buffer.
pub fn decode(mail: &[u8], scratch: &mut Scratch) -> Seen {
    reused(mail, scratch, |message, scratch| {
        let mut seen = count(message);
        for part in message.parts() {
            if !matches!(part.kind(), PartKind::Multipart | PartKind::Message(_)) {
                scratch.octets.clear();
                part.decode_into(&mut scratch.octets);
                seen.add(2, scratch.octets.len());
            }
        }
        seen
    })
}

/// Each leaf as [`decode`] does, and those that are text in UTF-8.
pub fn text(mail: &[u8], scratch: &mut Scratch) -> Seen {
    reused(mail, scratch, |message, scratch| {
        let mut seen = count(message);
        for part in message.parts() {
            match part.kind() {
                PartKind::Multipart | PartKind::Message(_) => {}
                PartKind::Text | PartKind::Html => {
                    scratch.text.clear();
                    part.text_into(&mut scratch.text);
                    seen.add(2, scratch.text.len());
                }
                _ => {
                    scratch.octets.clear();
                    part.decode_into(&mut scratch.octets);
                    seen.add(2, scratch.octets.len());
                }
            }
        }
        seen
    })
}

fn reused(
    mail: &[u8],
    scratch: &mut Scratch,
    work: impl FnOnce(&Message<'_>, &mut Scratch) -> Seen,
) -> Seen {
    let mut buffers = std::mem::take(&mut scratch.buffers);
    let Some(message) = MessageParser::new().parse_with(mail, &mut buffers) else {
        return Seen::default();
    };
    let seen = work(&message, scratch);
    scratch.buffers = message.into_buffers();
    seen
}

fn count(message: &Message<'_>) -> Seen {
    let mut seen = Seen::default();
    seen.add(0, message.header_count());
    seen.add(1, message.parts().len());
    seen
}

fn addresses(list: AddressList<'_>, seen: &mut Seen) {
    for address in list.iter() {
        match address {
            Address::Mailbox(mailbox) => one(mailbox.name(), mailbox.address(), seen),
            Address::Group(group) => {
                for mailbox in group.mailboxes() {
                    one(mailbox.name(), mailbox.address(), seen);
                }
            }
        }
    }
}

fn one(name: Option<&str>, address: Option<&str>, seen: &mut Seen) {
    seen.add(0, 1);
    seen.add(2, name.map_or(0, str::len) + address.map_or(0, str::len));
}
