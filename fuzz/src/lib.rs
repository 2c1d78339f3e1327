#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod check_host;
pub mod choice;
pub mod order;
pub mod rfc1035;
pub mod rfc2045;
pub mod rfc2046;
pub mod rfc6376;
pub mod rfc7208;
pub mod rfc8259;
pub mod zone;

pub mod address_list;
pub mod auth_results;
pub mod coding_decoders;
pub mod date;
pub mod dkim_body;
pub mod dkim_header;
pub mod dkim_signature;
pub mod dkim_verify;
pub mod dmarc_authenticator;
pub mod dmarc_record;
pub mod dns_message;
pub mod dns_stub;
pub mod encoded_words;
pub mod fold;
pub mod header_scan;
pub mod json;
pub mod key_record;
pub mod message_id;
pub mod mime_build;
pub mod mime_edit;
pub mod mime_push_vs_index;
pub mod parameters;
pub mod received;
pub mod received_spf;
pub mod route;
pub mod smtp_auth;
pub mod smtp_client;
pub mod smtp_command;
pub mod smtp_data;
pub mod smtp_reply;
pub mod smtp_server;
pub mod spf_evaluate;
pub mod spf_record;
pub mod sts_policy;
pub mod tls_report;
pub mod typed_fields;

/// Hands the list of all targets to the macro `$with`: each name, and how many mutants of each file of
/// its corpus `cargo test` runs.
#[macro_export]
macro_rules! for_each_target {
    ($with:ident) => {
        $with! {
            address_list 10000
            auth_results 10000
            coding_decoders 3000
            date 10000
            dkim_body 2000
            dkim_header 1000
            dkim_signature 10000
            dkim_verify 500
            dmarc_authenticator 500
            dmarc_record 10000
            dns_message 10000
            dns_stub 10000
            encoded_words 2500
            fold 5000
            header_scan 10000
            json 10000
            key_record 5000
            message_id 10000
            mime_build 4000
            mime_edit 10000
            mime_push_vs_index 5000
            parameters 5000
            received 10000
            received_spf 5000
            route 5000
            smtp_auth 5000
            smtp_client 4000
            smtp_command 2000
            smtp_data 2000
            smtp_reply 2000
            smtp_server 4000
            spf_evaluate 2000
            spf_record 10000
            sts_policy 10000
            tls_report 10000
            typed_fields 3000
        }
    };
}
