//! Addresses: parse, emit, parse again; and every part lies where it says.

use scop_core::Emit;
use scop_mime_core::header::address::{AddressQuirk, Addresses, Phrase};
use scop_mime_core::{AddrSpec, Address, AddressList, Mailbox};

/// The value of a From or To field.
pub fn run(data: &[u8]) {
    let all: Result<Vec<Address<'_>>, _> = Addresses::new(data).collect();
    let list = AddressList::parse(data);
    match (&all, &list) {
        (Err(found), Err(error)) => assert_eq!(found, error),
        (Ok(all), Err(error)) => {
            assert!(all.is_empty(), "{error}");
        }
        (Ok(all), Ok(_)) => assert!(!all.is_empty()),
        (Err(error), Ok(_)) => panic!("{error}, but the list was read"),
    }
    if let Err(error) = list {
        assert!(error.offset() <= data.len());
        assert!(Mailbox::parse(data).is_err() && AddrSpec::parse(data).is_err());
        return;
    }
    let list = list.unwrap();
    assert_eq!(list.raw(), data);
    check_spans(data, &list);
    check_one(data, &list);

    // The canonical form is one line, means the same, and is its own canonical form.
    let canonical = list.to_vec();
    assert!(!canonical.iter().any(|byte| b"\r\n\0".contains(byte)));
    let again = AddressList::parse(&canonical).expect("what was emitted can be read");
    assert_eq!(again.to_vec(), canonical);
    assert_eq!(meaning(&again), meaning(&list));
    check_spans(&canonical, &again);
    for mailbox in again.mailboxes() {
        assert!(mailbox.display_name().is_none_or(is_phrase));
    }
    assert!(
        list.mailboxes()
            .map(|mailbox| mailbox.addr_spec())
            .eq(again.mailboxes().map(|mailbox| mailbox.addr_spec()))
    );
}

/// A list of one mailbox is a mailbox.
fn check_one(data: &[u8], list: &AddressList<'_>) {
    let mut addresses = list.iter();
    let one = match (addresses.next(), addresses.next()) {
        (Some(Address::Mailbox(mailbox)), None) => Some(mailbox),
        _ => None,
    };
    let read = Mailbox::parse(data).ok();
    assert_eq!(
        one.map(|mailbox| mailbox.to_vec()),
        read.map(|mailbox| mailbox.to_vec())
    );
    for mailbox in list.mailboxes() {
        let spec = mailbox.addr_spec();
        let emitted = spec.to_vec();
        let again = AddrSpec::parse(&emitted).expect("what was emitted can be read");
        assert_eq!(again, spec);
        assert_eq!(again.to_vec(), emitted);
        let (local, domain) = (spec.local_part(), spec.domain());
        assert!(local.is(&local.text().to_vec()));
        assert!(domain.is(&domain.text().to_vec().to_ascii_uppercase()));
        assert_eq!(
            domain.is_literal(),
            domain.text().to_vec().starts_with(b"[")
        );
        if let Some(atom) = domain.as_dot_atom() {
            assert_eq!(atom, domain.text().to_vec());
        }
        assert_eq!(
            mailbox.is_ambiguous(),
            mailbox.quirks().any(AddressQuirk::is_ambiguous)
        );
    }
}

fn check_spans(data: &[u8], list: &AddressList<'_>) {
    let within = |raw: &[u8], offset: usize, start: usize, end: usize| {
        assert!(start <= offset && offset + raw.len() <= end);
        assert_eq!(&data[offset..offset + raw.len()], raw);
    };
    let mut end = 0;
    for address in list.iter() {
        let (raw, offset) = match address {
            Address::Mailbox(mailbox) => (mailbox.raw(), mailbox.offset()),
            Address::Group(group) => {
                let name = group.name();
                within(name.raw(), name.offset(), group.offset(), data.len());
                (group.raw(), group.offset())
            }
        };
        within(raw, offset, end, data.len());
        // Only commas, white space and comments are left out between two addresses.
        assert!(AddressList::parse(&data[end..offset]).is_err());
        end = offset + raw.len();
    }
    assert!(AddressList::parse(&data[end..]).is_err());
    for mailbox in list.mailboxes() {
        let (start, end) = (mailbox.offset(), mailbox.offset() + mailbox.raw().len());
        within(mailbox.raw(), start, 0, data.len());
        let spec = mailbox.addr_spec();
        let (local, domain) = (spec.local_part(), spec.domain());
        within(local.raw(), local.offset(), start, domain.offset());
        within(domain.raw(), domain.offset(), start, end);
        if let Some(name) = mailbox.display_name() {
            within(name.raw(), name.offset(), start, local.offset());
        }
        for comment in mailbox.comments() {
            assert!(comment.raw().starts_with(b"(") && comment.raw().ends_with(b")"));
        }
    }
}

/// Atoms and quoted strings, without the dots of the obsolete form (RFC 5322 3.2.5). An encoded word may
/// hold dots.
fn is_phrase(name: Phrase<'_>) -> bool {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let outside = name.raw().iter().map(|&byte| {
        let is_outside = !is_quoted && byte != b'"';
        is_quoted ^= byte == b'"' && !is_escaped;
        is_escaped = is_quoted && byte == b'\\' && !is_escaped;
        if is_outside { byte } else { b' ' }
    });
    let outside: Vec<u8> = outside.collect();
    outside
        .split(|&byte| byte == b' ')
        .all(|word| !word.contains(&b'.') || word.starts_with(b"=?") && word.ends_with(b"?="))
}

/// Names, local parts and domains, with the structure of groups.
fn meaning(list: &AddressList<'_>) -> Vec<String> {
    let name = |name: Phrase<'_>| name.text().to_vec().escape_ascii().to_string();
    let mailbox = |mailbox: Mailbox<'_>| {
        let spec = mailbox.addr_spec();
        format!(
            "{:?} {} @ {}",
            mailbox.display_name().map(name),
            spec.local_part().text().to_vec().escape_ascii(),
            spec.domain().text().to_vec().escape_ascii(),
        )
    };
    list.iter()
        .map(|address| match address {
            Address::Mailbox(one) => mailbox(one),
            Address::Group(group) => {
                let members: Vec<String> = group.mailboxes().map(mailbox).collect();
                format!("{}: {members:?}", name(group.name()))
            }
        })
        .collect()
}
