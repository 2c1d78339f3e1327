//! The openspf suite for RFC 7208: every test passes, and the file holds what it held.

use scop_interop::spf;

#[test]
fn rfc7208() {
    let Some(vectors) = scop_interop::vectors() else {
        scop_interop::skip(
            "no folder of suites; set SCOP_VECTORS (the suite is pyspf's rfc7208-tests.yml)",
        );
        return;
    };
    let file = vectors.join("spf/rfc7208-tests.json");
    let cases = spf::run(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let failed: Vec<String> = cases
        .iter()
        .filter(|case| case.wrong.is_some())
        .map(ToString::to_string)
        .collect();
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(cases.len(), 203);
}

#[test]
fn a_wrong_result_is_told() {
    let suite = |result: &str| {
        format!(
            r#"[{{"description": "d", "zonedata": {{"example.org": [{{"SPF": "v=spf1 -all"}}]}},
                "tests": {{"t": {{"helo": "h", "host": "192.0.2.1", "mailfrom": "a@example.org",
                                  "result": ["{result}"], "explanation": "DEFAULT"}}}}}}]"#
        )
    };
    let line = |result| spf::run(&suite(result)).unwrap()[0].to_string();
    assert_eq!(
        line("fail"),
        "ok    t: fail, -all (term 1 of the record of example.org) matched"
    );
    assert_eq!(
        line("pass"),
        "FAIL  t (d): fail, -all (term 1 of the record of example.org) matched; expected [\"pass\"]"
    );
    assert_eq!(spf::run("{}").unwrap_err(), "the suite is not a list");
    assert!(spf::run(r#"[{"zonedata": {"a": [{"A": "x"}]}, "tests": {}}]"#).is_err());
}
