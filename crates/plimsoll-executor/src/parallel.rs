//! Work on many items with several threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What `work` gives for each item, in the order of the items, or the first failure of any thread.
pub(crate) fn map<T, R, E>(
    items: &[T],
    threads: NonZeroUsize,
    work: &(dyn Fn(&T) -> Result<R, E> + Sync),
) -> Result<Vec<R>, E>
where
    T: Sync,
    R: Send,
    E: Send,
{
    let threads = threads.get().min(items.len());
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut results = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(place) else { return Ok(results) };
            match work(item) {
                Ok(result) => results.push((place, result)),
                Err(error) => {
                    // The other threads need not begin anything more.
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    };
    let parts: Result<Vec<_>, E> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        workers.into_iter().map(|worker| worker.join().expect("the work does not panic")).collect()
    });
    let mut results: Vec<(usize, R)> = parts?.into_iter().flatten().collect();
    results.sort_unstable_by_key(|(place, _)| *place);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..1000).collect();
        for count in [1, 2, 7] {
            let found = map(&items, threads(count), &|item| Ok::<_, ()>(item * 2)).unwrap();
            assert_eq!(found, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
        assert_eq!(map(&[], threads(4), &|_: &u8| Ok::<u8, ()>(0)), Ok(vec![]));
    }

    #[test]
    fn a_failure_ends_the_work() {
        let items: Vec<usize> = (0..1000).collect();
        let begun = AtomicUsize::new(0);
        let found = map(&items, threads(2), &|item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 10 {
                return Err("ten");
            }
            // Slow enough that the other thread cannot do all of it meanwhile.
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok(())
        });
        assert_eq!(found, Err("ten"));
        assert!(begun.into_inner() < items.len());
    }
}
