//! Received (RFC 5321 4.4) and what receivers note: Authentication-Results (RFC 8601), tag lists
//! (RFC 6376 3.2, RFC 8617 4.1).

use scop_mime_core::header::trace::Keyword;

use super::date::date;
use super::pen::{Pen, is_token};
use crate::feature::Feature;
use crate::model::{Property, Received, Resinfo, Results};

/// A hop.
pub(crate) fn received(pen: &mut Pen<'_>, received: &Received) {
    pen.features.count(Feature::Received);
    for (index, clause) in received.clauses.iter().enumerate() {
        if index > 0 {
            pen.gap();
        }
        pen.any_case(keyword(clause.keyword));
        pen.space();
        pen.text(&clause.value);
        if let Some(comment) = &clause.comment {
            pen.space();
            pen.put(b"(");
            pen.text(comment);
            pen.put(b")");
        }
    }
    pen.optional_gap();
    pen.put(b";");
    pen.space();
    date(pen, &received.date);
}

/// The word of a keyword.
pub(crate) fn keyword(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::From => "from",
        Keyword::By => "by",
        Keyword::Via => "via",
        Keyword::With => "with",
        Keyword::Id => "id",
        Keyword::For => "for",
        Keyword::Tls => "tls",
        _ => "",
    }
}

/// Tags and values. White space in a value may hold a fold.
pub(crate) fn tags(pen: &mut Pen<'_>, tags: &[(String, String)]) {
    pen.features.count(Feature::TagList);
    for (index, (name, value)) in tags.iter().enumerate() {
        if index > 0 {
            pen.put(b";");
            if !pen.odd(20) {
                pen.fold_space();
            }
        }
        pen.text(name);
        pen.optional_fold_space();
        pen.put(b"=");
        pen.optional_fold_space();
        for byte in value.bytes() {
            if matches!(byte, b' ' | b'\t') {
                pen.blank(byte);
            } else {
                pen.put(&[byte]);
            }
        }
        pen.optional_fold_space();
    }
    if pen.odd(30) {
        pen.put(b";");
    }
}

/// Authentication-Results, and with the instance ARC-Authentication-Results.
pub(crate) fn results(pen: &mut Pen<'_>, results: &Results) {
    pen.features.count(Feature::AuthResults);
    if let Some(instance) = results.instance {
        pen.text("i=");
        pen.number(u64::from(instance), 1);
        pen.text(";");
        pen.space();
    }
    token(pen, &results.authserv_id);
    if let Some(version) = results.version {
        pen.gap();
        pen.number(u64::from(version), 1);
    }
    if results.results.is_empty() {
        pen.optional_gap();
        pen.put(b";");
        pen.space();
        pen.any_case("none");
    }
    for resinfo in &results.results {
        pen.optional_gap();
        pen.put(b";");
        pen.space();
        pen.optional_gap();
        one(pen, resinfo);
    }
}

fn one(pen: &mut Pen<'_>, resinfo: &Resinfo) {
    pen.any_case(resinfo.method);
    if let Some(version) = resinfo.version {
        pen.optional_gap();
        pen.put(b"/");
        pen.optional_gap();
        pen.number(u64::from(version), 1);
    }
    equals(pen);
    pen.any_case(resinfo.result);
    if let Some(reason) = &resinfo.reason {
        pen.gap();
        pen.any_case("reason");
        equals(pen);
        token(pen, reason);
    }
    for property in &resinfo.properties {
        pen.gap();
        one_property(pen, property);
    }
}

fn one_property(pen: &mut Pen<'_>, property: &Property) {
    pen.any_case(property.ptype);
    pen.optional_gap();
    pen.put(b".");
    pen.optional_gap();
    pen.any_case(property.name);
    equals(pen);
    if let Some(domain) = &property.domain {
        // An address, as written: nothing may stand inside.
        pen.text(&property.value);
        pen.put(b"@");
        pen.text(&domain.text());
    } else {
        token(pen, &property.value);
    }
}

fn equals(pen: &mut Pen<'_>) {
    pen.optional_gap();
    pen.put(b"=");
    pen.optional_gap();
}

fn token(pen: &mut Pen<'_>, text: &str) {
    if is_token(text) && !pen.odd(10) {
        pen.text(text);
    } else {
        pen.quoted(text);
    }
}
