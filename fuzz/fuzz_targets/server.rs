//! libFuzzer on [`fwlab_fuzz::server`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::server(input));
