//! Paths of files on this machine, as arguments and in addresses.

use crate::connection::segment;
use crate::process::path_mistake;
use crate::terraform::{Diagnostics, Node};

/// Reads the argument `path`, whose last step `fits`; `why` says what it must be. `None` when it is unknown or wrong, which is reported.
pub(super) fn file_path(
    node: &Node<'_>,
    fits: fn(&str) -> bool,
    why: &'static str,
    problems: &mut Diagnostics,
) -> Option<String> {
    let node = node.attr("path");
    let path = node.required_string(problems).known()?;
    let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
    let mistake = path_mistake(&path).map(|mistake| match path.starts_with('/') {
        true => mistake,
        false => "Write the absolute path, such as abspath(\"${path.module}/.env\"). ~ is not expanded.",
    });
    match mistake.or((!fits(name)).then_some(why)) {
        None => Some(path),
        Some(why) => {
            node.report_not(problems, "the path of a file", why);
            None
        }
    }
}

/// A path in addresses.
pub(super) fn place_of(path: &str) -> String {
    let steps: Vec<String> = path.split('/').map(segment::encode).collect();
    steps.join("/")
}

/// The path that an address has; `None` where it is none of ours.
pub(super) fn path_in(place: &str) -> Option<String> {
    let path = segment::decode(place);
    (path_mistake(&path).is_none() && place_of(&path) == place).then_some(path)
}
