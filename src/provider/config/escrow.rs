//! `escrow { ssm_parameter { path, kms_key_id, connection } }`.

use std::sync::Arc;

use crate::address::DEFAULT_CONNECTION;
use crate::connection::{Connections, Unready};
use crate::diagnostics::Argument;
use crate::provider::Setting;
use crate::spec::Escrow;
use crate::target::ssm_parameter;
use crate::terraform::{Attribute, Block, BlockNesting, Diagnostics, NestedBlock, Node, Type};

/// Stands for a secret's id where a path is checked: as long as one.
const ANY_ID: &str = "00000000000000000000000000000000";

/// The block.
pub(super) fn block() -> NestedBlock {
    let attributes = vec![
        Attribute::optional(
            "path",
            Type::String,
            "Required. The entry of a secret is `<path><id>`. Begins with a slash, such as `/rotation/escrow/`.",
        ),
        Attribute::optional(
            "kms_key_id",
            Type::String,
            "The KMS key that encrypts the entries: id, ARN or alias. Whoever may decrypt with it and read the parameters can read every \
             secret, so use a key of its own. Default: the account's `alias/aws/ssm`.",
        ),
        Attribute::optional(
            "connection",
            Type::String,
            "The name of a `connection` with an `aws` block. Default: the provider's own account.",
        ),
    ];
    let single = |name, attributes, blocks, description: &str| NestedBlock {
        name,
        nesting: BlockNesting::Single,
        block: Block {
            attributes,
            blocks,
            description: description.to_owned(),
        },
    };
    let parameter = single(
        "ssm_parameter",
        attributes,
        Vec::new(),
        "Encrypted parameters in AWS Systems Manager Parameter Store, one for each secret.",
    );
    single(
        "escrow",
        Vec::new(),
        vec![parameter],
        "Where values are parked before any target gets them. A rotation that was interrupted goes on with the same value, and `restore` \
         can deliver an older generation again while it is still valid.",
    )
}

/// Reads the block. Unknown while something in it is; what is wrong is reported.
pub(super) fn parse(node: &Node<'_>, problems: &mut Diagnostics) -> Setting<Escrow> {
    if node.is_null() {
        return Setting::None;
    }
    let parameter = node.attr("ssm_parameter");
    if parameter.is_null() {
        node.report(problems, |argument| Argument::Needs {
            argument,
            other: "ssm_parameter".into(),
            why: "It is the only place where values can be parked. Add `ssm_parameter { path = \"/rotation/escrow/\" }`, or remove the \
                  block."
                .into(),
        });
        return Setting::Unknown;
    }
    match parse_known(&parameter, problems) {
        Some(escrow) => Setting::Known(Arc::new(escrow)),
        None => Setting::Unknown,
    }
}

fn parse_known(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Escrow> {
    let passes = |node: &Node<'_>, outcome: Result<(), String>, problems: &mut Diagnostics| {
        let Err(why) = outcome else { return true };
        node.report(problems, |argument| Argument::NotAccepted {
            argument,
            by: "AWS SSM".into(),
            why: format!("The rule: {why}.").into(),
        });
        false
    };
    let path_node = node.attr("path");
    let path = path_node.required_string(problems).and_then_checked(|path| {
        let path = match path.ends_with('/') {
            true => path,
            false => path + "/",
        };
        let fits = match path.starts_with('/') {
            true => ssm_parameter::check_name(&format!("{path}{ANY_ID}")),
            false => Err("the path of entries begins with a slash".to_owned()),
        };
        passes(&path_node, fits, problems).then_some(path)
    });
    let key_node = node.attr("kms_key_id");
    let key_id = key_node
        .string(problems)
        .and_then_checked(|key| passes(&key_node, ssm_parameter::check_key(&key), problems).then_some(key));
    let connection = node
        .attr("connection")
        .string(problems)
        .or(DEFAULT_CONNECTION.to_owned());
    Some(Escrow {
        path: path.known()?,
        key_id: key_id.optional()?,
        connection: connection?,
    })
}

/// The connection must be declared, and lead to AWS.
pub(super) fn check_connection(
    escrow: &Escrow,
    node: &Node<'_>,
    connections: &Connections,
    problems: &mut Diagnostics,
) {
    let link = connections.link(&escrow.connection);
    let Some(reach) = ssm_parameter::KIND.reach.filter(|_| link.is_named()) else {
        return;
    };
    let found = connections.find(reach.vendor, &escrow.connection);
    if let (Err(Unready::Undeclared | Unready::OfOtherVendor(_)), Err(why)) = (found, link.dynamic(reach.vendor)) {
        let connection = node.attr("ssm_parameter").attr("connection");
        problems.push(why.at(connection.path().clone()));
    }
}
