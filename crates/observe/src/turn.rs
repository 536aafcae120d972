use nix::errno::Errno;

/// What came of reading a socket for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There is nothing more in it.
    Empty,
    /// There may be more.
    More,
    /// It gives errors and nothing else, and so it is read no more.
    Broken,
}

/// So many errors on end are no loss any more.
const MOST_ERRORS: usize = 64;

/// A message did not come through: ENOBUFS, or whatever else may keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// Receives into a buffer, at most so often. Errors on end are one loss, until something comes again.
pub(crate) fn turn<T>(
    most: usize,
    buffer: &mut [u8],
    mut receive: impl FnMut(&mut [u8]) -> Result<T, Errno>,
    mut take: impl FnMut(Result<(T, &[u8]), Lost>),
) -> Turn {
    let mut errors = 0;
    for _ in 0..most {
        match receive(buffer) {
            Ok(received) => {
                errors = 0;
                take(Ok((received, buffer)));
            }
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Turn::Empty,
            Err(_) => {
                errors += 1;
                if errors == 1 {
                    take(Err(Lost));
                }
                if errors == MOST_ERRORS {
                    return Turn::Broken;
                }
            }
        }
    }
    Turn::More
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `turn` takes of these answers, and what comes of it.
    fn read(answers: Vec<Result<u8, Errno>>) -> (Vec<Result<u8, Lost>>, Turn) {
        let mut answers = answers.into_iter();
        let mut taken = Vec::new();
        let came = turn(
            1000,
            &mut [],
            |_| answers.next().unwrap_or(Err(Errno::EAGAIN)),
            |answer| taken.push(answer.map(|(received, _)| received)),
        );
        (taken, came)
    }

    #[test]
    fn a_full_buffer_loses_something_and_is_read_on() {
        let (taken, came) = read(vec![Ok(1), Err(Errno::ENOBUFS), Err(Errno::EINTR), Ok(2)]);
        assert_eq!(taken, [Ok(1), Err(Lost), Ok(2)]);
        assert_eq!(came, Turn::Empty);
        let (taken, _) = read(vec![Err(Errno::ENOBUFS), Ok(1), Err(Errno::ENOBUFS)]);
        assert_eq!(taken, [Err(Lost), Ok(1), Err(Lost)]);
    }

    #[test]
    fn an_error_that_stays_is_told_once_and_ends_it() {
        let (taken, came) = read(vec![Err(Errno::ENETDOWN); 1000]);
        assert_eq!(taken, [Err(Lost)]);
        assert_eq!(came, Turn::Broken);
    }

    #[test]
    fn a_socket_that_is_never_empty_gives_way() {
        let mut taken = 0;
        let came = turn(5, &mut [], |_| Ok(()), |_| taken += 1);
        assert_eq!((came, taken), (Turn::More, 5));
    }
}
