//! An environment variable of a Render service or cron job. <https://api-docs.render.com/reference/update-env-var>

use super::TargetKind;
use super::render_variable::{OF_SERVICE, RenderVariables};
use crate::connection::render::{self, HolderKind};

static VARIABLES: RenderVariables = RenderVariables {
    kind: OF_SERVICE,
    holder: HolderKind::Service,
    id: (
        "service_id",
        "The id of the service, such as `srv-…` (`crn-…` for a cron job), which stands in the URL of its page.",
    ),
};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: VARIABLES.kind,
    summary: "An environment variable of a Render service. Only a deploy loads it, not a restart: add the activation `render_deploy`. \
              Anyone with access to the workspace can read its value.",
    api_docs: Some("https://api-docs.render.com/reference/update-env-var"),
    attributes: || VARIABLES.attributes(),
    parse: |node, default_name, problems| VARIABLES.parse(node, default_name, problems),
    reach: Some(render::VENDOR.reach()),
    slot: |address, link| VARIABLES.slot(address, link),
    words: |address| VARIABLES.words(address),
    offers: VARIABLES.offers(),
};
