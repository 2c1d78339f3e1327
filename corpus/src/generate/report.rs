//! Reports: DSN (RFC 3464), MDN (RFC 8098), ARF (RFC 5965) in multipart/report (RFC 6522).

use std::borrow::Cow;

use scop_mime_core::Encoding;

use super::Generator;
use crate::model::{Body, Entity, Field, How, Leaf, Parameter, Report, Value};

type Group = Vec<(Cow<'static, str>, String)>;

impl Generator {
    /// A multipart/report of one of three kinds.
    pub(crate) fn report(&mut self, depth: usize) -> Entity {
        let kinds = [
            "delivery-status",
            "disposition-notification",
            "feedback-report",
        ];
        let kind = self.rng.pick(&kinds);
        let mut parameters = self.parameters(1);
        parameters.push(Parameter {
            name: "report-type".into(),
            value: kind.to_owned(),
            language: None,
        });
        self.multipart_of("report", parameters, |generator, parts| {
            let text = generator.leaf();
            parts.push(text);
            let fields = generator.report_fields(kind);
            parts.push(fields);
            if generator.rng.percent(70) {
                let message = generator.message_part(depth.saturating_add(1));
                parts.push(message);
            }
        })
    }

    /// The part that machines read.
    fn report_fields(&mut self, kind: &'static str) -> Entity {
        let groups = match kind {
            "delivery-status" => self.delivery_status(),
            "disposition-notification" => vec![self.disposition_notification()],
            _ => vec![self.feedback()],
        };
        let line_end = self.line_end.bytes();
        let mut content = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            if index > 0 {
                content.extend_from_slice(line_end);
            }
            for (name, value) in group {
                content.extend_from_slice(format!("{name}: {value}").as_bytes());
                content.extend_from_slice(line_end);
            }
        }
        let value = Value::ContentType("message".to_owned(), kind.to_owned(), Vec::new());
        let fields = vec![Field {
            structural: true,
            ..self.field("Content-Type", value)
        }];
        Entity {
            fields,
            body: Body::Leaf(Leaf {
                content,
                encoding: Encoding::SevenBit,
                how: How::default(),
                report: Some(Report { groups }),
            }),
        }
    }

    fn add_line(
        &mut self,
        group: &mut Group,
        percent: u32,
        name: &'static str,
        values: &[&'static str],
    ) {
        if self.rng.percent(percent) {
            group.push((name.into(), self.rng.pick(values).to_owned()));
        }
    }

    fn delivery_status(&mut self) -> Vec<Group> {
        let mut message = Vec::new();
        self.add_line(&mut message, 30, "Original-Envelope-Id", &["abc+3D1", "x"]);
        self.add_line(
            &mut message,
            100,
            "Reporting-MTA",
            &["dns; mail.example.org", "dns;mx.example.net"],
        );
        self.add_line(
            &mut message,
            30,
            "Received-From-MTA",
            &["dns; client.example.com"],
        );
        self.add_line(
            &mut message,
            40,
            "Arrival-Date",
            &["Fri, 21 Nov 1997 09:55:06 -0600"],
        );
        let mut groups = vec![message];
        for _ in 0..self.rng.range(1, 3) {
            let mut recipient = Vec::new();
            self.add_line(
                &mut recipient,
                30,
                "Original-Recipient",
                &["rfc822;joe@example.org"],
            );
            self.add_line(
                &mut recipient,
                100,
                "Final-Recipient",
                &["rfc822; joe@example.org", "rfc822;public@example.com"],
            );
            self.add_line(
                &mut recipient,
                100,
                "Action",
                &["failed", "delayed", "delivered", "relayed", "expanded"],
            );
            self.add_line(
                &mut recipient,
                100,
                "Status",
                &["5.1.1", "4.4.7", "2.0.0", "5.7.26"],
            );
            self.add_line(&mut recipient, 40, "Remote-MTA", &["dns; mx.example.net"]);
            self.add_line(
                &mut recipient,
                50,
                "Diagnostic-Code",
                &["smtp; 550 5.1.1 no such user", "smtp;450 busy"],
            );
            self.add_line(
                &mut recipient,
                20,
                "Last-Attempt-Date",
                &["Fri, 21 Nov 1997 10:05:43 -0600"],
            );
            groups.push(recipient);
        }
        groups
    }

    fn disposition_notification(&mut self) -> Group {
        let mut group = Vec::new();
        self.add_line(
            &mut group,
            60,
            "Reporting-UA",
            &["joes-pc.example.org; Foomail 97.1"],
        );
        self.add_line(
            &mut group,
            50,
            "Original-Recipient",
            &["rfc822;joe@example.org"],
        );
        self.add_line(
            &mut group,
            100,
            "Final-Recipient",
            &["rfc822;joe@example.org"],
        );
        self.add_line(
            &mut group,
            70,
            "Original-Message-ID",
            &["<199509192301.23456@example.org>"],
        );
        self.add_line(
            &mut group,
            100,
            "Disposition",
            &[
                "manual-action/MDN-sent-manually; displayed",
                "automatic-action/MDN-sent-automatically; deleted/error",
            ],
        );
        group
    }

    fn feedback(&mut self) -> Group {
        let mut group = Vec::new();
        self.add_line(
            &mut group,
            100,
            "Feedback-Type",
            &["abuse", "fraud", "auth-failure", "not-spam"],
        );
        self.add_line(&mut group, 100, "User-Agent", &["SomeGenerator/1.0"]);
        self.add_line(&mut group, 100, "Version", &["1"]);
        self.add_line(
            &mut group,
            40,
            "Original-Mail-From",
            &["<somespammer@example.net>", "<>"],
        );
        self.add_line(&mut group, 40, "Source-IP", &["192.0.2.1", "2001:db8::1"]);
        self.add_line(&mut group, 30, "Reported-Domain", &["example.net"]);
        group
    }
}
