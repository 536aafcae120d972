//! libFuzzer on [`fwlab_fuzz::native`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::native(input));
