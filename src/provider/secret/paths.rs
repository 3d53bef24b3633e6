//! The attribute that a problem concerns.

use crate::executor::Subject;
use crate::spec::Config;
use crate::terraform::{Diagnostic, Path};

/// The attribute that a failure concerns.
pub(super) fn path_of(site: &Subject, config: Option<&Config>) -> Path {
    match site {
        Subject::Source => {
            let path = Path::attribute("source");
            config.map_or(path.clone(), |config| path.then_attribute(config.source.kind.name))
        }
        Subject::Target(key) => {
            let path = Path::attribute("targets").then_key(key);
            let kind = config
                .and_then(|config| config.targets.get(key))
                .map(|target| target.kind.name);
            kind.map_or(path.clone(), |kind| path.then_attribute(kind))
        }
        Subject::Activation(key) => {
            let path = Path::attribute("activations").then_key(key);
            let kind = config
                .and_then(|config| config.activations.get(key))
                .map(|activation| activation.run.kind.name);
            kind.map_or(path.clone(), |kind| path.then_attribute(kind))
        }
        Subject::Check(key) => {
            let path = Path::attribute("checks").then_key(key);
            let kind = config
                .and_then(|config| config.checks.get(key))
                .map(|check| check.kind.name);
            kind.map_or(path.clone(), |kind| path.then_attribute(kind))
        }
        Subject::Escrow => Path::attribute("escrow"),
        Subject::Whole => Path::root(),
    }
}

/// The diagnostic at the attribute that it concerns, where it names none itself.
pub(super) fn at(site: Subject, config: &Config, diagnostic: Diagnostic) -> Diagnostic {
    if diagnostic.path == Path::root() {
        diagnostic.at(path_of(&site, Some(config)))
    } else {
        diagnostic
    }
}
