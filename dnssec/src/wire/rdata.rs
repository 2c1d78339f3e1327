//! Records as text (RFC 1035 5.1), types without a format of their own in the generic form of RFC 3597 5.

use core::fmt;

use scop_core::{FmtSink, Rdata, Record, Sink, Txt, record::CLASS_IN};

/// Shows RDATA in presentation form.
///
/// ```
/// use scop_core::{Rdata, Rtype};
/// use scop_dnssec::wire::Presentation;
/// let data = Rdata::Other { rtype: Rtype(65280), data: &[0xab, 0xcd] };
/// assert_eq!(Presentation(&data).to_string(), "\\# 2 abcd");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Presentation<'r, 'a>(pub &'r Rdata<'a>);

impl fmt::Display for Presentation<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rdata::A(address) => address.fmt(f),
            Rdata::Aaaa(address) => address.fmt(f),
            Rdata::Cname(name) | Rdata::Ns(name) | Rdata::Ptr(name) => name.fmt(f),
            Rdata::Mx {
                preference,
                exchange,
            } => write!(f, "{preference} {exchange}"),
            Rdata::Soa {
                mname,
                rname,
                numbers,
            } => {
                write!(f, "{mname} {rname}")?;
                numbers.iter().try_for_each(|number| write!(f, " {number}"))
            }
            Rdata::Txt(txt) => fmt_txt(txt, f),
            Rdata::Other { data, .. } => {
                write!(f, "\\# {}", data.len())?;
                if !data.is_empty() {
                    f.write_str(" ")?;
                }
                data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            _ => Err(fmt::Error),
        }
    }
}

/// Each character-string in quotes; quote and backslash behind a backslash, what is not visible ASCII
/// as `\DDD`.
fn fmt_txt(txt: &Txt<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, string) in txt.strings().enumerate() {
        f.write_str(if index == 0 { "\"" } else { " \"" })?;
        for &byte in string {
            match byte {
                b'"' | b'\\' => FmtSink(f).put(&[b'\\', byte]).map_err(|_| fmt::Error)?,
                b' '..=b'~' => FmtSink(f).put_byte(byte).map_err(|_| fmt::Error)?,
                _ => write!(f, "\\{byte:03}")?,
            }
        }
        f.write_str("\"")?;
    }
    Ok(())
}

/// Shows a record as a line of a zone file: owner, TTL, class, type, RDATA.
#[derive(Clone, Copy, Debug)]
pub struct RecordLine<'r, 'a>(pub &'r Record<'a>);

impl fmt::Display for RecordLine<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.0;
        write!(f, "{} {} ", record.owner, record.ttl)?;
        match record.class {
            CLASS_IN => f.write_str("IN")?,
            class => write!(f, "CLASS{class}")?,
        }
        write!(
            f,
            " {} {}",
            record.rdata.rtype(),
            Presentation(&record.rdata)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scop_core::{NameBuf, Rtype};
    use std::string::ToString;

    #[test]
    fn lines() {
        let name = NameBuf::from_text(b"mx.example").unwrap();
        let name = name.as_name();
        let strings = b"\x03a\"b\x02\\\xff\x00";
        for (rdata, shown) in [
            (Rdata::A([192, 0, 2, 1].into()), "A 192.0.2.1"),
            (
                Rdata::Aaaa([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()),
                "AAAA 2001:db8::1",
            ),
            (Rdata::Cname(name), "CNAME mx.example."),
            (
                Rdata::Mx {
                    preference: 10,
                    exchange: name,
                },
                "MX 10 mx.example.",
            ),
            (
                Rdata::Soa {
                    mname: name,
                    rname: name,
                    numbers: [1, 2, 3, 4, 5],
                },
                "SOA mx.example. mx.example. 1 2 3 4 5",
            ),
            (
                Rdata::Txt(Txt::parse(strings).unwrap()),
                r#"TXT "a\"b" "\\\255" """#,
            ),
            (
                Rdata::Other {
                    rtype: Rtype(52),
                    data: &[3, 0, 1, 0xab],
                },
                r"TLSA \# 4 030001ab",
            ),
            (
                Rdata::Other {
                    rtype: Rtype(99),
                    data: &[],
                },
                r"TYPE99 \# 0",
            ),
        ] {
            let record = Record {
                owner: name,
                class: 1,
                ttl: 60,
                rdata,
            };
            let line = RecordLine(&record).to_string();
            assert_eq!(line, std::format!("mx.example. 60 IN {shown}"));
        }
    }
}
