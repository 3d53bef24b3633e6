//! What is known of the place of a secret: gone, archived, at another host.

use std::sync::Arc;

use rotation_provider::address::Address;
use rotation_provider::call::{CallErrorKind, Effect, WritePermit};
use rotation_provider::connection::Connections;
use rotation_provider::connection::github::VENDOR;
use rotation_provider::rotation::Container;
use rotation_provider::target::github_actions_secret::KIND;
use rotation_provider::vendors::Vendors as _;

use super::fake::{Fault, GitHub, Repository, TOKEN};
use super::secret::{ENVIRONMENT, REPO, config, put, slot, write};
use crate::vendor;

const MONO: &str = "/repos/molecule-ai/mono";
const ENVIRONMENTS: &str = "GET /repos/molecule-ai/mono/environments?";
const ARCHIVED: &str = "Repository was archived so is read-only.";

/// A GitHub whose repository has these environments.
async fn with_environments(names: impl IntoIterator<Item = String>) -> GitHub {
    let github = GitHub::start().await;
    github.world().repositories.get_mut(MONO).unwrap().environments = names.into_iter().collect();
    github
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("preview-{number:03}"))
}

#[tokio::test]
async fn an_environment_that_no_page_of_a_readable_repository_lists_is_gone() {
    let github = with_environments(numbered(250)).await;
    let slot = slot(&github, &*config(ENVIRONMENT));
    assert_eq!(slot.container().await, Ok(Container::Gone));
    assert_eq!(github.world().count(ENVIRONMENTS), 3);
    assert_eq!(slot.container().await, Ok(Container::Gone));
    assert_eq!(github.world().count(ENVIRONMENTS), 3, "listed once a run");
}

#[tokio::test]
async fn an_environment_on_the_last_page_exists_whatever_its_letter_case() {
    let github = with_environments(numbered(250).chain(["Production".to_owned()])).await;
    let slot = slot(&github, &*config(ENVIRONMENT));
    assert_eq!(slot.container().await, Ok(Container::Exists));
}

#[tokio::test]
async fn without_access_to_the_list_or_the_repository_nothing_is_proved() {
    for status in [403, 404] {
        let github = with_environments([]).await;
        let slot = slot(&github, &*config(ENVIRONMENT));
        github.lasting_fault(ENVIRONMENTS, &Fault::Status(status, "Not for you", None));
        assert_eq!(slot.container().await, Ok(Container::CannotTell), "{status}");
    }
    for arguments in [ENVIRONMENT, REPO] {
        let github = GitHub::start().await;
        github.world().repositories.clear();
        let slot = slot(&github, &*config(arguments));
        assert_eq!(slot.container().await, Ok(Container::CannotTell), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_list_that_is_shorter_than_it_says_is_no_proof() {
    let github = with_environments(numbered(3)).await;
    github.world().repositories.get_mut(MONO).unwrap().withheld = 1;
    let told = slot(&github, &*config(ENVIRONMENT)).container().await;
    assert_eq!(told.unwrap_err().kind, CallErrorKind::Malformed);
}

#[tokio::test]
async fn a_repository_that_can_be_read_exists_also_under_its_old_name() {
    let github = GitHub::start().await;
    github.world().renamed = Some(("/repos/molecule-ai/old", MONO));
    for repository in ["mono", "old"] {
        let of_repository = slot(&github, &*config(&[("repository", repository)]));
        assert_eq!(of_repository.container().await, Ok(Container::Exists));
        let staging = config(&[("repository", repository), ("environment", "staging")]);
        assert_eq!(slot(&github, &*staging).container().await, Ok(Container::Gone));
    }
}

#[tokio::test]
async fn an_archived_repository_is_refused_by_one_read_for_all_its_targets() {
    let github = GitHub::start().await;
    github.world().repositories.get_mut(MONO).unwrap().archived = true;
    for arguments in [
        REPO,
        ENVIRONMENT,
        &[("repository", "Molecule-AI/Mono"), ("name", "OTHER")],
    ] {
        let target = config(arguments).connect(&github.connections.own()).unwrap();
        let error = target.check_writable().await.unwrap_err();
        assert_eq!((&error.kind, error.effect), (&CallErrorKind::Forbidden, Effect::None));
        let words =
            "is archived and read-only. Unarchive it, or remove the target from `targets` with on_remove = \"keep\"";
        assert!(error.message.contains(words), "{error}");
    }
    assert_eq!(github.world().calls, ["GET /repos/molecule-ai/mono"]);
}

#[tokio::test]
async fn a_repository_that_takes_writes_or_may_not_be_read_is_not_refused() {
    let github = GitHub::start().await;
    let target = config(REPO).connect(&github.connections.own()).unwrap();
    assert_eq!(target.check_writable().await, Ok(()));
    for status in [403, 404] {
        let github = GitHub::start().await;
        github.lasting_fault(
            "GET /repos/molecule-ai/mono",
            &Fault::Status(status, "Not for you", None),
        );
        let target = config(REPO).connect(&github.connections.own()).unwrap();
        assert_eq!(target.check_writable().await, Ok(()), "{status}");
    }
    let github = GitHub::start().await;
    github.world().accepted.clear();
    let target = config(REPO).connect(&github.connections.own()).unwrap();
    let error = target.check_writable().await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_refusal_because_of_the_archive_is_not_called_a_missing_permission() {
    let github = GitHub::start().await;
    put(&github, "FLY_API_TOKEN", "one").await.unwrap();
    for call in ["PUT", "DELETE"] {
        let call = format!("{call} /repos/molecule-ai/mono/actions/secrets/FLY_API_TOKEN");
        github.lasting_fault(&call, &Fault::Status(403, ARCHIVED, None));
    }
    let refused = write(&github, &*config(REPO), "two").await.unwrap_err();
    assert!(refused.message.contains("on_remove = \"keep\""), "{refused}");
    let permit = WritePermit::granted_by_apply();
    let kept = slot(&github, &*config(REPO)).remove(&permit).await.unwrap_err();
    for error in [refused, kept] {
        assert!(error.message.contains("Unarchive"), "{error}");
        assert!(!error.message.contains("permission"), "{error}");
    }
}

#[tokio::test]
async fn a_second_repository_is_read_by_itself() {
    let github = GitHub::start().await;
    let other = Repository {
        archived: true,
        ..Repository::default()
    };
    github
        .world()
        .repositories
        .insert("/repos/molecule-ai/docs".to_owned(), other);
    let writable = |repository| {
        config(&[("repository", repository)])
            .connect(&github.connections.own())
            .unwrap()
    };
    assert_eq!(writable("mono").check_writable().await, Ok(()));
    assert!(writable("docs").check_writable().await.is_err());
}

/// What the connection adds to addresses.
fn place(connections: &Connections) -> String {
    connections.own().dynamic(&VENDOR).unwrap().place()
}

fn at(base_url: &str) -> Arc<Connections> {
    vendor::connections(&[("GITHUB_TOKEN", TOKEN), ("GITHUB_BASE_URL", base_url)])
}

#[tokio::test]
async fn the_host_of_an_enterprise_server_is_part_of_the_slot() {
    let enterprise = at("https://ghe.example.com/api/v3");
    let config = config(&[("repository", "owner/repo"), ("name", "NAME")]);
    let slot = Address {
        place: place(&enterprise),
        ..config.slot(&enterprise.own()).unwrap()
    };
    let text = "github_actions_secret:default://ghe.example.com/owner/repo/NAME";
    assert_eq!(slot.to_string(), text);
    assert_eq!(enterprise.verify(&text.parse().unwrap()).await, Ok(()));
    assert_eq!(place(&at("https://api.github.com")), "");
}

#[tokio::test]
async fn a_slot_at_another_host_is_refused_with_both_hosts() {
    let slot = |host: &str| {
        format!("github_actions_secret:default:{host}owner/repo/NAME")
            .parse()
            .unwrap()
    };
    let enterprise = at("https://ghe.example.com/api/v3");
    for (connections, address, names) in [
        (
            &enterprise,
            slot("//other.example.com/"),
            ["other.example.com", "ghe.example.com"],
        ),
        (&enterprise, slot(""), ["the vendor's own host", "ghe.example.com"]),
        (
            &at("https://api.github.com"),
            slot("//ghe.example.com/"),
            ["ghe.example.com", "the vendor's own host"],
        ),
    ] {
        let refused = connections.verify(&address).await.unwrap_err();
        let text = format!("{}. {}", refused.summary, refused.detail);
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
        assert!(!text.contains("  "), "{text}");
        let slot = connections.slot(&KIND, &address);
        assert_eq!(
            slot.err().map(|error| error.summary.clone()),
            Some(refused.summary.clone())
        );
    }
}

#[tokio::test]
async fn a_repositorys_id_outlives_its_name_and_is_read_once_for_all_its_secrets() {
    let github = GitHub::start().await;
    github.world().renamed = Some(("/repos/molecule-ai/old", MONO));
    for arguments in [REPO, ENVIRONMENT, REPO] {
        let id = slot(&github, &*config(arguments)).container_id().await;
        assert_eq!(id, Ok(Some("1".to_owned())), "{arguments:?}");
    }
    assert_eq!(
        github
            .world()
            .calls
            .iter()
            .filter(|call| **call == format!("GET {MONO}"))
            .count(),
        1
    );
    let renamed = slot(&github, &*config(&[("repository", "old")])).container_id().await;
    assert_eq!(renamed, Ok(Some("1".to_owned())));
}

#[tokio::test]
async fn a_repository_that_is_not_shown_has_no_id() {
    let github = GitHub::start().await;
    github.world().repositories.clear();
    assert_eq!(slot(&github, &*config(REPO)).container_id().await, Ok(None));
}
