//! libFuzzer on [`fwlab_fuzz::netlink`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fwlab_fuzz::netlink(input));
