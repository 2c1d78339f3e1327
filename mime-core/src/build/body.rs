//! What a message or a part holds.

use core::fmt;

use scop_core::{Emit, Full, Sink};

use super::Draft;

/// Can be written to any sink, whatever its type. Every [`Emit`] can.
pub trait Written: fmt::Debug {
    /// Writes the value; twice gives the same.
    ///
    /// # Errors
    /// `Full` when the sink cannot take it.
    fn write_to(&self, sink: &mut dyn Sink) -> Result<(), Full>;
}

impl<E: Emit + fmt::Debug> Written for E {
    fn write_to(&self, sink: &mut dyn Sink) -> Result<(), Full> {
        self.emit(sink)
    }
}

/// What a message or a part holds, and how it is described.
///
/// ```
/// use scop_mime_core::build::Body;
/// let page = Body::html("<img src=\"cid:logo@example.org\">");
/// let logo = Body::octets("image/png", b"...").content_id("logo@example.org");
/// let related = [page, logo];
/// let versions = [Body::text("Hello"), Body::related(&related)];
/// let parts = [Body::alternative(&versions), Body::attachment("application/pdf", "Bücher.pdf", b"...")];
/// let mixed = Body::mixed(&parts);
/// # let _ = mixed;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) parameters: &'a [(&'a str, &'a str)],
    pub(super) content_id: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) disposition: Option<Disposition>,
    pub(super) file_name: Option<&'a str>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    /// Lines, which any encoding may carry.
    Text {
        media_type: &'a str,
        text: &'a [u8],
        /// Whether the parameter charset says that it is UTF-8 or ASCII.
        charset: bool,
    },
    Octets {
        media_type: &'a str,
        octets: &'a [u8],
    },
    /// Lines, which can have no encoding.
    Message(&'a [u8]),
    /// Lines, which can have no encoding.
    Machine {
        media_type: &'a str,
        written: &'a dyn Written,
    },
    Draft(&'a Draft<'a>),
    Multipart {
        subtype: &'a str,
        report_type: Option<&'a str>,
        parts: &'a [Body<'a>],
    },
}

/// How a part is to be shown (RFC 2183 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Inline,
    Attachment,
}

impl<'a> Body<'a> {
    const fn new(kind: Kind<'a>) -> Self {
        Self {
            kind,
            parameters: &[],
            content_id: None,
            description: None,
            disposition: None,
            file_name: None,
        }
    }

    /// text/plain.
    pub const fn text(text: &'a str) -> Self {
        Self::text_of("text/plain", text)
    }

    /// text/html.
    pub const fn html(text: &'a str) -> Self {
        Self::text_of("text/html", text)
    }

    /// Text of another type, such as text/calendar. It has the parameter charset.
    pub const fn text_of(media_type: &'a str, text: &'a str) -> Self {
        Self::new(Kind::Text {
            media_type,
            text: text.as_bytes(),
            charset: true,
        })
    }

    /// Octets of any type but message and multipart, such as an image. They come back octet for octet.
    pub const fn octets(media_type: &'a str, octets: &'a [u8]) -> Self {
        Self::new(Kind::Octets { media_type, octets })
    }

    /// A file, octet for octet.
    pub const fn attachment(media_type: &'a str, file_name: &'a str, octets: &'a [u8]) -> Self {
        Self::octets(media_type, octets).file_name(file_name)
    }

    /// A message as it was sent: message/rfc822, or message/global when its header is not ASCII
    /// (RFC 6532 3.7), for which the transport must take UTF-8. LF alone is written as CRLF.
    pub const fn message(message: &'a [u8]) -> Self {
        Self::new(Kind::Message(message))
    }

    /// A message that is written here: message/rfc822, or message/global.
    pub const fn draft(draft: &'a Draft<'a>) -> Self {
        Self::new(Kind::Draft(draft))
    }

    /// The same in several forms, the plainest first (RFC 2046 5.1.4).
    pub const fn alternative(parts: &'a [Self]) -> Self {
        Self::multipart("alternative", None, parts)
    }

    /// A body and what it refers to by Content-ID (RFC 2387); the first is the one to begin with.
    pub const fn related(parts: &'a [Self]) -> Self {
        Self::multipart("related", None, parts)
    }

    /// Several bodies (RFC 2046 5.1.3).
    pub const fn mixed(parts: &'a [Self]) -> Self {
        Self::multipart("mixed", None, parts)
    }

    /// Several messages (RFC 2046 5.1.5).
    pub const fn digest(parts: &'a [Self]) -> Self {
        Self::multipart("digest", None, parts)
    }

    /// A report (RFC 6522 3): `report_type` is the subtype of the second part, such as
    /// `delivery-status`. The parts are a text for people, a [`Self::machine`], and where it is wanted the
    /// message that it is about, as [`Self::message`] or [`Self::returned_header`].
    pub const fn report(report_type: &'a str, parts: &'a [Self]) -> Self {
        Self::multipart("report", Some(report_type), parts)
    }

    /// The lines of a report for machines, such as message/delivery-status. They can have no encoding.
    pub const fn machine(media_type: &'a str, written: &'a dyn Written) -> Self {
        Self::new(Kind::Machine {
            media_type,
            written,
        })
    }

    /// The header of a message that a report is about: text/rfc822-headers (RFC 6522 4).
    pub const fn returned_header(header: &'a [u8]) -> Self {
        Self::new(Kind::Text {
            media_type: "text/rfc822-headers",
            text: header,
            charset: false,
        })
    }

    const fn multipart(subtype: &'a str, report_type: Option<&'a str>, parts: &'a [Self]) -> Self {
        Self::new(Kind::Multipart {
            subtype,
            report_type,
            parts,
        })
    }

    /// With further parameters of the media type: names and values.
    #[must_use]
    pub const fn parameters(mut self, parameters: &'a [(&'a str, &'a str)]) -> Self {
        self.parameters = parameters;
        self
    }

    /// With a Content-ID, `left@right` (RFC 2045 7).
    #[must_use]
    pub const fn content_id(mut self, id: &'a str) -> Self {
        self.content_id = Some(id);
        self
    }

    /// With a description (RFC 2045 8).
    #[must_use]
    pub const fn description(mut self, text: &'a str) -> Self {
        self.description = Some(text);
        self
    }

    /// To be shown with the rest (RFC 2183 2.1).
    #[must_use]
    pub const fn inline(mut self) -> Self {
        self.disposition = Some(Disposition::Inline);
        self
    }

    /// With a file name (RFC 2183 2.3): an attachment, unless it is [`Self::inline`].
    #[must_use]
    pub const fn file_name(mut self, name: &'a str) -> Self {
        self.file_name = Some(name);
        if self.disposition.is_none() {
            self.disposition = Some(Disposition::Attachment);
        }
        self
    }

    /// The media type as it is written, without parameters.
    pub(super) const fn media_type(&self) -> (&'a str, &'a str) {
        match self.kind {
            Kind::Text { media_type, .. }
            | Kind::Octets { media_type, .. }
            | Kind::Machine { media_type, .. } => (media_type, ""),
            Kind::Message(_) | Kind::Draft(_) => ("message/rfc822", ""),
            Kind::Multipart { subtype, .. } => ("multipart/", subtype),
        }
    }
}
