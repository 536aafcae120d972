use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;

use super::fault::Fault;

/// What is tried, for so long at most. Its panic is a fault as others are, and no other cell's.
pub(super) async fn guarded<T>(
    attempt: impl Future<Output = Result<T, Fault>>,
    deadline: Duration,
) -> Result<T, Fault> {
    let attempt = AssertUnwindSafe(attempt).catch_unwind();
    match tokio::time::timeout(deadline, attempt).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(Fault::Panicked(words_of(&*panic))),
        Err(_) => Err(Fault::NoEnd(deadline)),
    }
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("nobody knows what").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_fault_with_its_words() {
        for words in ["in one piece", "with 7"] {
            let attempt = async {
                match words {
                    "with 7" => panic!("with {}", 7),
                    _ => panic!("in one piece"),
                }
            };
            let ended: Result<(), Fault> = guarded(attempt, Duration::from_secs(60)).await;
            let said = ended.expect_err("it panicked").in_words();
            assert!(said.starts_with("the lab itself failed"), "{said}");
            assert!(said.ends_with(words), "{said}");
        }
    }

    #[tokio::test]
    async fn what_never_ends_is_given_up() {
        let never = std::future::pending::<Result<(), Fault>>();
        let ended = guarded(never, Duration::from_millis(5)).await;
        assert!(matches!(ended, Err(Fault::NoEnd(_))));
    }

    #[tokio::test]
    async fn what_ends_well_is_given_back() {
        let ended = guarded(async { Ok(3) }, Duration::from_secs(60)).await;
        assert!(matches!(ended, Ok(3)));
    }
}
