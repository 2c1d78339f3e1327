//! What the messages of a run held, counted.

use std::fmt;

/// Gives [`Feature`] its variants and their names.
macro_rules! features {
    ($($(#[doc = $doc:literal])+ $name:ident $words:literal,)+) => {
        /// Something that a message may hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Feature {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Feature {
            /// Every feature, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)+
                }
            }
        }
    };
}

features! {
    /// Messages whose lines end with CRLF.
    CrlfMessage "messages with CRLF",
    /// Messages whose lines end with LF.
    LfMessage "messages with LF",
    /// Messages without an empty line.
    NoBody "messages without a body",
    /// Messages whose last line has no end.
    NoFinalLineEnd "messages without a final line end",
    /// Header fields.
    Field "header fields",
    /// Fields of names that no RFC knows.
    OptionalField "fields of unknown names",
    /// Field names in another case.
    NameCase "field names in another case",
    /// White space before the colon.
    SpaceBeforeColon "white space before the colon",
    /// Folds.
    Fold "folds",
    /// Lines of white space within a field.
    BlankFold "lines of white space in a field",
    /// Comments.
    Comment "comments",
    /// Comments in comments.
    NestedComment "nested comments",
    /// Quoted strings.
    QuotedString "quoted strings",
    /// Quoted pairs.
    QuotedPair "quoted pairs",
    /// Fields in UTF-8.
    RawUtf8 "values with raw UTF-8",
    /// Unstructured values.
    Unstructured "unstructured values",
    /// Encoded words, `Q`.
    EncodedQ "encoded words, Q",
    /// Encoded words, `B`.
    EncodedB "encoded words, B",
    /// Encoded words with a language.
    EncodedLanguage "encoded words with a language",
    /// Characters split over two encoded words.
    SplitCharacter "characters split over encoded words",
    /// Mailboxes.
    Mailbox "mailboxes",
    /// Groups.
    Group "groups",
    /// Groups without members.
    EmptyGroup "empty groups",
    /// Source routes.
    Route "source routes",
    /// Local parts that must be quoted.
    QuotedLocal "quoted local parts",
    /// Local parts and domains with gaps at the dots.
    ObsoleteDots "gaps around dots",
    /// Domain literals.
    Literal "domain literals",
    /// Empty members of lists.
    EmptyMember "empty list members",
    /// Phrases with dots outside quotes.
    ObsoletePhrase "phrases with bare dots",
    /// Dates.
    Date "dates",
    /// Zones by name.
    NamedZone "zones by name",
    /// Years of two or three digits.
    ShortYear "years of two or three digits",
    /// Wrong days of the week.
    WrongWeekday "wrong days of the week",
    /// Identifiers.
    Id "identifiers",
    /// Words between identifiers.
    WordsBetweenIds "words between identifiers",
    /// Hops.
    Received "Received fields",
    /// Return paths.
    ReturnPath "return paths",
    /// Lists of tags.
    TagList "DKIM and ARC tag lists",
    /// Authentication results.
    AuthResults "authentication results",
    /// Fields of mailing lists.
    ListField "List- fields",
    /// Auto-Submitted.
    AutoSubmitted "Auto-Submitted",
    /// Parameters.
    Parameter "parameters",
    /// Parameters as quoted strings.
    QuotedParameter "parameters in quotes",
    /// Parameters of RFC 2231 with a charset.
    ExtendedParameter "RFC 2231 parameters with a charset",
    /// Parameters of RFC 2231 in sections.
    ContinuedParameter "RFC 2231 parameters in sections",
    /// Sections out of order.
    SectionsOutOfOrder "RFC 2231 sections out of order",
    /// File names.
    Filename "file names",
    /// Fields that the writers of mime-core wrote.
    LibraryField "fields by mime-core's writers",
    /// Bodies that the encoders of mime-core wrote.
    LibraryBody "bodies by mime-core's encoders",
    /// Messages that the builder of mime-core wrote.
    LibraryMessage "messages by mime-core's builder",
    /// Leaves.
    Leaf "leaves",
    /// Empty leaves.
    EmptyLeaf "empty leaves",
    /// Leaves in 7bit.
    SevenBit "leaves, 7bit",
    /// Leaves in 8bit.
    EightBit "leaves, 8bit",
    /// Leaves in binary.
    Binary "leaves, binary",
    /// Leaves in quoted-printable.
    QuotedPrintable "leaves, quoted-printable",
    /// Leaves in base64.
    Base64 "leaves, base64",
    /// Leaves in uuencode.
    Uuencode "leaves, uuencode",
    /// NUL, bare CR or bare LF in a decoded body.
    OddOctets "bodies with NUL, bare CR or bare LF",
    /// Soft line breaks.
    SoftBreak "soft line breaks",
    /// Transport padding in quoted-printable.
    TransportPadding "transport padding in quoted-printable",
    /// Multiparts.
    Multipart "multiparts",
    /// Multiparts in multiparts, four or more deep.
    DeepMultipart "entities four or more levels deep",
    /// Preambles.
    Preamble "preambles",
    /// Epilogues.
    Epilogue "epilogues",
    /// Boundaries that begin with another.
    PrefixBoundary "boundaries that begin with an enclosing one",
    /// Lines that look like delimiters.
    Lookalike "lines that look like delimiters",
    /// Padded delimiter lines.
    PaddedDelimiter "padded delimiter lines",
    /// Delimiters that share their line end with an empty line.
    SharedLineEnd "delimiters right behind an empty line",
    /// multipart/digest.
    Digest "digests",
    /// multipart/report.
    Report "reports",
    /// multipart/signed.
    Signed "multipart/signed",
    /// Messages in messages.
    NestedMessage "messages in messages",
    /// Encoded messages in messages.
    EncodedMessage "encoded messages in messages",
    /// Damaged variants.
    Damaged "damaged variants",
}

const COUNT: usize = Feature::ALL.len();

/// How often each feature came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features([u64; COUNT]);

impl Default for Features {
    fn default() -> Self {
        Self([0; COUNT])
    }
}

impl Features {
    /// Counts one more.
    pub fn count(&mut self, feature: Feature) {
        if let Some(count) = self.0.get_mut(feature as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(count);
        }
    }

    /// How often `feature` came.
    pub fn of(&self, feature: Feature) -> u64 {
        self.0.get(feature as usize).copied().unwrap_or_default()
    }
}

/// One line for each feature.
impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &feature in Feature::ALL {
            writeln!(f, "  {:<48} {:>12}", feature.name(), self.of(feature))?;
        }
        Ok(())
    }
}
