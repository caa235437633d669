//! dripline-formats
