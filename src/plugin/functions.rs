//! Calls of functions: arguments in, result or the one error out.

use zeroize::Zeroizing;

use super::wire::tfplugin6 as wire;
use super::{Function, FunctionError};
use crate::secret::shown;
use crate::terraform::{Diagnostics, Type, Value, json, msgpack};

/// Decodes the arguments, calls the function and encodes its result.
pub(super) fn call(
    function: &dyn Function,
    arguments: Vec<wire::DynamicValue>,
) -> Result<wire::DynamicValue, FunctionError> {
    let signature = function.signature();
    if arguments.len() != signature.parameters.len() {
        let wanted = signature.parameters.len();
        return Err(whole(format!(
            "It takes {wanted} argument(s), and was given {}.",
            arguments.len()
        )));
    }
    let pairs = signature.parameters.iter().zip(arguments).enumerate();
    let values = pairs.map(|(at, (parameter, argument))| {
        decode(argument, &parameter.kind).map_err(|error| FunctionError {
            text: format!("Cannot read {}: {error}.", parameter.name),
            argument: Some(at),
        })
    });
    let values = values.collect::<Result<Vec<Value>, FunctionError>>()?;
    let result = function.call(&values)?;
    let msgpack = msgpack::encode(&result, &signature.returns).map_err(|error| {
        whole(format!(
            "The provider made a result that its own signature forbids: {error}. This is a bug in the provider; please report it."
        ))
    })?;
    Ok(wire::DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}

fn decode(argument: wire::DynamicValue, kind: &Type) -> Result<Value, String> {
    // A caller may hand over a value that no state may hold.
    let (packed, text) = (Zeroizing::new(argument.msgpack), Zeroizing::new(argument.json));
    let decoded = match (packed.as_slice(), text.as_slice()) {
        ([], []) => Ok(Value::Null),
        ([], json) => json::decode(json, kind),
        (packed, _) => msgpack::decode(packed, kind),
    };
    decoded.map_err(|error| error.to_string())
}

/// The error for a name that no function has.
pub(super) fn unknown<'n>(name: &str, known: impl Iterator<Item = &'n &'static str>) -> FunctionError {
    let known: Vec<&str> = known.copied().collect();
    whole(match known.as_slice() {
        [] => format!("This provider has no function {name:?}."),
        known => format!("This provider has no function {name:?}. It has: {}.", known.join(", ")),
    })
}

/// The answer to a call that failed.
pub(super) fn failed(error: FunctionError) -> wire::call_function::Response {
    wire::call_function::Response {
        result: None,
        error: Some(wire::FunctionError {
            text: shown(&error.text),
            function_argument: error.argument.and_then(|at| i64::try_from(at).ok()),
        }),
    }
}

/// The answer to a call that crashed.
pub(super) fn crashed(diagnostics: &Diagnostics) -> wire::call_function::Response {
    let texts = diagnostics
        .iter()
        .map(|known| format!("{}. {}", known.summary, known.detail));
    failed(whole(texts.collect::<Vec<_>>().join("\n")))
}

fn whole(text: String) -> FunctionError {
    FunctionError { text, argument: None }
}
