//! Whose credentials these are: the account is part of every address, so that no other one is taken for it.
//!
//! API: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>, which needs no permission.

use aws_sdk_sts::Client;

use super::failure::Call;
use crate::call::{CallError, Effect};

const SERVICE: &str = "AWS STS";

/// Asks for the account of the credentials in use.
pub(super) async fn of_caller(client: &Client) -> Result<String, CallError> {
    let operation = "asking which AWS account this run belongs to";
    let call = Call {
        service: SERVICE,
        operation,
        action: "sts:GetCallerIdentity",
        resource: "\"*\"",
        writes: false,
    };
    let answer = call.settle(Box::pin(client.get_caller_identity().send()).await)?;
    let account = answer
        .account
        .filter(|account| account.bytes().all(|byte| byte.is_ascii_digit()) && !account.is_empty());
    account.ok_or_else(|| {
        let message = "the answer names no account";
        CallError::malformed(SERVICE, operation, Effect::None, message)
    })
}
