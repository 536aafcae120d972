//! libFuzzer on [`fwlab_fuzz::record`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::record(input));
