//! What is built is read, what is read is built; changed and arbitrary octets are read or refused.

use proptest::prelude::*;
use scop_core::{NameBuf, Rdata, Record, Rtype, Txt};
use scop_dnssec::wire::{
    BuildError, Builder, Case, EdnsOption, Flags, Message, Opt, Options, Question, Rcode,
};

use crate::{octets, rebuild, show};

// Values for the property tests.

#[derive(Clone, Debug)]
enum Data {
    Name(u16, NameBuf),
    Mx(u16, NameBuf),
    Soa(NameBuf, NameBuf, [u32; 5]),
    Txt(Vec<u8>),
    Address([u8; 16]),
    Other(u16, Vec<u8>),
}

#[derive(Clone, Debug)]
struct Entry {
    section: u8,
    owner: NameBuf,
    class: u16,
    ttl: u32,
    data: Data,
}

impl Entry {
    fn record(&self) -> Record<'_> {
        let rdata = match &self.data {
            Data::Name(2, name) => Rdata::Ns(name.as_name()),
            Data::Name(5, name) => Rdata::Cname(name.as_name()),
            Data::Name(_, name) => Rdata::Ptr(name.as_name()),
            Data::Mx(preference, name) => Rdata::Mx {
                preference: *preference,
                exchange: name.as_name(),
            },
            Data::Soa(mname, rname, numbers) => Rdata::Soa {
                mname: mname.as_name(),
                rname: rname.as_name(),
                numbers: *numbers,
            },
            Data::Txt(text) => Rdata::Txt(Txt::joined(text)),
            Data::Address(octets) if octets[0] & 1 == 0 => {
                Rdata::A([octets[1], octets[2], octets[3], octets[4]].into())
            }
            Data::Address(octets) => Rdata::Aaaa((*octets).into()),
            Data::Other(rtype, data) => Rdata::Other {
                rtype: Rtype(*rtype),
                data,
            },
        };
        Record {
            owner: self.owner.as_name(),
            class: self.class,
            ttl: self.ttl,
            rdata,
        }
    }
}

/// Few labels, so that names share suffixes, in both cases.
fn any_name() -> impl Strategy<Value = NameBuf> {
    let label = prop::sample::select(vec![
        &b"a"[..],
        b"A",
        b"b",
        b"\x00.",
        b"mail",
        b"MAIL",
        b"example",
        b"_dmarc",
        &[b'x'; 63],
    ]);
    prop::collection::vec(label, 0..6).prop_filter_map("too long", |labels| {
        let mut name = NameBuf::ROOT;
        labels
            .iter()
            .try_for_each(|label| name.push_label(label))
            .ok()
            .map(|()| name)
    })
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let data = prop_oneof![
        (prop::sample::select(vec![2_u16, 5, 12]), any_name())
            .prop_map(|(rtype, name)| Data::Name(rtype, name)),
        (any::<u16>(), any_name()).prop_map(|(number, name)| Data::Mx(number, name)),
        (any_name(), any_name(), any::<[u32; 5]>())
            .prop_map(|(m, r, numbers)| Data::Soa(m, r, numbers)),
        prop::collection::vec(any::<u8>(), 0..600).prop_map(Data::Txt),
        any::<[u8; 16]>().prop_map(Data::Address),
        (50_u16..100, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(rtype, data)| Data::Other(rtype, data)),
    ];
    (0_u8..3, any_name(), any::<u16>(), any::<u32>(), data).prop_map(
        |(section, owner, class, ttl, data)| Entry {
            section,
            owner,
            class,
            ttl,
            data,
        },
    )
}

#[derive(Clone, Debug)]
struct Whole {
    id: u16,
    flags: u16,
    rcode: u16,
    questions: Vec<(NameBuf, u16, u16)>,
    entries: Vec<Entry>,
    opt: Option<(u16, u8, u16, Vec<(u16, Vec<u8>)>)>,
}

fn any_whole() -> impl Strategy<Value = Whole> {
    let option = (any::<u16>(), prop::collection::vec(any::<u8>(), 0..20));
    let opt = (
        any::<u16>(),
        any::<u8>(),
        any::<u16>(),
        prop::collection::vec(option, 0..4),
    );
    (
        any::<u16>(),
        any::<u16>(),
        0_u16..4096,
        prop::collection::vec((any_name(), any::<u16>(), any::<u16>()), 0..3),
        prop::collection::vec(any_entry(), 0..20),
        prop::option::of(opt),
    )
        .prop_map(|(id, flags, rcode, questions, mut entries, opt)| {
            entries.sort_by_key(|entry| entry.section);
            Whole {
                id,
                flags,
                rcode: if opt.is_some() { rcode } else { rcode & 15 },
                questions,
                entries,
                opt,
            }
        })
}

impl Whole {
    fn options(&self) -> Vec<u8> {
        let all = self.opt.iter().flat_map(|opt| &opt.3);
        all.flat_map(|(code, data)| octets(&EdnsOption { code: *code, data }))
            .collect()
    }

    /// Writes what fits and tells how many entries did.
    fn build<'b>(
        &self,
        buffer: &'b mut [u8],
        case: Case,
    ) -> Result<(&'b [u8], Vec<bool>), BuildError> {
        let options = self.options();
        let mut builder = Builder::new(buffer, self.id, Flags(self.flags))?;
        builder.set_case(case);
        builder.set_rcode(Rcode(self.rcode));
        if let Some((udp_size, version, flags, _)) = self.opt {
            let mut opt = Opt::new(udp_size).with_options(Options::parse(&options).unwrap());
            (opt.version, opt.flags) = (version, flags);
            builder.opt(opt)?;
        }
        for (name, rtype, class) in &self.questions {
            let question = Question {
                name: name.as_name(),
                rtype: Rtype(*rtype),
                class: *class,
            };
            builder.question(&question)?;
        }
        let fitted = self
            .entries
            .iter()
            .map(|entry| {
                let record = entry.record();
                match entry.section {
                    0 => builder.answer(&record),
                    1 => builder.authority(&record),
                    _ => builder.additional(&record),
                }
                .is_ok()
            })
            .collect();
        Ok((builder.finish()?, fitted))
    }
}

fn uncompressed(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = octets(&record.owner);
    bytes.extend(record.rdata.rtype().0.to_be_bytes());
    bytes.extend(record.class.to_be_bytes());
    bytes.extend(record.ttl.to_be_bytes());
    bytes.extend(octets(&record.rdata));
    bytes
}

/// The records without OPT, uncompressed.
fn records(message: &Message<'_>) -> Vec<Vec<u8>> {
    message
        .answers()
        .chain(message.authorities())
        .chain(message.additionals())
        .filter(|record| record.rdata.rtype() != Rtype::OPT)
        .map(|record| uncompressed(&record))
        .collect()
}

fn any_bytes(size: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![Just(0_u8), Just(0xc0), Just(1), any::<u8>()],
        0..size,
    )
}

proptest! {
    #[test]
    fn what_is_built_is_read(whole in any_whole(), fold: bool) {
        let mut buffer = vec![0; 65535];
        let case = if fold { Case::Fold } else { Case::Exact };
        let (bytes, fitted) = whole.build(&mut buffer, case).unwrap();
        prop_assert!(fitted.iter().all(|&fitted| fitted));
        let message = Message::parse(bytes).unwrap();
        prop_assert_eq!(message.id(), whole.id);
        prop_assert_eq!(message.rcode(), Rcode(whole.rcode));
        prop_assert_eq!(message.flags().0 & !15, whole.flags & !15);
        prop_assert_eq!(message.opt().map(|opt| (opt.udp_size, opt.version, opt.flags, opt.options.as_bytes().to_vec())),
            whole.opt.as_ref().map(|opt| (opt.0, opt.1, opt.2, whole.options())));
        let asked = whole.questions.iter().map(|(name, rtype, class)| (name.as_wire().to_vec(), *rtype, *class));
        let read: Vec<_> = message.questions().map(|q| (octets(&q.name), q.rtype.0, q.class)).collect();
        let written: Vec<_> = whole.entries.iter().map(|entry| uncompressed(&entry.record())).collect();
        if fold {
            let lower = |octets: &Vec<u8>| octets.to_ascii_lowercase();
            prop_assert_eq!(read.iter().map(|q| (lower(&q.0), q.1, q.2)).collect::<Vec<_>>(),
                asked.map(|q| (lower(&q.0), q.1, q.2)).collect::<Vec<_>>());
            prop_assert_eq!(records(&message).iter().map(lower).collect::<Vec<_>>(),
                written.iter().map(lower).collect::<Vec<_>>());
        } else {
            prop_assert_eq!(read, asked.collect::<Vec<_>>());
            prop_assert_eq!(records(&message), written);
        }
        for (section, number) in [(message.answers(), 0), (message.authorities(), 1)] {
            prop_assert_eq!(section.len(), whole.entries.iter().filter(|entry| entry.section == number).count());
        }
        // What was read and is written again stays the same, and a second time byte by byte.
        let mut other = vec![0; 65535];
        let again = rebuild(&message, &mut other, case).unwrap();
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn what_does_not_fit_leaves_a_whole_message(whole in any_whole(), size in 12_usize..900) {
        let mut buffer = vec![0; size];
        if let Ok((bytes, fitted)) = whole.build(&mut buffer, Case::Exact) {
            let message = Message::parse(bytes).unwrap();
            let kept = whole.entries.iter().zip(&fitted).filter(|(_, fitted)| **fitted);
            let kept: Vec<_> = kept.map(|(entry, _)| uncompressed(&entry.record())).collect();
            prop_assert_eq!(records(&message), kept);
            let lost = whole.entries.iter().zip(&fitted).any(|(entry, fitted)| !fitted && entry.section < 2);
            prop_assert_eq!(message.flags().contains(Flags::TC), lost || Flags(whole.flags).contains(Flags::TC));
            prop_assert_eq!(message.opt().is_some(), whole.opt.is_some());
        }
    }

    #[test]
    fn changed_messages_are_read_or_refused(
        whole in any_whole(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        short: bool,
    ) {
        let mut buffer = vec![0; 65535];
        let mut bytes = whole.build(&mut buffer, Case::Fold).unwrap().0.to_vec();
        for (index, octet) in changes {
            let at = index.index(bytes.len());
            bytes[at] = octet;
        }
        if short {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(&bytes)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in any_bytes(300), counts: [u8; 4]) {
        for (at, count) in (4..12).step_by(2).zip(counts) {
            if let Some(place) = bytes.get_mut(at..at + 2) {
                place.copy_from_slice(&[0, count & 7]);
            }
        }
        check(&bytes)?;
    }
}

/// A message that was read holds what its counts say; an error is at a byte of it.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Message::parse_prefix(bytes) {
        Err(error) => prop_assert!(error.offset() <= bytes.len()),
        Ok((message, rest)) => {
            prop_assert_eq!([message.as_bytes(), rest].concat(), bytes);
            prop_assert_eq!(
                message.questions().count(),
                usize::from(message.header().questions)
            );
            for section in [
                message.answers(),
                message.authorities(),
                message.additionals(),
            ] {
                prop_assert_eq!(section.clone().count(), section.len());
            }
            let _ = show(&message);
            let mut buffer = vec![0; 65535];
            if let Ok(again) = rebuild(&message, &mut buffer, Case::Exact) {
                let other = Message::parse(again).unwrap();
                prop_assert_eq!(records(&other), records(&message));
            }
        }
    }
    Ok(())
}
