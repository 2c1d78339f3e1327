//! Authentication-Results: what is read can be written, and is then read again; and what is written
//! from any pieces is one field that says just these pieces.

use scop_core::Emit;
use scop_mime_core::header::auth_results::{Resinfo, WriteError};
use scop_mime_core::{AuthResults, AuthResultsWriter, HeaderBlock};

/// The value of a field; also pieces between bars to write.
pub fn run(data: &[u8]) {
    check_reading(data);
    check_writing(data);
}

fn check_reading(data: &[u8]) {
    let whole = AuthResults::parse(data);
    let (results, rest) = match AuthResults::parse_prefix(data) {
        Ok(read) => read,
        Err(error) => {
            assert!(error.offset() <= data.len());
            return assert_eq!(whole.unwrap_err(), error);
        }
    };
    assert!(data.ends_with(rest));
    let outline = Outline::of(&results);
    match whole {
        Ok(whole) => assert_eq!(Outline::of(&whole), outline),
        Err(error) => assert!(error.offset() <= data.len()),
    }
    let mut end = 0;
    for resinfo in results.results() {
        let (raw, offset) = (resinfo.raw(), resinfo.offset());
        assert!(end <= offset && data[..offset].ends_with(b";"));
        assert_eq!(&data[offset..offset + raw.len()], raw);
        end = offset + raw.len();
        check_properties(data, &resinfo);
    }
    assert!(end <= data.len() - rest.len());

    // What was read holds no octet that cannot be written, but for controls in quoted strings.
    match write(&outline) {
        Ok(value) => {
            let again = AuthResults::parse(&value).expect("what was written can be read");
            assert_eq!(Outline::of(&again), outline);
            assert_eq!(write(&Outline::of(&again)), Ok(value.clone()));
        }
        Err(error) => check_error(error, &outline),
    }
}

fn check_properties(data: &[u8], resinfo: &Resinfo<'_>) {
    for property in resinfo.properties() {
        let value = property.value();
        assert_eq!(
            &data[value.offset()..value.offset() + value.raw().len()],
            value.raw()
        );
        assert!(value.is(&value.text().to_vec()));
        let first = resinfo
            .property(property.ptype(), property.name())
            .expect("it is there");
        assert!(first.offset() <= value.offset());
    }
}

/// The pieces of `data` as the texts of a field.
fn check_writing(data: &[u8]) {
    let mut pieces = data.split(|&byte| byte == b'|').map(<[u8]>::to_vec);
    let mut piece = || pieces.next().unwrap_or_else(|| b"x".to_vec());
    let outline = Outline {
        id: piece(),
        results: vec![Found {
            method: b"dkim".to_vec(),
            result: b"fail".to_vec(),
            reason: Some(piece()),
            comments: vec![piece()],
            properties: vec![
                (b"header".to_vec(), b"d".to_vec(), piece()),
                (b"smtp".to_vec(), b"mailfrom".to_vec(), piece()),
            ],
        }],
    };
    match write(&outline) {
        Ok(value) => {
            let again = AuthResults::parse(&value).expect("what was written can be read");
            assert_eq!(Outline::of(&again), outline);
        }
        Err(error) => check_error(error, &outline),
    }
}

fn check_error(error: WriteError, outline: &Outline) {
    let texts = outline.texts();
    let any = |is_bad: &dyn Fn(&[u8]) -> bool| texts.iter().any(|text| is_bad(text));
    match error {
        WriteError::Control => assert!(any(&|text| {
            let is_bad = |c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}';
            std::str::from_utf8(text).is_ok_and(|text| text.chars().any(is_bad))
        })),
        WriteError::NotUtf8 => assert!(any(&|text| std::str::from_utf8(text).is_err())),
        WriteError::LineTooLong => assert!(any(&|text| text.len() > 400)),
        // An empty name of the server can be read where it is quoted.
        WriteError::BadKeyword => assert!(outline.id.is_empty()),
        error => panic!("{error}"),
    }
}

/// What a field says, but for versions and the comments of the server, which are not written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outline {
    id: Vec<u8>,
    results: Vec<Found>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    method: Vec<u8>,
    result: Vec<u8>,
    reason: Option<Vec<u8>>,
    comments: Vec<Vec<u8>>,
    properties: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>,
}

impl Outline {
    fn of(results: &AuthResults<'_>) -> Self {
        let result = |resinfo: Resinfo<'_>| Found {
            method: resinfo.method().to_vec(),
            result: resinfo.result().to_vec(),
            reason: resinfo.reason().map(|reason| reason.text().to_vec()),
            comments: resinfo
                .comments()
                .map(|comment| comment.text().to_vec())
                .collect(),
            properties: resinfo
                .properties()
                .map(|property| {
                    let value = property.value().text().to_vec();
                    (property.ptype().to_vec(), property.name().to_vec(), value)
                })
                .collect(),
        };
        Self {
            id: results.authserv_id().text().to_vec(),
            results: results.results().map(result).collect(),
        }
    }

    fn texts(&self) -> Vec<&[u8]> {
        let mut texts = vec![&self.id[..]];
        for result in &self.results {
            texts.extend([&result.method[..], &result.result]);
            texts.extend(result.reason.as_deref());
            texts.extend(result.comments.iter().map(Vec::as_slice));
            for (ptype, name, value) in &result.properties {
                texts.extend([&ptype[..], name, value]);
            }
        }
        texts
    }
}

/// The value of the field that is written.
fn write(outline: &Outline) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    let mut field = AuthResultsWriter::new(&mut out, &outline.id)?;
    for result in &outline.results {
        field.result(&result.method, &result.result)?;
        for comment in &result.comments {
            field.comment(comment)?;
        }
        if let Some(reason) = &result.reason {
            field.reason(reason)?;
        }
        for (ptype, name, value) in &result.properties {
            field.property(ptype, name, value)?;
        }
    }
    field.finish()?;
    // One field, in lines of the right length, whatever the texts are.
    let header = HeaderBlock::new(&out);
    assert_eq!(header.as_bytes(), out);
    let fields: Vec<_> = header.fields().collect();
    assert_eq!(fields.len(), 1);
    assert!(fields[0].is(b"Authentication-Results"));
    assert_eq!(fields[0].defect(), None);
    Ok(fields[0].value().to_vec())
}
