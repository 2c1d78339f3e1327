//! Octets as `Debug` shows them: as text in quotes, escaped as Rust escapes it.

use core::fmt;

use scop_core::{Emit, Full, Sink};

/// Shows what the value emits.
pub(crate) struct Shown<E>(pub(crate) E);

impl<E: Emit> fmt::Debug for Shown<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        self.0.emit(&mut Escaped(f)).map_err(|_| fmt::Error)?;
        f.write_str("\"")
    }
}

/// Emits these octets.
pub(crate) struct Octets<'a>(pub(crate) &'a [u8]);

impl Emit for Octets<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0)
    }
}

struct Escaped<'r, 'f>(&'r mut fmt::Formatter<'f>);

impl Sink for Escaped<'_, '_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c == '\'' {
                    self.0.write_str("'").map_err(|_| Full)?;
                } else {
                    write!(self.0, "{}", c.escape_debug()).map_err(|_| Full)?;
                }
            }
            for byte in chunk.invalid() {
                write!(self.0, "\\x{byte:02x}").map_err(|_| Full)?;
            }
        }
        Ok(())
    }
}

/// `Debug` as `Name("text")`: of the octets in a field, or of what the value emits.
macro_rules! debug_as_text {
    ($name:ident, $field:tt) => {
        impl core::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_tuple(stringify!($name))
                    .field(&$crate::shown::Shown($crate::shown::Octets(self.$field)))
                    .finish()
            }
        }
    };
    ($name:ident) => {
        impl core::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_tuple(stringify!($name))
                    .field(&$crate::shown::Shown(self))
                    .finish()
            }
        }
    };
}

pub(crate) use debug_as_text;

#[cfg(test)]
mod tests {
    use std::format;

    use super::{Octets, Shown};
    use crate::auth::MechanismSet;
    use crate::ehlo::EhloReply;
    use crate::parameter::{OriginalRecipient, Parameter, Parameters, Submitter, Xtext};
    use crate::path::{Domain, ForwardPath, Mailbox};
    use crate::server::Event;
    use crate::{Command, ReplyView, Tolerance};

    #[test]
    fn octets_are_text() {
        let shown = |octets: &'static [u8]| format!("{:?}", Shown(Octets(octets)));
        assert_eq!(shown(b"a'b\"\\\r\n\x1b\0"), r#""a'b\"\\\r\n\u{1b}\0""#);
        assert_eq!(shown(b"\xc3\xa9 \xff\xc3"), "\"\u{e9} \\xff\\xc3\"");
    }

    #[test]
    fn views_show_what_was_written() {
        let path = ForwardPath::parse(br#"<@one.example:"a b"@example.org>"#).unwrap();
        assert_eq!(
            format!("{path:?}"),
            r#"Mailbox { route: Route("@one.example"), mailbox: Mailbox("\"a b\"@example.org") }"#
        );
        let mailbox = Mailbox::parse(b"joe@example.org").unwrap();
        assert_eq!(
            format!("{:?} {:?}", mailbox.local_part(), mailbox.domain()),
            r#"LocalPart("joe") Name(DomainName("example.org"))"#
        );
        assert_eq!(
            format!("{:?}", Domain::parse(b"[x:y]").unwrap()),
            r#"Tagged(TaggedLiteral("x:y"))"#
        );
        let command = Command::parse(b"MAIL FROM:<joe@example.org> SIZE=1 ENVID=a+2Bb").unwrap();
        let Command::Mail(path, parameters) = command else {
            panic!("{command:?}");
        };
        assert_eq!(
            format!("{:?}", Event::Mail { path, parameters }),
            "Mail { path: Mailbox { route: Route(\"\"), mailbox: Mailbox(\"joe@example.org\") }, \
             parameters: Parameters(\"SIZE=1 ENVID=a+2Bb\") }"
        );
        assert_eq!(
            format!("{:?}", Command::parse(b"XPAINT wall").unwrap()),
            "Command(XPAINT wall)"
        );
        let event = Event::Command {
            verb: b"XPAINT",
            argument: b"wall",
        };
        assert_eq!(
            format!("{event:?} {:?}", Event::Verify(b"joe")),
            r#"Command { verb: "XPAINT", argument: "wall" } Verify("joe")"#
        );
    }

    #[test]
    fn values_show_how_they_are_written() {
        let parameter = Parameter::parse(b"ENVID=a+2Bb").unwrap();
        assert_eq!(
            format!("{parameter:?} {:?}", parameter.typed().unwrap()),
            r#"Parameter("ENVID=a+2Bb") EnvelopeId(EnvelopeId(Xtext("a+2Bb")))"#
        );
        assert_eq!(format!("{:?}", Xtext::of(b"a+b")), r#"Xtext("a+2Bb")"#);
        assert_eq!(
            format!(
                "{:?}",
                OriginalRecipient::rfc822(b"joe@example.org").unwrap()
            ),
            r#"OriginalRecipient("ORCPT=rfc822;joe@example.org")"#
        );
        assert_eq!(
            format!("{:?}", Submitter::parse(b"joe@example.org").unwrap()),
            r#"Submitter(Some(Xtext("joe@example.org")))"#
        );
        assert_eq!(
            format!("{:?}", MechanismSet::parse(b"LOGIN PLAIN SCRAM-SHA-256")),
            "{ScramSha256, Plain, Login}"
        );
        let reply = ReplyView::parse(b"250-mx.example.org\r\n250 SIZE 10\r\n").unwrap();
        let ehlo = EhloReply::new(reply, &Tolerance::DEFAULT).unwrap();
        assert_eq!(
            format!("{:?}", ehlo.keywords().next().unwrap()),
            r#"Keyword { name: "SIZE", arguments: "10" }"#
        );
        assert_eq!(format!("{ehlo:?}"), format!("EhloReply({reply:?})"));
    }

    #[test]
    fn parameters_display_as_they_are_written() {
        let parameters = Parameters::parse(b"SIZE=1 body=8bitmime SMTPUTF8").unwrap();
        assert_eq!(format!("{parameters}"), "SIZE=1 body=8bitmime SMTPUTF8");
        let body = parameters.find("BODY").unwrap();
        assert_eq!(
            format!("{body} {}", body.typed().unwrap()),
            "body=8bitmime BODY=8BITMIME"
        );
    }
}
