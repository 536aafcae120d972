//! libFuzzer on [`fwlab_fuzz::reassembly`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::reassembly(input));
