//! The part of a notification for programs (RFC 3464 2).

use scop_core::Emit as _;
use scop_mime_core::AddrSpec;
use scop_mime_core::header::encoded_word::Utf8;
use scop_mime_core::report::delivery::Action;
use scop_mime_core::report::write::{DeliveryStatusWriter, ReportWriteError};
use scop_smtp_proto::parameter::{EnvelopeId, OriginalRecipient};

use super::text::quoted;
use super::{Report, Told, date, parameter};
use crate::spool::Envelope;

/// A group for the message, and one for each recipient.
pub(super) fn machine(
    envelope: &Envelope,
    told: &[Told<'_>],
    report: &Report,
    utf8: Utf8,
) -> Result<Vec<u8>, ReportWriteError> {
    let mut lines = Vec::new();
    let mut writer = DeliveryStatusWriter::new(&mut lines, utf8, b"dns", report.name.as_bytes())?;
    if let Some(id) = parameter(&envelope.parameters, "ENVID")
        && let Ok(id) = EnvelopeId::parse(id)
    {
        let id: Vec<u8> = id.octets().collect();
        writer.original_envelope_id(&id)?;
    }
    if let Some(date) = date(envelope.arrived) {
        writer.arrival_date(&date)?;
    }
    for told in told {
        let Ok(address) = AddrSpec::parse(told.address.as_bytes()) else {
            // The grammar of SMTP is narrower than that of messages, so this is a path that no server took.
            continue;
        };
        writer.recipient(&address, told.action, told.status)?;
        if let Some(original) = parameter(&told.recipient.parameters, "ORCPT")
            && let Ok(original) = OriginalRecipient::parse(original)
        {
            let mut address = Vec::new();
            original
                .address()
                .emit(&mut address)
                .map_err(|_| ReportWriteError::Full)?;
            // In a part that must be ASCII, one that is not goes as it came.
            if utf8 == Utf8::Raw || address.is_ascii() {
                writer.original_recipient(original.address_type(), &address)?;
            }
        }
        if let Some(host) = told.host {
            writer.remote_mta(b"dns", quoted(host).as_bytes())?;
        }
        if let Some(reply) = told.reply {
            writer.diagnostic_code(b"smtp", quoted(reply).as_bytes())?;
        }
        if let Some(date) = told.attempted.and_then(date) {
            writer.last_attempt_date(&date)?;
        }
        if told.action == Action::Delayed
            && let Some(date) = date(report.end)
        {
            writer.will_retry_until(&date)?;
        }
    }
    writer.finish()?;
    Ok(lines)
}
