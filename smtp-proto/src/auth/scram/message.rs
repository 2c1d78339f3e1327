//! The messages of SCRAM (RFC 5802 5, 7), and the names in them.

use scop_core::{Cursor, Full, Sink, SliceSink, base64};

/// ```abnf
/// c-nonce   = printable
/// printable = %x21-2B / %x2D-7E
/// ```
pub(super) fn is_nonce(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&c| c.is_ascii_graphic() && c != b',')
}

/// The message of a client that begins with a GS2 header (RFC 5802 7, RFC 7628 3.1).
///
/// ```abnf
/// gs2-header     = gs2-cbind-flag "," [ authzid ] ","
/// gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
/// authzid        = "a=" saslname
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) struct Gs2<'a> {
    /// As written, escaped; empty when it is not there.
    pub(in crate::auth) authorization: &'a [u8],
    /// The octets of the header.
    pub(in crate::auth) header: &'a [u8],
    /// What stands behind it.
    pub(in crate::auth) rest: &'a [u8],
}

impl<'a> Gs2<'a> {
    /// `y` says that the client could bind the exchange to the channel and takes it that this server
    /// cannot, which is so. `p=` asks for it, and is refused: it was not offered (RFC 5802 6).
    pub(in crate::auth) fn parse(message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        (cursor.skip_byte(b'n') || cursor.skip_byte(b'y')).then_some(())?;
        cursor.skip_byte(b',').then_some(())?;
        let authorization = if cursor.peek() == Some(b',') {
            &[][..]
        } else {
            attribute(&mut cursor, b'a')?
        };
        cursor.skip_byte(b',').then_some(())?;
        Some(Self {
            authorization,
            header: message.get(..cursor.offset())?,
            rest: cursor.rest(),
        })
    }
}

/// ```abnf
/// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
/// reserved-mext             = "m=" 1*(value-char)
/// username                  = "n=" saslname
/// nonce                     = "r=" c-nonce [s-nonce]
/// extensions                = attr-val *("," attr-val)
/// ```
///
/// `m=` must be refused (RFC 5802 5.1): it is none of the attributes that can come first. Other
/// extensions are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) struct ClientFirst<'a> {
    /// As written, escaped.
    pub(in crate::auth) user: &'a [u8],
    pub(in crate::auth) nonce: &'a [u8],
}

impl<'a> ClientFirst<'a> {
    pub(in crate::auth) fn parse(bare: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bare);
        let user = attribute(&mut cursor, b'n')?;
        cursor.skip_byte(b',').then_some(())?;
        let nonce = attribute(&mut cursor, b'r')?;
        extensions(cursor)?;
        is_nonce(nonce).then_some(Self { user, nonce })
    }
}

/// ```abnf
/// server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
/// salt                 = "s=" base64
/// iteration-count      = "i=" posit-number
/// posit-number         = %x31-39 *DIGIT
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) struct ServerFirst<'a> {
    pub(in crate::auth) nonce: &'a [u8],
    /// Base64.
    pub(in crate::auth) salt: &'a [u8],
    /// Saturated.
    pub(in crate::auth) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub(in crate::auth) fn parse(message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        let nonce = attribute(&mut cursor, b'r')?;
        cursor.skip_byte(b',').then_some(())?;
        let salt = attribute(&mut cursor, b's')?;
        cursor.skip_byte(b',').then_some(())?;
        let count = attribute(&mut cursor, b'i')?;
        extensions(cursor)?;
        let is_number = count.iter().all(u8::is_ascii_digit) && count.first() != Some(&b'0');
        (is_nonce(nonce) && is_number).then_some(())?;
        let iterations = count.iter().fold(0_u32, |number, digit| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            number.saturating_mul(10).saturating_add(digit)
        });
        Some(Self {
            nonce,
            salt,
            iterations,
        })
    }
}

/// ```abnf
/// client-final-message               = client-final-message-without-proof "," proof
/// client-final-message-without-proof = channel-binding "," nonce ["," extensions]
/// channel-binding                    = "c=" base64
/// proof                              = "p=" base64
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) struct ClientFinal<'a> {
    /// Base64 of the GS2 header.
    pub(in crate::auth) binding: &'a [u8],
    pub(in crate::auth) nonce: &'a [u8],
    pub(in crate::auth) without_proof: &'a [u8],
    pub(in crate::auth) proof: [u8; 32],
}

impl<'a> ClientFinal<'a> {
    pub(in crate::auth) fn parse(message: &'a [u8]) -> Option<Self> {
        let comma = memchr::memrchr(b',', message)?;
        let without_proof = message.get(..comma)?;
        let mut cursor = Cursor::at(message, comma.saturating_add(1));
        let proof = fixed(attribute(&mut cursor, b'p')?)?;

        let mut cursor = Cursor::new(without_proof);
        let binding = attribute(&mut cursor, b'c')?;
        cursor.skip_byte(b',').then_some(())?;
        let nonce = attribute(&mut cursor, b'r')?;
        extensions(cursor)?;
        Some(Self {
            binding,
            nonce,
            without_proof,
            proof,
        })
    }
}

/// ```abnf
/// server-final-message = (server-error / verifier) ["," extensions]
/// server-error         = "e=" server-error-value
/// verifier             = "v=" base64
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) enum ServerFinal {
    Error,
    Verifier([u8; 32]),
}

impl ServerFinal {
    pub(in crate::auth) fn parse(message: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        let parsed = if cursor.peek() == Some(b'e') {
            attribute(&mut cursor, b'e')?;
            Self::Error
        } else {
            Self::Verifier(fixed(attribute(&mut cursor, b'v')?)?)
        };
        extensions(cursor)?;
        Some(parsed)
    }
}

/// Takes `name=value`, up to a comma or the end; the value is not empty.
fn attribute<'a>(cursor: &mut Cursor<'a>, name: u8) -> Option<&'a [u8]> {
    (cursor.skip_byte(name) && cursor.skip_byte(b'=')).then_some(())?;
    let value = cursor.take_while(|byte| byte != b',');
    (!value.is_empty() && !value.contains(&0)).then_some(value)
}

/// Takes all the attributes up to the end, each behind a comma, and none but `m=` means anything.
fn extensions(mut cursor: Cursor<'_>) -> Option<()> {
    while !cursor.is_at_end() {
        cursor.skip_byte(b',').then_some(())?;
        let name = cursor.peek().filter(u8::is_ascii_alphabetic)?;
        attribute(&mut cursor, name)?;
        (name != b'm').then_some(())?;
    }
    Some(())
}

/// 32 octets in base64.
fn fixed(text: &[u8]) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    let mut sink = SliceSink::new(&mut octets);
    base64::decode(text, &mut sink).ok()?;
    (sink.written().len() == 32).then_some(octets)
}

/// Writes a name with `,` and `=` escaped (`saslname` of RFC 5802 5.1).
pub(in crate::auth) fn put_name<S: Sink + ?Sized>(name: &str, sink: &mut S) -> Result<(), Full> {
    for &byte in name.as_bytes() {
        match byte {
            b',' => sink.put(b"=2C")?,
            b'=' => sink.put(b"=3D")?,
            _ => sink.put_byte(byte)?,
        }
    }
    Ok(())
}

/// Writes a name without its escapes.
///
/// ```abnf
/// saslname = 1*(value-safe-char / "=2C" / "=3D")
/// ```
///
/// # Errors
/// `Syntax` on any other `=` (RFC 5802 5.1 wants the exchange to fail), `Full` when the sink is.
pub(in crate::auth) fn put_unescaped<S: Sink + ?Sized>(
    name: &[u8],
    sink: &mut S,
) -> Result<(), base64::DecodeError> {
    let mut cursor = Cursor::new(name);
    while let Some(byte) = cursor.take_byte() {
        let plain = match byte {
            b'=' => match cursor.take(2) {
                Some(b"2C") => b',',
                Some(b"3D") => b'=',
                _ => return Err(base64::DecodeError::Syntax),
            },
            b',' => return Err(base64::DecodeError::Syntax),
            _ => byte,
        };
        sink.put_byte(plain)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn gs2() {
        let good: [[&[u8]; 4]; 4] = [
            [b"n,,n=a", b"", b"n,,", b"n=a"],
            [b"y,,", b"", b"y,,", b""],
            [b"n,a=x=2Cy,z", b"x=2Cy", b"n,a=x=2Cy,", b"z"],
            [b"y,a=b,,", b"b", b"y,a=b,", b","],
        ];
        for [message, authorization, header, rest] in good {
            let gs2 = Gs2 {
                authorization,
                header,
                rest,
            };
            assert_eq!(Gs2::parse(message), Some(gs2));
        }
        let bad: [&[u8]; 14] = [
            b"",
            b"n",
            b"n,",
            b"n,a=,",
            b"n,a,",
            b"n,b=c,",
            b"n,a=b",
            b"p=tls-unique,,",
            b"p=,,",
            b"N,,",
            b"m=x,n,,",
            b"x,,",
            b"n,a=\0,",
            b",,",
        ];
        for message in bad {
            assert_eq!(Gs2::parse(message), None, "{message:?}");
        }
    }

    #[test]
    fn client_first() {
        let parsed = ClientFirst {
            user: b"u",
            nonce: b"fy+o",
        };
        for message in ["n=u,r=fy+o", "n=u,r=fy+o,x=1", "n=u,r=fy+o,x=1,Y=a=b"] {
            assert_eq!(
                ClientFirst::parse(message.as_bytes()),
                Some(parsed),
                "{message}"
            );
        }
        for message in [
            "",
            "n=u",
            "n=u,",
            "n=,r=a",
            "n=u,r=",
            "r=a,n=u",
            "N=u,r=a",
            "n=u,R=a",
            "m=1,n=u,r=a",
            "n=u,r=a,m=1",
            "n=u,r=a,",
            "n=u,r=a,x",
            "n=u,r=a,x=",
            "n=u,r=a,1=x",
            "n=u,,r=a",
            "n=u,r=a b",
            "n=u,r=\u{fc}",
            "n=u,r=a\x7f",
            "n=u\0,r=a",
        ] {
            assert_eq!(ClientFirst::parse(message.as_bytes()), None, "{message}");
        }
    }

    #[test]
    fn server_first() {
        for (count, iterations) in [
            ("1", 1),
            ("4096", 4096),
            ("4294967296", u32::MAX),
            ("99999999999999999999", u32::MAX),
        ] {
            let message = format!("r=ab,s=QSXC,i={count}");
            let parsed = ServerFirst {
                nonce: b"ab",
                salt: b"QSXC",
                iterations,
            };
            assert_eq!(ServerFirst::parse(message.as_bytes()), Some(parsed));
        }
        for message in [
            "",
            "r=a",
            "r=a,s=QQ==",
            "r=a,s=QQ==,i=",
            "r=a,s=,i=1",
            "r=,s=QQ==,i=1",
            "s=QQ==,r=a,i=1",
            "r=a,i=1,s=QQ==",
            "r=a,s=QQ==,i=0",
            "r=a,s=QQ==,i=01",
            "r=a,s=QQ==,i=-1",
            "r=a,s=QQ==,i=+1",
            "r=a,s=QQ==,i=1x",
            "r=a,s=QQ==,i= 1",
            "m=x,r=a,s=QQ==,i=1",
            "r=a,s=QQ==,i=1,m=x",
            "r=a,s=QQ==,i=1,",
            "e=other-error",
            "r=a,s=QQ==,i=1e3",
        ] {
            assert_eq!(ServerFirst::parse(message.as_bytes()), None, "{message}");
        }
        assert!(ServerFirst::parse(b"r=a,s=QQ==,i=1,x=future").is_some());
    }

    #[test]
    fn finals() {
        let code = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let message = format!("c=biws,r=ab,x=y,p={code}");
        let parsed = ClientFinal {
            binding: b"biws",
            nonce: b"ab",
            without_proof: b"c=biws,r=ab,x=y",
            proof: [0; 32],
        };
        assert_eq!(ClientFinal::parse(message.as_bytes()), Some(parsed));
        for message in [
            "",
            "p=",
            "c=biws,r=ab",
            "c=biws,r=ab,p=",
            "c=biws,r=ab,p=AAAA",
            "r=ab,c=biws,p=CODE",
            "c=biws,p=CODE",
            "r=ab,p=CODE",
            "c=,r=ab,p=CODE",
            "c=biws,r=ab,p=CODE,x=y",
            "c=biws,r=ab,m=x,p=CODE",
            "c=biws,r=ab,P=CODE",
            "c=biws,r=ab,p=CODEAAAA",
            ",p=CODE",
            "c=biws,r=ab,,p=CODE",
        ] {
            let message = message.replace("CODE", code);
            assert_eq!(ClientFinal::parse(message.as_bytes()), None, "{message}");
        }
        let verifier = |text: &str| ServerFinal::parse(text.replace("CODE", code).as_bytes());
        assert_eq!(verifier("v=CODE"), Some(ServerFinal::Verifier([0; 32])));
        assert_eq!(verifier("v=CODE,x=y"), Some(ServerFinal::Verifier([0; 32])));
        assert_eq!(verifier("e=invalid-proof"), Some(ServerFinal::Error));
        for message in [
            "",
            "v=",
            "v=AAAA",
            "e=",
            "x=y",
            "v=CODE,",
            "v=CODE,m=x",
            "V=CODE",
            "x=y,v=CODE",
        ] {
            assert_eq!(verifier(message), None, "{message}");
        }
    }

    #[test]
    fn names() {
        for (name, escaped) in [
            ("joe", "joe"),
            ("a,b=c", "a=2Cb=3Dc"),
            ("=2C", "=3D2C"),
            ("\u{fc}", "\u{fc}"),
        ] {
            let (mut there, mut back): (heapless::Vec<u8, 16>, heapless::Vec<u8, 16>) =
                Default::default();
            put_name(name, &mut there).unwrap();
            assert_eq!(there, escaped.as_bytes());
            put_unescaped(&there, &mut back).unwrap();
            assert_eq!(back, name.as_bytes());
        }
        for name in ["=", "a=", "=2", "=2c", "=3d", "=2D", "a,b", "==3D"] {
            let mut out: heapless::Vec<u8, 16> = heapless::Vec::new();
            assert_eq!(
                put_unescaped(name.as_bytes(), &mut out),
                Err(base64::DecodeError::Syntax),
                "{name}"
            );
        }
    }
}
