//! A provider-defined function, free of the wire.

use crate::terraform::{Type, Value};

/// A parameter of a function (tfplugin6 `Function.Parameter`). Terraform refuses nulls for it, and asks nothing while an argument has
/// an unknown part.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name in texts.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What it means, in Markdown.
    pub description: &'static str,
}

/// What a function is (tfplugin6 `Function`).
#[derive(Debug, Clone)]
pub struct Signature {
    /// Its parameters, in their order.
    pub parameters: Vec<Parameter>,
    /// The type of its result.
    pub returns: Type,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it does, in Markdown.
    pub description: &'static str,
}

/// The one error that a call may have (tfplugin6 `FunctionError`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// The whole text.
    pub text: String,
    /// The argument at fault, counted from 0.
    pub argument: Option<usize>,
}

/// A function (tfplugin6 `CallFunction`; since 6.5). Terraform calls it in a process that is not configured, and compares the results
/// of equal calls: it knows nothing but its arguments.
pub trait Function: Send + Sync {
    /// What it is; the same on every call.
    fn signature(&self) -> &Signature;

    /// Calls it with one value for each parameter.
    ///
    /// # Errors
    /// [`FunctionError`] for arguments of the wrong shape.
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}
