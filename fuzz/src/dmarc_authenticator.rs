//! The authenticator on a session, a zone and a message that the input writes: it ends within its bound,
//! the verdict does not depend on the order of answers nor on the chunks of the body, its parts come to
//! what they come to alone, only one author can pass, and its field can be read.
//!
//! ```text
//! input = session zone LF message        ; session and zone as in `spf_evaluate`
//! ```

use scop_core::{Lookup, UnixTime, lookup};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::verify::{DkimResult, SignatureResult, Verifier};
use scop_dmarc::alignment::Mode;
use scop_dmarc::authenticator::{Connection, Limits, Mechanism, Reason};
use scop_dmarc::policy::Disposition;
use scop_dmarc::{Authenticator, Author, DmarcResult, Domain};
use scop_mime_core::header::auth_results::WriteError;
use scop_mime_core::{AddressList, AuthResults, HeaderBlock, Message};
use scop_spf::{Evaluator, Identity, Request, SpfResult};

use crate::choice::Choice;
use crate::header_scan::Naive;
use crate::order::Host;
use crate::rfc6376::{Form, Order, field_name, key_record, sign};
use crate::spf_evaluate::{outline, session, split_line};
use crate::zone::{Resolver, Texts, Zone};

/// The time of verification.
const NOW: UnixTime = UnixTime(1_800_000_000);
/// Signatures that are looked at, and octets for each SPF check.
const SIGNATURES: usize = 3;
const TEXT: usize = 1024;

type Machine<'m> = Authenticator<'m, 'static, SIGNATURES, TEXT>;
type Verdict<'m> = scop_dmarc::Verdict<'m, 'static, SIGNATURES, TEXT>;

/// A session, a zone and a message.
pub fn run(data: &[u8]) {
    let (line, rest) = split_line(data);
    let (ip, helo, mail_from) = session(line);
    let cut = rest.windows(2).position(|pair| pair == b"\n\n");
    let (zone, message) = rest.split_at(cut.map_or(0, |cut| cut + 1));
    let message = message.strip_prefix(b"\n").unwrap_or(message);
    let mut zone = Zone::parse(zone);
    let mut choice = Choice::of(data);

    // One message in two is signed by example.org, the author domain of most corpus files.
    let mut message = message.to_vec();
    if choice.one_in(2) {
        let split = Message::split(&message);
        let order = Order {
            header: Form::Relaxed,
            body: Form::Relaxed,
            names: &["From", "From"],
            length: None,
        };
        let signature = sign(split.header.as_bytes(), split.body, &order);
        message.splice(0..0, signature);
        zone.add_text("fuzz._domainkey.example.org", &key_record());
    }
    let message = Message::split(&message);
    let connection = Connection {
        ip,
        helo,
        mail_from,
        receiver: b"mx.example.net",
    };
    let connection = (!line.is_empty()).then_some(connection);
    let mut limits = Limits::DEFAULT;
    limits.spf.resolve_p = choice.one_in(4);

    check_author(&message);
    let mut first = None;
    for (order, texts) in [
        (false, Texts::Joined),
        (true, Texts::Joined),
        (true, Texts::Cut),
    ] {
        let resolver = zone.open(texts);
        let order = order.then_some(&mut choice);
        let (machine, queries) = drive(&message, connection, &limits, &resolver, order);
        let verdict = machine.verdict().expect("it is done");
        check_verdict(verdict);
        check_parts(&message, connection, &limits, &resolver, verdict);
        let outline = summary(verdict);
        assert_eq!(*first.get_or_insert_with(|| outline.clone()), outline);
        let most = limits.max_queries(u32::try_from(SIGNATURES).expect("it is small"));
        assert!(queries <= usize::try_from(most).expect("it is small"));
    }
}

fn drive<'m>(
    message: &Message<'m>,
    connection: Option<Connection<'m>>,
    limits: &Limits,
    resolver: &Resolver<'_>,
    mut order: Option<&mut Choice>,
) -> (Machine<'m>, usize) {
    let chunks = match &mut order {
        Some(choice) => choice.chunks(message.body),
        None => vec![message.body],
    };
    let mut chunks = chunks.into_iter();
    let mut ended = false;
    let mut feed = |machine: &mut Machine<'m>| {
        if let Some(chunk) = chunks.next() {
            machine.body(chunk).expect("the body goes on");
        } else if !ended {
            machine.finish_body().expect("the body ends once");
            ended = true;
        } else {
            assert!(machine.body(b"more").is_err() && machine.finish_body().is_err());
            return false;
        }
        true
    };
    let mut machine = Machine::new(message.header, connection, RUST_CRYPTO, NOW, limits);
    let queries = Host {
        resolve: &|query| resolver.answer(query),
        feed: &mut feed,
        most: 1000,
    }
    .run(&mut machine, order);
    while feed(&mut machine) {}
    (machine, queries)
}

/// One author is one From field, all of whose mailboxes are of that domain.
fn check_author(message: &Message<'_>) {
    let Author::One(domain) = Author::of(message.header) else {
        return;
    };
    let fields = Naive::read(message.header.as_bytes()).fields;
    let mut from = fields
        .iter()
        .filter(|raw| field_name(raw).eq_ignore_ascii_case(b"From"));
    let (Some(from), None) = (from.next(), from.next()) else {
        panic!("one author, but not one From");
    };
    let colon = from
        .iter()
        .position(|&byte| byte == b':')
        .expect("it has a colon");
    let value = from[colon + 1..].trim_ascii_end();
    let list = AddressList::parse(value).expect("one author, but no address");
    for mailbox in list.mailboxes() {
        assert!(mailbox.addr_spec().domain().is(domain.as_bytes()));
        assert!(!mailbox.is_ambiguous());
    }
}

/// All that a verdict says.
fn summary(verdict: &Verdict<'_>) -> String {
    let spf = |verdict: Option<&scop_spf::Verdict<'_>>| verdict.map(outline);
    let dkim: Vec<_> = verdict.dkim().iter().map(dkim_outline).collect();
    let alignments: Vec<_> = (0..SIGNATURES)
        .map(|index| verdict.dkim_alignment(index))
        .collect();
    let mut field = Vec::new();
    let written = verdict.write_results(b"mx.example.net", &mut field);
    format!(
        "{} {} {:?} {} {:?} {:?} {} {:?} {:?} {:?} {:?} {:?} {alignments:?} {dkim:?} {written:?} {}",
        verdict.author(),
        verdict.result(),
        verdict.reason(),
        verdict.disposition(),
        verdict.request(),
        verdict.aligned(),
        verdict.is_authentic(),
        verdict.organizational_domain(),
        verdict.existence(),
        spf(verdict.helo()),
        spf(verdict.mail_from()),
        verdict.spf_alignment(),
        field.escape_ascii(),
    )
}

fn dkim_outline(result: &SignatureResult<'_>) -> String {
    format!(
        "{} {:?} {} {:?}",
        result.field_offset(),
        result.reason(),
        result.is_testing(),
        result.key_security()
    )
}

/// What a verdict may not say, whatever the input.
fn check_verdict(verdict: &Verdict<'_>) {
    let passed = |mechanism| -> Option<&[u8]> {
        match mechanism {
            Mechanism::Spf => {
                let spf = verdict
                    .spf()
                    .filter(|spf| spf.result() == SpfResult::Pass)?;
                Some(spf.domain())
            }
            Mechanism::Dkim(index) => {
                let result = verdict.dkim().get(index)?;
                let passed = result.result() == DkimResult::Pass;
                Some(result.signature().filter(|_| passed)?.domain())
            }
        }
    };
    let author = match verdict.author() {
        Author::One(domain) => Some(domain),
        _ => None,
    };
    if let Some(mechanism) = verdict.aligned() {
        let domain = passed(mechanism).expect("what is aligned has passed");
        let domain = Domain::parse(domain).expect("it is a domain");
        let author = author.expect("one author");
        assert!(domain.common_labels(&author) > 0);
        let mode = verdict.record().map(|found| match mechanism {
            Mechanism::Spf => found.policy.aspf(),
            Mechanism::Dkim(_) => found.policy.adkim(),
        });
        // Without a record, or with a strict one, only the same domain is aligned.
        if mode.is_none_or(|mode| mode == Mode::Strict) {
            assert_eq!(domain, author);
        }
    }
    match verdict.result() {
        DmarcResult::Pass => {
            assert!(author.is_some() && verdict.record().is_some());
            let mechanism = verdict.aligned().expect("a pass has its mechanism");
            assert_eq!(verdict.reason(), Reason::Aligned(mechanism));
            assert!(verdict.is_authentic());
        }
        DmarcResult::Fail => {
            assert!(verdict.request().is_some() && verdict.aligned().is_none());
        }
        DmarcResult::PermError => assert!(author.is_none() || verdict.record().is_some()),
        DmarcResult::None => assert!(author.is_some() && verdict.record().is_none()),
        DmarcResult::TempError => assert!(author.is_some()),
    }
    if verdict.result() != DmarcResult::Fail {
        assert_eq!(verdict.disposition(), Disposition::None);
    }
    assert!(author.is_some() || !verdict.is_authentic());
    check_field(verdict);
}

/// The field has one result for each signature and identity, and DMARC.
fn check_field(verdict: &Verdict<'_>) {
    let mut field = Vec::new();
    match verdict.write_results(b"mx.example.net", &mut field) {
        Ok(()) => {}
        Err(WriteError::LineTooLong) => return,
        Err(error) => panic!("{error}"),
    }
    let header = HeaderBlock::new(&field);
    assert_eq!(header.as_bytes(), field);
    let fields: Vec<_> = header.fields().collect();
    assert_eq!(fields.len(), 1);
    let results = AuthResults::parse(fields[0].value()).expect("what was written can be read");
    let said = |method: &[u8]| -> Vec<Vec<u8>> {
        let own = results.results().filter(|resinfo| resinfo.is(method));
        own.map(|resinfo| resinfo.result().to_vec()).collect()
    };
    let dkim: Vec<&str> = verdict
        .dkim()
        .iter()
        .map(|result| result.result().as_str())
        .collect();
    assert_eq!(said(b"dkim").len(), dkim.len().max(1));
    if !dkim.is_empty() {
        assert_eq!(
            said(b"dkim"),
            dkim.iter().map(|name| name.as_bytes()).collect::<Vec<_>>()
        );
    }
    let spf = [verdict.mail_from(), verdict.helo()];
    let spf = spf
        .into_iter()
        .flatten()
        .map(|spf| spf.result().as_str().as_bytes());
    assert_eq!(said(b"spf"), spf.collect::<Vec<_>>());
    assert_eq!(said(b"dmarc"), [verdict.result().as_str().as_bytes()]);
}

/// Each part comes to the same by itself.
fn check_parts(
    message: &Message<'_>,
    connection: Option<Connection<'_>>,
    limits: &Limits,
    resolver: &Resolver<'_>,
    verdict: &Verdict<'_>,
) {
    for (identity, found) in [
        (Identity::Helo, verdict.helo()),
        (Identity::MailFrom, verdict.mail_from()),
    ] {
        let Some(found) = found else { continue };
        let connection = connection.expect("SPF needs a connection");
        let request = Request {
            ip: connection.ip,
            helo: connection.helo,
            mail_from: connection.mail_from,
            identity,
            receiver: connection.receiver,
            now: NOW,
        };
        let mut alone: Evaluator<'_, TEXT> = Evaluator::new(request, &limits.spf);
        let verdict = lookup::drive(&mut alone, |query| resolver.answer(query));
        assert_eq!(outline(verdict.expect("it is done")), outline(found));
    }
    let mut alone = Verifier::<SIGNATURES>::new(message.header, RUST_CRYPTO, NOW, &limits.dkim);
    alone.body(message.body).expect("the body goes on");
    alone.finish_body().expect("the body ends once");
    let results = lookup::drive(&mut alone, |query| resolver.answer(query)).expect("it is done");
    assert!(
        results
            .iter()
            .map(dkim_outline)
            .eq(verdict.dkim().iter().map(dkim_outline))
    );
    assert_eq!(alone.skipped(), verdict.skipped_signatures());
}
