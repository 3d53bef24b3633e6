//! One suite that every kind of source and target passes, as its declaration gates it: a case is left out for a capability that the
//! declaration lacks, and for nothing else. The matrix of kinds and cases is a snapshot.
//!
//! A kind brings a fixture (`behaviour/fixtures`): how it is configured, what its vendor holds, how that vendor refuses. Vendors are the
//! sandbox, moto and PostgreSQL, with a proxy before them that loses calls and answers; what is peculiar to one vendor stays in `contract_<vendor>`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cases::{sources, targets};
use fixtures::{CREDENTIALS, ENTRIES};
use rotation_provider::source::{self, Maker};
use rotation_provider::target;
use world::{Origin, World};

#[path = "behaviour/cases/mod.rs"]
mod cases;
#[path = "behaviour/fixtures/mod.rs"]
mod fixtures;
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "support/moto.rs"]
mod moto;
#[path = "behaviour/play.rs"]
mod play;
#[expect(dead_code, reason = "a cluster that trusts, or logs, is for other tests")]
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/postgres_proxy.rs"]
mod postgres_proxy;
#[path = "behaviour/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "support/sandbox.rs"]
mod sandbox;
#[path = "support/vendor.rs"]
mod vendor;
#[path = "behaviour/world.rs"]
mod world;

async fn target(kind: &str) {
    let fixture = ENTRIES.iter().find(|fixture| fixture.kind().name == kind).unwrap();
    let origin = match fixture.on_moto() {
        true => Origin::Moto(moto::Moto::start()),
        false => Origin::Sandbox(sandbox::Sandbox::start()),
    };
    let bench = |world: Option<World>| targets::Bench::new(*fixture, world.unwrap());
    play::play(kind, targets::CASES, Some(origin), bench).await;
}

async fn source(kind: &str) {
    let fixture = CREDENTIALS.iter().find(|fixture| fixture.kind().name == kind).unwrap();
    let origin = match fixture.issued() {
        None => None,
        Some(issued) if issued.is_postgres() => Some(Origin::Postgres(postgres::Template::make(true))),
        Some(_) => Some(Origin::Sandbox(sandbox::Sandbox::start())),
    };
    let bench = |world: Option<World>| sources::Bench::new(*fixture, world);
    play::play(kind, sources::CASES, origin, bench).await;
}

/// A test for each kind, in a module of its group, and the list of those that have one.
macro_rules! kinds {
    ($module:ident $tested:ident: $($group:ident $kind:ident),* $(,)?) => {
        const $tested: &[(&str, &str)] = &[$((stringify!($group), stringify!($kind))),*];
        mod $module { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $kind() {
                crate::$group(stringify!($kind)).await;
            }
        )* }
    };
}

kinds! {
    source_kinds SOURCES: source random, source fernet_key, source key_pair, source provided, source fly_token, source neon_api_key,
    source neon_role_password, source postgres_password, source railway_token, source resend_api_key, source vercel_token, source http,
}

kinds! {
    target_kinds TARGETS: target fly_secret, target github_actions_secret, target github_codespaces_secret,
    target github_dependabot_secret, target http, target railway_variable, target render_env_group_variable, target render_env_variable,
    target ssm_parameter, target vercel_env,
}

/// Targets that make no HTTP call which the proxy could lose or refuse, and the suite that puts each against what it writes.
const WITHOUT_CALLS: [(&str, &str); 4] = [
    ("age_file", include_str!("contract_file/age_file.rs")),
    ("exec", include_str!("programs/targets.rs")),
    ("file", include_str!("contract_file/file.rs")),
    ("ssh", include_str!("programs/targets.rs")),
];

#[test]
fn every_kind_has_a_fixture_and_a_test() {
    let sources = source::ALL.iter().map(|kind| ("source", kind.name));
    let registered: BTreeSet<_> = sources
        .chain(target::ALL.iter().map(|kind| ("target", kind.name)))
        .filter(|(_, name)| !WITHOUT_CALLS.iter().any(|(known, _)| known == name))
        .collect();
    for (name, suite) in WITHOUT_CALLS {
        let is_put_against_it = suite.contains(&format!("target::{name}::KIND"));
        assert!(
            target::kind(name).is_some() && is_put_against_it,
            "{name} has no suite of its own"
        );
    }
    let fixtures = CREDENTIALS.iter().map(|fixture| ("source", fixture.kind().name));
    let fixtures: BTreeSet<_> = fixtures
        .chain(ENTRIES.iter().map(|fixture| ("target", fixture.kind().name)))
        .collect();
    assert_eq!(
        registered, fixtures,
        "a kind needs a fixture in tests/behaviour/fixtures"
    );
    assert_eq!(
        registered,
        SOURCES.iter().chain(TARGETS).copied().collect(),
        "a kind needs its line in `kinds!`"
    );
    for fixture in CREDENTIALS {
        let by_vendor = fixture.kind().maker == Maker::Issuer;
        assert_eq!(
            fixture.issued().is_some(),
            by_vendor,
            "{}: its maker is declared",
            fixture.kind().name
        );
    }
}

/// The cases by number, a row for each kind, and why what is not played is left out. Another kind is another row: it leaves those that
/// were reviewed as they are.
fn matrix(text: &mut String, heading: &str, cases: &[&str], kinds: &BTreeMap<&str, Vec<Option<&'static str>>>) {
    writeln!(text, "{heading}").unwrap();
    for (number, case) in (1..).zip(cases) {
        writeln!(text, "{number:4} {case}").unwrap();
    }
    let numbers: String = (1..=cases.len()).map(|number| format!("{number:4}")).collect();
    writeln!(text, "\nplayed\n{numbers}").unwrap();
    for (kind, left_out) in kinds {
        let cell = |left_out: &Option<_>| if left_out.is_some() { "   -" } else { "   x" };
        let row: String = left_out.iter().map(cell).collect();
        writeln!(text, "{row}  {kind}").unwrap();
    }
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (kind, left_out) in kinds {
        for (case, why) in cases
            .iter()
            .zip(left_out)
            .filter_map(|(case, why)| Some((case, (*why)?)))
        {
            reasons.entry((kind, why)).or_default().push(case);
        }
    }
    text.push_str("\nleft out\n");
    for ((kind, why), cases) in reasons {
        let told = if cases.len() > 4 {
            format!("{} cases", cases.len())
        } else {
            cases.join(", ")
        };
        writeln!(text, "  {kind}: {why}: {told}").unwrap();
    }
    text.push('\n');
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_is_as_reviewed() {
    let sandbox = Origin::Sandbox(sandbox::Sandbox::start());
    let mut of_targets = BTreeMap::new();
    for fixture in ENTRIES {
        let mut row = Vec::new();
        // Only declarations are asked, so any world does.
        let world = World::of(&sandbox, "matrix").await;
        let bench = targets::Bench {
            fixture: *fixture,
            world,
        };
        for case in targets::CASES {
            row.push((case.left_out)(&bench));
        }
        of_targets.insert(fixture.kind().name, row);
    }
    let mut of_sources = BTreeMap::new();
    for fixture in CREDENTIALS {
        let bench = sources::Bench::new(*fixture, None);
        let row = sources::CASES.iter().map(|case| (case.left_out)(&bench)).collect();
        of_sources.insert(fixture.kind().name, row);
    }
    let mut text = String::new();
    let names: Vec<&str> = targets::CASES.iter().map(|case| case.name).collect();
    matrix(&mut text, "targets", &names, &of_targets);
    let names: Vec<&str> = sources::CASES.iter().map(|case| case.name).collect();
    matrix(&mut text, "sources", &names, &of_sources);
    println!("{text}");
    insta::with_settings!(
        { omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "behaviour/snapshots" },
        { insta::assert_snapshot!("matrix", text); }
    );
}
