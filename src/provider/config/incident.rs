//! `incident { id, reason, exposed, systems, all, revoke }`.

use std::sync::Arc;

use crate::address::Address;
use crate::connection::VENDORS;
use crate::diagnostics::{Argument, ConnectionProblem, names};
use crate::provider::Setting;
use crate::spec::{Incident, IncidentRevoke, System};
use crate::terraform::conform::nearest;
use crate::terraform::{Attribute, Block, BlockNesting, Diagnostics, NestedBlock, Node, Type};
use crate::{source, target};

/// Vendors of later versions, which may be named in advance.
const LATER_VENDORS: [&str; 10] = [
    "cloudflare",
    "gcp",
    "postgres",
    "railway",
    "redis",
    "render",
    "stripe",
    "supabase",
    "upstash",
    "vercel",
];

/// The block.
pub(super) fn block() -> NestedBlock {
    let attributes = vec![
        Attribute::optional(
            "id",
            Type::String,
            "Required. Its name, such as `INC-2026-11-24`. A secret handles each incident once.",
        ),
        Attribute::optional(
            "reason",
            Type::String,
            "Required. What happened, in one line. Recorded with each rotation.",
        ),
        Attribute::optional(
            "exposed",
            Type::strings(),
            "Identities that may be compromised. Secrets that have one of them in `readers` are rotated.",
        ),
        Attribute::optional(
            "systems",
            Type::strings(),
            "Vendors (such as `github`), and addresses from `deliveries` and `credentials`. Secrets that they issue or hold are rotated.",
        ),
        Attribute::optional("all", Type::Bool, "`true` rotates every secret. Default `false`."),
        Attribute::optional(
            "revoke",
            Type::String,
            "When exposed credentials are revoked. `checked` (default): once the new one is delivered and checked. `delivered`: once it is \
             delivered, before the checks. `now`: as soon as there is a new one, whatever breaks.",
        ),
    ];
    NestedBlock {
        name: "incident",
        nesting: BlockNesting::Single,
        block: Block {
            attributes,
            blocks: Vec::new(),
            description: "An incident that may have exposed credentials. The next apply rotates every exposed secret, and revokes older \
                          credentials without waiting for a window or an overlap."
                .to_owned(),
        },
    }
}

/// Reads the block. Unknown while something in it is; what is wrong is reported.
pub(super) fn parse(node: &Node<'_>, problems: &mut Diagnostics) -> Setting<Incident> {
    if node.is_null() {
        return Setting::None;
    }
    match parse_known(node, problems) {
        Some(incident) => Setting::Known(Arc::new(incident)),
        None => Setting::Unknown,
    }
}

fn parse_known(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Incident> {
    let mut text = |name: &str| {
        let node = node.attr(name);
        node.required_string(problems).known().filter(|text| {
            let good = !text.trim().is_empty() && !text.contains(char::is_control);
            if !good {
                node.report(problems, |argument| Argument::CannotBeUsed {
                    argument,
                    why: "It is blank or contains line breaks. It is recorded with every rotation, so write one line."
                        .into(),
                });
            }
            good
        })
    };
    let (id, reason) = (text("id"), text("reason"));
    let exposed = node.attr("exposed").strings(problems).or(Vec::new());
    let systems = parse_systems(&node.attr("systems"), problems);
    let all = node.attr("all").bool(problems).or(false);
    let revoke = node
        .attr("revoke")
        .one_of(&["checked", "delivered", "now"], problems)
        .or(IncidentRevoke::default().as_str());
    Some(Incident {
        id: id?,
        reason: reason?,
        exposed: exposed?.into_iter().collect(),
        systems: systems?,
        all: all?,
        revoke: IncidentRevoke::parse(revoke?)?,
    })
}

fn parse_systems(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Vec<System>> {
    let systems_named = node.strings(problems).or(Vec::new())?;
    let vendors = VENDORS.iter().map(|vendor| vendor.block);
    let vendors: Vec<&str> = vendors.chain(LATER_VENDORS).collect();
    let mut systems = Vec::new();
    for name in systems_named {
        let address = name.parse::<Address>().ok();
        let address =
            address.filter(|known| target::kind(&known.kind).is_some() || source::kind(&known.kind).is_some());
        match address {
            _ if vendors.contains(&name.as_str()) => systems.push(System::Vendor(name)),
            Some(address) => systems.push(System::Address(address)),
            None => {
                let meant = nearest(&name, &vendors);
                node.report(problems, |argument| ConnectionProblem::UnknownSystem {
                    argument,
                    name: name.clone(),
                    vendors: names(vendors.iter().map(|vendor| (*vendor).to_owned())),
                    meant: meant.map(str::to_owned),
                });
                return None;
            }
        }
    }
    Some(systems)
}
