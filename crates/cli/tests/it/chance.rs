//! Chance that can be had again.

use std::time::{Duration, SystemTime};

/// Set to what a failed test has printed, it meets the same moments again.
const VARIABLE: &str = "FWLAB_TEST_SEED";

/// Numbers by xorshift64* (Marsaglia; Vigna 2016).
pub(crate) struct Chance(u64);

impl Chance {
    /// Says with what it begins, for a test that fails.
    pub(crate) fn new() -> Chance {
        let given = std::env::var(VARIABLE).ok();
        let seed = given.map_or_else(
            || {
                let now = SystemTime::UNIX_EPOCH.elapsed();
                now.expect("it is after 1970").as_nanos() as u64
            },
            |seed| seed.parse().expect("FWLAB_TEST_SEED is a number"),
        );
        eprintln!("{VARIABLE}={seed}");
        Chance(seed.max(1))
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % bound
    }

    pub(crate) fn moment(&mut self, within: Duration) -> Duration {
        Duration::from_micros(self.below(within.as_micros() as u64))
    }
}
