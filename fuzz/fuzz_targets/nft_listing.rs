//! libFuzzer on [`fwlab_fuzz::nft_listing`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::nft_listing(input));
