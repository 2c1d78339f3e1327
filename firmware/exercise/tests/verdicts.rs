//! The exercises on the host: where a check does not hold, the number is its line.

#[test]
fn every_verdict_is_the_one_due() {
    let mut wrong = Vec::new();
    for len in [0, 1, 64] {
        let input = &[b'a'; 64][..len];
        for (name, run) in exercise::EXERCISES {
            let number = run(input);
            if !exercise::is_ok(number) {
                wrong.push(format!("{name}, line {number}, {len} octets"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
