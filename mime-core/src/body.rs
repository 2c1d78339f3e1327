//! The body of a message: the tree of its parts (RFC 2046), read in two ways with one grammar.
//!
//! [`index`] borrows a message that is in memory; [`push`] takes one that comes in pieces, in fixed
//! memory. Both are thin: one state machine decides what every byte is, so they agree on every input,
//! however it is cut. The [events](event::Event) they give are these, in this order:
//!
//! ```text
//! entity    = Begin *(Field / LongField) HeaderEnd content End
//! content   = *Body                                      ; Leaf, EncodedMessage
//!           / entity                                     ; Message
//!           / *Preamble *(Delimiter entity) [Delimiter{close} *Epilogue]    ; Multipart
//! ```
//!
//! [`Event::Defect`](event::Event::Defect) may stand between any two. A defect comes right before the
//! bytes that it concerns, or, when it concerns a whole header or multipart, before the `HeaderEnd` or
//! `End` of that. The defects of one place come in the order of this list:
//!
//! | where | defects |
//! |---|---|
//! | before a field that is too long | `FieldLimit` |
//! | before a line of a header or content | `PartsLimit` (once in a message), `DelimiterAfterClose`, `DelimiterLookalike` |
//! | before the first text of an epilogue | `Epilogue` |
//! | before `HeaderEnd` | `TruncatedHeader`; `MissingBoundary`, `BadBoundary` or `BoundaryLimit`; `EncodedMultipart` or `EncodedMessage`; `BoundaryReused` or `BoundaryPrefix`; `DepthLimit`, `PartsLimit` |
//! | before the `End` of a multipart | `MissingClose`, `NoParts` |
//!
//! Defects of field values and of the octets of lines are not looked for here.

pub(crate) mod boundary;
pub mod event;
pub mod index;
pub mod leaf;
mod media;
pub mod push;
mod structure;
