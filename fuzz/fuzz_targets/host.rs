//! libFuzzer on [`fwlab_fuzz::host`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::host(input));
