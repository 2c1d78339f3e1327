#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod body;
pub mod build;
pub mod charset;
pub mod coding;
pub mod defect;
pub mod edit;
pub mod flowed;
pub mod header;
pub mod limits;
pub mod report;

pub use body::event::{Content, Entity, Event, Kind};
pub use body::index::{Events, Index, Part, Parts};
pub use body::push::Reader;
pub use charset::{Charset, CharsetDecoder};
pub use coding::encoding::Encoding;
pub use defect::inspect::Inspector;
pub use defect::{Defect, DefectKind, DefectSet};
pub use header::address::{AddrSpec, Address, AddressList, Group, Mailbox};
pub use header::auth_results::{AuthResults, AuthResultsWriter};
pub use header::content::content_type::ContentType;
pub use header::content::disposition::ContentDisposition;
pub use header::content::location::ContentLocation;
pub use header::content::mime_version::MimeVersion;
pub use header::date::DateTime;
pub use header::encoded_word::{DecodedText, EncodedWord};
pub use header::fold::FoldSink;
pub use header::message_id::{MessageId, MessageIds};
pub use header::parameter::{Parameter, Parameters};
pub use header::scan::{
    Field, FieldDefect, Fields, HeaderBlock, HeaderEnd, Message, find_header_end,
};
pub use header::tag_list::TagList;
pub use header::trace::{Received, ReturnPath, Stamp};
pub use header::typed::{FieldName, Typed};
pub use header::unstructured::Unstructured;
pub use limits::Limits;
