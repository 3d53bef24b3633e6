//! Writing, finding, overwriting and removing entries.

use rotation_provider::rotation::Verdict;
use rotation_provider::secret::Secret;
use rotation_provider::stop::Stop;
use rotation_provider::target::Activated;

use super::targets::{Bench, ID, label, permit};
use super::{link, requests};
use crate::reviewed;
use crate::world::PLATFORM;

pub(super) async fn a_value_is_there_once_written_and_again_once_written_again(bench: &Bench) {
    let entry = bench.key();
    assert_eq!(entry.target.slot().inspect().await, Ok(None));
    assert_eq!(entry.target.slot().inspect_directly().await, Ok(None));
    let first = entry.deliver("one", 1).await.unwrap();
    let second = entry.deliver("one", 1).await.unwrap();
    assert_eq!(bench.held(&entry).as_deref(), Some("one"));
    let record = entry.record(&second, 1);
    for seen in [
        entry.target.slot().inspect().await,
        entry.target.slot().inspect_directly().await,
    ] {
        let seen = seen.unwrap().unwrap();
        assert_eq!(seen.kind, bench.offers().revision, "as declared");
        assert_eq!(seen.label.is_some(), bench.offers().marks, "as declared");
    }
    assert_eq!(entry.whose(&record).await, Verdict::Recorded);
    assert!(first.revision.is_some() && second.revision.is_some());
}

pub(super) async fn another_value_takes_its_place(bench: &Bench) {
    let entry = bench.key();
    let first = entry.deliver("one", 1).await.unwrap();
    bench.a_moment().await;
    let second = entry.deliver("two", 2).await.unwrap();
    assert_ne!(first.revision, second.revision);
    assert_eq!(bench.held(&entry).as_deref(), Some("two"));
    assert_eq!(entry.whose(&entry.record(&second, 2)).await, Verdict::Recorded);
    assert_ne!(entry.whose(&entry.record(&first, 1)).await, Verdict::Recorded);
}

pub(super) async fn a_removed_entry_is_gone_and_its_neighbour_is_not(bench: &Bench) {
    let (entry, neighbour) = (bench.key(), bench.named("OTHER"));
    entry.remove().await.expect("removing nothing is success");
    let receipt = entry.deliver("one", 1).await.unwrap();
    neighbour.deliver("two", 1).await.unwrap();
    for _ in 0..2 {
        entry.remove().await.unwrap();
        assert_eq!(bench.held(&entry), None);
    }
    assert_eq!(
        entry.target.slot().inspect().await,
        Ok(None),
        "the listing is read again"
    );
    assert_eq!(entry.whose(&entry.record(&receipt, 1)).await, Verdict::Empty);
    assert_eq!(bench.held(&neighbour).as_deref(), Some("two"));
}

pub(super) async fn an_entry_is_found_again_by_its_address(bench: &Bench) {
    let entry = bench.key();
    entry.deliver("one", 1).await.unwrap();
    let slot = bench.at_address(&entry);
    let seen = slot.inspect().await.unwrap().unwrap();
    assert_eq!(
        Some(seen.revision),
        bench
            .later(&entry)
            .target
            .slot()
            .inspect()
            .await
            .unwrap()
            .map(|seen| seen.revision)
    );
    slot.remove(&permit()).await.unwrap();
    assert_eq!(bench.held(&entry), None);
    let nowhere = format!("{}:default:a//../b", bench.fixture.kind().name)
        .parse()
        .unwrap();
    assert!(
        (bench.fixture.kind().slot)(
            &nowhere,
            &link(bench.fixture.kind().reach, PLATFORM, &bench.world.connections)
        )
        .is_err()
    );
    let words = rotation_provider::target::entry(&entry.address.to_string());
    assert!(!words.noun.contains(":default:"), "{words:?}");
}

pub(super) async fn all_readers_share_one_listing(bench: &Bench) {
    let (one, two) = (bench.key(), bench.named("OTHER"));
    one.deliver("one", 1).await.unwrap();
    let (one, two) = (bench.later(&one), two);
    let later = bench.world.later_run();
    drop(later);
    bench.world.proxy.forget();
    let (first, second) = tokio::join!(one.target.slot().inspect(), one.target.slot().inspect());
    assert!(first.unwrap().is_some() && second.unwrap().is_some());
    assert_eq!(bench.world.proxy.count(bench.fixture.calls().list), 1);
    assert_eq!(two.target.slot().inspect().await, Ok(None));
}

pub(super) async fn a_listing_is_read_to_its_last_page(bench: &Bench) {
    let entry = bench.named("Z_LAST");
    entry.deliver("one", 1).await.unwrap();
    bench.fixture.crowd(&bench.world, &entry.arguments);
    let later = bench.later(&entry);
    bench.world.proxy.forget();
    assert!(later.target.slot().inspect().await.unwrap().is_some());
    assert!(
        bench.world.proxy.count(bench.fixture.calls().list) >= 2,
        "the listing has several pages"
    );
}

pub(super) async fn odd_names_stay_what_they_are(bench: &Bench) {
    let odd = bench.fixture.odd(&bench.world);
    assert!(odd.len() >= 3);
    for arguments in odd {
        let told = format!("{arguments:?}");
        let entry = bench.entry(arguments);
        let receipt = entry
            .deliver("odd", 1)
            .await
            .unwrap_or_else(|error| panic!("{told}: {error}"));
        let slot = bench.at_address(&entry);
        assert!(slot.inspect().await.unwrap().is_some(), "{told}");
        assert_eq!(
            entry.whose(&entry.record(&receipt, 1)).await,
            Verdict::Recorded,
            "{told}"
        );
        entry.remove().await.unwrap();
        assert_eq!(slot.inspect_directly().await, Ok(None), "{told}");
    }
}

pub(super) async fn a_value_beyond_the_limit_is_refused_without_a_call(bench: &Bench) {
    let entry = bench.key();
    bench.world.proxy.forget();
    for wrong in ["", &"x".repeat(10_000_000)] {
        let limit = entry.config.accepts(&Secret::new(wrong.to_owned())).unwrap_err();
        assert!(limit.ends_with('.') && limit.starts_with(char::is_uppercase), "{limit}");
        assert!(wrong.is_empty() || !limit.contains("xxxx"), "{limit}");
    }
    assert_eq!(
        entry
            .config
            .accepts(&Secret::new("zwei Zeilen\n\u{fc}nd \u{1f511}".to_owned())),
        Ok(())
    );
    assert_eq!(bench.world.proxy.asked().len(), 0);
}

pub(super) async fn a_value_can_be_read_back_with_its_mark(bench: &Bench) {
    let entry = bench.key();
    assert!(entry.target.read().await.unwrap().is_none());
    entry.deliver("one", 1).await.unwrap();
    let receipt = entry.deliver("two\n\u{fc}", 2).await.unwrap();
    let read = entry.target.read().await.unwrap().unwrap();
    assert_eq!((read.value.expose(), &read.label), ("two\n\u{fc}", &label(2)));
    assert_eq!(
        (Some(read.revision), read.origin.as_deref()),
        (receipt.revision, Some("9f3ac01b"))
    );
    let older = entry.target.read_older(ID, 2).await.unwrap();
    assert!(older.is_none_or(|older| older.value.expose() == "one" && older.label == label(1)));
    // A mark that outlives somebody else's write counts for nothing.
    bench.by_hand(&entry, "theirs").await;
    assert!(bench.later(&entry).target.read().await.unwrap().is_none());
}

pub(super) async fn a_write_is_made_live_and_once_is_enough(bench: &Bench) {
    let entry = bench.key();
    let receipt = entry.deliver("one", 1).await.unwrap();
    let recorded = receipt.revision.unwrap();
    let live = |seen: Option<rotation_provider::rotation::Entry>| seen.unwrap().live;
    assert_eq!(
        live(entry.target.slot().inspect_since(&recorded).await.unwrap()),
        Some(false)
    );
    let activate = || async {
        entry
            .target
            .activate(Some(&recorded), &Stop::default(), &permit())
            .await
    };
    assert_eq!(activate().await, Ok(Activated::Live));
    assert_eq!(
        live(entry.target.slot().inspect_since(&recorded).await.unwrap()),
        Some(true)
    );
    bench.world.proxy.forget();
    assert_eq!(activate().await, Ok(Activated::Live));
    let writes: Vec<String> = bench
        .world
        .proxy
        .asked()
        .into_iter()
        .filter(|asked| asked.method != "GET")
        .map(|asked| asked.target)
        .collect();
    assert_eq!(writes, [""; 0]);
}

pub(super) async fn a_container_has_an_identity_that_is_read_once(bench: &Bench) {
    let (one, two) = (bench.key(), bench.named("OTHER"));
    let (first, second) = tokio::join!(one.target.slot().container_id(), two.target.slot().container_id());
    assert!(first.clone().unwrap().is_some_and(|id| !id.is_empty()));
    assert_eq!(first, second);
    assert_eq!(bench.world.proxy.asked().len(), 1);
}

pub(super) async fn requests_are_as_reviewed(bench: &Bench) {
    let entry = bench.key();
    let mut told = requests::Told::new(&bench.world);
    told.by("look (inspect)", async {
        drop(entry.target.slot().inspect().await.unwrap())
    })
    .await;
    told.by("prepare (check_writable, check_reachable)", async {
        entry.target.check_writable().await.unwrap();
        entry.target.check_reachable().await.unwrap();
    })
    .await;
    let mut recorded = None;
    told.by("write (deliver)", async {
        recorded = entry.deliver(super::targets::VALUE, 1).await.unwrap().revision
    })
    .await;
    told.by("make live (activate)", async {
        entry
            .target
            .activate(recorded.as_deref(), &Stop::default(), &permit())
            .await
            .unwrap();
    })
    .await;
    told.by("look again (inspect_directly)", async {
        drop(entry.target.slot().inspect_directly().await.unwrap())
    })
    .await;
    told.by("remove", async { entry.remove().await.unwrap() }).await;
    let name = format!("requests_{}", bench.fixture.kind().name);
    reviewed!(name, told.text(&[super::targets::VALUE]));
}
