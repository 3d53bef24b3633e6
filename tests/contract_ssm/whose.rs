//! Whose a parameter is, by what AWS lists of it.

use rotation_provider::rotation::{Entry, Verdict};
use serde_json::json;

use super::scripted_aws::{Reply, ScriptedAws};
use super::{NAME, connections, judged, label, listed, slot_of};

/// The entry at version 1 with that description.
async fn described(description: String) -> Entry {
    let aws =
        ScriptedAws::start(move |_, _| Reply::Answer(200, json!({ "Parameters": [listed(NAME, 1, &description)] })))
            .await;
    let found = slot_of(NAME, &connections(aws.url())).inspect_since("1").await;
    found.expect("inspect").expect("there")
}

#[tokio::test]
async fn equal_versions_count_only_with_the_mark_of_that_generation() {
    let marked = |generation| format!("Managed by Terraform [{}] v1 #9f3ac01b", label(generation));
    assert_eq!(judged(2, "1", &described(marked(2)).await), Verdict::Recorded);
    // Another region's, or that of a state that was restored: it is not what we wrote, whatever the version.
    assert_eq!(judged(2, "1", &described(marked(1)).await), Verdict::Marked(1));
    let other = format!(
        "x [{}] v1",
        rotation_provider::label::Label::new("other", "ffffffffffff", 2)
    );
    assert_eq!(judged(2, "1", &described(other).await), Verdict::Foreign);
    // Deleted and made anew by hand, so that it is version 1 again.
    assert_eq!(judged(2, "1", &described("by hand".to_owned()).await), Verdict::Foreign);
}

#[tokio::test]
async fn a_version_whose_metadata_is_not_listed_yet_proves_nothing() {
    let aws = ScriptedAws::start(|operation, _| match operation {
        "DescribeParameters" => Reply::Answer(200, json!({})),
        _ => Reply::Answer(
            200,
            json!({ "Parameter": { "Name": NAME, "Version": 5, "Value": "ciphertext" } }),
        ),
    })
    .await;
    let slot = slot_of(NAME, &connections(aws.url()));
    let entry = slot.inspect_since("5").await.expect("inspect").expect("there");
    assert_eq!(
        (entry.revision.as_deref(), &entry.label, entry.modified_at),
        (Some("5"), &None, None)
    );
    assert_eq!(judged(2, "5", &entry), Verdict::CannotTell);
}
