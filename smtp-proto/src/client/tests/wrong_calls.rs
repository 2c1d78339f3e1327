//! Calls in any order, and any octets.
