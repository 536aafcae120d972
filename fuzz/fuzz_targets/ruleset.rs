//! libFuzzer on [`fwlab_fuzz::ruleset`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::ruleset(input));
