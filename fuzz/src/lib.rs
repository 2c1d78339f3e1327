#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod choice;

pub mod address_list;
pub mod header_scan;

/// Hands the list of all targets to the macro `$with`: each name, and how many mutants of each file of
/// its corpus `cargo test` runs.
#[macro_export]
macro_rules! for_each_target {
    ($with:ident) => {
        $with! {
            address_list 2000
            header_scan 2000
        }
    };
}
