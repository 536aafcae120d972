//! libFuzzer on [`fwlab_fuzz::nflog`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::nflog(input));
