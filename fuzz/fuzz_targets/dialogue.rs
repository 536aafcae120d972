//! libFuzzer on [`fwlab_fuzz::dialogue`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::dialogue(input));
