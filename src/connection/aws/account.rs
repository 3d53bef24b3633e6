//! Whose credentials these are: the account is part of every address, so that no other one is taken for it.
//!
//! API: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>, which needs no permission.

use super::api::{Api, Call, Service, Wire};
use super::failure::text_at;
use crate::call::CallError;

/// The Security Token Service.
pub(super) static STS: Service = Service {
    title: "AWS STS",
    id: "STS",
    prefix: "sts",
    wire: Wire::Query("2011-06-15"),
};

/// Asks for the account of the credentials in use.
pub(super) async fn of_caller(sts: &Api) -> Result<String, CallError> {
    let call = Call {
        action: "sts:GetCallerIdentity",
        operation: "asking which AWS account this run belongs to",
        resource: "\"*\"",
        secret_answer: false,
    };
    let answer = sts.ask(&call, &()).await?;
    answer.parsed("the answer names no account", |xml| {
        text_at(xml, &["GetCallerIdentityResult", "Account"])
            .filter(|account| account.bytes().all(|byte| byte.is_ascii_digit()) && !account.is_empty())
    })
}
