//! One incident, forty secrets: what can be renewed is, and nothing that goes wrong with one stops another.

use serde_json::{Value, json};

use crate::story::{Story, resource, unframed};
use crate::truth::alive;

const FLY: &str = "source = {\n    fly_token = { app = \"molecule-cp\" }\n  }";

/// How many ordinary ones there are beside the eight that are in some way special.
const PLAIN: usize = 32;

fn ssm(name: &str) -> String {
    format!(
        "targets = {{ runtime = {{ ssm_parameter = {{ name = \"/forty/{name}\" }}, impact = \"{name} is down\" }} }}"
    )
}

/// All forty, under a provider block with that incident.
fn configure(story: &Story, incident: &str) {
    let provided =
        "source = {\n    provided = {}\n  }\n  value_wo = \"a-value-that-a-person-made\"\n  value_wo_version = 1";
    let repository = |name: &str| {
        format!(
            "targets = {{ ci = {{ github_actions_secret = {{ repository = \"{name}\" }} }}, \
             app = {{ ssm_parameter = {{ name = \"/forty/down\" }} }} }}"
        )
    };
    let neon = "source = {\n    neon_api_key = {}\n  }";
    let manual = "revoke {\n    mode = \"manual\"\n  }";
    let guard = "guard {\n    consequence = \"every tenant is unreachable\"\n  }";
    let zero = "overlap = \"0s\"";
    let mut all = String::new();
    let mut add = |label: &str, lines: &[&str]| all.push_str(&resource(label, &label.to_uppercase(), lines));
    for at in 0..PLAIN {
        let label = format!("plain{at}");
        add(&label, &[FLY, &ssm(&label), zero]);
    }
    for label in ["hand0", "hand1", "hand2", "hand3"] {
        add(label, &[provided, &ssm(label)]);
    }
    add("guarded", &[FLY, &ssm("guarded"), zero, guard]);
    add("down", &[FLY, &repository("molecule-monorepo"), zero]);
    add("manual", &[FLY, &ssm("manual"), manual]);
    add("unreachable", &[neon, &ssm("unreachable"), zero]);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  {incident}\n}}\n{all}"
    ));
}

fn generation(story: &Story, label: &str) -> Value {
    story.attributes_of(label)["generation"].clone()
}

fn codes(story: &Story, label: &str) -> Vec<String> {
    let notices = story.attributes_of(label)["notices"].as_array().unwrap().clone();
    notices
        .iter()
        .map(|notice| notice["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn one_incident_renews_what_it_can_and_names_what_it_cannot() {
    let story = Story::new();
    configure(&story, "");
    story.apply();
    story
        .sandbox
        .lasting_fault("/repos/molecule-ai/molecule-monorepo/", "forbidden");
    story.sandbox.lasting_fault("/api/v2/api_keys", "forbidden");
    let incident = "incident {\n    id     = \"INC-40\"\n    reason = \"the CI was breached\"\n    all    = true\n  }";
    configure(&story, incident);
    let plan = unframed(&story.plan());
    assert!(
        plan.contains("guarded: A new generation") || plan.contains("GUARDED: guarded"),
        "{plan}"
    );
    let said = unframed(&story.fails());

    for at in 0..PLAIN {
        let label = format!("plain{at}");
        assert_eq!(generation(&story, &label), 2, "{label}");
        assert_eq!(story.attributes_of(&label)["phase"], "settled", "{label}");
        assert_eq!(story.attributes_of(&label)["incidents"], json!(["INC-40"]), "{label}");
    }
    for label in ["hand0", "hand1", "hand2", "hand3"] {
        assert_eq!(generation(&story, label), 1);
        assert_eq!(story.attributes_of(label)["phase"], "awaiting_value");
        assert_eq!(
            codes(&story, label),
            ["awaiting_value", "exposed"],
            "{}",
            story.attributes_of(label)
        );
    }
    assert_eq!(generation(&story, "guarded"), 1);
    assert_eq!(codes(&story, "guarded"), ["guarded"]);
    assert_eq!(story.attributes_of("down")["deliveries"]["app"]["generation"], 2);
    assert_eq!(story.attributes_of("down")["deliveries"]["ci"]["generation"], 1);
    assert_eq!(generation(&story, "manual"), 2);
    assert_eq!(codes(&story, "manual"), ["exposed"]);
    assert_eq!(generation(&story, "unreachable"), 1);
    for words in [
        "HAND0: an exposed credential still works",
        "HAND3: an exposed credential still works",
        "MANUAL: an exposed credential still works",
        "GitHub answered 403",
        "Neon answered 403",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(!said.contains("PLAIN0: an exposed"), "{said}");
    // One each for the ordinary ones and the guarded one, two where the old one has to live on.
    assert_eq!(alive(&story).len(), PLAIN + 1 + 2 + 2);

    // What was down comes back: the next apply ends what waits, and nothing else happens again.
    story.sandbox.heal();
    story.run(&["apply", "-auto-approve"]).success();
    assert_eq!(story.attributes_of("down")["phase"], "settled");
    assert_eq!(generation(&story, "unreachable"), 2);
    assert_eq!(generation(&story, "plain0"), 2);
    assert_eq!(alive(&story).len(), PLAIN + 1 + 1 + 2);
    story.settled();
}
