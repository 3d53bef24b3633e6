//! What only the target `github_codespaces_secret` does: GitHub demands *write* for its reads, too, and nothing ends a codespace in time.

use rotation_provider::call::CallErrorKind;
use rotation_provider::target::github_codespaces_secret::KIND;
use serde_json::json;

use super::app::with_app;
use super::fake::{Fault, GitHub, TOKEN};
use super::secret::{REPO, config_of, slot, write};

const CODESPACES: &str = "/repos/molecule-ai/mono/codespaces";
const NEEDED: &str = "\"Codespaces secrets: write\"";

#[tokio::test]
async fn reads_need_the_permission_to_write() {
    for call in ["GET", "PUT"] {
        let github = GitHub::start_with(&[("GITHUB_TOKEN", TOKEN)]).await;
        github.world().add_level(CODESPACES);
        let path = match call {
            "GET" => format!("GET {CODESPACES}/secrets"),
            _ => format!("PUT {CODESPACES}/secrets/FLY_API_TOKEN"),
        };
        let lacks = "Resource not accessible by personal access token";
        github.fault(&path, Fault::Status(403, lacks, None));
        let config = config_of(&KIND, REPO);
        let error = match call {
            "GET" => slot(&github, &*config).inspect().await.unwrap_err(),
            _ => write(&github, &*config, "value").await.unwrap_err(),
        };
        assert!(error.message.contains(NEEDED), "{call}: {error}");
    }
}

#[tokio::test]
async fn an_app_that_may_use_codespaces_may_not_write_their_secrets() {
    for (granted, may) in [("codespaces", false), ("secrets", false), ("codespaces_secrets", true)] {
        let github = with_app(3600).await;
        github.world().granted = json!({ granted: "write" });
        let target = config_of(&KIND, REPO).connect(&github.connections.own()).unwrap();
        match target.check_writable().await {
            Ok(()) => assert!(may, "{granted}"),
            Err(error) => {
                assert!(!may && error.kind == CallErrorKind::Forbidden, "{granted}: {error}");
                assert!(error.message.contains(NEEDED), "{error}");
            }
        }
    }
}
