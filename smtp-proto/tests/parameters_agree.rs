//! Whatever a parameter says: a client sends it exactly when the server that announced it takes it, so that
//! neither side has a rule of its own.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod side;

use proptest::prelude::*;
use scop_core::UnixTime;
use scop_smtp_proto::auth::{Mechanism, MechanismSet};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, DeliverBy, Dsn, EightBitMime, FutureRelease, MtPriority,
    RequireTls, Rrvs, Size, SmtpUtf8,
};
use scop_smtp_proto::parameter::{HoldFor, Timestamp};
use scop_smtp_proto::{Extension, ForwardPath, Parameters, ReversePath};
use side::{order, say, serve};

/// The keyword, then what its value may look like, well formed or nearly so.
const MAIL: &str = "(SIZE=[0-9]{1,21}|SIZE=-1|BODY=(7BIT|8bitmime|BINARYMIME|9BIT)|SMTPUTF8(=1)?|REQUIRETLS(=1)?|\
    AUTH=(<>|[a-c+]{1,3}(2B)?@[a-c.]{1,4}|\u{e9}@a)|RET=(FULL|hdrs|ALL)|ENVID=[a-c+2B]{1,6}|\
    BY=[+-]?[0-9]{1,10};[NRX]T?|HOLDFOR=[0-9]{1,10}|HOLDUNTIL=20[0-9]{2}-0[1-9]-[0-3]1T0[0-9]:00:0[0-9](.5)?(Z|-01:00)|\
    MT-PRIORITY=-?[0-9]{1,2}|XUNKNOWN=1|NOTIFY=NEVER)";
const RCPT: &str = "(NOTIFY=(NEVER|DELAY|SUCCESS)(,FAILURE|,NEVER|,)?|ORCPT=(rfc822|utf-8|x);[a-c+@2B]{1,6}|\
    ORCPT=utf-8;[a-c\u{e9}]{1,3}(\\\\x\\{(E9|2B|41)\\})?@a|RRVS=2014-04-[0-3][0-9]T23:01:00Z(;[CRX])?|SIZE=1|XUNKNOWN)";

/// What the server says, and whether the client sends it.
fn both(mail: &str, rcpt: &str) -> [(String, bool); 2] {
    let auth = Auth {
        mechanisms: MechanismSet::default().with(Mechanism::Plain),
        plaintext_allowed: false,
    };
    let future = FutureRelease {
        max_interval: HoldFor::new(1_000_000).unwrap(),
        max_time: Timestamp::from_unix(UnixTime(1_900_000_000)).unwrap(),
    };
    let list: [&dyn Extension; 12] = [
        &Size(1_000_000),
        &EightBitMime,
        &Chunking,
        &BinaryMime,
        &SmtpUtf8,
        &RequireTls,
        &auth,
        &Dsn,
        &DeliverBy { min: 60 },
        &future,
        &MtPriority { profile: "" },
        &Rrvs,
    ];
    let script = format!(
        "EHLO a\r\nMAIL FROM:<joe@example.org> {mail}\r\nRCPT TO:<ann@example.net> {rcpt}\r\n"
    );
    let heard = serve(&list, true, &script);
    let keywords = heard.keywords();
    let parameters = |text| Parameters::parse(text).map(|all| all.iter().collect::<Vec<_>>());
    let sends = order(&list, true, &keywords, |client| {
        let sender = ReversePath::parse(b"<joe@example.org>").unwrap();
        let mail = parameters(mail.as_bytes()).is_ok_and(|all| client.mail(&sender, &all).is_ok());
        if !mail {
            return [false, false];
        }
        say(client, &["250 ok\r\n"]);
        let recipient = ForwardPath::parse(b"<ann@example.net>").unwrap();
        let rcpt =
            parameters(rcpt.as_bytes()).is_ok_and(|all| client.recipient(&recipient, &all).is_ok());
        [mail, rcpt]
    });
    [
        (heard.replies[1].clone(), sends[0]),
        (heard.replies[2].clone(), sends[1]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_client_sends_what_a_server_takes(
        mail in prop::collection::vec(MAIL, 1..4),
        rcpt in prop::collection::vec(RCPT, 1..3),
    ) {
        for (reply, sends) in both(&mail.join(" "), &rcpt.join(" ")) {
            prop_assert_eq!(reply.starts_with("250"), sends, "{}", reply);
        }
    }
}
