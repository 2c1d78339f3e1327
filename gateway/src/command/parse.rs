//! `scop parse`.
