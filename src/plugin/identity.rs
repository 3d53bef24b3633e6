//! The identities of objects on the wire (6.9).

use super::Resource;
use super::catalog::{Served, Shape};
use super::wire::tfplugin6 as wire;
use crate::terraform::{Diagnostics, Value};

/// The identity of an object, as far as it is known; none of an object that does not exist, or of a type without identities.
pub(super) fn identity_of(
    served: &Served<dyn Resource>,
    object: &Value,
    diagnostics: &mut Diagnostics,
) -> Option<wire::ResourceIdentityData> {
    if object.is_null() || served.handler.identity_attributes().is_empty() {
        return None;
    }
    let identity = served.handler.identity(object);
    let complete = !identity.is_null() && !identity.has_unknown();
    if !complete {
        return None;
    }
    encoded(&served.identity_shape(), identity, diagnostics)
}

/// An identity in the form of the wire.
pub(super) fn encoded(
    shape: &Shape,
    identity: Value,
    diagnostics: &mut Diagnostics,
) -> Option<wire::ResourceIdentityData> {
    let identity_data = shape.encode_state_or(identity, None, diagnostics);
    identity_data.map(|data| wire::ResourceIdentityData {
        identity_data: Some(data),
    })
}
