//! The header vectors of mail-parser, and real messages.
//!
//! mail-parser repairs what it cannot read, decodes encoded words also where none may stand, and takes URLs
//! for addresses; we do none of that. Every case in which the two differ is listed with its reason, and the test fails
//! when a listed case comes to agree or another comes to differ.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use scop_core::Emit;
use scop_mime_core::{
    Address, AddressList, AuthResults, DateTime, Field, HeaderBlock, Mailbox, Message, MessageId,
    MessageIds, Received, ReturnPath,
};
use serde_json::Value;

const SKIP: &str = "no folder of suites; set SCOP_VECTORS (mail-parser's test vectors)";

const QUOTED: &str = "an encoded word in a quoted string is none (RFC 2047 5)";
const URL: &str = "a URL of a List- field (RFC 2369) is no address";
const COMMENTS: &str = "a comment is neither the name of a group nor a member of it";
const GAPS: &str = "white space and a source route are no part of the address";
const NO_COMMA: &str = "a comma is due behind a group";
const TEXT: &str = "text behind an address, or \"@\" in a name without quotes, is refused";

/// The cases of address.json that differ.
const ADDRESSES: &[(usize, &str)] = &[
    (
        9,
        "a fold between a backslash and a parenthesis leaves the parenthesis unquoted",
    ),
    (10, COMMENTS),
    (11, COMMENTS),
    (13, GAPS),
    (14, GAPS),
    (25, QUOTED),
    (28, QUOTED),
    (31, QUOTED),
    (34, NO_COMMA),
    (35, NO_COMMA),
    (36, NO_COMMA),
    (37, URL),
    (38, URL),
    (39, URL),
    (40, URL),
    (41, URL),
    (42, "a word alone is no address"),
    (43, URL),
    (44, URL),
    (45, URL),
    (46, URL),
    (47, URL),
    (51, TEXT),
    (55, TEXT),
    (59, QUOTED),
];

/// The cases of date.json that differ.
const DATES: &[(usize, &str)] = &[
    (10, "a month has a name"),
    (12, "numbers alone are no date"),
    (28, "a Received field is no date; `Received` reads it"),
    (30, "a zone holds no digit (RFC 5322 4.3)"),
];

/// The cases of id.json that differ.
const IDS: &[(usize, &str)] = &[
    (8, "an identifier has angle brackets"),
    (9, "an identifier has angle brackets"),
    (10, "an identifier has angle brackets"),
];

/// The fields of the real messages that are refused, and why.
const REFUSED: &[(&str, &str, &str)] = &[
    ("bounces/arf-24.eml", "Return-Path", "no angle brackets"),
    ("bounces/lhost-dragonfly-09.eml", "From", "<> is no address"),
    ("bounces/lhost-dragonfly-11.eml", "From", "<> is no address"),
    ("bounces/lhost-ezweb-08.eml", "Return-Path", "no domain"),
    ("bounces/lhost-gmx-01.eml", "Return-Path", "nothing"),
    ("bounces/lhost-gmx-02.eml", "Return-Path", "nothing"),
    ("bounces/lhost-mfilter-04.eml", "From", "<> is no address"),
    (
        "bounces/lhost-office365-13.eml",
        "Authentication-Results",
        "no authserv-id",
    ),
    ("bounces/lhost-sendmail-59.eml", "Return-Path", "no domain"),
    ("bounces/lhost-sendmail-59.eml", "From", "no domain"),
    ("bounces/lhost-sendmail-59.eml", "To", "no domain"),
    (
        "bounces/lhost-x2-06.eml",
        "Received",
        "the date has the month first",
    ),
    ("bounces/lhost-x3-05.eml", "From", "<> is no address"),
    (
        "bounces/lhost-yahoo-05.eml",
        "Authentication-Results",
        "no semicolon behind the authserv-id",
    ),
    (
        "bounces/rhost-microsoft-03.eml",
        "Authentication-Results",
        "no authserv-id",
    ),
    (
        "mail/rfc2822/example13.eml",
        "To",
        "a name without an address",
    ),
];

#[test]
fn addresses() {
    run(
        "address.json",
        60,
        ADDRESSES,
        |value| {
            let list = AddressList::parse(value).map_err(|error| error.to_string())?;
            let mut out = String::new();
            for address in list.iter() {
                match address {
                    Address::Mailbox(mailbox) => put_mailbox(&mut out, mailbox),
                    Address::Group(group) => {
                        let _ = write!(out, "{}: ", group.name().decoded());
                        group
                            .mailboxes()
                            .for_each(|mailbox| put_mailbox(&mut out, mailbox));
                        out += "; ";
                    }
                }
            }
            Ok(out)
        },
        |expected| {
            let mut out = String::new();
            if let Some(list) = expected["List"].as_array() {
                for mailbox in list {
                    put_expected(&mut out, mailbox);
                }
            }
            for group in expected["Group"].as_array().into_iter().flatten() {
                let name = group["name"].as_str();
                if let Some(name) = name {
                    let _ = write!(out, "{name}: ");
                }
                for mailbox in group["addresses"].as_array().unwrap() {
                    put_expected(&mut out, mailbox);
                }
                if name.is_some() {
                    out += "; ";
                }
            }
            out
        },
    );
}

#[test]
fn dates() {
    run(
        "date.json",
        40,
        DATES,
        |value| {
            let date = DateTime::parse(value).map_err(|error| error.to_string())?;
            let zone = date.zone().minutes();
            Ok(format!(
                "{}-{}-{} {}:{}:{} {}{}:{}",
                date.year(),
                date.month(),
                date.day(),
                date.hour(),
                date.minute(),
                date.second(),
                if zone < 0 { "-" } else { "+" },
                zone.abs() / 60,
                zone.abs() % 60,
            ))
        },
        |expected| {
            format!(
                "{}-{}-{} {}:{}:{} {}{}:{}",
                expected["year"],
                expected["month"],
                expected["day"],
                expected["hour"],
                expected["minute"],
                expected["second"],
                if expected["tz_before_gmt"] == true {
                    "-"
                } else {
                    "+"
                },
                expected["tz_hour"],
                expected["tz_minute"],
            )
        },
    );
}

#[test]
fn identifiers() {
    run(
        "id.json",
        11,
        IDS,
        |value| {
            let ids = MessageIds::parse(value).map_err(|error| error.to_string())?;
            let inner = |id: MessageId<'_>| {
                let raw = String::from_utf8_lossy(id.raw());
                raw.trim_start_matches('<')
                    .trim_end_matches('>')
                    .to_string()
            };
            Ok(ids.iter().map(inner).collect::<Vec<_>>().join(", "))
        },
        |expected| {
            let ids = expected.as_array().into_iter().flatten();
            ids.map(|id| id.as_str().unwrap())
                .collect::<Vec<_>>()
                .join(", ")
        },
    );
}

/// `name <address>, `; comments count as part of the name, as mail-parser has it.
fn put_mailbox(out: &mut String, mailbox: Mailbox<'_>) {
    let name = mailbox
        .display_name()
        .map(|name| name.decoded().to_string());
    let comments: Vec<String> = mailbox
        .comments()
        .map(|comment| comment.decoded().to_string())
        .collect();
    let name = match (name, comments.is_empty()) {
        (Some(name), false) => format!("{name} ({})", comments.join(" ")),
        (name, _) => name.unwrap_or_else(|| comments.join(" ")),
    };
    let _ = write!(out, "{name} <{}>, ", mailbox.addr_spec());
}

fn put_expected(out: &mut String, mailbox: &Value) {
    let name = mailbox["name"].as_str().unwrap_or_default();
    let address = mailbox["address"].as_str().unwrap_or_default();
    let _ = write!(out, "{name} <{address}>, ");
}

/// Compares every case of a file, and what differs with `listed`.
fn run(
    file: &str,
    count: usize,
    listed: &[(usize, &str)],
    ours: impl Fn(&[u8]) -> Result<String, String>,
    theirs: impl Fn(&Value) -> String,
) {
    let Some(vectors) = scop_interop::vectors() else {
        scop_interop::skip(SKIP);
        return;
    };
    let text = std::fs::read_to_string(vectors.join("mime/headers").join(file)).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), count);
    let listed: BTreeMap<usize, &str> = listed.iter().copied().collect();
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        // The vectors are what stands behind the colon of a field.
        let field = format!("X:{}", case["header"].as_str().unwrap());
        let header = HeaderBlock::new(field.as_bytes());
        let ours = ours(header.fields().next().unwrap().value());
        let theirs = match &case["expected"] {
            Value::Null => None,
            expected => Some(theirs(expected)),
        };
        if ours.as_ref().ok() == theirs.as_ref() {
            if let Some(reason) = listed.get(&number) {
                wrong.push(format!("{number} agrees, and is listed: {reason}"));
            }
        } else if !listed.contains_key(&number) {
            wrong.push(format!(
                "{number} {field:?}: ours {ours:?}, theirs {theirs:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every field of every message: all of the message is there, and no reader fails on what another wrote.
#[test]
fn real_messages() {
    let Some(vectors) = scop_interop::vectors() else {
        scop_interop::skip(SKIP);
        return;
    };
    let mut files = Vec::new();
    find_messages(&vectors.join("mime"), &mut files);
    assert_eq!(files.len(), 70);
    files.sort();
    let mut refused = Vec::new();
    for file in &files {
        let input = std::fs::read(file).unwrap();
        let message = Message::split(&input);
        let fields: Vec<Field<'_>> = message.header.fields().collect();
        let mut backward: Vec<Field<'_>> = message.header.fields().rev().collect();
        backward.reverse();
        assert_eq!(fields, backward);
        let mut whole: Vec<u8> = fields.iter().flat_map(Field::raw).copied().collect();
        whole.extend_from_slice(message.separator);
        whole.extend_from_slice(message.body);
        assert_eq!(whole, input);
        for field in fields {
            if let Err(error) = read(field) {
                let name = file.strip_prefix(vectors.join("mime")).unwrap();
                let field = String::from_utf8_lossy(field.name()).into_owned();
                let listed = (name.to_str().unwrap().to_string(), field);
                println!("{listed:?} is refused: {error}");
                refused.push(listed);
            }
        }
    }
    let listed: Vec<(String, String)> = REFUSED
        .iter()
        .map(|(file, field, _)| ((*file).into(), (*field).into()))
        .collect();
    assert_eq!(refused, listed);
}

fn find_messages(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_messages(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            files.push(path);
        }
    }
}

/// Reads a field by its name; what can be written is written, read again, and must be the same.
fn read(field: Field<'_>) -> Result<(), String> {
    let value = field.value();
    let name = String::from_utf8_lossy(field.name()).to_lowercase();
    match name.trim_start_matches("resent-") {
        "from" | "sender" | "to" | "cc" | "bcc" | "reply-to" => {
            let list = AddressList::parse(value).map_err(|error| error.to_string())?;
            same(&list, AddressList::parse(&list.to_vec()));
        }
        "date" => {
            let date = DateTime::parse(value).map_err(|error| error.to_string())?;
            same(&date, DateTime::parse(&date.to_vec()));
        }
        "message-id" | "content-id" => {
            let id = MessageId::parse(value).map_err(|error| error.to_string())?;
            same(&id, MessageId::parse(&id.to_vec()));
        }
        "in-reply-to" | "references" => {
            let ids = MessageIds::parse(value).map_err(|error| error.to_string())?;
            same(&ids, MessageIds::parse(&ids.to_vec()));
        }
        "return-path" => {
            let path = ReturnPath::parse(value).map_err(|error| error.to_string())?;
            same(&path, ReturnPath::parse(&path.to_vec()));
        }
        "received" => {
            let received = Received::parse(value).map_err(|error| error.to_string())?;
            received
                .date()
                .transpose()
                .map_err(|error| error.to_string())?;
        }
        "authentication-results" => {
            AuthResults::parse(value).map_err(|error| error.to_string())?;
        }
        _ => {}
    }
    Ok(())
}

fn same<'a, T: Emit, E: std::fmt::Debug>(value: &T, again: Result<impl Emit + 'a, E>) {
    assert_eq!(value.to_vec(), again.unwrap().to_vec());
}
