//! A service whose keys are described in the configuration, as any HTTP API is: the sandbox's keys of Resend.

/// What the sandbox lets a run authenticate with.
pub(crate) const OWN_KEY: &str = "re_sandbox1_Qk3v9q2x7w5b8n1m4d0s2h8j6";

/// The argument `source`.
pub(crate) const SOURCE: &str = r#"{
    connection = "service"
    http = {
      mint   = { url = "/api-keys", body = jsonencode({ name = "{{ label }}", permission = "full_access" }), id = "/id", value = "/token" }
      list   = { url = "/api-keys", items = "/data", id = "/id", name = "/name", created_at = "/created_at" }
      revoke = { url = "/api-keys/{{ id }}" }
    }
  }"#;

/// The connection, in the provider block; `origin` is the address of the service.
pub(crate) fn connection(origin: &str) -> String {
    format!(
        "  connection \"service\" {{\n    http {{\n      base_url = {origin:?}\n      headers  = {{ Authorization = \"Bearer {OWN_KEY}\" }}\n    \
         }}\n  }}\n"
    )
}
