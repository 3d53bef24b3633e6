//! What proves that a branch is gone, and what does not; issuers at another host.

use rotation_provider::address::Address;
use rotation_provider::call::{CallErrorKind, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::connection::Connections;
use rotation_provider::connection::neon::VENDOR;
use rotation_provider::executor::{Retired, retire_anywhere};
use rotation_provider::rotation::{Container, CredentialRecord, CredentialStatus};
use rotation_provider::source::neon_api_key;
use rotation_provider::source::neon_role_password::KIND;
use rotation_provider::source::{Issuer, Source};
use rotation_provider::terraform::Value;
use rotation_provider::vendors::Vendors as _;
use serde_json::json;

use super::fake::{Fault, KEY, Neon};
use crate::vendor;

const BRANCHES: &str = "GET /projects/quiet-frost-1/branches?";
const OLD: &str = "quiet-frost-1/br-old-1";

/// What the connection adds to addresses.
pub(crate) fn place(connections: &Connections) -> String {
    connections.own().dynamic(&VENDOR).unwrap().place()
}

/// The address of the issuer on the branch `br-old-1`.
fn old(neon: &Neon) -> Address {
    Address::at(&place(&neon.connections), KIND.name, OLD)
}

/// The issuer on the branch `br-old-1`, as it is found again when the configuration is gone.
fn old_branch(neon: &Neon) -> Box<dyn Issuer> {
    (KIND.issuer)(&old(neon), &neon.connections.own()).unwrap().unwrap()
}

fn configured(neon: &Neon, branch: &str) -> Box<dyn Source> {
    let arguments = Value::object([
        ("project_id", Value::string("quiet-frost-1")),
        ("branch_id", Value::string(branch)),
        ("role", Value::string("app")),
    ]);
    neon.source(&KIND, &arguments)
}

#[tokio::test]
async fn a_branch_that_no_page_of_its_project_lists_is_gone() {
    let neon = Neon::start().await;
    {
        let mut world = neon.world();
        world.branches = (0..5).map(|number| format!("br-preview-{number}")).collect();
        world.page = 2;
    }
    let gone = old_branch(&neon);
    assert_eq!(gone.survey().await.unwrap_err().kind, CallErrorKind::NotFound);
    assert_eq!(gone.container().await, Ok(Container::Gone));
    assert_eq!(
        configured(&neon, "br-old-1").issuer().container().await,
        Ok(Container::Gone)
    );
    assert_eq!(neon.world().count(BRANCHES), 3, "three pages, listed once a run");
    assert_eq!(
        configured(&neon, "br-preview-4").issuer().container().await,
        Ok(Container::Exists)
    );
}

#[tokio::test]
async fn a_list_that_is_refused_or_does_not_end_proves_nothing() {
    let neon = Neon::start().await;
    neon.fault(BRANCHES, Fault::Refused(403, "FORBIDDEN"));
    assert_eq!(old_branch(&neon).container().await, Ok(Container::CannotTell));
    neon.world().page = 0;
    // Pages without branches.
    assert_eq!(old_branch(&neon.later_run()).container().await, Ok(Container::Gone));
    neon.world().branches = vec!["br-main-1".to_owned(); 300];
    neon.world().page = 1;
    let told = old_branch(&neon.later_run()).container().await;
    assert_eq!(told.unwrap_err().kind, CallErrorKind::Malformed);
}

#[tokio::test]
async fn a_project_that_is_not_found_is_gone_only_if_neon_lists_it_as_deleted() {
    let deleted = |id: &str| json!({ "id": id, "deleted_at": "2026-11-22T10:00:00Z" });
    for of_organization in [true, false] {
        let neon = Neon::start().await;
        neon.world().covered = false;
        neon.world().of_organization = of_organization;
        assert_eq!(old_branch(&neon).container().await, Ok(Container::CannotTell));
        neon.world().deleted = vec![deleted("other-1"), deleted("quiet-frost-1")];
        neon.world().page = 1;
        assert_eq!(old_branch(&neon.later_run()).container().await, Ok(Container::Gone));
        // A server that does not know the question lists living projects.
        neon.world().deleted = vec![json!({ "id": "quiet-frost-1" })];
        assert_eq!(
            old_branch(&neon.later_run()).container().await,
            Ok(Container::CannotTell)
        );
    }
}

#[tokio::test]
async fn a_credential_of_a_gone_branch_is_dead_and_one_of_a_hidden_project_is_not() {
    let neon = Neon::start().await;
    let record = CredentialRecord {
        generation: 1,
        credential_id: Some("app".to_owned()),
        issuer: old(&neon).to_string(),
        label: "web-rotation-rot-0123456789ab-g1".to_owned(),
        status: CredentialStatus::Overlapping,
        minted_at: None,
        expires_at: None,
        revoke_after: None,
        public_key: None,
    };
    let permit = WritePermit::granted_by_apply();
    let retired = retire_anywhere(&record, neon.connections.as_ref(), Clock::default(), &permit).await;
    assert_eq!(retired, Ok(Retired::Dead));
    neon.world().covered = false;
    let later = neon.later_run();
    let retired = retire_anywhere(&record, later.connections.as_ref(), Clock::default(), &permit).await;
    assert!(retired.is_err(), "{retired:?}");
}

#[tokio::test]
async fn whose_keys_are_hidden_is_not_proved_to_be_gone() {
    let neon = Neon::start().await;
    let address: Address = "neon_api_key:default:organization/org-2".parse().unwrap();
    let keys = (neon_api_key::KIND.issuer)(&address, &neon.connections.own())
        .unwrap()
        .unwrap();
    assert_eq!(keys.survey().await.unwrap_err().kind, CallErrorKind::NotFound);
    assert_eq!(keys.container().await, Ok(Container::CannotTell));
}

#[tokio::test]
async fn an_issuer_at_another_host_is_refused_with_both_hosts() {
    let at = |url| vendor::connections(&[("NEON_API_KEY", KEY), ("NEON_BASE_URL", url)]);
    let own = at("https://console.neon.tech/api/v2");
    let other = at("https://neon.example.com/api/v2");
    for kind in [&KIND, &neon_api_key::KIND] {
        let locator = if kind.name == KIND.name {
            "quiet-frost-1/br-main-1"
        } else {
            "personal"
        };
        let here = Address::new(kind.name, locator);
        let there = Address::at("neon.example.com", kind.name, locator);
        assert_eq!(place(&other), there.place);
        assert_eq!(own.verify(&here).await, Ok(()));
        assert_eq!(other.verify(&there).await, Ok(()));
        for (connections, address) in [(&own, &there), (&other, &here)] {
            let refused = connections.verify(address).await.unwrap_err();
            for name in ["neon.example.com", "the vendor's own host"] {
                assert!(refused.detail.contains(name), "{}", refused.detail);
            }
            let issuer = connections.issuer(kind, address);
            assert_eq!(
                issuer.err().map(|error| error.summary.clone()),
                Some(refused.summary.clone())
            );
        }
    }
}
