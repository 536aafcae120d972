use std::time::{Duration, Instant};

/// The size that an input is repeated up to.
const SIZE: usize = 64 << 10;

/// Far more than reading takes where time goes with the size: milliseconds, in an instrumented debug build
/// too. What goes with its square takes minutes.
const LIMIT: Duration = Duration::from_secs(20);

/// Reads one input in 500 once more, repeated up to 64 KiB: that must not take long. Which ones is
/// decided by their bytes, so that what failed once fails again.
pub(crate) fn takes_no_longer_than_it_is_long(input: &[u8], read: impl FnOnce(&[u8])) {
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    if input.is_empty() || input.len() > SIZE || !(hash >> 32).is_multiple_of(500) {
        return;
    }
    let repeated = input.repeat(SIZE / input.len());
    let began = Instant::now();
    read(&repeated);
    let took = began.elapsed();
    assert!(
        took < LIMIT,
        "{} bytes took {took:?}, {} bytes repeated",
        repeated.len(),
        input.len()
    );
}
