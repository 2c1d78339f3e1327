//! List- fields (RFC 2369, 2919) and keywords (RFC 5322 3.6.5).

use super::pen::Pen;
use super::text::phrase;
use crate::feature::Feature;
use crate::model::Phrase;

/// URLs in angle brackets.
pub(crate) fn urls(pen: &mut Pen<'_>, urls: &[String]) {
    pen.features.count(Feature::ListField);
    for (index, url) in urls.iter().enumerate() {
        if index > 0 {
            pen.optional_gap();
            pen.put(b",");
            pen.space();
            pen.optional_gap();
        }
        pen.put(b"<");
        pen.text(url);
        pen.put(b">");
    }
}

/// `description <identifier>`.
pub(crate) fn list_id(pen: &mut Pen<'_>, description: Option<&Phrase>, id: &str) {
    pen.features.count(Feature::ListField);
    if let Some(description) = description {
        phrase(pen, description);
        pen.space();
    }
    pen.put(b"<");
    pen.text(id);
    pen.put(b">");
}

/// Phrases with commas between.
pub(crate) fn keywords(pen: &mut Pen<'_>, keywords: &[Phrase]) {
    for (index, keyword) in keywords.iter().enumerate() {
        if index > 0 {
            pen.optional_gap();
            pen.put(b",");
            pen.space();
            pen.optional_gap();
        }
        phrase(pen, keyword);
    }
}
