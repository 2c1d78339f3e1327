//! The signed messages of the public suite: all verify.

use scop_core::UnixTime;
use scop_dkim::verify::Reason;
use scop_interop::dkim;

#[test]
fn all_verify() {
    let Some(vectors) = scop_interop::vectors() else {
        scop_interop::skip("no folder of test suites; set SCOP_VECTORS to it");
        return;
    };
    let mut signatures = 0;
    for (name, now, expired_at) in [
        ("001", 1_700_000_000, None),
        ("002", 1_700_000_000, None),
        ("003", 1_700_000_000, None),
        ("004", 1_700_000_000, None),
        ("005", 1_667_900_000, Some(1_667_930_064)),
        ("006", 1_700_000_000, None),
    ] {
        let file = std::fs::read(vectors.join(format!("dkim/{name}.txt"))).unwrap();
        let cases = dkim::run(&file, UnixTime(now)).unwrap();
        assert!(!cases.is_empty(), "{name}");
        for case in &cases {
            assert_eq!(case.reason, Reason::Verified, "{name}: {case}");
        }
        signatures += cases.len();
        if let Some(end) = expired_at {
            let skew = scop_dkim::verify::Limits::DEFAULT.clock_skew;
            let late = dkim::run(&file, UnixTime(end + skew + 1)).unwrap();
            assert!(late.iter().all(|case| case.reason == Reason::Expired));
        }
        // The same messages, changed in the last octet that is not a line end.
        let at = file
            .iter()
            .rposition(|byte| !b"\r\n \t".contains(byte))
            .unwrap();
        let mut changed = file.clone();
        changed[at] ^= 1;
        for case in dkim::run(&changed, UnixTime(now)).unwrap() {
            assert_eq!(case.reason, Reason::BodyHashMismatch, "{name}: {case}");
        }
    }
    assert_eq!(signatures, 8);
}
