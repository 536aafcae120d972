use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::failure;
use crate::content::PIECE;
use crate::{ClientFailure, Content, Digest, Moment, Pauses};

/// The longest listing that is read, in bytes.
const LONGEST_LISTING: usize = 1 << 20;

/// Reads the data connection to its end: how many bytes, and their digest.
///
/// Stops after the first byte beyond `expected`, so that a server which sends
/// for ever does not hold a cell for ever.
pub(crate) async fn receive(
    data: &mut (impl AsyncRead + Unpin),
    expected: u64,
    silence: Duration,
    pace: Option<NonZeroU64>,
    pauses: Option<&Pauses>,
) -> Result<(u64, Digest), ClientFailure> {
    let mut hasher = blake3::Hasher::new();
    let mut pace = pace.map(Pace::begin);
    let room = usize::try_from(expected).unwrap_or(PIECE).clamp(1, PIECE);
    let mut piece = vec![0; pace.as_ref().map_or(room, |pace| room.min(pace.step()))];
    let mut bytes = 0;
    let mut halfway = Halfway::of(expected, pauses);
    while bytes <= expected {
        let length = within(silence, data.read(&mut piece)).await?;
        if length == 0 {
            break;
        }
        hasher.update(&piece[..length]);
        bytes += length as u64;
        halfway.reached(bytes).await;
        if let Some(pace) = &mut pace {
            pace.wait(bytes).await;
        }
    }
    Ok((bytes, Digest::of(&hasher)))
}

/// Reads a listing to its end.
pub(crate) async fn receive_listing(
    data: &mut (impl AsyncRead + Unpin),
    silence: Duration,
) -> Result<String, ClientFailure> {
    let mut listing = Vec::new();
    let mut piece = vec![0; 8 * 1024];
    while listing.len() < LONGEST_LISTING {
        let length = within(silence, data.read(&mut piece)).await?;
        if length == 0 {
            break;
        }
        listing.extend_from_slice(&piece[..length]);
    }
    Ok(String::from_utf8_lossy(&listing).into_owned())
}

/// Makes a range of a content and writes it; gives the number of bytes.
pub(crate) async fn send(
    data: &mut (impl AsyncWrite + Unpin),
    content: &Content,
    range: Range<u64>,
    silence: Duration,
    pauses: Option<&Pauses>,
) -> Result<u64, ClientFailure> {
    let total = range.end - range.start;
    let mut piece = vec![0; PIECE.min(usize::try_from(total).unwrap_or(PIECE))];
    let mut at = range.start;
    let mut halfway = Halfway::of(total, pauses);
    while at < range.end {
        let wanted = piece.len().min((range.end - at) as usize);
        let made = content.fill(at, &mut piece[..wanted]);
        let mut left = &piece[..made];
        // Each write is progress of its own: patience is for silence alone.
        while !left.is_empty() {
            let written = within(silence, data.write(left)).await?;
            left = &left[written..];
        }
        at += made as u64;
        halfway.reached(at - range.start).await;
    }
    Ok(total)
}

async fn within<T>(
    silence: Duration,
    step: impl Future<Output = std::io::Result<T>>,
) -> Result<T, ClientFailure> {
    match timeout(silence, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failure::data_broke(&error)),
        Err(_) => Err(failure::data_silent(silence)),
    }
}

/// Waits once, when half of the bytes have gone.
struct Halfway<'a> {
    half: u64,
    pauses: Option<&'a Pauses>,
}

impl<'a> Halfway<'a> {
    fn of(total: u64, pauses: Option<&'a Pauses>) -> Halfway<'a> {
        let half = total / 2;
        Halfway { half, pauses }
    }

    async fn reached(&mut self, bytes: u64) {
        if bytes >= self.half
            && let Some(pauses) = self.pauses.take()
        {
            pauses.wait(Moment::Halfway).await;
        }
    }
}

/// Keeps a reader at so many bytes a second.
struct Pace {
    begun: Instant,
    rate: f64,
}

impl Pace {
    fn begin(rate: NonZeroU64) -> Pace {
        Pace {
            begun: Instant::now(),
            rate: rate.get() as f64,
        }
    }

    /// A twentieth of a second's bytes at once: smooth, and few wake-ups.
    fn step(&self) -> usize {
        (self.rate / 20.0).clamp(1.0, PIECE as f64) as usize
    }

    async fn wait(&mut self, bytes: u64) {
        sleep_until(self.begun + Duration::from_secs_f64(bytes as f64 / self.rate)).await;
    }
}
