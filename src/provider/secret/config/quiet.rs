//! `revoke.quiet_for`: only where the issuer tells when a credential was last used, and where the provider revokes.

use crate::diagnostics::{Argument, Configuration, names};
use crate::source;
use crate::spec::Config;
use crate::terraform::{Diagnostics, Node};

impl Config {
    /// Nobody may have used the old credential for some time, and somebody has to tell.
    pub(super) fn quiet_can_be_seen(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        if self.quiet_for.is_none() {
            return;
        }
        let quiet_for = node.attr("revoke").attr("quiet_for");
        if self.revoke_by_hand {
            quiet_for.report(problems, |argument| Argument::Conflict {
                argument,
                other: "revoke.mode = \"manual\"".into(),
                advice: "The provider revokes nothing then. Remove one of them.".into(),
            });
        }
        if !self.source.kind.offers.last_use {
            let telling = source::ALL.iter().filter(|kind| kind.offers.last_use);
            let mistake = Configuration::NoLastUse {
                source: self.source.kind.name.into(),
                telling: names(telling.map(|kind| kind.name)),
            };
            problems.report(quiet_for.path().clone(), mistake);
        }
    }
}
