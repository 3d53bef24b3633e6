//! Templates: what is plain stays plain, what is rendered is bounded, and nothing shows the text.

use rotation_provider::secret::{Parts, Secret};
use rotation_provider::template::{Template, literal_credential};

/// Longest rendered text, in bytes; as `src/template.rs` promises.
const LONGEST: usize = 1024 * 1024;

/// Any text, first taken for a template, then put into one as a value.
pub fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parts = || {
        Parts::single("password", Secret::plain("{{ p@ß\"".to_owned()))
            .with("username", Secret::plain("app".to_owned()))
    };
    match Template::parse(text) {
        Ok(template) => {
            assert_eq!(template.is_literal(), template.parts().is_empty());
            let known = |part: &String| ["value", "password", "username"].contains(&part.as_str());
            let known = template.parts().iter().all(known);
            match template.render(&parts()) {
                Ok(rendered) if template.is_literal() => assert_eq!(rendered.expose(), text),
                Ok(rendered) => assert!(known && rendered.len() <= LONGEST),
                Err(_) => assert!(
                    !known || text.len() > LONGEST / 1_000,
                    "a short text of known parts is not too long"
                ),
            }
            // Answers for every text, and says no where there is nothing before an @.
            assert!(!literal_credential(&template) || text.contains('@'));
        }
        Err(error) => {
            assert!(
                text.contains("{{") || text.contains("}}"),
                "text without double braces is a template: {error}"
            );
        }
    }
    value(text);
}

/// A value is put in as it is, whatever it holds, and each filter can be undone.
fn value(text: &str) {
    let parts = Parts::single("key", Secret::plain(text.to_owned()));
    let render = |template: &str| {
        let template = Template::parse(template).expect("a template");
        template.render(&parts).map(|rendered| rendered.expose().to_owned())
    };
    assert_eq!(render("<{{ value }}>").as_deref(), Ok(format!("<{text}>").as_str()));
    let json = render("{\"k\":\"{{ key | json }}\"}").expect("the part is known");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["k"], text);
    let encoded = render("{{ value | urlencode }}").expect("the part is known");
    assert!(
        encoded
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
    );
    assert_eq!(percent_decoded(&encoded), text.as_bytes());
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next().expect("two digits"), bytes.next().expect("two digits")];
                let digits = std::str::from_utf8(&digits).expect("digits");
                u8::from_str_radix(digits, 16).expect("hex digits")
            }
            byte => byte,
        });
    }
    decoded
}
