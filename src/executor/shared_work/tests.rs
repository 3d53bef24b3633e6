use std::cell::{Cell, RefCell};
use std::future::{pending, ready};

use futures::FutureExt as _;
use futures::future::join_all;

use super::*;
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect};
use crate::check::CheckFailure;
use crate::label::Label;
use crate::secret::{Secret, redact};
use crate::simulation::{Dice, play};
use crate::target::Receipt;

fn needs<const N: usize>(works: [&str; N]) -> BTreeSet<String> {
    works.map(str::to_owned).into()
}

fn until(stop: &Stop) -> Terms<'_> {
    Terms {
        stop,
        goes_on: false,
        urgent: false,
    }
}

fn order(name: &str, value: Secret) -> WriteOrder {
    WriteOrder {
        entries: vec![WrittenEntry {
            slot: Address::new("fly_secret", format!("web/{name}")),
            value,
            label: Label::new("suite", "0123456789abcdef", 1),
            content: None,
            origin: String::new(),
            generated: true,
        }],
    }
}

fn value(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A receipt whose revision is the name that was written.
fn receipts(order: &WriteOrder) -> Result<Vec<Receipt>, CallError> {
    let receipt = |entry: &WrittenEntry| Receipt {
        revision: Some(entry.slot.locator.clone()),
        written_at: None,
    };
    Ok(order.entries.iter().map(receipt).collect())
}

async fn written(orders: Vec<WriteOrder>, _stop: Stop) -> Vec<Result<Vec<Receipt>, CallError>> {
    orders.iter().map(receipts).collect()
}

fn revision(ending: &Result<Vec<Receipt>, CallError>) -> &str {
    ending.as_ref().unwrap()[0].revision.as_deref().unwrap()
}

#[tokio::test]
async fn each_gets_the_receipts_of_its_own_entries_from_one_call() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let applies = ["A", "B", "C"].map(|name| (name, shared.enter(needs(["w"]))));
    let calls = RefCell::new(0);
    let writes = applies.iter().map(|(name, apply)| {
        let run = |orders, stop| {
            *calls.borrow_mut() += 1;
            written(orders, stop)
        };
        apply.share("w", order(name, value("letmeinplease")), until(&stop), run)
    });
    let endings = join_all(writes).await;
    let revisions: Vec<&str> = endings.iter().map(revision).collect();
    assert_eq!((revisions, *calls.borrow()), (vec!["web/A", "web/B", "web/C"], 1));
}

#[tokio::test]
async fn one_apply_may_have_several_works_at_once() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let (one, two) = (shared.enter(needs(["x", "y"])), shared.enter(needs(["x", "y"])));
    let ran = RefCell::new(Vec::new());
    let run = |work: &'static str| {
        let ran = &ran;
        move |orders: Vec<ActivationOrder>, _| {
            ran.borrow_mut().push(work);
            async move {
                tokio::task::yield_now().await;
                orders.iter().map(|_| Ok(())).collect()
            }
        }
    };
    let each = [(&one, "x"), (&one, "y"), (&two, "y"), (&two, "x")];
    let shares = each.map(|(apply, work)| apply.share(work, ActivationOrder, until(&stop), run(work)));
    assert!(join_all(shares).await.iter().all(Result::is_ok));
    assert_eq!(*ran.borrow(), ["x", "y"]);
}

#[tokio::test]
async fn a_failure_is_told_to_all_that_the_run_covers() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let (one, two) = (shared.enter(needs(["x"])), shared.enter(needs(["x"])));
    let failing = |orders: Vec<ActivationOrder>, _| async move {
        let failure = || CheckFailure {
            message: "the workflow failed".to_owned(),
            interrupted: false,
        };
        orders.iter().map(|_| Err(failure())).collect()
    };
    let (first, second) = tokio::join!(
        one.share("x", ActivationOrder, until(&stop), failing),
        two.share("x", ActivationOrder, until(&stop), failing)
    );
    assert_eq!(first, second);
    assert_eq!(first.unwrap_err().message, "the workflow failed");
}

#[tokio::test]
async fn who_is_interrupted_before_a_run_covers_it_writes_nothing_and_leaves_no_value() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let (one, busy) = (shared.enter(needs(["w"])), shared.enter(needs(["w"])));
    let waits = one.share("w", order("A", value("letmeinplease")), until(&stop), written);
    let interrupted = async {
        assert_eq!(redact("letmeinplease"), "[redacted]");
        stop.request();
    };
    let (ending, ()) = tokio::join!(waits, interrupted);
    let error = ending.unwrap_err();
    assert_eq!((error.kind, error.effect), (CallErrorKind::Interrupted, Effect::None));
    assert_eq!(redact("letmeinplease"), "letmeinplease", "somebody still holds it");
    // It would have fallen to this apply now: an interrupt comes first.
    drop(busy);
    let late = one.share("w", order("A", value("letmeinplease")), until(&stop), written);
    assert_eq!(late.await.unwrap_err().kind, CallErrorKind::Interrupted);
}

#[tokio::test]
async fn who_is_interrupted_while_a_run_covers_it_gets_its_receipt() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let (one, two) = (shared.enter(needs(["w"])), shared.enter(needs(["w"])));
    let run = |orders, given| {
        stop.request();
        written(orders, given)
    };
    let (first, second) = tokio::join!(
        one.share("w", order("A", value("a")), until(&stop), run),
        two.share("w", order("B", value("b")), until(&stop), run)
    );
    assert_eq!((revision(&first), revision(&second)), ("web/A", "web/B"));
}

#[tokio::test]
async fn what_must_not_end_early_takes_the_others_of_its_run_with_it() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let (one, two) = (shared.enter(needs(["r"])), shared.enter(needs(["r"])));
    let must = Terms {
        stop: &stop,
        goes_on: true,
        urgent: true,
    };
    let seen = RefCell::new(Vec::new());
    let run = |orders: Vec<RollOrder>, given: Stop| {
        stop.request();
        seen.borrow_mut().push(given.requested());
        ready(orders.iter().map(|_| Ok(crate::target::Activated::Live)).collect())
    };
    let roll = || RollOrder { delivered: Vec::new() };
    let (first, second) = tokio::join!(
        one.share("r", roll(), until(&stop), run),
        two.share("r", roll(), must, run)
    );
    assert!(first.is_ok() && second.is_ok());
    // Interrupted already, it is still not put off, nor does it wait for the other.
    assert!(two.share("r", roll(), must, run).await.is_ok());
    assert_eq!(*seen.borrow(), [false, false]);
}

#[tokio::test]
async fn if_the_apply_that_runs_it_is_gone_nobody_knows_what_came_of_it() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let (one, two) = (shared.enter(needs(["w"])), shared.enter(needs(["w"])));
    let mut second = Box::pin(two.share("w", order("B", value("opensesamenow")), until(&stop), written));
    {
        let hangs = |_orders: Vec<WriteOrder>, _| pending();
        let mut first = Box::pin(one.share("w", order("A", value("letmeinplease")), until(&stop), hangs));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(first.as_mut().now_or_never().is_none(), "it runs now");
        assert!(second.as_mut().now_or_never().is_none(), "covered");
    }
    drop(one);
    let error = second.await.unwrap_err();
    assert_eq!(error.effect, Effect::Possible);
    assert_eq!(redact("opensesamenow letmeinplease"), "opensesamenow letmeinplease");
    // Nothing is in the way of the next.
    let again = two.share("w", order("B", value("opensesamenow")), until(&stop), written);
    assert_eq!(revision(&again.await), "web/B");
}

#[tokio::test]
async fn the_values_of_others_go_with_the_call() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let (one, two) = (shared.enter(needs(["w"])), shared.enter(needs(["w"])));
    let run = |orders: Vec<WriteOrder>, _| async move {
        assert_eq!(redact("letmeinplease opensesamenow"), "[redacted] [redacted]");
        orders.iter().map(receipts).collect::<Vec<_>>()
    };
    let first = one.share("w", order("A", value("letmeinplease")), until(&stop), run);
    let second = two.share("w", order("B", value("opensesamenow")), until(&stop), run);
    let mut both = Box::pin(futures::future::join(first, second));
    let (first, second) = both.as_mut().await;
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(
        redact("letmeinplease opensesamenow"),
        "letmeinplease opensesamenow",
        "the call is over"
    );
}

#[tokio::test]
async fn one_that_leaves_frees_those_that_wait_for_it() {
    let (shared, stop) = (SharedWork::default(), Stop::default());
    let (one, two) = (shared.enter(needs(["w"])), shared.enter(needs(["w"])));
    let mut waits = Box::pin(one.share("w", order("A", value("a")), until(&stop), written));
    assert!(waits.as_mut().now_or_never().is_none());
    two.needs(needs(["r"]));
    assert_eq!(revision(&waits.await), "web/A", "it has said that it will not come");
}

#[tokio::test]
async fn a_moment_is_waited_for_applies_that_are_about_to_begin_and_no_longer() {
    let (shared, clock) = (SharedWork::default(), Clock::default());
    let one = shared.enter(needs([]));
    let waited = async {
        let deadline = clock.deadline(WINDOW * 2);
        one.gather(clock).await;
        deadline.passed()
    };
    assert!(!waited.await, "nobody comes");
    let comers = async {
        let mut begun = Vec::new();
        for _ in 0..50 {
            begun.push(shared.enter(needs([])));
            clock.sleep(WINDOW / 4).await;
        }
    };
    let patience = clock.deadline(WINDOW * 3);
    tokio::select! {
        () = one.gather(clock) => {}
        () = comers => panic!("it waits for all that come"),
    }
    assert!(patience.passed(), "somebody comes all the time");
}

/// An apply of a story: it comes to two waves, one after the other.
struct Story {
    stop: Stop,
    urgent: bool,
    goes_on: bool,
}

#[test]
fn each_order_is_done_once_or_given_up_before_whatever_happens_at_once() {
    let pause = Duration::from_millis(400);
    let (alone, together) = (Cell::new(0), Cell::new(0));
    play(0..500, |dice| {
        let (alone, together) = (&alone, &together);
        async move {
            let shared = SharedWork::default();
            let done = RefCell::new(BTreeMap::<String, u32>::new());
            let running = Cell::new(false);
            let applies = (0..6).map(|nth| {
                let (dice, shared, done, running) = (dice.clone(), &shared, &done, &running);
                async move {
                    dice.pause(pause).await;
                    let apply = shared.enter(needs(["w"]));
                    let story = Story {
                        stop: Stop::default(),
                        urgent: dice.once_in(6),
                        goes_on: dice.once_in(6),
                    };
                    let waves = two_waves(nth, &apply, &story, &dice, done, running, (alone, together));
                    let interrupt = async {
                        tokio::time::sleep(Duration::from_millis(dice.below(2000))).await;
                        story.stop.request();
                    };
                    match dice.below(6) {
                        // Terraform is gone.
                        0 => drop(tokio::time::timeout(Duration::from_millis(dice.below(2000)), waves).await),
                        1 => drop(tokio::join!(waves, interrupt)),
                        _ => waves.await,
                    }
                }
            });
            join_all(applies).await;
            assert!(done.borrow().values().all(|times| *times == 1), "{done:?}");
            assert_eq!(redact("letmeinplease"), "letmeinplease", "somebody still holds a value");
        }
    });
    assert!(
        together.get() > 3 * alone.get() / 2,
        "{together:?} orders shared a run, {alone:?} did not"
    );
}

async fn two_waves(
    nth: u64,
    apply: &Participant,
    story: &Story,
    dice: &Dice,
    done: &RefCell<BTreeMap<String, u32>>,
    running: &Cell<bool>,
    (alone, together): (&Cell<u32>, &Cell<u32>),
) {
    for wave in 1..=2 {
        dice.pause(Duration::from_millis(100)).await;
        let name = format!("{nth}-{wave}");
        let run = |orders: Vec<WriteOrder>, _| {
            let dice = dice.clone();
            async move {
                assert!(!running.replace(true), "two runs of one work at once");
                let _ended = Ended(running);
                let counter = if orders.len() == 1 { alone } else { together };
                counter.set(counter.get() + u32::try_from(orders.len()).unwrap());
                let first = |order: &WriteOrder| order.entries[0].slot.locator.clone();
                for order in &orders {
                    *done.borrow_mut().entry(first(order)).or_default() += 1;
                }
                dice.pause(Duration::from_millis(500)).await;
                orders.iter().map(receipts).collect()
            }
        };
        let terms = Terms {
            stop: &story.stop,
            goes_on: story.goes_on,
            urgent: story.urgent,
        };
        let was_done = || {
            done.borrow()
                .get(&format!("web/{name}"))
                .is_some_and(|times| *times > 0)
        };
        let ending = apply.share("w", order(&name, value("letmeinplease")), terms, run).await;
        match &ending {
            Ok(_) => {
                assert_eq!(revision(&ending), format!("web/{name}"));
                assert!(was_done());
            }
            Err(error) if error.effect == Effect::None => {
                assert!(story.stop.requested() && !story.goes_on && !was_done());
                return;
            }
            Err(_) => assert!(was_done(), "nobody has run it"),
        }
        if wave == 1 {
            apply.needs(needs(["w"]));
        }
    }
}

/// A run ends with its answer, and with its apply.
struct Ended<'a>(&'a Cell<bool>);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
