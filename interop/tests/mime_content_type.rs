//! The Content-Type vectors of mail-parser.
//!
//! mail-parser repairs what it cannot read and does not say so, and decodes encoded words in parameters,
//! which RFC 2047 5 forbids; here the latter is another accessor, and is compared. Every case in which the
//! two differ is listed with its reason, and the test fails when a listed case comes to agree or another
//! comes to differ.

use std::collections::BTreeMap;
use std::fmt::Write;

use scop_mime_core::{ContentType, HeaderBlock, Parameters};
use serde_json::Value;

const SKIP: &str = "no folder of suites; set SCOP_VECTORS (mail-parser's test vectors)";

/// The cases of `content_type.json` that differ.
const DIFFER: &[(usize, &str)] = &[
    (
        31,
        "only the first section has a character set and language (RFC 2231 4.1)",
    ),
    (
        34,
        "white space between two encoded words is no part of the text (RFC 2047 6.2)",
    ),
    (47, "a type is a token, which holds no \"=\" (RFC 2045 5.1)"),
    (48, "a type is a token, which holds no \"=\" (RFC 2045 5.1)"),
    (
        49,
        "a parameter without a value is told as such, and is empty (RFC 2045 5.1)",
    ),
    (58, "a type is a token, which holds no \"=\" (RFC 2045 5.1)"),
    (
        59,
        "a section behind a gap is no part of the value (RFC 2231 3); an \"*\" alone stays in the name \
         (RFC 2231 7); text shows no control (RFC 2045 5.1)",
    ),
    (
        61,
        "an \"*\" that is not that of RFC 2231 7 stays in the name; a value begins with section 0 \
         (RFC 2231 3)",
    ),
    (76, SLASH),
    (77, SLASH),
    (78, SLASH),
];

const SLASH: &str = "a subtype is a token, which holds no \"/\" (RFC 2045 5.1)";

#[test]
fn content_types() {
    let Some(vectors) = scop_interop::vectors() else {
        scop_interop::skip(SKIP);
        return;
    };
    let file = vectors.join("mime/headers/content_type.json");
    let text = std::fs::read_to_string(file).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 103);
    let listed: BTreeMap<usize, &str> = DIFFER.iter().copied().collect();
    assert_eq!(listed.len(), DIFFER.len());
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        // The vectors are what stands behind the colon of a field.
        let field = format!("X:{}", case["header"].as_str().unwrap());
        let header = HeaderBlock::new(field.as_bytes());
        let value = header.fields().next().unwrap().value();
        let (content, error) = ContentType::recover(value);
        let ours = content.map(|content| shown(&content));
        let theirs = Some(&case["expected"]).filter(|expected| !expected.is_null());
        let theirs = theirs.map(expected);
        // What is read without an error is what `parse` gives, and the other way round.
        assert_eq!(ContentType::parse(value).err(), error, "{number}");
        if ours == theirs {
            if let Some(reason) = listed.get(&number) {
                wrong.push(format!("{number} agrees, and is listed: {reason}"));
            }
        } else if !listed.contains_key(&number) {
            wrong.push(format!(
                "{number} {field:?}: ours {ours:?} ({error:?}), theirs {theirs:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `type/subtype; name=value; ..`, sorted by name.
fn shown(content: &ContentType<'_>) -> String {
    let mut out = lossy(content.type_name()).to_lowercase();
    if !content.subtype().is_empty() {
        let _ = write!(out, "/{}", lossy(content.subtype()).to_lowercase());
    }
    put_parameters(&mut out, &parameters(content.parameters()));
    out
}

/// A language counts as a parameter, as mail-parser has it.
fn parameters(parameters: Parameters<'_>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for section in parameters.sections() {
        let Some(parameter) = parameters.get(section.name()) else {
            continue;
        };
        let name = lossy(section.name()).to_lowercase();
        let value = match parameter.value_with_encoded_words() {
            Some(decoded) => decoded.to_string(),
            None => parameter.value().to_string(),
        };
        if let Some(language) = parameter.language() {
            values.insert(format!("{name}-language"), lossy(language));
        }
        values.insert(name, value);
    }
    values
}

fn expected(expected: &Value) -> String {
    let mut out = expected["c_type"].as_str().unwrap().to_lowercase();
    if let Some(subtype) = expected["c_subtype"].as_str() {
        let _ = write!(out, "/{}", subtype.to_lowercase());
    }
    let attributes = expected["attributes"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let attributes = attributes.map(|pair| (text(&pair[0]), text(&pair[1])));
    put_parameters(&mut out, &attributes.collect());
    out
}

fn put_parameters(out: &mut String, parameters: &BTreeMap<String, String>) {
    for (name, value) in parameters {
        let _ = write!(out, "; {name}={value}");
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
