//! libFuzzer on [`fwlab_fuzz::headers`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::headers(input));
