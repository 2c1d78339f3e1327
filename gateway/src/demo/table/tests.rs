use super::*;

fn act(title: &'static str, genuine: bool, words: [&str; 3], fate: Fate) -> Act {
    let [spf, dkim, dmarc] = words.map(str::to_owned);
    Act {
        title,
        genuine,
        says_from: "joe@example.org".to_owned(),
        really_from: "a stranger at 127.0.0.2".to_owned(),
        text: "to account 4711".to_owned(),
        connection: "in the clear",
        results: Results { spf, dkim, dmarc },
        fate,
    }
}

fn refused(reply: &str) -> Fate {
    Fate::Refused {
        reply: reply.to_owned(),
    }
}

fn story(second: Fate, kept: usize) -> Story {
    Story {
        services: vec![Process {
            name: "receiver",
            pid: 4711,
            does: "listens at 127.0.0.1:2525".to_owned(),
            confinement: Some(Confinement {
                no_new_privileges: true,
                filter: true,
                folders: true,
            }),
        }],
        acts: vec![
            act("Joe's", true, ["pass", "pass", "pass"], Fate::Kept),
            act("forged", false, ["fail", "none", "fail"], second),
        ],
        kept,
    }
}

#[test]
fn a_table_for_a_person() {
    let text = render(&story(refused("550 5.7.1 No"), 1), Style::plain());
    assert_eq!(
        text,
        "\
receiver      process 4711, listens at 127.0.0.1:2525
              the kernel allows it no new privileges, few system calls, no files but its own

              1 Joe's               2 forged
says From     joe@example.org       joe@example.org
really from   a stranger at         a stranger at
              127.0.0.2             127.0.0.2
asks to pay   to account 4711       to account 4711
connection    in the clear          in the clear
SPF           pass                  fail
DKIM          pass                  none
DMARC         pass                  fail
outcome       kept                  refused

2  the receiver said: 550 5.7.1 No

Ann has one message, and it is Joe's: who used his name, and who changed what he had signed, was turned away at the door.
"
    );
    for line in text.lines().skip(2).take(12) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn only_what_was_seen_counts() {
    let taken = Fate::Taken {
        reply: "250 OK".to_owned(),
    };
    for (second, kept, well) in [
        (refused("550 5.7.1 No"), 1, true),
        (refused("550 5.7.1 No"), 2, false),
        (refused("550 5.7.1 No"), 0, false),
        (refused("451 4.7.1 Later"), 1, false),
        (Fate::Kept, 2, false),
        (taken, 1, false),
    ] {
        let story = story(second, kept);
        assert_eq!(story.went_well(), well, "{story:?}");
        let text = render(&story, Style::plain());
        assert_eq!(text.contains("should not have happened"), !well, "{text}");
    }
    for results in [["pass", "pass", "fail"], ["", "", ""]] {
        let mut story = story(refused("550 No"), 1);
        story.acts[0] = act("Joe's", true, results, Fate::Kept);
        assert!(!story.went_well());
    }
    // Refused, but not because it was seen to be forged.
    let mut story = story(refused("550 No such user"), 1);
    story.acts[1].results.dmarc = String::new();
    assert!(!story.went_well());
}

#[test]
fn foreign_text_is_harmless() {
    let text = render(&story(refused("550 \x1b[2J\r\n"), 1), Style::plain());
    assert!(text.contains("550 \\u{1b}[2J"), "{text}");
}

#[test]
fn long_words_and_long_texts() {
    assert_eq!(wrap(""), [""]);
    assert_eq!(
        wrap("one two three four five"),
        ["one two three four", "five"]
    );
    let long = "x".repeat(30);
    assert_eq!(wrap(&format!("a {long} b")), ["a", &long, "b"]);
    assert_eq!(
        wrap("12345678901234567890 1"),
        ["12345678901234567890", "1"]
    );
}

#[test]
fn what_does_not_hold_is_said() {
    for (holds, words, tone) in [
        (
            Some([true; 3]),
            "the kernel allows it no new privileges, few system calls, no files but its own",
            Tone::Plain,
        ),
        (
            Some([true, true, false]),
            "the kernel allows it no new privileges, few system calls; it does not hold it to: no files but its own",
            Tone::Doubt,
        ),
        (
            Some([false; 3]),
            "the kernel does not confine it",
            Tone::Bad,
        ),
        (
            None,
            "how the kernel confines it is not told here",
            Tone::Doubt,
        ),
    ] {
        let found = holds.map(|[no_new_privileges, filter, folders]| Confinement {
            no_new_privileges,
            filter,
            folders,
        });
        assert_eq!(confinement(found), (words.to_owned(), tone));
    }
}
