//! Values in the wrong place, keys and sizes that nobody means: told in short, and never repeated.

use serde_json::{Value as Json, json};

use crate::configurations::*;

#[test]
fn no_value_is_repeated() {
    let secret = "sk_live_51HunterTwoXyZ0123456789";
    let fly = |key: &str, value: Json| json!({ "web": { "fly_secret": { "app": "molecule-cp" }, key: value } });
    let check = |key: &str, value: Json| json!({ "up": { "http": { "url": "https://app.example/" }, key: value } });
    let http = |key: &str, value: Json| json!({ "up": { "http": { "url": "https://app.example/", key: value } } });
    let mut misplaced = 0;
    let mut wrong = Vec::new();
    for (argument, value) in [
        ("on_drift", json!(secret)),
        ("on_existing", json!(secret)),
        ("on_destroy", json!(secret)),
        ("overlap", json!(secret)),
        ("label_prefix", json!(format!("{secret}/"))),
        ("revoke", json!({ "mode": secret })),
        ("revoke", json!({ "confirmed": secret })),
        ("rotation", json!({ "every": secret })),
        ("rotation", json!({ "every": "90d", "early": secret })),
        ("rotation_reason", json!(format!("{secret}\n"))),
        ("source", json!(secret)),
        ("source", json!({ "random": secret })),
        ("source", json!({ "random": { "bytes": secret, "encoding": "hex" } })),
        ("source", json!({ "random": { "bytes": 32, "encoding": secret } })),
        ("source", json!({ "random": { "length": 32, "charset": secret } })),
        ("source", json!({ "key_pair": { "algorithm": secret } })),
        ("source", json!({ "fly_token": { "app": "a", "expires_in": secret } })),
        ("source", json!({ "fly_token": { "app": "a", "type": secret } })),
        ("targets", json!(secret)),
        ("targets", json!([secret])),
        ("targets", json!({ "web": secret })),
        ("targets", json!({ "web": { "fly_secret": secret } })),
        (
            "targets",
            json!({ "web": { "fly_secret": { "app": "a", "stage": secret } } }),
        ),
        (
            "targets",
            json!({ "web": { "ssm_parameter": { "name": "/a", "type": secret } } }),
        ),
        (
            "targets",
            json!({ "web": { "ssm_parameter": { "name": "/a", "tier": secret } } }),
        ),
        ("targets", fly("wave", json!(secret))),
        ("targets", fly("part", json!(secret))),
        ("targets", fly("on_remove", json!(secret))),
        ("targets", fly("template", json!(format!("{{{{ {secret} }}}}")))),
        ("targets", fly("template", json!(format!("{{{{ value | {secret} }}}}")))),
        ("targets", fly("valeu", json!(secret))),
        ("checks", json!(secret)),
        ("checks", check("phase", json!(secret))),
        ("checks", check("timeout", json!(secret))),
        ("checks", check("effects", json!(secret))),
        ("checks", http("method", json!(secret))),
        ("checks", http("credential", json!(secret))),
        ("checks", http("expect_status", json!([secret]))),
        ("checks", http("expect_json", json!(secret))),
        ("checks", http("headers", json!(secret))),
        (
            "checks",
            http("headers", json!({ "Authorization": format!("Bearer {secret}") })),
        ),
        ("checks", http("body", json!(format!("{{{{ {secret} }}}}")))),
        (
            "checks",
            http("url", json!(format!("https://user:{secret}@app.example/"))),
        ),
        ("value_wo", json!(secret)),
        ("value_wo", json!([secret])),
        ("parts_wo", json!({ "a": secret })),
        ("parts_wo", json!(secret)),
        ("value_wo_version", json!(secret)),
        ("readers", json!(secret)),
        ("info", json!(secret)),
        ("info", json!({ "owner": [secret] })),
        ("name", json!(format!("{secret}\n"))),
    ] {
        misplaced += 1;
        let secret_in = with(&plain(), argument, value);
        let found = errors(&secret_in);
        if found.is_empty() {
            wrong.push(format!("{secret_in} is taken"));
        }
        let repeated = found.iter().map(text).filter(|text| text.contains("HunterTwo"));
        wrong.extend(repeated.map(|text| format!("{secret_in}\n  {text}")));
    }
    none_of(&wrong);
    println!("{misplaced} values where they do not belong");
}

/// What is told of each is short, in one line, and one error.
fn in_short(secret: &Json, summary: &str, wrong: &mut Vec<String>) {
    match the_error(secret) {
        Ok(found) if found.summary.contains(summary) && found.summary.len() < 600 => {}
        Ok(found) => wrong.push(text(&found).chars().take(200).collect()),
        Err(why) => wrong.push(why),
    }
}

#[test]
fn keys_and_sizes_that_nobody_means_are_refused_in_short() {
    let mut wrong = Vec::new();
    let huge = "k".repeat(10_000);
    for (attribute, element) in [
        ("targets", json!({ "fly_secret": { "app": "molecule-cp" } })),
        ("checks", json!({ "http": { "url": "https://app.example/" } })),
    ] {
        for key in [
            "",
            " ",
            "a\"b",
            "a.b",
            "a\nb",
            "a\u{1b}[31mb",
            "${x}",
            "a\u{0}b",
            "[0]",
            &huge,
        ] {
            let refused = format!("{attribute} has a key that cannot be used");
            in_short(
                &with(&plain(), attribute, json!({ key: element })),
                &refused,
                &mut wrong,
            );
            // The same key with a mistake inside it: both are told, as short.
            let both = errors(&with(&plain(), attribute, json!({ key: { "wvae": 1 } })));
            let long = both
                .iter()
                .filter(|problem| problem.summary.len() > 600 || text(problem).contains(char::is_control));
            wrong.extend(long.map(|problem| text(problem).chars().take(200).collect()));
            if both.len() != 2 {
                wrong.push(format!("{key:?}: {} errors", both.len()));
            }
        }
    }
    for key in ["a\"b", "a.b", "a\nb", "a\u{1b}[31mb", &huge] {
        let mut secret = plain();
        secret["targets"]["web"]["fly_secret"][key] = json!(1);
        in_short(&secret, "is not an argument", &mut wrong);
        in_short(
            &with(&plain(), "source", json!({ key: {} })),
            "is not an argument",
            &mut wrong,
        );
        in_short(
            &with(&plain(), "info", json!({ key: "x" })),
            "is not a key of info",
            &mut wrong,
        );
        let tags = json!({ "web": { "ssm_parameter": { "name": "/a", "tags": { key: ["x"] } } } });
        in_short(&with(&plain(), "targets", tags), "must be a string", &mut wrong);
    }
    none_of(&wrong);
    for many in [1_001, 20_000] {
        let targets = (0..many).map(|at| {
            (
                format!("t{at}"),
                json!({ "fly_secret": { "app": format!("app-{at}") } }),
            )
        });
        let secret = with(&plain(), "targets", Json::Object(targets.collect()));
        assert_eq!(one_error(&secret).summary, format!("targets has {many} elements"));
    }
    let targets = (0..1_000).map(|at| {
        (
            format!("t{at}"),
            json!({ "fly_secret": { "app": format!("app-{at}") } }),
        )
    });
    assert!(errors(&with(&plain(), "targets", Json::Object(targets.collect()))).is_empty());
    // As many mistakes as there are targets are not all told.
    let targets = (0..1_000).map(|at| (format!("t{at}"), json!({ "fly_scret": {} })));
    let found = errors(&with(&plain(), "targets", Json::Object(targets.collect())));
    assert!(found.len() <= 101, "{} errors", found.len());
}

#[test]
fn what_is_nested_deeply_is_one_mistake() {
    for wrap in [|inner: Json| json!([inner]), |inner: Json| json!({ "a": inner })] {
        let deep = (0..200).fold(json!("leaf"), |inner, _| wrap(inner));
        one_error(&with(
            &plain(),
            "targets",
            json!({ "web": { "fly_secret": { "app": deep } } }),
        ));
        one_error(&with(
            &plain(),
            "targets",
            json!({ "web": { "wave": deep, "fly_secret": { "app": "a" } } }),
        ));
        one_error(&with(&plain(), "source", deep.clone()));
        one_error(&with(&plain(), "source", json!({ "random": deep })));
        let found = errors(&with(&plain(), "targets", deep));
        assert!(!found.is_empty());
    }
}
