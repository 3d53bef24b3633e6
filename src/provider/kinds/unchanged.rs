//! Dynamic attributes that say the same in other words.

use crate::terraform::conform::conform;
use crate::terraform::{AttributeType, Diagnostics, Path, Value};

/// Whether two resources are the same in that dynamic attribute, and wholly known there.
pub(in crate::provider) fn is_unchanged(name: &str, content: &AttributeType, one: &Value, other: &Value) -> bool {
    let mut quiet = Diagnostics::new();
    let path = Path::attribute(name);
    let one = conform(one.get(name), content, &path, &[], &mut quiet);
    let other = conform(other.get(name), content, &path, &[], &mut quiet);
    !quiet.has_errors() && !one.has_unknown() && one == other
}
