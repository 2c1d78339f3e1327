//! `scop corpus`.

use crate::run::{command, finish, folder, scop, scop_with};

#[test]
fn roundtrip_tells_counts_and_the_digest() {
    let run = scop(&[
        "corpus",
        "roundtrip",
        "--count",
        "1500",
        "--seed",
        "7",
        "--threads",
        "3",
    ]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let text = run.text();
    assert!(
        text.contains("1500 messages from seed 7") && text.ends_with("no failure\n"),
        "{text}"
    );
    let digest = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with("digest "))
            .unwrap();
        line.to_owned()
    };
    let one = scop(&[
        "corpus",
        "roundtrip",
        "--count",
        "1500",
        "--seed",
        "7",
        "--threads",
        "1",
    ]);
    assert_eq!(digest(one.text()), digest(text));
}

#[test]
fn generate_writes_files_an_mbox_and_standard_output() {
    let folder = folder("corpus-generate");
    let out = folder.join("messages");
    let run = scop(&[
        "corpus",
        "generate",
        "--count",
        "3",
        "--seed",
        "5",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!((run.code, run.text()), (0, ""), "{}", run.err);
    let mut names: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["5.eml", "6.eml", "7.eml"]);

    let file = folder.join("all.mbox");
    let run = scop(&[
        "corpus",
        "generate",
        "--count",
        "3",
        "--seed",
        "5",
        "--out",
        file.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    let mbox = std::fs::read(&file).unwrap();
    let separators = mbox
        .split(|&byte| byte == b'\n')
        .filter(|line| line.starts_with(b"From MAILER-DAEMON "));
    assert_eq!(separators.count(), 3);
    let run = scop(&[
        "corpus", "generate", "--count", "3", "--seed", "5", "--out", "-",
    ]);
    assert_eq!((run.code, run.out), (0, mbox));

    let arguments = ["corpus", "generate", "--count", "1", "--out"];
    let run = scop(&[&arguments[..], &["Cargo.toml"]].concat());
    assert_eq!(
        (run.code, run.err.as_str()),
        (
            2,
            "scop: Cargo.toml: is there and is no folder; a file for messages ends in .mbox\n"
        )
    );
    let run = scop(&[&arguments[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(run.code, 2);
    assert!(
        run.err
            .ends_with("all.mbox: is there already; an mbox is never written over a file\n"),
        "{}",
        run.err
    );

    // What was written can be parsed.
    let message = std::fs::read(out.join("5.eml")).unwrap();
    let run = scop_with(&["parse", "--json"], &message);
    assert_eq!(run.code, 0, "{}", run.err);
}

/// A reader that has seen enough, as `head` has.
#[test]
fn generate_ends_well_when_its_output_is_closed() {
    let arguments = ["corpus", "generate", "--count", "2000", "--out", "-"];
    let mut child = command(&arguments).spawn().unwrap();
    drop(child.stdout.take());
    let run = finish(child);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
}

#[test]
fn threads_are_bounded() {
    for count in ["0", "257", "x"] {
        let run = scop(&["corpus", "roundtrip", "--threads", count]);
        assert_eq!(run.code, 2);
        assert!(
            run.err.contains("a number from 1 to 256 is needed"),
            "{}",
            run.err
        );
    }
}
