//! libFuzzer on [`fwlab_fuzz::scenario`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::scenario(input));
