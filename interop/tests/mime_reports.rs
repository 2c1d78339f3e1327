//! Real reports: every part of a bounce that is for programs is read, and what is malformed in it is
//! listed with its reason.
//!
//! Also every field of every part of these messages and of the other vectors is typed; what has a
//! grammar and does not parse is counted by name and reason. The test fails when either list changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scop_interop::{skip, vectors};
use scop_mime_core::report::delivery::{DeliveryStatus, StatusField};
use scop_mime_core::report::feedback::{FeedbackField, FeedbackReport};
use scop_mime_core::report::utf8_address::Utf8Address;
use scop_mime_core::report::{Blocks, ReportKind};
use scop_mime_core::{HeaderBlock, Message, Typed};

const SKIP: &str = "no folder of suites; set SCOP_VECTORS (the bounces of Sisimai)";

#[test]
fn delivery_status() {
    let Some(vectors) = vectors() else {
        skip(SKIP);
        return;
    };
    let mut malformed = Vec::new();
    let (mut reports, mut recipients, mut fields) = (0, 0, 0);
    for file in messages(&vectors.join("mime/bounces")) {
        let input = std::fs::read(&file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        for part in Message::index(&input).parts() {
            let mut body = Vec::new();
            let kind = ReportKind::of(&part.content_type());
            if part.body().is_some() {
                part.decode(&mut body).unwrap();
            }
            let errors: Vec<String> = match kind {
                Some(ReportKind::DeliveryStatus) => {
                    let status = DeliveryStatus::new(&body);
                    whole(&body);
                    reports += 1;
                    recipients += status.recipients().count();
                    for recipient in status.recipients() {
                        if let Some(address) = recipient.final_recipient() {
                            assert_eq!(
                                address.is_type(b"utf-8"),
                                Utf8Address::of(&address).is_some()
                            );
                        }
                    }
                    let all = status.blocks().flat_map(|block| block.fields().fields());
                    all.inspect(|_| fields += 1)
                        .filter_map(|field| match StatusField::of(&field) {
                            StatusField::Malformed { field, error, .. } => {
                                Some(format!("{name} {field}: {error}"))
                            }
                            StatusField::NotAField { defect, raw } => Some(format!(
                                "{name} {:?}: {defect}",
                                raw.escape_ascii().to_string()
                            )),
                            _ => None,
                        })
                        .collect()
                }
                Some(ReportKind::FeedbackReport) => {
                    whole(&body);
                    reports += 1;
                    FeedbackReport::new(&body)
                        .fields()
                        .inspect(|_| fields += 1)
                        .filter_map(|field| match field {
                            FeedbackField::Malformed { field, error, .. } => {
                                Some(format!("{name} {field}: {error}"))
                            }
                            _ => None,
                        })
                        .collect()
                }
                _ => continue,
            };
            malformed.extend(errors);
        }
    }
    println!("{reports} reports, {recipients} recipients, {fields} fields");
    assert_eq!(malformed, MALFORMED);
    // CPython's `email` finds as many; the parts of rhost-google-02 have another
    // boundary than its header says.
    assert_eq!((reports, recipients, fields), (30, 29, 247));
}

/// What lies between the blocks is line ends alone.
fn whole(body: &[u8]) {
    let mut end = 0;
    for block in Blocks::new(body) {
        let gap = &body[end..block.offset()];
        assert!(gap.iter().all(|byte| b"\r\n".contains(byte)));
        end = block.offset() + block.fields().as_bytes().len();
    }
    assert!(body[end..].iter().all(|byte| b"\r\n".contains(byte)));
}

#[test]
fn every_field() {
    let Some(vectors) = vectors() else {
        skip(SKIP);
        return;
    };
    let mut malformed = BTreeMap::new();
    let (mut typed, mut text) = (0, 0);
    for file in messages(&vectors.join("mime")) {
        let input = std::fs::read(&file).unwrap();
        for part in Message::index(&input).parts() {
            count(part.header(), &mut malformed, &mut typed, &mut text);
        }
    }
    println!("{typed} fields with a grammar, {text} without");
    let malformed: Vec<(&str, usize)> = malformed
        .iter()
        .map(|(what, count): (&String, &usize)| (what.as_str(), *count))
        .collect();
    assert_eq!(malformed, MALFORMED_FIELDS);
}

fn count(
    header: HeaderBlock<'_>,
    malformed: &mut BTreeMap<String, usize>,
    typed: &mut usize,
    text: &mut usize,
) {
    for field in header.fields() {
        match field.typed() {
            Typed::Malformed { field, error, raw } => {
                assert!(error.offset() <= raw.len());
                *malformed
                    .entry(format!("{field}: {}", error.kind()))
                    .or_default() += 1;
            }
            Typed::Unstructured(_) | Typed::NotAField { .. } => *text += 1,
            _ => *typed += 1,
        }
    }
}

fn messages(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(messages(&path));
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The fields of reports that are malformed.
const MALFORMED: &[&str] = &[
    // `<kijitora-nyaan@example.co.jp>` and `192.0.2.202`, both without a type.
    "lhost-mcafee-05 Original-Recipient: no type stands before the \";\" (RFC 3464 2.1.2) at byte 1",
    "lhost-mcafee-05 Remote-MTA: no \";\" follows the type (RFC 3464 2.1.2) at byte 4",
];

/// The fields of headers that are malformed, and how many.
const MALFORMED_FIELDS: &[(&str, usize)] = &[
    // No authserv-id, or something else behind it.
    (
        "Authentication-Results: a \";\" is missing before a result (RFC 8601 2.2)",
        3,
    ),
    // `<icon.png>`.
    (
        "Content-ID: an identifier is not \"left@right\" (RFC 5322 3.6.4)",
        3,
    ),
    (
        "Content-Type: no parameter behind a semicolon (RFC 2045 5.1)",
        3,
    ),
    // `<>` and names without an address; `mime_headers` lists those of the outermost headers one by one.
    (
        "From: a word of the local part is missing (RFC 5322 3.4.1)",
        4,
    ),
    (
        "From: text stands between an address and the next (RFC 5322 3.4)",
        1,
    ),
    (
        "From: words without \"@\", \"<\" or \":\" are no address (RFC 5322 3.4)",
        1,
    ),
    (
        "Return-Path: an octet that an address cannot have here (RFC 5322 3.4)",
        6,
    ),
    (
        "Return-Path: words without \"@\", \"<\" or \":\" are no address (RFC 5322 3.4)",
        2,
    ),
    (
        "To: words without \"@\", \"<\" or \":\" are no address (RFC 5322 3.4)",
        2,
    ),
];
