//! The log as Terraform reads it.

use crate::fixture::{note, running, start, type_name};
use crate::grpc::clients::plugin::Empty;
use crate::grpc::clients::tfplugin6 as wire;

use rotation_provider::terraform::Value;

/// All that is logged during one validation of a secret, and one stop.
async fn logged(variables: &[(&str, &str)]) -> Vec<serde_json::Value> {
    let mut start = start();
    for (name, value) in variables {
        start = start.env(name, value);
    }
    let (plugin, mut clients) = running(start).await;
    let request = wire::validate_resource_config::Request {
        type_name: type_name(),
        config: note([
            ("text", Value::string("x")),
            ("value_wo", Value::string("canary-5f21c0")),
        ]),
        client_capabilities: crate::fixture::capable(),
    };
    clients.provider.validate_resource_config(request).await.unwrap();
    clients
        .provider
        .stop_provider(wire::stop_provider::Request {})
        .await
        .unwrap();
    clients.controller.shutdown(Empty {}).await.unwrap();
    drop(clients);
    let (_, _, log) = plugin.end().await;
    assert!(!log.contains("canary-5f21c0"), "{log}");
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_record_is_one_line_of_json_with_the_fields_that_terraform_wants() {
    let records = logged(&[("TF_LOG", "TRACE")]).await;
    assert!(records.len() >= 3, "{records:?}");
    for record in records {
        for field in ["@level", "@message", "@module", "@timestamp"] {
            assert!(record[field].is_string(), "{record}");
        }
        let timestamp = record["@timestamp"].as_str().unwrap();
        let (_, fraction) = timestamp.split_once('.').unwrap();
        assert!(fraction.len() == 7 && fraction.ends_with('Z'), "{timestamp}");
        timestamp.parse::<jiff::Timestamp>().unwrap();
    }
}

#[tokio::test]
async fn the_level_is_the_one_that_the_user_gave_terraform() {
    let levels = async |variables: &[(&str, &str)]| {
        let mut levels: Vec<String> = Vec::new();
        for record in logged(variables).await {
            levels.push(record["@level"].as_str().unwrap().to_owned());
        }
        levels.sort();
        levels.dedup();
        levels
    };
    assert_eq!(levels(&[]).await, [""; 0]);
    assert_eq!(levels(&[("TF_LOG", "OFF")]).await, [""; 0]);
    assert_eq!(levels(&[("TF_LOG", "warn")]).await, [""; 0]);
    assert_eq!(levels(&[("TF_LOG", "INFO")]).await, ["info"]);
    assert_eq!(levels(&[("TF_LOG", "JSON")]).await, ["debug", "info"]);
    assert_eq!(
        levels(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "INFO")]).await,
        ["info"]
    );
    assert_eq!(
        levels(&[("TF_LOG", "OFF"), ("TF_LOG_PROVIDER_FIXTURE", "INFO")]).await,
        ["info"]
    );
}
