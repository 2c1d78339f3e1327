//! The limits of a reader.

/// What a reader takes of a message before it stops looking closer.
///
/// No limit loses a byte: what lies beyond one is handed out as it stands, and a [`crate::Defect`] says
/// which limit it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Multiparts and messages inside one another; a deeper one is a leaf. Nesting without end costs a
    /// reader memory (RFC 2046 5.1 sets no bound).
    pub depth: usize,
    /// Parts of the whole message; the delimiters of more are text. A flood of tiny parts costs
    /// whoever handles each part (RFC 2046 5.1.1 sets no bound).
    pub parts: usize,
    /// Octets of one field, its line end included, that are read as a field; a longer one is handed
    /// out as bytes. RFC 5322 2.1.1 bounds a line and not a field, and a field must be held as a whole.
    pub field: usize,
    /// Fields of one header; more of them are a defect (RFC 5322 3.6 sets no bound).
    pub fields: usize,
    /// Octets of one header; more of them are a defect (RFC 5322 sets no bound).
    pub header: usize,
    /// Parameters of one field, sections of RFC 2231 counted one by one; more of them are a defect.
    /// Thousands of sections once cost parsers quadratic time. At most
    /// [`MAX_SECTIONS`](crate::header::parameter::MAX_SECTIONS) count, whatever this says.
    pub parameters: usize,
}

impl Limits {
    /// More than real mail needs.
    pub const DEFAULT: Self = Self {
        depth: 32,
        parts: 10_000,
        field: 64 * 1024,
        fields: 1_000,
        header: 256 * 1024,
        parameters: 128,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
