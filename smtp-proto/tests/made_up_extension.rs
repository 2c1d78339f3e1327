//! An extension that nobody registered, on both sides, without a change to the crate: a keyword with an
//! argument, a parameter of MAIL and one of RCPT, a verb.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod side;

use scop_core::{Full, Sink};
use scop_smtp_proto::client::{OrderError, Step};
use scop_smtp_proto::extension::{Effect, Refusal};
use scop_smtp_proto::{
    Envelope, Extension, ForwardPath, Parameter, Peer, ReversePath, Session, Status,
};
use side::{order, say, serve};

/// `XCOLOUR red`: `MAIL XTINT=0..9`, `RCPT XWALL`, and `XPAINT` between transactions. A client does not send
/// XTINT=0, which is invisible.
#[derive(Debug)]
struct Colour<'a> {
    colours: &'a str,
}

const NOT_A_DIGIT: Refusal = Refusal::new(501, Status::new(5, 5, 4), "XTINT is a digit");

impl Extension for Colour<'_> {
    fn keyword(&self) -> &'static str {
        "XCOLOUR"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["XTINT"]
    }

    fn rcpt_keywords(&self) -> &[&str] {
        &["XWALL"]
    }

    fn verbs(&self) -> &[&str] {
        &["XPAINT"]
    }

    fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        sink.put(self.colours.as_bytes())
    }

    fn mail_parameter(
        &self,
        tint: Parameter<'_>,
        _: &Session,
        _: &mut Envelope,
    ) -> Result<(), Refusal> {
        match tint.value() {
            Some([b'0'..=b'9']) => Ok(()),
            _ => Err(NOT_A_DIGIT),
        }
    }

    fn rcpt_parameter(
        &self,
        wall: Parameter<'_>,
        _: &Session,
        _: &Envelope,
    ) -> Result<(), Refusal> {
        wall.value().map_or(Ok(()), |_| Err(Refusal::BAD_ARGUMENT))
    }

    fn command(&self, _: &[u8], argument: &[u8], session: &Session) -> Result<Effect, Refusal> {
        match argument {
            b"" => Err(Refusal::BAD_ARGUMENT),
            _ if session.in_transaction => Err(Refusal::OUT_OF_ORDER),
            _ => Ok(Effect::Ask),
        }
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        _: &Peer,
        _: &mut Envelope,
    ) -> Result<(), &'static str> {
        match parameter.value() {
            Some(b"0") => Err("invisible"),
            _ => Ok(()),
        }
    }
}

const COLOUR: Colour<'static> = Colour {
    colours: "red blue",
};

const SCRIPT: &str = "EHLO client.example.org\r\n\
    XPAINT wall\r\n\
    xpaint\r\n\
    MAIL FROM:<joe@example.org> xtint=7\r\n\
    XPAINT wall\r\n\
    RCPT TO:<ann@example.net> XWALL\r\n\
    RCPT TO:<ann@example.net> XWALL=1\r\n\
    RCPT TO:<ann@example.net> XTINT=7\r\n\
    RSET\r\n\
    MAIL FROM:<joe@example.org> XTINT=77\r\n\
    MAIL FROM:<joe@example.org> XTINT=7 XTINT=7\r\n\
    MAIL FROM:<joe@example.org> XWALL\r\n\
    QUIT\r\n";

fn codes(heard: &side::Heard) -> Vec<&str> {
    (0..heard.replies.len())
        .map(|index| heard.code(index))
        .collect()
}

#[test]
fn a_server_announces_it_and_hands_it_to_its_host() {
    let heard = serve(&[&COLOUR], false, SCRIPT);
    assert_eq!(heard.keywords(), ["XCOLOUR red blue"]);
    assert_eq!(
        codes(&heard),
        [
            "250", "250", "501", "250", "503", "250", "501", "555", "250", "501", "501", "555",
            "221"
        ]
    );
    assert!(heard.replies[9].ends_with("XTINT is a digit"));
    assert_eq!(heard.events, ["XPAINT wall", "MAIL xtint=7", "RCPT XWALL"]);
}

#[test]
fn a_server_without_it_refuses_it() {
    let heard = serve(&[], false, SCRIPT);
    assert!(heard.keywords().is_empty());
    assert_eq!(
        codes(&heard),
        [
            "250", "500", "500", "555", "500", "503", "503", "503", "250", "555", "501", "555",
            "221"
        ]
    );
    assert!(heard.events.is_empty());
}

#[test]
fn it_is_not_there_behind_helo() {
    let heard = serve(&[&COLOUR], false, &SCRIPT.replace("EHLO", "HELO"));
    assert_eq!(
        codes(&heard),
        [
            "250", "502", "501", "555", "502", "503", "503", "503", "250", "555", "501", "555",
            "221"
        ]
    );
    assert!(heard.events.is_empty());
}

fn parameter(text: &str) -> Parameter<'_> {
    Parameter::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_client_uses_it() {
    let sent = order(&[&COLOUR], false, &["xcolour red"], |client| {
        client.command(b"XPAINT", b"wall").unwrap();
        let mut sent = say(client, &["250 painted\r\n"]);
        let tint = [parameter("XTINT=7")];
        client
            .mail(&ReversePath::parse(b"<joe@example.org>").unwrap(), &tint)
            .unwrap();
        sent += &say(client, &["250 ok\r\n"]);
        assert_eq!(client.poll(), Step::Recipient(0));
        let wall = [parameter("XWALL")];
        client
            .recipient(&ForwardPath::parse(b"<ann@example.net>").unwrap(), &wall)
            .unwrap();
        sent + &say(client, &["250 ok\r\n"])
    });
    assert_eq!(
        sent,
        "XPAINT wall\r\nMAIL FROM:<joe@example.org> XTINT=7\r\nRCPT TO:<ann@example.net> XWALL\r\n"
    );
    // The server's host gets all of it.
    let heard = serve(
        &[&COLOUR],
        false,
        &format!("EHLO client.example.org\r\n{sent}"),
    );
    assert_eq!(heard.events, ["XPAINT wall", "MAIL XTINT=7", "RCPT XWALL"]);
}

/// Nothing is sent to a server that does not announce it, nor by a client that does not have it.
#[test]
fn a_client_does_not_use_it_unannounced() {
    let both: [(&[&dyn Extension], &[&str]); 2] =
        [(&[&COLOUR], &["XOTHER"]), (&[], &["XCOLOUR red"])];
    for (extensions, keywords) in both {
        let missing: fn(&'static [u8]) -> OrderError<'static> = if extensions.is_empty() {
            OrderError::NotListed
        } else {
            OrderError::NotAnnounced
        };
        order(extensions, false, keywords, |client| {
            assert_eq!(client.command(b"XPAINT", b"wall"), Err(missing(b"XPAINT")));
            let sender = ReversePath::parse(b"<joe@example.org>").unwrap();
            let error = client.mail(&sender, &[parameter("XTINT=7")]);
            assert_eq!(error, Err(missing(b"XTINT")));
            assert!(client.transmit().is_empty() && client.poll() == Step::Order);
            client.mail(&sender, &[]).unwrap();
            assert_eq!(
                say(client, &["250 ok\r\n"]),
                "MAIL FROM:<joe@example.org>\r\n"
            );
            let recipient = ForwardPath::parse(b"<ann@example.net>").unwrap();
            let error = client.recipient(&recipient, &[parameter("XWALL")]);
            assert_eq!(error, Err(missing(b"XWALL")));
            assert!(client.transmit().is_empty() && client.poll() == Step::Recipient(0));
        });
    }
}

#[test]
fn a_client_asks_the_extension_first() {
    order(&[&COLOUR], false, &["XCOLOUR red"], |client| {
        let sender = ReversePath::parse(b"<joe@example.org>").unwrap();
        assert_eq!(
            client.mail(&sender, &[parameter("XTINT=0")]),
            Err(OrderError::CannotSend(b"XTINT", "invisible"))
        );
        let twice = [parameter("XTINT=1"), parameter("xtint=2")];
        assert_eq!(
            client.mail(&sender, &twice),
            Err(OrderError::Repeated(b"xtint"))
        );
        // It belongs to RCPT.
        assert_eq!(
            client.mail(&sender, &[parameter("XWALL")]),
            Err(OrderError::NotListed(b"XWALL"))
        );
        assert!(matches!(
            client.command(b"XPAINT", b""),
            Err(OrderError::CannotSend(b"XPAINT", _))
        ));
        assert!(client.command(b"XPAINT", b"wall\r\nDATA").is_err());
        assert!(client.transmit().is_empty() && client.poll() == Step::Order);
    });
}
