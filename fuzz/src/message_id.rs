//! Message identifiers, one and lists: parse, emit, parse again; and every part lies where it says.

use scop_core::Emit;
use scop_mime_core::header::message_id::MessageIdErrorKind;
use scop_mime_core::{MessageId, MessageIds};

/// The value of a Message-ID or References field.
pub fn run(data: &[u8]) {
    let (prefix, rest) = MessageIds::parse_prefix(data);
    assert_eq!([prefix.raw(), rest].concat(), data);
    let ids: Vec<MessageId<'_>> = prefix.iter().collect();
    match MessageIds::parse(data) {
        Ok(list) => {
            assert_eq!(list.raw(), data);
            assert!(list.iter().eq(ids.iter().copied()) && !ids.is_empty());
            // Words may follow the last one, but no other.
            assert!(matches!(
                MessageIds::parse(rest).map_err(|error| error.kind()),
                Err(MessageIdErrorKind::NoId)
            ));
        }
        Err(error) => {
            assert!(error.offset() <= data.len());
            assert!(error.offset() >= prefix.raw().len());
        }
    }

    let mut end = 0;
    for id in &ids {
        let (raw, offset) = (id.raw(), id.offset());
        assert!(end <= offset);
        assert_eq!(&data[offset..offset + raw.len()], raw);
        assert!(raw.starts_with(b"<") && raw.ends_with(b">"));
        end = offset + raw.len();
        check_id(id, MessageId::parse(raw).expect("it is one by itself"));
        let sides = |id: &MessageId<'_>| (id.left().to_vec(), id.right().to_vec());
        for other in &ids {
            assert_eq!(id == other, sides(id) == sides(other));
        }
    }
    if !ids.is_empty() {
        assert_eq!(end, prefix.raw().len());
    }

    // A value that is one identifier is a list of one.
    match MessageId::parse(data) {
        Ok(id) => assert_eq!(ids, [id]),
        Err(error) => assert!(error.offset() <= data.len()),
    }

    let canonical = prefix.to_vec();
    let (again, rest) = MessageIds::parse_prefix(&canonical);
    assert_eq!((again.to_vec(), rest), (canonical.clone(), &b""[..]));
    assert!(again.iter().eq(ids.iter().copied()));
}

fn check_id(id: &MessageId<'_>, alone: MessageId<'_>) {
    assert_eq!(*id, alone);
    let canonical = id.to_vec();
    assert!(!canonical.iter().any(|byte| b"\r\n\0".contains(byte)));
    let again = MessageId::parse(&canonical).expect("what was emitted can be read");
    assert_eq!(again, *id);
    assert_eq!(again.to_vec(), canonical);
    assert_eq!(again.raw(), canonical);
    // What means the same sides is the same, and no other side is.
    let (left, right) = (id.left().to_vec(), id.right().to_vec());
    assert!(id.left().is(&left) && id.right().is(&right));
    assert!(!id.left().is(&[&left[..], b"x"].concat()));
    assert!(canonical.ends_with(&[b"@", &right[..], b">"].concat()));
}
