//! MTA-STS: the policy file and the TXT record agree with a naive reading, and so does each match.

use scop_smtp_proto::policy::mta_sts::{MAX_AGE, Mode, Policy, Record};

use crate::choice::Choice;

/// A policy file, or a record.
pub fn run(data: &[u8]) {
    let policy = Policy::parse(data);
    let naive = naive_policy(data);
    assert_eq!(policy.is_ok(), naive.is_some(), "{policy:?} {naive:?}");
    if let (Ok(policy), Some((mode, max_age, mx))) = (policy, &naive) {
        assert_eq!((policy.mode(), policy.max_age()), (*mode, *max_age));
        assert!(policy.mx().eq(mx.iter().map(String::as_bytes)));
        assert_eq!(policy.raw(), data);
        let mut choice = Choice::of(data);
        for pattern in mx {
            let label = choice.pick(&["a", "A-b", "a.b", "", "*"]);
            for host in [
                pattern.to_ascii_uppercase(),
                pattern.replacen('*', label, 1),
            ] {
                let expected = mx.iter().any(|pattern| naive_match(pattern, &host));
                assert_eq!(policy.matches(host.as_bytes()), expected, "{host}");
            }
        }
    }
    let record = Record::parse(data).ok();
    assert_eq!(
        record.map(|record| record.id().as_bytes().to_vec()),
        naive_record(data)
    );
}

fn naive_policy(data: &[u8]) -> Option<(Mode, u32, Vec<String>)> {
    if data.len() > 65_536 {
        return None;
    }
    let text = std::str::from_utf8(data).ok()?;
    let (mut version, mut mode, mut max_age, mut mx) = (None, None, None, Vec::new());
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    } else if text.ends_with('\r') {
        return None; // a CR that is no part of a line end
    }
    if lines.len() > 1024 {
        return None;
    }
    for line in lines {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = line.trim_end_matches([' ', '\t']);
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':')?;
        let value = value.trim_start_matches([' ', '\t']);
        let is_first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if !is_first || name.len() > 32 || !name.chars().all(is_name) {
            return None;
        }
        if value.bytes().any(|byte| byte.is_ascii_control()) {
            return None;
        }
        match name {
            "version" if version.is_none() => version = (value == "STSv1").then_some(Some(()))?,
            "mode" if mode.is_none() => {
                mode = Some(match value {
                    "enforce" => Mode::Enforce,
                    "testing" => Mode::Testing,
                    "none" => Mode::None,
                    _ => return None,
                });
            }
            "max_age" if max_age.is_none() => {
                let is_number =
                    value.len() <= 10 && value.bytes().all(|byte| byte.is_ascii_digit());
                let seconds: u64 = is_number.then(|| value.parse().ok())??;
                max_age = Some(u32::try_from(seconds).ok().filter(|age| *age <= MAX_AGE)?);
            }
            "mx" => {
                let domain = value.strip_prefix("*.").unwrap_or(value);
                let label = |label: &str| {
                    let is_in_label = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                    (1..=63).contains(&label.len()) && label.chars().all(is_in_label)
                };
                let last = domain.rsplit('.').next()?;
                let is_address = last.bytes().all(|byte| byte.is_ascii_digit());
                if domain.len() > 253 || is_address || !domain.split('.').all(label) {
                    return None;
                }
                mx.push(value.to_owned());
            }
            _ => {}
        }
    }
    version?;
    let (mode, max_age) = (mode?, max_age?);
    (mode == Mode::None || !mx.is_empty()).then_some((mode, max_age, mx))
}

fn naive_match(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    let pattern: Vec<&str> = pattern.split('.').collect();
    let host: Vec<&str> = host.split('.').collect();
    let mut pairs = pattern.iter().zip(&host).enumerate();
    pattern.len() == host.len()
        && pairs
            .all(|(at, (one, other))| one == other || (at == 0 && *one == "*" && !other.is_empty()))
}

fn naive_record(data: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<char> = data.iter().map(|&byte| char::from(byte)).collect();
    let text: String = text.into_iter().collect();
    let mut pieces: Vec<&str> = text.split(';').collect();
    let trim = |piece: &str| piece.trim_matches([' ', '\t']).to_owned();
    let first = pieces.remove(0);
    if first.trim_end_matches([' ', '\t']) != "v=STSv1" || pieces.is_empty() {
        return None;
    }
    if trim(pieces.last()?).is_empty() {
        pieces.pop();
    }
    let mut id = None;
    for piece in pieces {
        let piece = trim(piece);
        let (name, value) = piece.split_once('=')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts_well || name.len() > 32 || !name.chars().all(is_name) || value.is_empty() {
            return None;
        }
        if name == "id" && id.is_none() {
            let is_id = value.len() <= 32 && value.chars().all(|c| c.is_ascii_alphanumeric());
            if !is_id {
                return None;
            }
            id = Some(value.as_bytes().to_vec());
        } else if !value
            .chars()
            .all(|c| c.is_ascii_graphic() && !"=;".contains(c))
        {
            return None;
        }
    }
    id
}
