//! Objects that begin with what exists: an import, or a move from a resource that held the value in the state.
//!
//! Their state has no more than a name and generation 0. The first apply looks at what exists, and takes it over (`apply/take_over.rs`).

use super::config::name_mistake;
use super::schema;
use super::state::notices_value;
use crate::diagnostics::{Adoption, names};
use crate::plugin::{ImportRequest, MoveRequest, cannot_move};
use crate::rotation::{Notice, NoticeCode, TAKEN_OVER};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Path, Type, Value};

/// Resources that keep a value in the state, and the provider that each is of.
const MOVED: [(&str, &str); 4] = [
    ("random_password", "hashicorp/random"),
    ("random_bytes", "hashicorp/random"),
    ("random_id", "hashicorp/random"),
    ("tls_private_key", "hashicorp/tls"),
];

/// What identifies a secret within a state.
pub(super) fn identity_attributes() -> Vec<Attribute> {
    vec![Attribute::required("name", Type::String, "The secret's `name`.")]
}

/// The identity of an object; null while its name is not on record.
pub(super) fn identity(object: &Value) -> Value {
    let name = object.get("name");
    match name {
        Value::Null => Value::Null,
        name => Value::object([("name", name.clone())]),
    }
}

/// The state of an import by name or by identity.
pub(super) fn import(request: &ImportRequest) -> Result<Value, Diagnostics> {
    let named = request.identity.get("name").as_str();
    let name = named.unwrap_or(&request.id);
    if let Some(mistake) = name_mistake(name) {
        let why = mistake.into();
        return Err(Diagnostic::new(Path::root(), Adoption::NotAName { why }).into());
    }
    Ok(begun(Value::string(name), &[]))
}

/// The state after a move. The one before it is not looked at: the value in it stays where it was.
pub(super) fn move_from(request: &MoveRequest) -> Result<Value, Diagnostics> {
    let is_known = |(type_name, provider): &(&str, &str)| {
        let of_provider = request.provider.strip_suffix(provider);
        *type_name == request.type_name && of_provider.is_some_and(|host| host.is_empty() || host.ends_with('/'))
    };
    if !MOVED.iter().any(is_known) {
        let known = MOVED
            .iter()
            .map(|(type_name, provider)| format!("{type_name} ({provider})"));
        return Err(cannot_move(request, names(known)));
    }
    let notice = Notice {
        code: NoticeCode::WasInState,
        subject: request.type_name.clone(),
        text: "Earlier versions of the Terraform state hold the value in plain text. Set a new `rotation_reason` to rotate it, then delete \
               those versions."
            .to_owned(),
    };
    Ok(begun(Value::Null, &[notice]))
}

fn begun(name: Value, notices: &[Notice]) -> Value {
    let block = schema::schema().block;
    let names = block.attributes.iter().map(|attribute| attribute.name);
    let names = names.chain(block.blocks.iter().map(|nested| nested.name));
    let empty = names.fold(Value::object([]), |object, name| object.with(name, Value::Null));
    let notices = match notices {
        [] => Value::Null,
        notices => notices_value(notices),
    };
    empty
        .with("name", name)
        .with("generation", Value::number(TAKEN_OVER))
        .with("notices", notices)
}
