//! Authentication as a GitHub App.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rotation_provider::call::{CallErrorKind, Effect};
use serde_json::{Value, json};

use super::fake::{Fault, GitHub, REPOSITORY, World};
use super::secret::{ENVIRONMENT, REPO, config, put};

/// Gives an installation token for a web token that the App's key signed.
pub(crate) fn exchange(world: &mut World, parts: &Parts) -> Response {
    let refuse = || axum::http::StatusCode::UNAUTHORIZED.into_response();
    let header = parts.headers.get("authorization").unwrap().to_str().unwrap();
    let Some((key, life)) = world.app.clone() else {
        return refuse();
    };
    let (signed, signature) = header.strip_prefix("Bearer ").unwrap().rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    if key.verify(signed.as_bytes(), &signature).is_err() {
        return refuse();
    }
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let now = Timestamp::now().as_second();
    let (issued, expires) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    if claims["iss"] != "12" || issued > now || expires > now + 600 {
        return refuse();
    }
    world.serial += 1;
    let token = format!("ghs_12_{}", "x".repeat(300) + &world.serial.to_string());
    world.accepted = vec![format!("Bearer {token}")];
    let ends = Timestamp::from_second(now + life).unwrap().to_string();
    (
        axum::http::StatusCode::CREATED,
        json!({ "token": token, "expires_at": ends, "permissions": world.granted }).to_string(),
    )
        .into_response()
}

pub(crate) async fn with_app(life: i64) -> GitHub {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    );
    let github = GitHub::start_with(&[
        ("GITHUB_APP_ID", "12"),
        ("GITHUB_APP_INSTALLATION_ID", "7"),
        ("GITHUB_APP_PEM_FILE", &pem),
    ])
    .await;
    github.world().app = Some((key.public_key().as_ref().to_vec(), life));
    github
}

const EXCHANGE: &str = "POST /app/installations/7/access_tokens";

#[tokio::test]
async fn an_installation_token_is_fetched_once_and_used_until_it_is_about_to_end() {
    let github = with_app(3600).await;
    put(&github, "A", "one").await.unwrap();
    put(&github, "B", "two").await.unwrap();
    assert_eq!(github.world().value(REPOSITORY, "B"), Some("two"));
    assert_eq!(github.world().count(EXCHANGE), 1);
}

#[tokio::test]
async fn an_installation_token_that_ends_within_minutes_is_replaced() {
    let github = with_app(120).await;
    put(&github, "A", "one").await.unwrap();
    assert!(github.world().count(EXCHANGE) > 1);
}

#[tokio::test]
async fn a_token_that_github_does_not_take_any_more_is_replaced_once() {
    let github = with_app(3600).await;
    put(&github, "A", "one").await.unwrap();
    github.world().accepted.clear();
    put(&github, "B", "two").await.unwrap();
    assert_eq!(github.world().value(REPOSITORY, "B"), Some("two"));
    assert_eq!(github.world().count(EXCHANGE), 2);
    let write = "PUT /repos/molecule-ai/mono/actions/secrets/B";
    let before = github.world().count(write);
    github.lasting_fault(write, &Fault::Status(401, "Bad credentials", None));
    let error = put(&github, "B", "three").await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unauthenticated);
    assert_eq!(github.world().count(write), before + 2);
    assert_eq!(github.world().count(EXCHANGE), 3);
}

#[tokio::test]
async fn a_key_that_github_does_not_know_names_the_arguments() {
    let github = with_app(3600).await;
    github.world().app = None;
    let error = put(&github, "A", "one").await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unauthenticated);
    assert!(error.message.contains("github.app_private_key"), "{error}");
}

#[tokio::test]
async fn an_installation_without_the_permission_is_refused_before_a_write() {
    for (granted, arguments, missing) in [
        (json!({ "secrets": "read" }), REPO, Some("Secrets: write")),
        (json!({ "secrets": "write" }), REPO, None),
        (json!({ "secrets": "write" }), ENVIRONMENT, Some("Environments: write")),
        (json!({ "environments": "write" }), ENVIRONMENT, None),
        // GitHub does not say.
        (json!({}), REPO, None),
        (Value::Null, REPO, None),
    ] {
        let github = with_app(3600).await;
        github.world().granted = granted.clone();
        let target = config(arguments).connect(&github.connections.own()).unwrap();
        let told = target.check_writable().await;
        match missing {
            None => assert_eq!(told, Ok(()), "{granted}"),
            Some(permission) => {
                let error = told.unwrap_err();
                assert_eq!((&error.kind, error.effect), (&CallErrorKind::Forbidden, Effect::None));
                let words = format!(
                    "The GitHub App's installation lacks the permission \"{permission}\". Grant it in the App's settings, and accept it \
                     for the installation."
                );
                assert_eq!(error.message, words);
            }
        }
    }
}
