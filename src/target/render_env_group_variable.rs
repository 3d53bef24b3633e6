//! An environment variable of a Render environment group. <https://api-docs.render.com/reference/update-env-group-env-var>

use super::TargetKind;
use super::render_variable::RenderVariables;
use crate::connection::render::{self, HolderKind};

static VARIABLES: RenderVariables = RenderVariables {
    kind: "render_env_group_variable",
    holder: HolderKind::Group,
    id: (
        "env_group_id",
        "The id of the environment group, such as `evg-…`, which stands in the URL of its page.",
    ),
};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: VARIABLES.kind,
    summary: "An environment variable of a Render environment group. Only a deploy of each linked service loads it, not a restart: add the \
              activation `render_deploy`. A service's own variable of the same name takes precedence, which a notice (`shadowed`) tells. \
              Anyone with access to the workspace can read its value.",
    api_docs: Some("https://api-docs.render.com/reference/update-env-group-env-var"),
    attributes: || VARIABLES.attributes(),
    parse: |node, default_name, problems| VARIABLES.parse(node, default_name, problems),
    reach: Some(render::VENDOR.reach()),
    slot: |address, link| VARIABLES.slot(address, link),
    words: |address| VARIABLES.words(address),
    offers: VARIABLES.offers(),
};
