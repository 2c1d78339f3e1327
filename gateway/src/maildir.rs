//! Maildir: a message is written to `tmp`, and renamed into `new` when it is whole and on disk.
