//! mailparse 0.18. `parse_mail` reads the tree; fields are spans until they are asked for. It does not look
//! into message/rfc822.

use mailparse::{
    MailAddr, MailHeaderMap, ParsedMail, SingleInfo, addrparse_header, dateparse, parse_mail,
};

use super::{Scratch, Seen};

/// The fields and parts of the whole tree.
pub fn tree(mail: &[u8], _: &mut Scratch) -> Seen {
    parse_mail(mail).map_or_else(|_| Seen::default(), |mail| count(&mail))
}

/// The five fields with which a mail is listed, and the tree.
pub fn fields(mail: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let Ok(mail) = parse_mail(mail) else {
        return seen;
    };
    for name in ["From", "To"] {
        let header = mail.headers.get_first_header(name);
        for address in header
            .and_then(|header| addrparse_header(header).ok())
            .iter()
            .flat_map(|list| list.iter())
        {
            match address {
                MailAddr::Single(mailbox) => one(mailbox, &mut seen),
                MailAddr::Group(group) => group
                    .addrs
                    .iter()
                    .for_each(|mailbox| one(mailbox, &mut seen)),
            }
        }
    }
    if let Some(subject) = mail.headers.get_first_value("Subject") {
        seen.add(1, 1);
        seen.add(2, subject.len());
    }
    let date = mail.headers.get_first_value("Date");
    if let Some(date) = date.and_then(|date| dateparse(&date).ok()) {
        seen.add(1, 1);
        seen.add(2, usize::from(date.to_le_bytes()[0]));
    }
    if let Some(id) = mail.headers.get_first_value("Message-ID") {
        seen.add(1, 1);
        seen.add(2, id.len());
    }
    seen
}

/// Each leaf without its transfer encoding.
pub fn decode(mail: &[u8], _: &mut Scratch) -> Seen {
    leaves(mail, |part| {
        part.get_body_raw().map_or(0, |octets| octets.len())
    })
}

/// Each leaf as [`decode`] does, and those that are text in UTF-8.
pub fn text(mail: &[u8], _: &mut Scratch) -> Seen {
    leaves(mail, |part| {
        if part.ctype.mimetype.starts_with("text/") {
            part.get_body().map_or(0, |text| text.len())
        } else {
            part.get_body_raw().map_or(0, |octets| octets.len())
        }
    })
}

fn leaves(mail: &[u8], decoded: impl Fn(&ParsedMail<'_>) -> usize) -> Seen {
    let Ok(mail) = parse_mail(mail) else {
        return Seen::default();
    };
    let mut seen = Seen::default();
    for part in mail.parts() {
        seen.add(0, part.headers.len());
        seen.add(1, 1);
        if part.subparts.is_empty() {
            seen.add(2, decoded(part));
        }
    }
    seen
}

fn count(mail: &ParsedMail<'_>) -> Seen {
    let mut seen = Seen::default();
    for part in mail.parts() {
        seen.add(0, part.headers.len());
        seen.add(1, 1);
    }
    seen
}

fn one(mailbox: &SingleInfo, seen: &mut Seen) {
    seen.add(0, 1);
    seen.add(
        2,
        mailbox.display_name.as_ref().map_or(0, String::len) + mailbox.addr.len(),
    );
}
