//! What only the target `github_dependabot_secret` does: its own path, key and permission.

use rotation_provider::call::{CallErrorKind, WritePermit};
use rotation_provider::rotation::Container;
use rotation_provider::target::github_dependabot_secret::KIND;
use serde_json::json;

use super::app::with_app;
use super::fake::{Fault, GitHub, REPOSITORY, TOKEN};
use super::secret::{REPO, config, config_of, slot, write};

const DEPENDABOT: &str = "/repos/molecule-ai/mono/dependabot";
const NAME: &str = "FLY_API_TOKEN";

/// A GitHub whose repository has Dependabot secrets.
async fn with_dependabot() -> GitHub {
    let github = GitHub::start_with(&[("GITHUB_TOKEN", TOKEN)]).await;
    github.world().add_level(DEPENDABOT);
    github
}

#[tokio::test]
async fn secrets_of_one_name_are_kept_apart_from_those_of_actions() {
    let github = with_dependabot().await;
    let (dependabot, actions) = (config_of(&KIND, REPO), config(REPO));
    write(&github, &*dependabot, "for updates").await.unwrap();
    assert_eq!(slot(&github, &*actions).inspect().await, Ok(None));
    write(&github, &*actions, "for workflows").await.unwrap();
    {
        let world = github.world();
        assert_eq!(world.value(DEPENDABOT, NAME), Some("for updates"));
        assert_eq!(world.value(REPOSITORY, NAME), Some("for workflows"));
        assert_ne!(world.levels[DEPENDABOT].key_id, world.levels[REPOSITORY].key_id);
    }
    // One client has read both lists and both keys by now.
    let permit = WritePermit::granted_by_apply();
    slot(&github, &*dependabot).remove(&permit).await.unwrap();
    assert_eq!(slot(&github, &*dependabot).inspect().await, Ok(None));
    assert!(slot(&github, &*actions).inspect().await.unwrap().is_some());
}

#[tokio::test]
async fn the_permission_that_lacks_is_that_for_dependabot_secrets() {
    let github = with_dependabot().await;
    let put = format!("PUT {DEPENDABOT}/secrets/{NAME}");
    github.fault(
        &put,
        Fault::Status(403, "Resource not accessible by personal access token", None),
    );
    let error = write(&github, &*config_of(&KIND, REPO), "value").await.unwrap_err();
    assert!(error.message.contains("\"Dependabot secrets: write\""), "{error}");

    for (granted, may) in [("secrets", false), ("dependabot_secrets", true)] {
        let github = with_app(3600).await;
        github.world().granted = json!({ granted: "write" });
        let target = config_of(&KIND, REPO).connect(&github.connections.own()).unwrap();
        match target.check_writable().await {
            Ok(()) => assert!(may, "{granted}"),
            Err(error) => {
                assert!(!may && error.kind == CallErrorKind::Forbidden, "{granted}: {error}");
                assert!(error.message.contains("\"Dependabot secrets: write\""), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_repository_that_is_not_shown_is_not_gone() {
    let github = with_dependabot().await;
    let slot = slot(&github, &*config_of(&KIND, REPO));
    assert_eq!(slot.container().await, Ok(Container::Exists));
    let github = with_dependabot().await;
    github.world().repositories.clear();
    let slot = super::secret::slot(&github, &*config_of(&KIND, REPO));
    assert_eq!(slot.container().await, Ok(Container::CannotTell));
}

#[tokio::test]
async fn an_address_with_an_environment_is_none_of_this_kind() {
    let github = with_dependabot().await;
    let link = github.connections.own();
    let address = config_of(&KIND, REPO).slot(&link).unwrap();
    assert_eq!(
        address.to_string(),
        "github_dependabot_secret:default:molecule-ai/mono/FLY_API_TOKEN"
    );
    let of_environment = "github_dependabot_secret:default:molecule-ai/mono/environments/production/FLY_API_TOKEN";
    let error = (KIND.slot)(&of_environment.parse().unwrap(), &link).err().unwrap();
    assert!(
        error
            .summary
            .ends_with("is not the address of a GitHub Dependabot secret"),
        "{}",
        error.summary
    );
    assert!(!error.detail.contains("environment"), "{}", error.detail);
}
