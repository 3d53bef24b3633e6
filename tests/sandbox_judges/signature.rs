//! AWS Signature Version 4 for the one request shape that these tests send: POST to `/`, JSON 1.1, no query.
//!
//! Written from "Create a signed AWS API request" (AWS IAM user guide).

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};

const REGION: &str = "us-east-1";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn hash(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}

/// The headers that sign a call: `host`, the target and the body go in.
pub(crate) fn headers(key_id: &str, key: &str, host: &str, target: &str, body: &str) -> Vec<(&'static str, String)> {
    let now = jiff::Timestamp::now();
    let (day, instant) = (
        now.strftime("%Y%m%d").to_string(),
        now.strftime("%Y%m%dT%H%M%SZ").to_string(),
    );
    let kind = "application/x-amz-json-1.1";
    let signed = "content-type;host;x-amz-date;x-amz-target";
    let request = format!(
        "POST\n/\n\ncontent-type:{kind}\nhost:{host}\nx-amz-date:{instant}\nx-amz-target:{target}\n\n{signed}\n{}",
        hash(body)
    );
    let scope = format!("{day}/{REGION}/ssm/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{instant}\n{scope}\n{}", hash(&request));
    let signing = [day.as_str(), REGION, "ssm", "aws4_request"]
        .iter()
        .fold(format!("AWS4{key}").into_bytes(), |key, part| keyed(&key, part));
    let signature = hex(&keyed(&signing, &text));
    vec![
        (
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"),
        ),
        ("content-type", kind.to_owned()),
        ("x-amz-date", instant),
        ("x-amz-target", target.to_owned()),
    ]
}
