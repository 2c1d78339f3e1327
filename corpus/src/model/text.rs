//! Text: phrases, unstructured values and their encoded words (RFC 5322 3.2.5, RFC 2047).

/// Words of a display name, a group name, a keyword.
#[derive(Clone, Debug, Default)]
pub struct Phrase(pub Vec<Word>);

/// A word of a phrase.
#[derive(Clone, Debug)]
pub enum Word {
    /// Text, written as an atom or as a quoted string.
    Plain(String),
    /// Text in an encoded word.
    Encoded(EncodedWord),
}

/// An unstructured value.
#[derive(Clone, Debug, Default)]
pub struct Text(pub Vec<Piece>);

/// A piece of an unstructured value.
#[derive(Clone, Debug)]
pub enum Piece {
    /// White space, octet for octet; folds stand before one of its octets.
    Space(String),
    /// A word as it stands.
    Plain(String),
    /// Text in an encoded word.
    Encoded(EncodedWord),
}

/// The charset of an encoded word or parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// US-ASCII.
    Ascii,
    /// ISO-8859-1.
    Latin1,
}

impl Charset {
    /// The octets of `text`, all of whose characters must be in the charset.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 | Self::Ascii => text.as_bytes().to_vec(),
            Self::Latin1 => text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
                .collect(),
        }
    }

    /// The text of octets.
    pub fn decode(self, bytes: &[u8], text: &mut String) {
        match self {
            Self::Utf8 | Self::Ascii => text.push_str(&String::from_utf8_lossy(bytes)),
            Self::Latin1 => text.extend(bytes.iter().map(|&byte| char::from(byte))),
        }
    }

    /// Whether `text` can be written in it.
    pub fn holds(self, text: &str) -> bool {
        match self {
            Self::Utf8 => true,
            Self::Ascii => text.is_ascii(),
            Self::Latin1 => text.chars().all(|c| u32::from(c) < 256),
        }
    }
}

/// What an encoded word says. Its octets may be a part of a character, whose rest the next one holds.
#[derive(Clone, Debug, Default)]
pub struct EncodedWord {
    /// The charset.
    pub charset: Charset,
    /// `B` rather than `Q`.
    pub base64: bool,
    /// The language of RFC 2231 5.
    pub language: Option<&'static str>,
    /// The octets, in the charset.
    pub octets: Vec<u8>,
}

/// Joins the octets of encoded words that stand beside one another, as long as the charset is the same.
#[derive(Default)]
struct Decoded {
    text: String,
    pending: Option<(Charset, Vec<u8>)>,
}

impl Decoded {
    fn encoded(&mut self, word: &EncodedWord) {
        match &mut self.pending {
            Some((charset, octets)) if *charset == word.charset => {
                octets.extend_from_slice(&word.octets);
            }
            _ => {
                self.flush();
                self.pending = Some((word.charset, word.octets.clone()));
            }
        }
    }

    fn plain(&mut self, text: &str) {
        self.flush();
        self.text.push_str(text);
    }

    fn flush(&mut self) {
        if let Some((charset, octets)) = self.pending.take() {
            charset.decode(&octets, &mut self.text);
        }
    }

    /// No control character but TAB is shown to a person.
    fn finish(mut self) -> String {
        self.flush();
        if self.text.contains(is_hidden) {
            self.text = self.text.replace(is_hidden, "\u{fffd}");
        }
        self.text
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control() && c != '\t'
}

impl Phrase {
    /// One word, whatever it holds.
    pub fn of(text: &str) -> Self {
        Self(vec![Word::Plain(text.to_owned())])
    }

    /// The text that a reader must show: one space between words, none between encoded words.
    pub fn decoded(&self) -> String {
        let mut decoded = Decoded::default();
        let mut before: Option<&Word> = None;
        for word in &self.0 {
            match (before, word) {
                (None, _) | (Some(Word::Encoded(_)), Word::Encoded(_)) => {}
                _ => decoded.plain(" "),
            }
            match word {
                Word::Plain(text) => decoded.plain(text),
                Word::Encoded(encoded) => decoded.encoded(encoded),
            }
            before = Some(word);
        }
        decoded.finish()
    }

    /// Whether it holds an encoded word.
    pub fn is_encoded(&self) -> bool {
        self.0.iter().any(|word| matches!(word, Word::Encoded(_)))
    }
}

impl Text {
    /// The text that a reader must show: white space as it stands, but none between encoded words, and none
    /// at the ends.
    pub fn decoded(&self) -> String {
        let mut decoded = Decoded::default();
        let is_space = |piece: &Piece| matches!(piece, Piece::Space(_));
        let end = self.0.iter().rposition(|piece| !is_space(piece));
        let inner = self
            .0
            .get(..end.map_or(0, |end| end + 1))
            .unwrap_or_default();
        let mut pieces = inner.iter().skip_while(|piece| is_space(piece)).peekable();
        let mut after_encoded = false;
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Space(_)
                    if after_encoded && matches!(pieces.peek(), Some(Piece::Encoded(_))) =>
                {
                    continue;
                }
                Piece::Space(space) => decoded.plain(space),
                Piece::Plain(text) => decoded.plain(text),
                Piece::Encoded(word) => decoded.encoded(word),
            }
            after_encoded = matches!(piece, Piece::Encoded(_));
        }
        decoded.finish()
    }
}
