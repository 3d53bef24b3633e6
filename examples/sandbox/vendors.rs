//! The vendors' emulators, declared once.

use serde_json::{Map, Value, json};

use crate::call::{Call, Reply};

/// Declares the vendors: the file of each, and the type in it that answers.
macro_rules! vendors {
    ($($file:ident::$vendor:ident),* $(,)?) => {
        /// The vendors, by whose paths a call is told.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Vendor {
            $($vendor,)*
        }

        impl Vendor {
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$vendor => stringify!($file),)*
                }
            }
        }

        /// What every vendor holds.
        #[derive(Clone)]
        pub(crate) struct Vendors {
            $(pub(crate) $file: crate::$file::$vendor,)*
        }

        impl Vendors {
            pub(crate) const NAMES: &[&str] = &[$(stringify!($file)),*];

            pub(crate) fn seeded() -> Self {
                Self {
                    $($file: crate::$file::$vendor::seeded(),)*
                }
            }

            /// The answer of that vendor; lists lag behind writes by so many milliseconds.
            pub(crate) fn answer(&mut self, vendor: Vendor, call: &Call, lag: i64) -> Reply {
                match vendor {
                    $(Vendor::$vendor => self.$file.answer(call, lag),)*
                }
            }

            /// Adds to what the vendor of that name holds; `path` is where the content stands, for errors.
            pub(crate) fn seed(&mut self, name: &str, content: &Value, path: &str) -> Result<(), String> {
                $(if name == stringify!($file) {
                    return self.$file.seed(content, path);
                })*
                Err(format!("there is no vendor {name}"))
            }

            /// The truth about everything, values included.
            pub(crate) fn truth(&self) -> Value {
                let mut truth = Map::new();
                $(truth.insert(stringify!($file).to_owned(), self.$file.state());)*
                Value::Object(truth)
            }
        }
    };
}

vendors! { fly::Fly, github::GitHub, neon::Neon, railway::Railway, render::Render, resend::Resend, vercel::Vercel, aws::Aws, platform::Platform }

impl Vendor {
    pub(crate) fn of(call: &Call) -> Option<Self> {
        match call.segments.first().map(String::as_str) {
            Some("v1" | "graphql") => Some(Self::Fly),
            Some("repos" | "repositories" | "orgs" | "app" | "installation" | "rate_limit" | "user") => {
                Some(Self::GitHub)
            }
            Some("api") => Some(Self::Neon),
            Some("railway") => Some(Self::Railway),
            Some("render") => Some(Self::Render),
            Some("vercel") => Some(Self::Vercel),
            Some("api-keys" | "domains" | "emails") => Some(Self::Resend),
            Some("health" | "settings" | "workspaces") => Some(Self::Platform),
            None => Some(Self::Aws),
            Some(_) => None,
        }
    }

    /// An error in the vendor's own shape.
    pub(crate) fn error(self, status: u16, message: &str) -> Reply {
        let body = match self {
            Self::Fly => json!({ "error": message, "status": "unknown" }),
            Self::GitHub => {
                json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string() })
            }
            Self::Resend => return crate::resend::refuse(status, "application_error", message),
            Self::Neon => json!({ "request_id": "sandbox", "code": "", "message": message }),
            Self::Aws => {
                let code = match status {
                    429 => "ThrottlingException",
                    401 => "UnrecognizedClientException",
                    403 => "AccessDeniedException",
                    404 => "ParameterNotFound",
                    422 => "ValidationException",
                    _ => "InternalServerError",
                };
                json!({ "__type": code, "message": message })
            }
            Self::Railway => json!({ "errors": [{ "message": message }] }),
            Self::Render => json!({ "id": "sandbox", "message": message }),
            Self::Vercel => json!({ "error": { "code": "sandbox", "message": message } }),
            Self::Platform => json!({ "error": message }),
        };
        // AWS reports throttling and authentication as 400.
        let status = if self == Self::Aws && (400..500).contains(&status) {
            400
        } else {
            status
        };
        Reply::json(status, body)
    }
}
