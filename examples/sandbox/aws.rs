//! AWS: signatures are verified, Parameter Store keeps parameters, STS tells who calls.

mod parameter;
mod parameters;
mod signature;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::fields::{self, Fields};
use parameters::Parameters;

pub(crate) const ACCESS_KEY_ID: &str = "AKIASANDBOX000000001";
pub(crate) const SECRET_ACCESS_KEY: &str = "sandbox/secret/access/key/tR4pZ8sLq2Vn6Yw1";

/// The account and the user that the access key belongs to.
const ACCOUNT: &str = "000000000000";
const USER: &str = "arn:aws:iam::000000000000:user/sandbox";

/// AWS.
#[derive(Default, Clone)]
pub(crate) struct Aws {
    parameters: Parameters,
}

/// An error of the JSON 1.1 protocol.
fn refuse(code: &str, message: &str) -> Reply {
    Reply::json(400, json!({ "__type": code, "message": message }))
        .with("x-amzn-errortype", code)
        .with("content-type", "application/x-amz-json-1.1")
}

fn accept(body: Value) -> Reply {
    Reply::ok(body).with("content-type", "application/x-amz-json-1.1")
}

/// The operation: the target of the JSON protocol, the action of the query protocol.
pub(crate) fn operation(call: &Call) -> String {
    let target = call.header("x-amz-target");
    if !target.is_empty() {
        return target.to_owned();
    }
    let action = url::form_urlencoded::parse(&call.raw).find(|(name, _)| name == "Action");
    action.map(|(_, action)| action.into_owned()).unwrap_or_default()
}

impl Aws {
    pub(crate) fn seeded() -> Self {
        Self::default()
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        let operation = operation(call);
        let json_protocol = operation.starts_with("AmazonSSM.");
        if let Err((code, message)) = signature::verify(call) {
            return if json_protocol {
                refuse(code, message)
            } else {
                xml_error(code, message)
            };
        }
        match operation.strip_prefix("AmazonSSM.") {
            Some(operation) => self.parameters.answer(operation, call, lag),
            None if operation == "GetCallerIdentity" => identity(),
            None => xml_error("InvalidAction", "the sandbox does not have this action"),
        }
    }

    /// `{"parameters": {"/name": "value"}}`, as a person would in the console; null deletes.
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        for (name, path, value) in Fields::of(content, path, &["parameters"])?.names("parameters")? {
            let value = match value {
                Value::Null => None,
                value => Some(fields::text(&path, value)?),
            };
            self.parameters.set(name, value);
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Value {
        json!({ "ssm": self.parameters.state() })
    }
}

fn identity() -> Reply {
    let text = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{USER}</Arn><UserId>AIDASANDBOX000000001</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    Reply::ok(Value::String(text)).with("content-type", "text/xml")
}

fn xml_error(code: &str, message: &str) -> Reply {
    let text = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>sandbox</RequestId></ErrorResponse>"
    );
    Reply::json(403, Value::String(text)).with("content-type", "text/xml")
}
