//! A second reader of DNS messages (RFC 1035 4, RFC 6891 6.1): with copies, names first, no view.

/// A name: its labels.
pub type Labels = Vec<Vec<u8>>;

/// One entry of the question section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name.
    pub name: Labels,
    /// The type and the class.
    pub numbers: (u16, u16),
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The owner.
    pub owner: Labels,
    /// The type and the class.
    pub numbers: (u16, u16),
    /// The TTL.
    pub ttl: u32,
    /// RDATA, the names in it without compression.
    pub data: Vec<u8>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Id and flags.
    pub head: (u16, u16),
    /// The question section.
    pub questions: Vec<Question>,
    /// The other three sections.
    pub sections: [Vec<Record>; 3],
    /// Octets of the message.
    pub len: usize,
}

impl Message {
    /// Reads the message at the start of `bytes`; `None` when it breaks a rule.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let word = |at| u16_at(bytes, at);
        let head = (word(0)?, word(2)?);
        let counts = [word(4)?, word(6)?, word(8)?, word(10)?];
        let mut at = 12;
        let mut questions = Vec::new();
        for _ in 0..counts[0] {
            let name;
            (name, at) = read_name(bytes, at)?;
            questions.push(Question {
                name,
                numbers: (word(at)?, word(at + 2)?),
            });
            at += 4;
        }
        let mut sections = [Vec::new(), Vec::new(), Vec::new()];
        for (section, &count) in sections.iter_mut().zip(&counts[1..]) {
            for _ in 0..count {
                let record;
                (record, at) = read_record(bytes, at)?;
                section.push(record);
            }
        }
        // OPT: in the additional section, at most once, of the root, with whole options.
        let opts = |section: &[Record]| -> Vec<Record> {
            section
                .iter()
                .filter(|record| record.numbers.0 == 41)
                .cloned()
                .collect()
        };
        let [answers, authorities, additionals] = &sections;
        if !opts(answers).is_empty() || !opts(authorities).is_empty() {
            return None;
        }
        match &opts(additionals)[..] {
            [] => {}
            [opt] if opt.owner.is_empty() => {
                let mut rest = &opt.data[..];
                while !rest.is_empty() {
                    let length = usize::from(u16_at(rest, 2)?);
                    rest = rest.get(4 + length..)?;
                }
            }
            _ => return None,
        }
        Some(Self {
            head,
            questions,
            sections,
            len: at,
        })
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16_at(bytes, at)?) << 16 | u32::from(u16_at(bytes, at + 2)?))
}

/// The name at `at`, and where it ends. A pointer leads to labels that all stand before those that it
/// ends, and there are at most 127 pointers and 255 octets.
fn read_name(bytes: &[u8], at: usize) -> Option<(Labels, usize)> {
    let mut labels = Labels::new();
    let (mut at, mut start, mut end) = (at, at, None);
    let (mut pointers, mut octets) = (0, 1);
    let mut bytes = bytes;
    loop {
        let length = usize::from(*bytes.get(at)?);
        match length >> 6 {
            0 if length == 0 => return Some((labels, end.unwrap_or(at + 1))),
            0 => {
                labels.push(bytes.get(at + 1..at + 1 + length)?.to_vec());
                octets += 1 + length;
                at += 1 + length;
            }
            3 => {
                let target = usize::from(u16_at(bytes, at)? & 0x3fff);
                end = end.or(Some(at + 2));
                pointers += 1;
                if target >= start || pointers > 127 {
                    return None;
                }
                bytes = &bytes[..start];
                (at, start) = (target, target);
            }
            _ => return None,
        }
        if octets > 255 {
            return None;
        }
    }
}

/// The name without compression.
pub fn wire(labels: &[Vec<u8>]) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in labels {
        wire.push(u8::try_from(label.len()).expect("a label is short"));
        wire.extend(label);
    }
    wire.push(0);
    wire
}

fn read_record(bytes: &[u8], at: usize) -> Option<(Record, usize)> {
    let (owner, at) = read_name(bytes, at)?;
    let numbers = (u16_at(bytes, at)?, u16_at(bytes, at + 2)?);
    let ttl = u32_at(bytes, at + 4)?;
    let length = usize::from(u16_at(bytes, at + 8)?);
    let (start, end) = (at + 10, at + 10 + length);
    // Nothing of the record lies behind its end.
    let bytes = bytes.get(..end)?;
    let data = match numbers.0 {
        1 if length == 4 => bytes[start..].to_vec(),
        28 if length == 16 => bytes[start..].to_vec(),
        2 | 5 | 12 => names(bytes, start, 0, 1, 0)?,
        15 => names(bytes, start, 2, 1, 0)?,
        6 => names(bytes, start, 0, 2, 20)?,
        16 => {
            let mut rest = &bytes[start..];
            loop {
                let length = usize::from(*rest.first()?);
                rest = rest.get(1 + length..)?;
                if rest.is_empty() {
                    break;
                }
            }
            bytes[start..].to_vec()
        }
        1 | 28 => return None,
        _ => bytes[start..].to_vec(),
    };
    let record = Record {
        owner,
        numbers,
        ttl,
        data,
    };
    Some((record, end))
}

/// RDATA made of `before` octets, so many names, and `after` octets.
fn names(bytes: &[u8], start: usize, before: usize, count: usize, after: usize) -> Option<Vec<u8>> {
    let mut at = start + before;
    let mut data = bytes.get(start..at)?.to_vec();
    for _ in 0..count {
        let name;
        (name, at) = read_name(bytes, at)?;
        data.extend(wire(&name));
    }
    let rest = bytes.get(at..)?;
    data.extend(rest);
    (rest.len() == after).then_some(data)
}
