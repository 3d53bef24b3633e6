//! Whose an entry is: by its revision, by its mark, and what a create makes of what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use rotation_provider::address::DEFAULT_CONNECTION;
use rotation_provider::clock::Clock;
use rotation_provider::connection::Connections;
use rotation_provider::executor::{Job, JobSource, JobTarget, Outcome, SharedWork, run};
use rotation_provider::rotation::{DeliveryRecord, Goal, Ledger, TargetGoal, Verdict};
use rotation_provider::source::random;
use rotation_provider::spec::{Content, SourceSpec, TargetSpec};
use rotation_provider::stop::Stop;
use rotation_provider::target::{Activation, Receipt};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use super::targets::{Bench, Entry, ID, permit};
use super::{connection_of, link};
use crate::proxy::Act;
use crate::world::PLATFORM;

pub(super) async fn revisions_tell_our_write_from_anothers(bench: &Bench) {
    let entry = bench.key();
    let receipt = entry.deliver("ours", 1).await.unwrap();
    let record = entry.record(&receipt, 1);
    assert_eq!(entry.whose(&record).await, Verdict::Recorded, "the same");
    // Of another form, or of no form: it proves nothing, and is never ours.
    for odd in ["", "x", "1970-01-01T00:00:00Z"] {
        let odd = DeliveryRecord {
            revision: Some(odd.to_owned()),
            ..record.clone()
        };
        assert_ne!(entry.whose(&odd).await, Verdict::Recorded, "{odd:?}");
    }
    bench.by_hand(&entry, "theirs").await;
    assert_eq!(bench.later(&entry).whose(&record).await, Verdict::Foreign, "changed");
    entry.remove().await.unwrap();
    assert_eq!(bench.later(&entry).whose(&record).await, Verdict::Empty, "deleted");
    bench.by_hand(&entry, "theirs").await;
    assert_ne!(
        bench.later(&entry).whose(&record).await,
        Verdict::Recorded,
        "made anew by somebody else"
    );
}

pub(super) async fn a_mark_tells_the_generation(bench: &Bench) {
    let entry = bench.key();
    let first = entry.deliver("one", 1).await.unwrap();
    let record = entry.record(&first, 1);
    entry.deliver("two", 2).await.unwrap();
    assert_eq!(bench.later(&entry).whose(&record).await, Verdict::Marked(2));
    let unknown = entry.record(
        &Receipt {
            revision: None,
            written_at: None,
        },
        1,
    );
    assert_eq!(bench.later(&entry).whose(&unknown).await, Verdict::Marked(2));
    // The mark of another secret.
    let seen = entry.target.slot().inspect_directly().await.unwrap();
    let other = "fedcba9876543210fedcba9876543210";
    assert_eq!(
        rotation_provider::rotation::judge(&record, seen.as_ref(), other),
        Verdict::Foreign
    );
}

/// A create of a generated secret with this one target, by a run that knows nothing of an earlier one.
async fn create(bench: &Bench) -> (Outcome, Entry) {
    let connections: Arc<Connections> = bench.world.later_run();
    let entry = bench.later(&bench.key());
    let arguments = Value::object([("bytes", Value::number(32)), ("encoding", Value::string("hex"))]);
    let node = Node::root(&arguments, Origin::Configuration);
    let source = (random::KIND.parse)(&node, &node, &mut Diagnostics::new()).unwrap();
    let source = SourceSpec::new(&random::KIND, Arc::from(source), DEFAULT_CONNECTION.to_owned());
    let traits = entry.config.traits();
    let spec = TargetSpec {
        kind: bench.fixture.kind(),
        config: Arc::clone(&entry.config),
        connection: connection_of(bench.fixture.kind().reach, PLATFORM).to_owned(),
        wave: 1,
        content: Content::Part("value".into()),
        keep: false,
        settle: SignedDuration::ZERO,
        lead: SignedDuration::ZERO,
        impact: None,
        fingerprint: entry.config.fingerprint(),
    };
    let target = JobTarget {
        spec: Arc::new(spec),
        adapter: entry
            .config
            .connect(&link(bench.fixture.kind().reach, PLATFORM, &connections))
            .unwrap(),
        slot: entry.address.clone(),
    };
    let job = Job {
        id: ID.to_owned(),
        label_prefix: "suite".to_owned(),
        source: JobSource {
            adapter: source.config.connect(&connections.own()).unwrap(),
            spec: Arc::new(source),
        },
        targets: BTreeMap::from([("it".to_owned(), target)]),
        leaving: BTreeMap::new(),
        escrow: None,
        former_escrow: None,
        activations: BTreeMap::new(),
        public: BTreeMap::new(),
        shared_work: SharedWork::default(),
        quiet_for: None,
        checks: BTreeMap::new(),
        vendors: connections,
        clock: Clock::default(),
        overlap: SignedDuration::ZERO,
        window: None,
        unreachable: BTreeSet::new(),
        replace_existing: false,
        is_create: true,
        format: None,
    };
    let wanted = TargetGoal {
        wave: 1,
        write: false,
        activates: traits.activation == Activation::Itself,
        follow_up: traits.follow_up,
        activate: false,
        lead: SignedDuration::ZERO,
    };
    let goal = Goal {
        may_mint: true,
        may_recover: true,
        targets: BTreeMap::from([("it".to_owned(), wanted)]),
        ..Goal::default()
    };
    let outcome = run(&job, goal, Ledger::default(), &Stop::default(), &permit()).await;
    (outcome, entry)
}

pub(super) async fn a_create_refuses_what_somebody_else_wrote(bench: &Bench) {
    let entry = bench.key();
    bench.by_hand(&entry, "theirs").await;
    bench.world.proxy.forget();
    let (outcome, _) = create(bench).await;
    let told = format!("{:?}", outcome.failures);
    assert_eq!(outcome.failures.len(), 1, "{told}");
    for words in ["already exists", "on_existing"] {
        assert!(told.contains(words), "{words:?} in {told}");
    }
    assert_eq!(outcome.minted, None);
    assert_eq!(bench.held(&entry).as_deref(), Some("theirs"));
    assert_eq!(bench.world.proxy.count(bench.fixture.calls().make), 0);
}

/// A create whose process died when its write had arrived.
async fn interrupted(bench: &Bench) -> String {
    bench.world.proxy.always(bench.fixture.calls().make, Act::CutAfter);
    let (outcome, entry) = create(bench).await;
    assert!(!outcome.failures.is_empty());
    bench.world.proxy.heal();
    bench.held(&entry).expect("the write arrived")
}

pub(super) async fn an_interrupted_create_is_taken_up(bench: &Bench) {
    let written = interrupted(bench).await;
    let (outcome, entry) = create(bench).await;
    assert_eq!(outcome.failures, []);
    assert_eq!(
        bench.held(&entry),
        Some(written),
        "the same value, where it can be read"
    );
    assert!(outcome.ledger.is_finished());
}

/// Nothing tells it from somebody else's: the documented exception (docs/guides/reliability.md).
pub(super) async fn an_interrupted_create_without_a_mark_is_refused(bench: &Bench) {
    let written = interrupted(bench).await;
    let (outcome, entry) = create(bench).await;
    let told = format!("{:?}", outcome.failures);
    assert!(told.contains("on_existing"), "{told}");
    assert_eq!(bench.held(&entry), Some(written));
}
