//! The target `github_actions_secret`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::SecretKey;
use rotation_provider::address::Address;
use rotation_provider::call::{CallError, CallErrorKind, Effect, WritePermit};
use rotation_provider::connection::github::seal;
use rotation_provider::label::Label;
use rotation_provider::rotation::Entry;
use rotation_provider::secret::Secret;
use rotation_provider::target::github_actions_secret::KIND;
use rotation_provider::target::{self, Activation, Delivery, Receipt, Slot, TargetConfig, TargetKind};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};
use serde_json::Value as Json;

use crate::terraform_cores;

use super::fake::{Fault, GitHub, PRODUCTION, REPOSITORY, TOKEN};

/// Writes a secret of the repository.
pub(crate) async fn put(github: &GitHub, name: &str, value: &str) -> Result<(), CallError> {
    let config = config(&[("repository", "mono"), ("name", name)]);
    write(github, &*config, value).await.map(drop)
}

fn parse(kind: &TargetKind, arguments: &[(&str, &str)]) -> (Option<Box<dyn TargetConfig>>, Diagnostics) {
    let arguments = arguments
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::string(*value)))
        .collect();
    let value = Value::Map(arguments);
    let mut problems = Diagnostics::new();
    let node = Node::root(&value, Origin::Configuration);
    let config = (kind.parse)(&node, Some("fly_api_token"), &mut problems);
    (config, problems)
}

pub(crate) fn config(arguments: &[(&str, &str)]) -> Box<dyn TargetConfig> {
    config_of(&KIND, arguments)
}

/// The same of another kind of GitHub secrets.
pub(crate) fn config_of(kind: &TargetKind, arguments: &[(&str, &str)]) -> Box<dyn TargetConfig> {
    parse(kind, arguments).0.unwrap()
}

pub(crate) async fn write(github: &GitHub, config: &dyn TargetConfig, value: &str) -> Result<Receipt, CallError> {
    let value = Secret::new(value.to_owned());
    let label = Label::new("x", "0123456789ab", 1);
    let delivery = Delivery {
        slot: config.slot(&github.connections.own()).unwrap(),
        value: &value,
        label: &label,
        content: None,
        origin: "9f3ac01b",
        generated: true,
    };
    let target = config.connect(&github.connections.own()).unwrap();
    let receipts = target.deliver(&[delivery], &WritePermit::granted_by_apply()).await?;
    Ok(receipts.into_iter().next().unwrap())
}

/// The revision of a write that could be read back.
async fn deliver(github: &GitHub, config: &dyn TargetConfig, value: &str) -> Result<String, CallError> {
    let receipt = write(github, config, value).await?;
    let revision = receipt.revision.unwrap();
    assert_eq!(receipt.written_at, revision.parse().ok());
    Ok(revision)
}

fn revision(entry: Option<Entry>) -> String {
    entry.unwrap().revision.unwrap()
}

/// The slot as it is found again when the configuration is gone.
pub(crate) fn slot(github: &GitHub, config: &dyn TargetConfig) -> Box<dyn Slot> {
    let address = config.slot(&github.connections.own()).unwrap();
    let address: Address = address.to_string().parse().unwrap();
    let kind = target::kind(&address.kind).unwrap();
    (kind.slot)(&address, &github.connections.own()).unwrap()
}

pub(crate) const REPO: &[(&str, &str)] = &[("repository", "mono")];
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[("repository", "molecule-ai/mono"), ("environment", "production")];
const PUT: &str = "PUT /repos/molecule-ai/mono/actions/secrets/FLY_API_TOKEN";
const PUBLIC_KEY: &str = "GET /repos/molecule-ai/mono/actions/secrets/public-key";

#[test]
fn boxes_are_those_of_libsodium() {
    let vector: Json = serde_json::from_str(include_str!("sealed_box.json")).unwrap();
    let bytes = |name: &str| STANDARD.decode(vector[name].as_str().unwrap()).unwrap();
    let private_key = SecretKey::from_slice(&bytes("private_key_b64")).unwrap();
    let plaintext = vector["plaintext"].as_str().unwrap();
    let theirs = private_key.unseal(&bytes("sealed_b64")).unwrap();
    assert_eq!(theirs, plaintext.as_bytes());
    let public_key = vector["public_key_b64"].as_str().unwrap();
    let ours = STANDARD
        .decode(seal(public_key, &Secret::new(plaintext.to_owned())).unwrap())
        .unwrap();
    assert_eq!(ours.len(), theirs.len() + 48);
    assert_eq!(private_key.unseal(&ours).unwrap(), plaintext.as_bytes());
}

#[test]
fn a_box_is_opened_by_libsodium_itself() {
    for plaintext in [
        "x",
        "postgres://app:p%40ss@db/main?sslmode=require",
        "zwei Zeilen\n\u{fc}nd \u{1f511}",
        &"long ".repeat(9000),
    ] {
        let mut holder = Command::new(terraform_cores::python())
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/contract_github/open_box.py"
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(holder.stdout.take().unwrap()).lines();
        let public_key = said.next().unwrap().unwrap();
        let sealed = seal(&public_key, &Secret::new(plaintext.to_owned())).unwrap();
        writeln!(holder.stdin.take().unwrap(), "{sealed}").unwrap();
        let opened: String = serde_json::from_str(&said.next().unwrap().unwrap()).unwrap();
        assert!(holder.wait().unwrap().success());
        assert_eq!(opened, plaintext);
    }
}

#[tokio::test]
async fn each_level_gets_the_value_under_its_own_key() {
    let github = GitHub::start().await;
    deliver(&github, &*config(REPO), "for the repository").await.unwrap();
    deliver(&github, &*config(ENVIRONMENT), "for production").await.unwrap();
    let world = github.world();
    assert_eq!(world.value(REPOSITORY, "FLY_API_TOKEN"), Some("for the repository"));
    assert_eq!(world.value(PRODUCTION, "FLY_API_TOKEN"), Some("for production"));
    assert_ne!(world.levels[REPOSITORY].key_id, world.levels[PRODUCTION].key_id);
}

#[tokio::test]
async fn a_revision_is_read_until_it_is_that_of_our_write() {
    let github = GitHub::start().await;
    let config = config(REPO);
    let first = deliver(&github, &*config, "one").await.unwrap();
    github.world().stale_after_write = 3;
    let second = deliver(&github, &*config, "two").await.unwrap();
    assert!(second > first, "{first} {second}");
}

#[tokio::test]
async fn two_writes_within_one_second_are_both_confirmed() {
    let github = GitHub::start().await;
    let config = config(REPO);
    let first = deliver(&github, &*config, "one").await.unwrap();
    github.world().frozen = true;
    let second = deliver(&github, &*config, "two").await.unwrap();
    assert_eq!(first, second);
    assert_eq!(github.world().value(REPOSITORY, "FLY_API_TOKEN"), Some("two"));
}

#[tokio::test]
async fn a_confirmed_write_stays_confirmed_when_it_cannot_be_read_back() {
    let hide: [fn(&GitHub); 2] = [
        |github| github.world().stale_after_write = usize::MAX,
        |github| github.world().blind_after_write = true,
    ];
    for hide in hide {
        let github = GitHub::start().await;
        let config = config(REPO);
        put(&github, "FLY_API_TOKEN", "one").await.unwrap();
        github.world().time += 60;
        github.world().calls.clear();
        hide(&github);
        let receipt = write(&github, &*config, "two").await.unwrap();
        assert_eq!(receipt.revision, None);
        let answered = jiff::Timestamp::from_second(github.world().time).ok();
        assert_eq!(receipt.written_at, answered, "the time of the answer");
        assert_eq!(github.world().value(REPOSITORY, "FLY_API_TOKEN"), Some("two"));
        assert_eq!(github.world().count(PUT), 1);
    }
}

#[tokio::test]
async fn a_replaced_public_key_is_fetched_again_once() {
    let github = GitHub::start().await;
    let config = config(REPO);
    deliver(&github, &*config, "one").await.unwrap();
    {
        let mut world = github.world();
        let level = world.level(REPOSITORY);
        level.key = SecretKey::from_bytes([99; 32]);
        level.key_id = "key-99".to_owned();
    }
    deliver(&github, &*config, "two").await.unwrap();
    let world = github.world();
    assert_eq!(world.value(REPOSITORY, "FLY_API_TOKEN"), Some("two"));
    assert_eq!(world.count(PUBLIC_KEY), 2);
}

#[tokio::test]
async fn a_refusal_that_has_nothing_to_do_with_the_key_stands() {
    let github = GitHub::start().await;
    github.lasting_fault(PUT, &Fault::Status(422, "Secret limit reached", None));
    let error = deliver(&github, &*config(REPO), "value").await.unwrap_err();
    assert_eq!((&error.kind, error.effect), (&CallErrorKind::Invalid, Effect::None));
    assert!(error.message.contains("Secret limit reached"), "{error}");
    assert_eq!(github.world().count(PUT), 1);
}

#[tokio::test]
async fn limits_are_waited_for_and_no_missing_permission() {
    let github = GitHub::start().await;
    let text = "You have exceeded a secondary rate limit";
    github.fault(PUT, Fault::Status(403, text, Some(("retry-after", "0"))));
    github.fault(PUT, Fault::Status(429, text, Some(("retry-after", "0"))));
    deliver(&github, &*config(REPO), "value").await.unwrap();
    assert_eq!(github.world().count(PUT), 3);
    // Without any header the limit takes a minute at least.
    for status in [403, 429] {
        let github = GitHub::start().await;
        github.fault(PUT, Fault::Status(status, text, None));
        let config = config(REPO);
        let soon = tokio::time::timeout(Duration::from_secs(3), deliver(&github, &*config, "value"));
        assert!(soon.await.is_err(), "it is still waited for");
        assert_eq!(github.world().count(PUT), 1);
    }
}

#[tokio::test]
async fn a_limit_beyond_our_patience_is_told_apart_from_a_missing_permission() {
    let github = GitHub::start().await;
    let text = "You have exceeded a secondary rate limit";
    github.fault(PUT, Fault::Status(403, text, Some(("retry-after", "600"))));
    let error = deliver(&github, &*config(REPO), "value").await.unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::RateLimited { .. }), "{error}");
    assert!(
        error.message.contains("Apply again in a few minutes") && !error.message.contains("Secrets: write"),
        "{error}"
    );
}

#[tokio::test]
async fn a_renamed_repository_is_looked_at_written_and_emptied_where_it_is_now() {
    let github = GitHub::start().await;
    github.world().renamed = Some(("/repos/molecule-ai/old", "/repos/molecule-ai/mono"));
    for (environment, level) in [(None, REPOSITORY), (Some("production"), PRODUCTION)] {
        let mut arguments = vec![("repository", "old")];
        arguments.extend(environment.map(|name| ("environment", name)));
        let config = config(&arguments);
        let target = config.connect(&github.connections.own()).unwrap();
        assert_eq!(target.slot().inspect().await, Ok(None));
        let written = deliver(&github, &*config, "value").await.unwrap();
        assert_eq!(github.world().value(level, "FLY_API_TOKEN"), Some("value"));
        assert_eq!(revision(target.slot().inspect_directly().await.unwrap()), written);
        target.slot().remove(&WritePermit::granted_by_apply()).await.unwrap();
        assert_eq!(github.world().value(level, "FLY_API_TOKEN"), None);
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed_with_a_value() {
    let github = GitHub::start().await;
    let away = Some(("location", "https://github.invalid/elsewhere"));
    github.fault(PUT, Fault::Status(307, "Temporary Redirect", away));
    let error = deliver(&github, &*config(REPO), "value").await.unwrap_err();
    assert_eq!(error.effect, Effect::None);
    assert!(error.message.contains("renamed or moved"), "{error}");
}

#[tokio::test]
async fn removing_without_access_is_no_success() {
    let github = GitHub::start().await;
    let config = config(REPO);
    let permit = WritePermit::granted_by_apply();
    let slot = slot(&github, &*config);
    deliver(&github, &*config, "value").await.unwrap();
    let delete = "DELETE /repos/molecule-ai/mono/actions/secrets/FLY_API_TOKEN";
    github.fault(delete, Fault::Status(404, "Not Found", None));
    let error = slot.remove(&permit).await.unwrap_err();
    assert!(
        error.message.contains("may not delete it") && error.message.contains("Secrets: write"),
        "{error}"
    );
    let forbidden = Fault::Status(403, "Resource not accessible by personal access token", None);
    github.fault("PUT /repos/molecule-ai/mono/environments", forbidden);
    let error = deliver(&github, &*self::config(ENVIRONMENT), "value")
        .await
        .unwrap_err();
    assert!(error.message.contains("\"Environments: write\""), "{error}");
}

#[tokio::test]
async fn every_call_is_spelled_as_the_configuration_is() {
    let github = GitHub::start_with(&[("GITHUB_TOKEN", TOKEN), ("GITHUB_OWNER", "Acme-Inc")]).await;
    let permit = WritePermit::granted_by_apply();
    for (repository, environment, level) in [
        ("Spelled", None, "/repos/Acme-Inc/Spelled/actions"),
        ("Acme-Inc/Spelled-2", None, "/repos/Acme-Inc/Spelled-2/actions"),
        (
            "Spelled",
            Some("Prod/EU"),
            "/repos/Acme-Inc/Spelled/environments/Prod%2FEU",
        ),
    ] {
        github.world().add_level(level);
        let mut arguments = vec![("repository", repository)];
        arguments.extend(environment.map(|name| ("environment", name)));
        let config = config(&arguments);
        let address = config.slot(&github.connections.own()).unwrap().locator;
        assert!(address.starts_with("acme-inc/spelled"), "{address}");
        let written = deliver(&github, &*config, "value").await.unwrap();
        let slot = config.connect(&github.connections.own()).unwrap();
        for entry in [slot.slot().inspect().await, slot.slot().inspect_directly().await] {
            assert_eq!(revision(entry.unwrap()), written);
        }
        slot.slot().remove(&permit).await.unwrap();
        assert_eq!(github.world().value(level, "FLY_API_TOKEN"), None);
    }
}

#[tokio::test]
async fn the_address_says_where_the_secret_is() {
    let github = GitHub::start().await;
    let address = |arguments: &[(&str, &str)]| config(arguments).slot(&github.connections.own()).unwrap().to_string();
    assert_eq!(
        address(REPO),
        "github_actions_secret:default:molecule-ai/mono/FLY_API_TOKEN"
    );
    assert_eq!(
        address(&[("repository", "Other/Mono"), ("environment", "a b"), ("name", "x")]),
        "github_actions_secret:default:other/mono/environments/a%20b/X"
    );
    let nonsense = "github_actions_secret:default:mono".parse().unwrap();
    let error = (KIND.slot)(&nonsense, &github.connections.own()).err().unwrap();
    assert!(error.summary.contains("is not the address"), "{}", error.summary);
}

#[test]
fn values_and_arguments_are_held_against_the_documented_limits() {
    let config = config(REPO);
    assert_eq!(config.traits().activation, Activation::Later);
    let accepts = |value: String| config.accepts(&Secret::new(value));
    assert!(accepts("x".repeat(48 * 1024)).is_ok());
    assert!(accepts("x".repeat(48 * 1024 + 1)).unwrap_err().contains("49152"));
    assert!(accepts(String::new()).is_err());
    for (arguments, path) in [
        (&[("repository", "https://github.com/a/b")][..], "repository"),
        (&[("name", "X")][..], "repository"),
        (&[("repository", "a/b"), ("name", "GITHUB_X")][..], "name"),
        (&[("repository", "a/b"), ("name", "A-B")][..], "name"),
        (&[("repository", "a/b"), ("environment", "a\nb")][..], "environment"),
    ] {
        let (config, problems) = parse(&KIND, arguments);
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert!(config.is_none() && paths == [path], "{arguments:?} {paths:?}");
    }
}

#[test]
fn unknown_arguments_are_no_mistakes() {
    let value = Value::object([("repository", Value::unknown()), ("environment", Value::unknown())]);
    let mut problems = Diagnostics::new();
    let node = Node::root(&value, Origin::Configuration);
    assert!((KIND.parse)(&node, Some("X"), &mut problems).is_none());
    let value = Value::object([("repository", Value::string("a/b"))]);
    let node = Node::root(&value, Origin::Configuration);
    assert!((KIND.parse)(&node, None, &mut problems).is_none());
    assert!(problems.is_empty());
}
