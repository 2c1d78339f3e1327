//! What is wrong with a message (RFC 7103), and whether two readers may see different content in it.

use core::fmt;

mod header;
pub mod inspect;
mod lines;
#[cfg(test)]
mod tests;

/// One thing that is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Defect {
    /// Which rule is broken.
    pub kind: DefectKind,
    /// The byte of the input.
    pub offset: u64,
}

impl Defect {
    /// A defect of `kind` at byte `offset`.
    pub const fn new(kind: DefectKind, offset: u64) -> Self {
        Self { kind, offset }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl core::error::Error for Defect {}

/// Gives [`DefectKind`] its variants, whether each is ambiguous, and its rule in words.
macro_rules! defects {
    ($($(#[doc = $doc:literal])+ $name:ident $ambiguous:ident $rule:literal,)+) => {
        /// Which rule a message breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DefectKind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl DefectKind {
            /// Every kind, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Whether two reasonable readers may see different content.
            pub const fn is_ambiguous(self) -> bool {
                match self {
                    $(Self::$name => defects!(@ $ambiguous),)+
                }
            }

            const fn rule(self) -> &'static str {
                match self {
                    $(Self::$name => $rule,)+
                }
            }
        }
    };
    (@ ambiguous) => { true };
    (@ plain) => { false };
}

defects! {
    // Lines and octets.
    /// A NUL octet.
    Nul ambiguous "a NUL octet (RFC 5322 4.1)",
    /// A CR that no LF follows.
    BareCr ambiguous "a CR without LF (RFC 5322 2.2)",
    /// An LF without CR before it, in a message of such lines.
    BareLf plain "a line ends with LF alone (RFC 5322 2.3)",
    /// Some lines end with CRLF and others with LF.
    MixedLineEnds ambiguous "CRLF and LF both end lines (RFC 5322 2.3)",
    /// A line of more than 998 octets.
    LineTooLong plain "a line is longer than 998 octets (RFC 5322 2.1.1)",
    /// Octets above 127 in a body that is declared 7bit.
    UndeclaredEightBit plain "octets above 127 in a 7bit body (RFC 2045 2.7)",

    // Header fields as such.
    /// The header begins with a continuation line.
    NothingToContinue ambiguous "the header begins with a continuation line (RFC 5322 2.2.3)",
    /// The header begins with the `From ` line of an mbox file.
    MboxLine plain "the header begins with the \"From \" line of an mbox (RFC 4155)",
    /// A header line without a colon.
    NoColon ambiguous "a header line has no colon (RFC 5322 2.2)",
    /// A control character in a field other than those of line ends, HTAB and NUL.
    Control plain "a header field holds a control character (RFC 5322 4.1)",
    /// A field name that is empty or not printable ASCII.
    BadFieldName ambiguous "a field name is empty or not printable ASCII (RFC 5322 2.2)",
    /// White space before the colon.
    SpaceBeforeColon ambiguous "white space stands between a field name and its colon (RFC 5322 4.5.8)",
    /// A line of nothing but white space, which some take for the end of the header.
    BlankHeaderLine ambiguous "a header line holds nothing but white space (RFC 5322 4.2)",
    /// Octets in a field that are not UTF-8.
    NotUtf8 plain "a header field holds octets that are not UTF-8 (RFC 6532 3.2)",
    /// A field that may stand once stands again.
    DuplicateField ambiguous "a field stands twice that may stand once (RFC 5322 3.6)",
    /// A field that must stand does not.
    MissingField plain "a field is missing that must stand (RFC 5322 3.6, RFC 2046 5.2.1)",
    /// A value that the grammar of its field does not allow.
    BadValue plain "the value is not what the grammar of the field allows (RFC 5322 3.6)",
    /// From, Sender or another address that two readers may read as two addresses.
    AmbiguousAddress ambiguous "an address that readers read differently (RFC 5322 3.4.1)",
    /// From is malformed, or holds no or several mailboxes.
    AmbiguousAuthor ambiguous "From does not name one author (RFC 5322 3.6.2)",
    /// An encoded word that cannot be decoded.
    BadEncodedWord ambiguous "an encoded word cannot be decoded (RFC 2047 2)",
    /// An encoded word where none may stand.
    MisplacedEncodedWord ambiguous "an encoded word stands where it may not (RFC 2047 5)",

    // MIME fields.
    /// A second Content-Type.
    DuplicateContentType ambiguous "Content-Type stands twice (RFC 2045 5.1)",
    /// A second Content-Transfer-Encoding.
    DuplicateTransferEncoding ambiguous "Content-Transfer-Encoding stands twice (RFC 2045 6.1)",
    /// A Content-Type that cannot be read whole.
    BadContentType ambiguous "Content-Type is malformed (RFC 2045 5.1)",
    /// A comment in a MIME field, which many readers take for text.
    CommentInContent ambiguous "a comment stands in a MIME field (RFC 2045 5.1)",
    /// A parameter that stands twice, also as plain and as extended.
    DuplicateParameter ambiguous "a parameter stands twice (RFC 2045 5, RFC 2231 3)",
    /// A parameter or section of one that cannot be read, or is missing.
    BadParameter ambiguous "a parameter is malformed (RFC 2045 5.1, RFC 2231 7)",
    /// A MIME field that is well formed, but in a way that readers read differently: white space beside
    /// `/` or `=`, a backslash that quotes no quote, nothing between two semicolons, `boundary` or
    /// `charset` in a form of RFC 2231, a transfer encoding that is folded or has white space behind it.
    UnusualContent ambiguous "a MIME field is written as readers read differently (RFC 2045 5.1, 6.1, RFC 2231)",
    /// A transfer encoding that nobody knows, or that is not written as one token.
    UnknownTransferEncoding ambiguous "an unknown transfer encoding (RFC 2045 6.4)",
    /// MIME fields without MIME-Version, or with a version that is not 1.0.
    MissingMimeVersion plain "MIME fields without MIME-Version: 1.0 (RFC 2045 4)",

    // The tree.
    /// A multipart without the parameter `boundary`.
    MissingBoundary ambiguous "a multipart has no boundary (RFC 2046 5.1.1)",
    /// A boundary with octets that it may not have.
    BadBoundary ambiguous "a boundary is empty, too long or of other octets than allowed (RFC 2046 5.1.1)",
    /// A boundary that is too long to be held: the multipart is read as a leaf.
    BoundaryLimit ambiguous "a boundary is longer than the reader can hold",
    /// A boundary of an enclosing multipart is used again.
    BoundaryReused ambiguous "a boundary is that of an enclosing multipart (RFC 2046 5.1.2)",
    /// A boundary begins with that of an enclosing multipart, or the other way round.
    BoundaryPrefix ambiguous "a boundary begins with that of an enclosing multipart (RFC 2046 5.1.2)",
    /// A line that begins like a delimiter and goes on.
    DelimiterLookalike ambiguous "a line begins like a delimiter and is none (RFC 2046 5.1.1)",
    /// A delimiter of a multipart that is closed.
    DelimiterAfterClose ambiguous "a delimiter stands behind the close of its multipart (RFC 2046 5.1.1)",
    /// A multipart without its close delimiter.
    MissingClose ambiguous "a multipart is not closed (RFC 2046 5.1.1)",
    /// A multipart without any delimiter.
    NoParts ambiguous "a multipart has no part (RFC 2046 5.1.1)",
    /// Text behind the close delimiter.
    Epilogue ambiguous "text stands behind the close of a multipart (RFC 2046 5.1.1)",
    /// A header that ends without an empty line, though a delimiter follows.
    TruncatedHeader ambiguous "a part ends in its header (RFC 2046 5.1)",
    /// A multipart with a transfer encoding.
    EncodedMultipart ambiguous "a multipart has a transfer encoding (RFC 2045 6.4)",
    /// A message/rfc822 with a transfer encoding.
    EncodedMessage ambiguous "a message/rfc822 has a transfer encoding (RFC 2046 5.2.1)",
    /// A message/* that some readers open and others do not: message/partial, message/external-body,
    /// message/news, and every subtype that nobody has defined.
    UnusualMessage ambiguous "a message type that some readers open and others do not (RFC 2046 5.2)",

    // Encoded bodies.
    /// Octets in base64 that are not of its alphabet.
    Base64Junk ambiguous "base64 holds other characters (RFC 2045 6.8)",
    /// Padding that is missing, too much or in the middle.
    Base64Padding ambiguous "the padding of base64 is wrong (RFC 2045 6.8)",
    /// Bits that no octet takes.
    Base64Bits plain "base64 ends with bits that are not zero (RFC 4648 3.5)",
    /// `=` that neither two hexadecimal digits nor a line end follow.
    QuotedPrintableEscape ambiguous "\"=\" stands for nothing in quoted-printable (RFC 2045 6.7)",
    /// Octets in quoted-printable that must be encoded.
    QuotedPrintableOctet plain "quoted-printable holds an octet that must be encoded (RFC 2045 6.7)",
    /// White space at the end of a line of quoted-printable, which decoding takes away.
    QuotedPrintableSpace plain "white space ends a line of quoted-printable (RFC 2045 6.7 (3))",
    /// A line of quoted-printable or base64 of more than 76 characters.
    EncodedLineTooLong plain "a line of encoded text is longer than 76 characters (RFC 2045 6.7, 6.8)",
    /// Uuencoded text that cannot be read, or has no end.
    BadUuencode ambiguous "uuencoded text is malformed",

    // Limits.
    /// [`crate::Limits::depth`].
    DepthLimit ambiguous "parts nest deeper than the limit",
    /// [`crate::Limits::parts`].
    PartsLimit ambiguous "there are more parts than the limit",
    /// [`crate::Limits::field`].
    FieldLimit ambiguous "a field is longer than the limit",
    /// [`crate::Limits::fields`].
    FieldsLimit ambiguous "a header has more fields than the limit",
    /// [`crate::Limits::header`].
    HeaderLimit ambiguous "a header is longer than the limit",
    /// [`crate::Limits::parameters`].
    ParametersLimit ambiguous "a field has more parameters than the limit",
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())
    }
}

/// A set of kinds.
///
/// ```
/// use scop_mime_core::{DefectKind, DefectSet};
///
/// let mut set = DefectSet::EMPTY;
/// set.insert(DefectKind::BareLf);
/// set.insert(DefectKind::Nul);
/// assert!(set.iter().eq([DefectKind::Nul, DefectKind::BareLf]));
/// assert_eq!(format!("{set:?}"), "{Nul, BareLf}");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct DefectSet(u64);

/// A set is one word.
const _: () = assert!(DefectKind::ALL.len() <= 64);

impl DefectSet {
    /// No kind.
    pub const EMPTY: Self = Self(0);

    /// Whether `kind` is in the set.
    pub const fn contains(self, kind: DefectKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Adds `kind`.
    pub const fn insert(&mut self, kind: DefectKind) {
        self.0 |= 1 << kind as u8;
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds of the set, in the order of [`DefectKind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = DefectKind> {
        DefectKind::ALL
            .iter()
            .copied()
            .filter(move |&kind| self.contains(kind))
    }

    /// Whether a kind of the set is ambiguous.
    pub fn is_ambiguous(self) -> bool {
        self.iter().any(DefectKind::is_ambiguous)
    }
}

/// The names of the kinds.
impl fmt::Debug for DefectSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
