//! What is logged, by us and by the SDK.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::layer::SubscriberExt as _;

use super::scripted_aws::{Reply, ScriptedAws};
use super::{CANARY, NAME, connections, deliver, label, listed, named, target_of};

/// Keeps every event and span of every crate, fields included.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<Vec<(String, String)>>>);

impl Everything {
    fn keep(&self, target: &str, record: impl FnOnce(&mut dyn tracing::field::Visit)) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        let mut text = Text(String::new());
        record(&mut text);
        self.0.lock().expect("no panic").push((target.to_owned(), text.0));
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Everything {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        self.keep(event.metadata().target(), |text| event.record(text));
    }

    fn on_new_span(
        &self,
        span: &tracing::span::Attributes<'_>,
        _: &tracing::Id,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) {
        self.keep(span.metadata().target(), |text| span.record(text));
    }
}

#[tokio::test]
async fn logs_at_every_level_are_free_of_the_value_those_of_the_sdk_included() {
    let kept = Everything::default();
    let subscriber = tracing_subscriber::registry().with(kept.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let written = AtomicBool::new(false);
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "PutParameter" => {
            written.store(true, Ordering::SeqCst);
            Reply::Answer(200, json!({ "Version": 1 }))
        }
        "DescribeParameters" if !written.load(Ordering::SeqCst) => Reply::Answer(200, json!({})),
        "DescribeParameters" => {
            let mark = format!("x [{}] v1", label(1));
            Reply::Answer(200, json!({ "Parameters": [listed(NAME, 1, &mark)] }))
        }
        _ => Reply::Answer(
            200,
            json!({ "Parameter": { "Name": NAME, "Version": 1, "Value": CANARY } }),
        ),
    })
    .await;
    let target = target_of(named(NAME), &connections(aws.url()));
    deliver(&*target, NAME, CANARY, 1).await.expect("put");
    target.read().await.expect("read").expect("there");
    let kept = kept.0.lock().expect("no panic");
    assert!(
        kept.iter().any(|(target, _)| target.starts_with("aws_")),
        "the layer sees the SDK"
    );
    let leaks: Vec<_> = kept.iter().filter(|(_, text)| text.contains(CANARY)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
