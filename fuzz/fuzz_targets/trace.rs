//! libFuzzer on [`fwlab_fuzz::trace`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::trace(input));
