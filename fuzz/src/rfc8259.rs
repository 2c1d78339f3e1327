//! JSON, read the plain way: characters first, then down through the grammar.

/// A value, numbers as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of RFC 8259 3")]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads a whole text in which at most `depth` objects and arrays are inside one another.
pub fn read(text: &[u8], depth: usize) -> Option<Json> {
    let chars: Vec<char> = std::str::from_utf8(text).ok()?.chars().collect();
    let mut rest = &chars[..];
    let json = value(&mut rest, depth)?;
    rest.is_empty().then_some(json)
}

fn skip(rest: &mut &[char]) {
    while let [' ' | '\t' | '\n' | '\r', tail @ ..] = rest {
        *rest = tail;
    }
}

fn take(rest: &mut &[char], c: char) -> bool {
    let found = rest.first() == Some(&c);
    *rest = &rest[usize::from(found)..];
    found
}

/// A value with the white space around it.
fn value(rest: &mut &[char], depth: usize) -> Option<Json> {
    skip(rest);
    let json = match *rest.first()? {
        '"' => Json::String(string(rest)?),
        '[' => Json::Array(list(rest, '[', ']', depth, value)?),
        '{' => Json::Object(list(rest, '{', '}', depth, |rest, depth| {
            skip(rest);
            let name = string(rest)?;
            skip(rest);
            take(rest, ':').then(|| Some((name, value(rest, depth)?)))?
        })?),
        _ => word(rest)?,
    };
    skip(rest);
    Some(json)
}

fn list<T>(
    rest: &mut &[char],
    open: char,
    close: char,
    depth: usize,
    item: impl Fn(&mut &[char], usize) -> Option<T>,
) -> Option<Vec<T>> {
    let depth = depth.checked_sub(1)?;
    take(rest, open);
    skip(rest);
    let mut items = Vec::new();
    if take(rest, close) {
        return Some(items);
    }
    loop {
        items.push(item(rest, depth)?);
        if take(rest, close) {
            return Some(items);
        }
        if !take(rest, ',') {
            return None;
        }
    }
}

fn word(rest: &mut &[char]) -> Option<Json> {
    let end = rest.iter().position(|c| " \t\n\r,]}[{\":".contains(*c));
    let (word, tail) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = tail;
    let word: String = word.iter().collect();
    match word.as_str() {
        "null" => Some(Json::Null),
        "true" => Some(Json::Bool(true)),
        "false" => Some(Json::Bool(false)),
        _ => is_number(&word).then_some(Json::Number(word)),
    }
}

fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match word.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.strip_prefix(['+', '-']).unwrap_or(exponent),
        ),
        None => (word, "0"),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let integer = integer.strip_prefix('-').unwrap_or(integer);
    digits(integer)
        && digits(fraction)
        && digits(exponent)
        && (integer == "0" || !integer.starts_with('0'))
}

fn string(rest: &mut &[char]) -> Option<String> {
    let mut units: Vec<u16> = Vec::new();
    let mut next = || {
        let (first, tail) = rest.split_first()?;
        *rest = tail;
        Some(*first)
    };
    if next()? != '"' {
        return None;
    }
    loop {
        let c = match next()? {
            '"' => return String::from_utf16(&units).ok(),
            ..' ' => return None,
            '\\' => match next()? {
                c @ ('"' | '\\' | '/') => c,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let mut unit = 0;
                    for _ in 0..4 {
                        unit = unit << 4 | u16::try_from(next()?.to_digit(16)?).ok()?;
                    }
                    units.push(unit);
                    continue;
                }
                _ => return None,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
}
