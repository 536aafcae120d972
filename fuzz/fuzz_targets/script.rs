//! libFuzzer on [`fwlab_fuzz::script`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::script(input));
