//! libFuzzer on [`fwlab_fuzz::conntrack`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::conntrack(input));
