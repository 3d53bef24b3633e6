//! Texts that carry meaning: what is read, written and read again is the same; what has a meaning survives its text.

use rotation_provider::address::Address;
use rotation_provider::duration;
use rotation_provider::label::Label;
use rotation_provider::terraform::Number;

/// Durations, numbers, labels and addresses, each from the same text.
pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match duration::parse(text) {
        Ok(parsed) => {
            assert!(!parsed.is_negative() && parsed.subsec_nanos() == 0);
            assert_eq!(duration::parse(&duration::format(parsed)), Ok(parsed));
        }
        Err(error) => assert!(error.to_string().len() < 1_000, "a long text is not repeated at length"),
    }
    if let Some(number) = Number::parse(text) {
        assert_eq!(Number::parse(number.as_str()), Some(number.clone()), "{number}");
        assert!(
            number.as_str().len() <= 1_203,
            "sign, a leading zero and a point beside the digits"
        );
    }
    if let Some(label) = Label::parse(text) {
        assert_eq!(Label::parse(&label.to_string()), Some(label.clone()));
        assert_eq!(label.to_string(), text, "a name that is not exactly ours is not ours");
    }
    if let Some(label) = Label::find(text) {
        assert!(text.contains(&label.to_string()));
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string(), text);
    }
}
