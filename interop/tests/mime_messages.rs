//! The messages of the vectors, delivery reports from many servers among them: the tree of each is the one
//! that `CPython`'s email package sees, but for what is listed.

use std::path::{Path, PathBuf};

use scop_interop::mime::{DELIVERY_STATUS, Email, difference, ours};

const NO_DELIMITER: &str = "no delimiter behind the last part: the line end before the end of the message is \
    part of it, as there is no delimiter that it could belong to (RFC 2046 5.1.1); CPython takes it away";

/// Messages in which something is wrong, and that differ.
const DOUBTFUL: &[(&str, &str)] = &[
    ("bounces/lhost-activehunter-01.eml", NO_DELIMITER),
    ("bounces/lhost-mailfoundry-02.eml", NO_DELIMITER),
    ("bounces/lhost-postfix-05.eml", NO_DELIMITER),
    ("bounces/lhost-postfix-17.eml", NO_DELIMITER),
    ("bounces/lhost-sendmail-22.eml", NO_DELIMITER),
    (
        "bounces/rhost-google-02.eml",
        "a multipart without a delimiter: a multipart without parts, or a leaf",
    ),
    (
        "mail/rfc2822/example13.eml",
        "a header line without colon: a field without name, as the header ends at an empty line alone (RFC \
         5322 2.1); CPython begins the body there",
    ),
];

#[test]
fn the_tree_is_that_of_cpython() {
    let Some(vectors) = scop_interop::vectors() else {
        scop_interop::skip("no folder of suites; set SCOP_VECTORS");
        return;
    };
    let Some(mut email) = Email::start() else {
        return;
    };
    let vectors = vectors.join("mime");
    let mut files = Vec::new();
    find_messages(&vectors, &mut files);
    files.sort();
    assert_eq!(files.len(), 70);
    let mut wrong = Vec::new();
    let mut reports = 0;
    for file in &files {
        let message = std::fs::read(file).unwrap();
        let name = file.strip_prefix(&vectors).unwrap().to_str().unwrap();
        let (ours, theirs) = (ours(&message), email.theirs(&message));
        let is_doubtful = ours.is_doubtful || theirs.is_doubtful;
        let is_listed = DOUBTFUL.iter().any(|(listed, _)| *listed == name);
        match difference(&message, &ours, &theirs, &mut email) {
            Err(_) if is_listed && is_doubtful => {}
            Err(what) => wrong.push(format!("{name} {what}")),
            Ok(_) if is_listed => wrong.push(format!("{name} agrees, and is listed")),
            Ok(None) => {}
            Ok(Some(DELIVERY_STATUS)) => reports += 1,
            Ok(Some(why)) => wrong.push(format!("{name} is not listed: {why}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(reports, 27, "{DELIVERY_STATUS}");
}

fn find_messages(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_messages(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            files.push(path);
        }
    }
}
