//! Calls one vendor of a sandbox with the credential that the sandbox exports for it.

use serde_json::Value;

use crate::harness::Sandbox;

/// A sandbox and a credential for one of its vendors.
pub(crate) struct Caller {
    pub(crate) sandbox: Sandbox,
    prefix: String,
    authorization: String,
}

impl Caller {
    /// Calls go to paths below `prefix`, with the value of the variable `credential`.
    pub(crate) fn new(prefix: &str, scheme: &str, credential: &str) -> Self {
        let sandbox = Sandbox::start();
        Self {
            prefix: prefix.to_owned(),
            authorization: format!("{scheme}{}", sandbox.export(credential)),
            sandbox,
        }
    }

    /// Makes a call, which has to be answered with this status; the body.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, status: u16, body: Value) -> Value {
        let (seen, answer) = self.call_as(&self.authorization, method, path, &body);
        assert_eq!(seen, status, "{method} {path}: {answer}");
        answer
    }

    /// Reads.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.call("GET", path, 200, Value::Null)
    }

    /// Makes a call as somebody else.
    pub(crate) fn call_as(&self, authorization: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let headers = [("authorization", authorization)];
        self.sandbox
            .call(method, &format!("{}{path}", self.prefix), &headers, body)
    }
}
