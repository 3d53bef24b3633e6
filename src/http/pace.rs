//! Keeps writes below the limits that a vendor publishes, so that it never has to refuse one.
//!
//! A write counts from before it is sent until its window has passed since its answer: whenever in between the vendor counts it, it is
//! in that time. So the answer's delay does not matter, nor how long the vendor took.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use tokio::sync::Notify;

use crate::clock::{Clock, Deadline};
use crate::stop::Stop;

/// So many writes within so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// At most.
    pub writes: usize,
    /// In any span of this length.
    pub within: Duration,
}

/// The writes to one host that its allowances still count.
#[derive(Default)]
pub(super) struct Pace {
    counted: Mutex<Counted>,
    changed: Notify,
}

#[derive(Default)]
struct Counted {
    under_way: usize,
    /// For each allowance, when it stops counting each write that was answered; the earliest first.
    answered: Vec<VecDeque<Deadline>>,
}

/// Why there is no turn now.
enum Full {
    /// Until the earliest of the writes that an allowance counts no more.
    For(Allowance, Duration),
    /// Until one that is under way is answered.
    OfUnanswered,
}

impl Counted {
    fn room(&mut self, allowances: &[Allowance]) -> Result<(), Full> {
        self.answered
            .resize_with(allowances.len().max(self.answered.len()), VecDeque::new);
        let mut longest = None;
        for (allowance, answered) in allowances.iter().zip(&mut self.answered) {
            while answered.front().is_some_and(Deadline::passed) {
                answered.pop_front();
            }
            if self.under_way + answered.len() < allowance.writes {
                continue;
            }
            let Some(earliest) = answered.front() else {
                return Err(Full::OfUnanswered);
            };
            longest = longest.max(Some((earliest.remaining(), allowance.within, allowance.writes)));
        }
        match longest {
            None => Ok(()),
            Some((left, within, writes)) => Err(Full::For(Allowance { writes, within }, left)),
        }
    }
}

/// A write that may be sent now; it is answered, or given up, when this is dropped.
pub(super) struct Turn {
    pace: Arc<Pace>,
    allowances: Arc<[Allowance]>,
    clock: Clock,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut counted = self.pace.counted();
        counted.under_way = counted.under_way.saturating_sub(1);
        for (allowance, answered) in self.allowances.iter().zip(&mut counted.answered) {
            answered.push_back(self.clock.deadline(allowance.within));
        }
        drop(counted);
        self.pace.changed.notify_waiters();
    }
}

impl Pace {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all allowances have room for one more write. `None` when the end was asked for before that: nothing was sent.
    pub(super) async fn turn(
        self: Arc<Self>,
        host: &str,
        allowances: &Arc<[Allowance]>,
        clock: Clock,
        stop: &Stop,
    ) -> Option<Turn> {
        let mut has_waited = false;
        loop {
            let changed = self.changed.notified();
            let room = {
                let mut counted = self.counted();
                let room = counted.room(allowances);
                counted.under_way += usize::from(room.is_ok());
                room
            };
            let wait = match room {
                Ok(()) => break,
                Err(Full::For(Allowance { writes, within }, left)) => {
                    let (within, seconds) = (within.as_secs_f64(), left.as_secs_f64());
                    tracing::info!(
                        host,
                        "waiting {seconds:.1} s: at most {writes} writes within {within} s"
                    );
                    has_waited = true;
                    left
                }
                Err(Full::OfUnanswered) => Duration::MAX,
            };
            let pause = Box::pin(async {
                match wait {
                    Duration::MAX => changed.await,
                    wait => clock.sleep(wait).await,
                }
            });
            if let Either::Right(_) = select(pause, Box::pin(stop.wait())).await {
                return None;
            }
        }
        if has_waited {
            tracing::info!(host, "going on with writes");
        }
        Some(Turn {
            pace: Arc::clone(&self),
            allowances: Arc::clone(allowances),
            clock,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::join_all;
    use tokio::time::Instant;

    use super::*;
    use crate::simulation::play;

    fn allowances(known: &[(usize, u64)]) -> Arc<[Allowance]> {
        let known = known.iter().map(|(writes, seconds)| Allowance {
            writes: *writes,
            within: Duration::from_secs(*seconds),
        });
        known.collect()
    }

    /// The most that the vendor counts in any span of this length, if it counts each write at that moment.
    fn most(moments: &[Duration], within: Duration) -> usize {
        let in_span = |from: &Duration| moments.iter().filter(|at| *at >= from && **at < *from + within).count();
        moments.iter().map(in_span).max().unwrap_or_default()
    }

    /// Sends so many at once, the nth of which takes `life(n)`, and gives back when each was sent and when it was answered.
    async fn sent(
        count: u64,
        allowances: &Arc<[Allowance]>,
        life: impl Fn(u64) -> Duration,
    ) -> (Vec<Duration>, Vec<Duration>) {
        let (pace, begun, clock) = (Arc::new(Pace::default()), Instant::now(), Clock::default());
        let (stop, moments) = (Stop::default(), Mutex::new(Vec::new()));
        let writes = (0..count).map(|nth| {
            let (pace, moments, stop, life) = (Arc::clone(&pace), &moments, &stop, life(nth));
            async move {
                let turn = pace.turn("api.github.com", allowances, clock, stop).await.unwrap();
                let sent = begun.elapsed();
                tokio::time::sleep(life).await;
                moments.lock().unwrap().push((sent, begun.elapsed()));
                drop(turn);
            }
        });
        join_all(writes).await;
        let mut moments = moments.into_inner().unwrap();
        moments.sort_unstable();
        moments.into_iter().unzip()
    }

    #[tokio::test(start_paused = true)]
    async fn no_span_has_more_writes_than_any_allowance_wherever_the_vendor_counts_them() {
        let github = allowances(&[(80, 60), (500, 3600)]);
        let life = |nth: u64| Duration::from_millis(nth * 7919 % 4000);
        let (sent, answered) = sent(1200, &github, life).await;
        for moments in [&sent, &answered] {
            assert_eq!(moments.len(), 1200);
            assert!(most(moments, Duration::from_secs(60)) <= 80);
            assert!(most(moments, Duration::from_secs(3600)) <= 500);
        }
        let last = sent.last().unwrap();
        assert!(
            *last > Duration::from_secs(7200) && *last < Duration::from_secs(7400),
            "{last:?}"
        );
    }

    #[test]
    fn whatever_is_lost_or_given_up_at_once_no_span_has_more_writes() {
        play(0..300, |dice| async move {
            let (many, few) = (2 + dice.below(6), 2 + dice.below(3));
            let (long, short) = (20 + dice.below(100), 2 + dice.below(8));
            let known = [
                (usize::try_from(many).unwrap(), long),
                (usize::try_from(few).unwrap(), short),
            ];
            let allowances = allowances(&known);
            let (pace, begun, clock) = (Arc::new(Pace::default()), Instant::now(), Clock::default());
            let (stop, counted, end) = (Stop::default(), Mutex::new(Vec::new()), dice.below(4000));
            let writes = (0..40).map(|_| {
                let (pace, dice, allowances) = (Arc::clone(&pace), dice.clone(), Arc::clone(&allowances));
                let (stop, counted) = (&stop, &counted);
                async move {
                    dice.pause(Duration::from_secs(60)).await;
                    let arrived = begun.elapsed();
                    let waiting = pace.turn("api.github.com", &allowances, clock, stop);
                    let turn = match dice.once_in(6) {
                        true => tokio::time::timeout(Duration::from_secs(dice.below(30)), waiting).await,
                        false => Ok(waiting.await),
                    };
                    if let Ok(None) = turn {
                        let ended = Duration::from_secs(end).max(arrived);
                        assert_eq!(begun.elapsed().as_secs(), ended.as_secs(), "it went on waiting");
                    }
                    let Ok(Some(_turn)) = turn else { return };
                    let counts = dice.once_in(2);
                    counted.lock().unwrap().extend(counts.then(|| begun.elapsed()));
                    // Answered, lost, or given up: until then the vendor may count it at any moment.
                    let life = Duration::from_secs(20);
                    if dice.once_in(6) {
                        drop(tokio::time::timeout(Duration::from_secs(dice.below(3)), dice.pause(life)).await);
                    } else {
                        dice.pause(life).await;
                    }
                    counted.lock().unwrap().extend((!counts).then(|| begun.elapsed()));
                }
            });
            let ending = async {
                tokio::time::sleep(Duration::from_secs(end)).await;
                stop.request();
            };
            tokio::join!(join_all(writes), ending);
            let mut counted = counted.into_inner().unwrap();
            counted.sort_unstable();
            for (writes, within) in known {
                assert!(most(&counted, Duration::from_secs(within)) <= writes);
            }
        });
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_answered_counts_for_as_long_as_it_is_under_way() {
        let (sent, _) = sent(4, &allowances(&[(2, 10)]), |nth| Duration::from_secs(100 * (nth + 1))).await;
        assert_eq!(sent.iter().map(Duration::as_secs).collect::<Vec<_>>(), [0, 0, 110, 210]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_ends_with_the_run_and_has_sent_nothing() {
        let (pace, clock, stop) = (Arc::new(Pace::default()), Clock::default(), Stop::default());
        let one = allowances(&[(1, 3600)]);
        drop(Arc::clone(&pace).turn("a", &one, clock, &stop).await);
        let waiting = Arc::clone(&pace).turn("a", &one, clock, &stop);
        let ending = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stop.request();
        };
        assert!(tokio::join!(waiting, ending).0.is_none());
    }
}
