//! Minting, listing and revoking.

use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::label::{LONGEST_PREFIX, Label};
use rotation_provider::source::{Credential, Liveness, Source};

use super::sources::{Bench, after, order, ordered};
use super::targets::{ID, label, permit};
use super::{link, requests};
use crate::reviewed;
use crate::world::RESEND;

/// Whether the list has the credential. Some issuers say only there when it was made.
fn lists(listed: &[Credential], credential: &Credential) -> bool {
    listed.iter().any(|listed| {
        let told = Credential {
            minted_at: credential.minted_at.or(listed.minted_at),
            ..credential.clone()
        };
        *listed == told
    })
}

pub(super) async fn a_credential_has_the_parts_that_are_declared(bench: &Bench) {
    let minted = bench.mint(&order(1)).await.unwrap();
    let names: Vec<String> = minted.parts.names().map(str::to_owned).collect();
    let declared = bench.parts();
    assert!(
        declared.iter().all(|part| names.contains(&part.to_string())),
        "{declared:?}, but has {names:?}"
    );
    for (name, value) in minted.parts.names().zip(minted.parts.values()) {
        assert!(!value.is_empty(), "{name}");
        if !minted.public.contains_key(name) {
            assert!(
                !minted.public.values().any(|public| public.contains(value.expose())),
                "{name} is public"
            );
        }
    }
    assert_eq!(
        minted.credential.is_some(),
        bench.traits().revocable,
        "what can be revoked has a handle"
    );
}

pub(super) async fn no_two_credentials_are_the_same(bench: &Bench) {
    let first = bench.mint(&order(1)).await.unwrap();
    let second = bench.other_source().mint(&order(2), &permit()).await.unwrap();
    let primary = first.parts.primary().to_owned();
    let (one, two) = (first.parts.get(&primary).unwrap(), second.parts.get(&primary).unwrap());
    assert!(!one.is_same_as(two));
}

pub(super) async fn what_was_read_back_is_the_credential_that_it_is(bench: &Bench) {
    let minted = bench.mint(&order(1)).await.unwrap();
    let restored = bench.source().restore(minted.parts.share(), &order(1)).await.unwrap();
    assert!(restored.is_some_and(|restored| restored.parts.agree_with(&minted.parts)));
}

pub(super) async fn a_credential_carries_its_label_lives_and_dies(bench: &Bench) {
    let source = bench.source();
    source.inspect().await.unwrap();
    let minted = source.mint(&order(3), &permit()).await.unwrap();
    let credential = minted.credential.unwrap();
    let value = minted.parts.get(minted.parts.primary()).unwrap();
    let works = || bench.works(&credential.id, value);
    assert!(works());
    let listed = source.issuer().survey().await.unwrap();
    assert!(lists(&listed, &credential), "a write makes the next reader list again");
    assert_eq!(credential.label(), bench.traits().lists.then(|| label(3)));
    let alive = if bench.offers().liveness {
        Liveness::Alive
    } else {
        Liveness::CannotTell
    };
    assert_eq!(source.issuer().liveness(&credential.id).await, Ok(alive));
    for _ in 0..2 {
        source.issuer().revoke(&credential.id, &permit()).await.unwrap();
        assert!(!works());
    }
    let dead = if bench.offers().liveness {
        Liveness::Dead
    } else {
        Liveness::CannotTell
    };
    assert_eq!(source.issuer().liveness(&credential.id).await, Ok(dead));
}

pub(super) async fn one_credential_ends_the_one_before(bench: &Bench) {
    let first = bench.mint(&order(1)).await.unwrap().credential.unwrap();
    let second = bench.mint(&after(2, &first)).await.unwrap();
    let held = bench.alive();
    let value = second.parts.get(second.parts.primary()).unwrap();
    let id = second.credential.unwrap().id;
    assert!(bench.works(&id, value) && held.len() == 1, "{held:?}");
    assert_eq!(id == first.id, bench.source().issuer().reuses_ids());
}

pub(super) async fn one_credential_leaves_the_one_before_alone(bench: &Bench) {
    let before = bench.alive();
    let first = bench.mint(&order(1)).await.unwrap().credential.unwrap();
    let second = bench.mint(&after(2, &first)).await.unwrap().credential.unwrap();
    assert_eq!(bench.alive().len(), before.len() + 2);
    bench.source().issuer().revoke(&first.id, &permit()).await.unwrap();
    let alive = bench.alive();
    assert!(alive.iter().any(|held| held.id == second.id) && !alive.iter().any(|held| held.id == first.id));
    assert!(before.iter().all(|held| alive.contains(held)), "others are left alone");
}

pub(super) async fn the_longest_label_is_kept(bench: &Bench) {
    let tail = Label::new("", ID, 999_999).to_string().chars().count();
    let longest = bench.label_limit().map_or(LONGEST_PREFIX, |limit| limit - tail);
    let label = Label::new(&"p".repeat(longest), ID, 999_999);
    let credential = bench.mint(&ordered(label.clone())).await.unwrap().credential.unwrap();
    let listed = bench.source().issuer().survey().await.unwrap();
    let found = listed.iter().find(|listed| listed.id == credential.id).unwrap();
    assert_eq!(found.label(), Some(label));
}

pub(super) async fn credentials_of_others_are_nobodys_whatever_their_names(bench: &Bench) {
    let odd = [
        "deploy",
        "a \"quoted\" \\ name",
        "ключ 🔑",
        "100%/..?#",
        "x-rot-0123456789ab-g",
        "x-rot-0123456789ab-g01",
        "suite-rot-fedcba987654-g1",
    ];
    let before = bench.source().issuer().survey().await.unwrap().len();
    bench.issued().strangers(bench.world(), &odd);
    let listed = bench.source().issuer().survey().await.unwrap();
    assert_eq!(listed.len(), before + odd.len(), "all are listed");
    let ours = listed
        .iter()
        .filter(|listed| listed.label().is_some_and(|label| label.belongs_to(ID)));
    assert_eq!(ours.count(), 0);
}

pub(super) async fn all_readers_share_one_listing(bench: &Bench) {
    let source = bench.source();
    bench.world().proxy.forget();
    let (first, second) = tokio::join!(source.issuer().survey(), source.issuer().survey());
    assert_eq!(first.unwrap(), second.unwrap());
    let asked = bench.world().proxy.count(bench.issued().calls().list);
    // Tokens are listed anew by whoever asks; all others share.
    assert!(asked == 1 || bench.offers().pages, "{asked}");
}

pub(super) async fn a_listing_is_read_to_its_last_page(bench: &Bench) {
    let names: Vec<String> = (0..130).map(|number| format!("stranger-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bench.issued().strangers(bench.world(), &names);
    let credential = bench.mint(&order(1)).await.unwrap().credential.unwrap();
    let source = bench.source();
    bench.world().proxy.forget();
    assert!(lists(&source.issuer().survey().await.unwrap(), &credential));
    assert!(
        bench.world().proxy.count(bench.issued().calls().list) >= 2,
        "the listing has several pages"
    );
}

pub(super) async fn an_issuer_is_found_again_by_its_address(bench: &Bench) {
    let minted = bench.mint(&order(1)).await.unwrap();
    let credential = minted.credential.unwrap();
    let value = minted.parts.get(minted.parts.primary()).unwrap();
    let issuer = bench.at_address(&bench.fixture.arguments());
    assert!(lists(&issuer.survey().await.unwrap(), &credential));
    issuer.revoke(&credential.id, &permit()).await.unwrap();
    let nowhere = format!("{}:default:a//../b", bench.fixture.kind().name)
        .parse()
        .unwrap();
    assert!(
        (bench.fixture.kind().issuer)(
            &nowhere,
            &link(bench.fixture.kind().reach, RESEND, &bench.world().connections)
        )
        .is_err()
    );
    assert!(!bench.works(&credential.id, value));
}

pub(super) async fn an_empty_id_is_refused_without_a_call(bench: &Bench) {
    let source = bench.source();
    bench.world().proxy.forget();
    let error = source.issuer().revoke("", &permit()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (CallErrorKind::Invalid, Effect::None));
    assert_eq!(bench.world().proxy.asked().len(), 0);
}

pub(super) async fn what_was_just_made_is_not_the_credential_of_this_run(bench: &Bench) {
    let credential = bench.mint(&order(1)).await.unwrap().credential.unwrap();
    assert_eq!(
        bench.source().issuer().authenticates_this_run(&credential.id).await,
        Ok(false)
    );
}

pub(super) async fn requests_are_as_reviewed(bench: &Bench) {
    let source: Box<dyn Source> = bench.source();
    let mut told = requests::Told::new(bench.world());
    told.by("list (survey)", async { drop(source.issuer().survey().await.unwrap()) })
        .await;
    told.by("prepare (inspect)", async { source.inspect().await.unwrap() })
        .await;
    let mut id = String::new();
    told.by("mint", async {
        id = source.mint(&order(1), &permit()).await.unwrap().credential.unwrap().id
    })
    .await;
    told.by("is it this run's own (authenticates_this_run)", async {
        assert!(!source.issuer().authenticates_this_run(&id).await.unwrap())
    })
    .await;
    told.by("revoke", async {
        source.issuer().revoke(&id, &permit()).await.unwrap()
    })
    .await;
    told.by("is it alive (liveness)", async {
        assert_ne!(source.issuer().liveness(&id).await, Ok(Liveness::Alive))
    })
    .await;
    let known = if id.len() > 4 { vec![id.as_str()] } else { Vec::new() };
    reviewed!(format!("requests_{}", bench.snapshot()), told.text(&known));
}
