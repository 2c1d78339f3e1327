//! A configuration file as text and as keys, so that an error has its line, whoever finds it.

mod words;

use std::fmt;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer};

use crate::error::Error;

/// Errors that are told at once; whoever made more has another file in mind.
const MOST_ERRORS: usize = 20;

/// The key that says which form a table has: without it nothing of the table is understood.
const TAG: &str = "to";

/// A file whose form is that of TOML.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    path: String,
    text: &'t str,
    table: Spanned<DeTable<'t>>,
}

/// A table with its name: `[limits]`; the whole file has none.
struct Place<'a> {
    name: String,
    table: &'a DeTable<'a>,
    span: Range<usize>,
}

impl<'t> Source<'t> {
    /// Reads the form; all errors of form are found.
    pub(crate) fn parse(path: &Path, text: &'t str) -> Result<Self, Vec<Error>> {
        let path = path.display().to_string();
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok(Self { path, text, table });
        }
        Err(errors
            .iter()
            .take(MOST_ERRORS)
            .map(|error| {
                let line = error.span().map(|span| line_of(text, span.start));
                error_at(&path, line, one_line(error.message()))
            })
            .collect())
    }

    /// The values. Unknown keys are all found; of other errors the first.
    pub(crate) fn values<T: DeserializeOwned>(&self) -> Result<T, Vec<Error>> {
        let mut table = self.table.clone();
        let whole = table.span();
        let mut errors = Vec::new();
        // They are found in the order of the names of their tables.
        let in_order = |mut errors: Vec<(Option<usize>, Error)>| {
            errors.sort_by_key(|(line, _)| *line);
            Err(errors.into_iter().map(|(_, error)| error).collect())
        };
        loop {
            let error = match T::deserialize(Deserializer::from(table.clone())) {
                Ok(values) if errors.is_empty() => return Ok(values),
                Ok(_) => return in_order(errors),
                Err(error) => error,
            };
            let span = error.span();
            let Some((key, known)) = unknown_key(error.message()) else {
                let span = self.blame::<T>(&table, error.message(), span);
                let line = span.as_ref().map(|span| line_of(self.text, span.start));
                errors.push((line, self.explain(error.message(), span)));
                return in_order(errors);
            };
            let (line, name) = self.find_key(key, span.as_ref());
            let within = if name.is_empty() {
                String::new()
            } else {
                format!(" in {name}")
            };
            let rule = format!("unknown key \"{key}\"{within}; known: {known}");
            errors.push((line, error_at(&self.path, line, rule)));
            // What else is wrong shows without it.
            let removed = span.is_some_and(|span| remove(table.get_mut(), &whole, key, &span));
            if !removed || errors.len() >= MOST_ERRORS {
                return in_order(errors);
            }
        }
    }

    /// An error at a value, or at what there is of the way to it: `listen.0.address`.
    pub(crate) fn error(&self, way: &str, rule: impl fmt::Display) -> Error {
        error_at(&self.path, self.line(way), rule)
    }

    fn line(&self, way: &str) -> Option<usize> {
        let mut line = None;
        self.follow(way, &mut line);
        line
    }

    /// Goes as far as there is a way.
    fn follow(&self, way: &str, line: &mut Option<usize>) -> Option<()> {
        let mut table = Some(self.table.get_ref());
        let mut list = None;
        for step in way.split('.') {
            let (start, value) = if let Some(table) = table {
                let (key, value) = table.iter().find(|(key, _)| *key.get_ref() == step)?;
                (key.span().start, value.get_ref())
            } else {
                let items: &[Spanned<DeValue<'t>>] = list?;
                let item = items.get(step.parse::<usize>().ok()?)?;
                (item.span().start, item.get_ref())
            };
            *line = Some(line_of(self.text, start));
            (table, list) = match value {
                DeValue::Table(table) => (Some(table), None),
                DeValue::Array(items) => (None, Some(&items[..])),
                _ => (None, None),
            };
        }
        Some(())
    }

    /// Line of a key, and the table that it is in.
    fn find_key(&self, key: &str, span: Option<&Range<usize>>) -> (Option<usize>, String) {
        let Some(span) = span else {
            return (None, String::new());
        };
        for place in self.places() {
            if let Some((known, _)) = place
                .table
                .iter()
                .find(|(known, _)| place.is_of(known, key, span))
            {
                return (Some(line_of(self.text, known.span().start)), place.name);
            }
        }
        (Some(line_of(self.text, span.start)), String::new())
    }

    /// Where a value is wrong. Of a table that was read as a whole first, serde says no more than where that is: then it
    /// is the key without which this error is not there.
    fn blame<T: DeserializeOwned>(
        &self,
        table: &Spanned<DeTable<'t>>,
        message: &str,
        span: Option<Range<usize>>,
    ) -> Option<Range<usize>> {
        let span = span?;
        if message.starts_with("missing field ") {
            return Some(span);
        }
        let whole = table.span();
        let places = self.places();
        let keys = (places.iter().filter(|place| place.span == span)).flat_map(|place| place.table);
        let is_guilty = |key: &DeString<'_>| {
            let mut without = table.clone();
            let is_there = key != TAG && remove(without.get_mut(), &whole, key, &span);
            is_there
                && !T::deserialize(Deserializer::from(without))
                    .is_err_and(|error| error.message() == message)
        };
        let found = (keys.into_iter())
            .find(|(key, _)| is_guilty(key.get_ref()))
            .map(|(_, value)| value.span());
        Some(found.unwrap_or(span))
    }

    /// What is wrong with a value.
    fn explain(&self, message: &str, span: Option<Range<usize>>) -> Error {
        let Some(span) = span else {
            return error_at(&self.path, None, words::rule(message));
        };
        if let Some(key) = between(message, "missing field `", "`") {
            // The whole file has no line.
            let (line, name) = self
                .places()
                .into_iter()
                .skip(1)
                .find(|place| place.span == span)
                .map_or((None, String::new()), |place| {
                    (Some(line_of(self.text, span.start)), place.name)
                });
            let rule = if name.is_empty() {
                format!("the key \"{key}\" is missing")
            } else {
                format!("the key \"{key}\" is missing in {name}")
            };
            return error_at(&self.path, line, rule);
        }
        let line = Some(line_of(self.text, span.start));
        // The innermost key whose value this is.
        let key = self
            .places()
            .iter()
            .flat_map(|place| place.table)
            .rfind(|(_, value)| within(&span, &value.span()))
            .map(|(key, _)| key.get_ref().to_string());
        let rule = words::rule(message);
        let rule = match key {
            Some(key) => format!("{key}: {rule}"),
            None => rule,
        };
        error_at(&self.path, line, rule)
    }

    /// All tables, the outer ones first.
    fn places(&self) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        collect(self.table.get_ref(), "", self.table.span(), &mut places);
        places
    }
}

impl Place<'_> {
    /// Whether an error at `span` is about this key: its span is that of the key, or that of the table, where the
    /// table was read as a whole first.
    fn is_of(&self, known: &Spanned<DeString<'_>>, key: &str, span: &Range<usize>) -> bool {
        *known.get_ref() == key && (known.span() == *span || self.span == *span)
    }
}

/// A table and those in it.
fn collect<'a>(
    table: &'a DeTable<'a>,
    name: &str,
    span: Range<usize>,
    places: &mut Vec<Place<'a>>,
) {
    places.push(Place {
        name: name.to_owned(),
        table,
        span,
    });
    let outer = name.trim_matches(['[', ']']);
    let dot = if outer.is_empty() { "" } else { "." };
    for (key, value) in table {
        let path = format!("{outer}{dot}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(table) => {
                collect(table, &format!("[{path}]"), value.span(), places);
            }
            DeValue::Array(list) => {
                for item in list {
                    if let DeValue::Table(table) = item.get_ref() {
                        collect(table, &format!("[[{path}]]"), item.span(), places);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Takes the key away that is at `span`, or in the table that is.
fn remove(table: &mut DeTable<'_>, at: &Range<usize>, key: &str, span: &Range<usize>) -> bool {
    let there = table
        .keys()
        .find(|known| *known.get_ref() == key && (known.span() == *span || at == span))
        .cloned();
    if let Some(there) = there {
        return table.remove(&there).is_some();
    }
    table.iter_mut().any(|(_, value)| {
        let at = value.span();
        match value.get_mut() {
            DeValue::Table(table) => remove(table, &at, key, span),
            DeValue::Array(list) => list.iter_mut().any(|item| {
                let at = item.span();
                match item.get_mut() {
                    DeValue::Table(table) => remove(table, &at, key, span),
                    _ => false,
                }
            }),
            _ => false,
        }
    })
}

fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Of "unknown field `a`, expected one of `b`, `c`": the key, and the known ones.
fn unknown_key(message: &str) -> Option<(&str, String)> {
    let key = between(message, "unknown field `", "`")?;
    let known: Vec<&str> = message
        .split('`')
        .skip(3)
        .step_by(2)
        .filter(|word| !word.is_empty())
        .collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    Some((key, known))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// What the parser says in several lines, with names between `"`.
fn one_line(message: &str) -> String {
    message.replace('\n', "; ").replace('`', "\"")
}

fn error_at(path: &str, line: Option<usize>, rule: impl fmt::Display) -> Error {
    match line {
        Some(line) => Error::at_line(path, format_args!("{line}: {rule}")),
        None => Error::new(path, rule),
    }
}

/// Lines are counted from 1.
fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    before.split(|&octet| octet == b'\n').count()
}

#[cfg(test)]
pub(crate) mod tests;
