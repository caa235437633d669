//! dripline-reference
