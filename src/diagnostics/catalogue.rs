//! What every area of the catalogue is made of.

/// How serious a message is (tfplugin6 `Diagnostic.Severity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The operation fails.
    Error,
    /// The user should know, the operation goes on.
    Warning,
}

/// An error or a warning as data, which knows its own words.
pub trait Text {
    /// Error or warning.
    fn severity(&self) -> Severity;
    /// One line: what failed.
    fn summary(&self) -> String;
    /// Why, what is true now, and what to do.
    fn detail(&self) -> String;
}

/// The words of an error or a warning. Only a [`Text`] becomes one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(
    clippy::manual_non_exhaustive,
    reason = "the attribute would not keep this crate from making one"
)]
pub struct Message {
    /// Error or warning.
    pub severity: Severity,
    /// One line: what failed.
    pub summary: String,
    /// Why, what is true now, and what to do.
    pub detail: String,
    sealed: (),
}

impl<T: Text> From<T> for Message {
    fn from(text: T) -> Self {
        Self {
            severity: text.severity(),
            summary: text.summary(),
            detail: text.detail(),
            sealed: (),
        }
    }
}

impl Message {
    /// The same with its place named, where the summary does not name it.
    #[must_use]
    pub fn placed(self, place: &str) -> Self {
        if self.summary.contains(place) {
            return self;
        }
        Self {
            summary: format!("{place}: {}", self.summary),
            ..self
        }
    }

    /// The same as an error, where it stops what was asked for.
    #[must_use]
    pub fn as_error(self) -> Self {
        Self {
            severity: Severity::Error,
            ..self
        }
    }
}

/// One area: an enum whose variants carry data, each with severity, words and at least one sample.
///
/// ```text
/// catalogue! {
///     /// What it is about.
///     Area {
///         /// When it is given.
///         error Variant { field: Type } => {
///             summary: "What failed",
///             detail: format!("Why {field}, and what to do."),
///             samples: [{ field: … }],
///         }
///     }
/// }
/// ```
/// The expressions see the fields by reference. Samples are compiled for tests alone.
macro_rules! catalogue {
    (
        $(#[$area_doc:meta])*
        $area:ident {
            $(
                $(#[$doc:meta])*
                $severity:ident $variant:ident $({ $($field:ident : $kind:ty),+ $(,)? })? => {
                    summary: $summary:expr,
                    detail: $detail:expr,
                    samples: [$({ $($sample:tt)* }),+ $(,)?] $(,)?
                }
            )+
        }
    ) => {
        $(#[$area_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the texts beside the fields say what they are")]
        pub enum $area {
            $($(#[$doc])* $variant $({ $($field: $kind),+ })?),+
        }

        impl $crate::diagnostics::Text for $area {
            fn severity(&self) -> $crate::diagnostics::Severity {
                match self {
                    $(Self::$variant $({ $($field: _),+ })? => catalogue!(@severity $severity)),+
                }
            }

            fn summary(&self) -> String {
                match self {
                    $(Self::$variant $({ $($field),+ })? => {
                        // A field may show in one of the two alone.
                        $($(let _ = $field;)+)?
                        String::from($summary)
                    }),+
                }
            }

            fn detail(&self) -> String {
                match self {
                    $(Self::$variant $({ $($field),+ })? => {
                        // A field may show in one of the two alone.
                        $($(let _ = $field;)+)?
                        String::from($detail)
                    }),+
                }
            }
        }

        #[cfg(test)]
        impl $area {
            /// The name of each variant with its samples.
            pub(super) fn samples() -> Vec<(&'static str, $crate::diagnostics::Message)> {
                vec![$($((stringify!($variant), Self::$variant { $($sample)* }.into())),+),+]
            }
        }
    };
    (@severity error) => { $crate::diagnostics::Severity::Error };
    (@severity warning) => { $crate::diagnostics::Severity::Warning };
}
