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

#[doc(inline)]
pub use body::event::{Content, Entity, Event, Kind};
#[doc(inline)]
pub use body::index::{Events, Index, Part, Parts};
#[doc(inline)]
pub use body::leaf::{FileName, TextError, TextFound};
#[doc(inline)]
pub use body::push::Reader;
#[doc(inline)]
pub use charset::{Charset, CharsetDecoder};
#[doc(inline)]
pub use coding::encoding::Encoding;
#[doc(inline)]
pub use defect::inspect::Inspector;
#[doc(inline)]
pub use defect::{Defect, DefectKind, DefectSet};
#[doc(inline)]
pub use header::address::{AddrSpec, Address, AddressList, Group, Mailbox};
#[doc(inline)]
pub use header::auth_results::{AuthResults, AuthResultsWriter};
#[doc(inline)]
pub use header::content::content_type::ContentType;
#[doc(inline)]
pub use header::content::disposition::ContentDisposition;
#[doc(inline)]
pub use header::content::location::ContentLocation;
#[doc(inline)]
pub use header::content::mime_version::MimeVersion;
#[doc(inline)]
pub use header::date::DateTime;
#[doc(inline)]
pub use header::encoded_word::{DecodedText, EncodedWord};
#[doc(inline)]
pub use header::fold::FoldSink;
#[doc(inline)]
pub use header::message_id::{MessageId, MessageIds};
#[doc(inline)]
pub use header::parameter::{Parameter, Parameters};
#[doc(inline)]
pub use header::scan::{
    Field, FieldDefect, Fields, HeaderBlock, HeaderEnd, Message, find_header_end,
};
#[doc(inline)]
pub use header::tag_list::TagList;
#[doc(inline)]
pub use header::trace::{Received, ReturnPath, Stamp};
#[doc(inline)]
pub use header::typed::{FieldName, Typed};
#[doc(inline)]
pub use header::unstructured::Unstructured;
#[doc(inline)]
pub use limits::Limits;
