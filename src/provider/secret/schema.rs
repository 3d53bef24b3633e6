//! The schema of `rotation_secret`, put together from the registries of kinds.

use std::time::Duration;

use jiff::SignedDuration;

use crate::check::Patience;
use crate::terraform::{Attribute, Block, BlockNesting, Mode, NestedBlock, Nesting, Schema, Type};
use crate::{check, duration, source, target};

/// The inventory texts of `info`.
pub const INFO: [(&str, &str); 6] = [
    ("purpose", "What the secret is for."),
    ("owner", "Who answers for it."),
    ("impact", "What happens when it leaks or is lost."),
    ("contact", "Whom to reach, and how, when a vendor's step fails."),
    ("class", "Its class in your inventory, such as `platform` or `ci`."),
    ("docs_url", "Where its procedure is written down."),
];

/// Version of the state format.
pub const VERSION: i64 = 1;

/// The whole resource.
pub fn schema() -> Schema {
    let mut attributes = arguments();
    attributes.extend(computed());
    Schema {
        version: VERSION,
        block: Block {
            attributes,
            blocks: vec![rotation_block(), revoke_block()],
            description:
                "A secret that is rotated: minted, delivered to every target wave by wave, activated, checked, and, \
                          once the overlap has ended, revoked. No value of it is ever in state or plan."
                    .to_owned(),
        },
    }
}

fn kinds(entries: impl Iterator<Item = (&'static str, String, Vec<Attribute>)>) -> Vec<Attribute> {
    entries
        .map(|(name, summary, attributes)| {
            Attribute::nested(name, Nesting::Single, Mode::Optional, attributes, summary)
        })
        .collect()
}

/// What holds for each kind of check when the user says nothing.
fn by_check(field: fn(&Patience) -> Duration) -> String {
    let texts = check::ALL.iter().map(|kind| {
        let text = SignedDuration::try_from(field(&kind.patience)).map(duration::format);
        format!("`{}` for `{}`", text.unwrap_or_default(), kind.name)
    });
    texts.collect::<Vec<_>>().join(", ")
}

fn arguments() -> Vec<Attribute> {
    let sources = source::ALL.iter().map(|kind| {
        let parts = kind
            .parts
            .iter()
            .map(|part| format!("`{part}`"))
            .collect::<Vec<_>>()
            .join(", ");
        (
            kind.name,
            format!("{} Parts: {parts}.", kind.summary),
            (kind.attributes)(),
        )
    });
    let mut target = vec![
        Attribute::optional(
            "wave",
            Type::Number,
            "When it is written: waves run in ascending order, targets of one wave concurrently. A whole number from 1; default 1.",
        ),
        Attribute::optional(
            "part",
            Type::String,
            "Which part of the credential it holds. Default: the primary one.",
        ),
        Attribute::optional(
            "template",
            Type::String,
            "Text that it holds instead of a bare part: `{{ part }}`, with the filters `urlencode`, `base64`, `base64url`, `json`.",
        ),
        Attribute::optional(
            "on_remove",
            Type::String,
            "What happens to the entry when the target leaves the configuration: `delete` (default) or `keep`.",
        ),
    ];
    target.extend(kinds(
        target::ALL
            .iter()
            .map(|kind| (kind.name, kind.summary.to_owned(), (kind.attributes)())),
    ));
    let mut check = vec![
        Attribute::optional("wave", Type::Number, "The wave that it follows. Default: the last one."),
        Attribute::optional(
            "phase",
            Type::String,
            "`delivered` (default): after its wave; `preflight`: before anything is minted; `revoked`: after an old credential was revoked.",
        ),
        Attribute::optional(
            "timeout",
            Type::String,
            format!(
                "Time for one attempt. Default: {}.",
                by_check(|patience| patience.timeout)
            ),
        ),
        Attribute::optional(
            "retry_for",
            Type::String,
            format!(
                "A failed attempt is repeated until this has passed; `0s` means one attempt. Default: {}.",
                by_check(|patience| patience.retry_for)
            ),
        ),
    ];
    check.extend(kinds(
        check::ALL
            .iter()
            .map(|kind| (kind.name, kind.summary.to_owned(), (kind.attributes)())),
    ));
    let info = INFO
        .iter()
        .map(|(name, text)| Attribute::optional(name, Type::String, *text))
        .collect();
    vec![
        Attribute::required(
            "name",
            Type::String,
            "Name of the secret, and the default name of its entry at each target. At most 255 characters.",
        ),
        Attribute::nested("info", Nesting::Single, Mode::Optional, info, "Inventory."),
        Attribute::optional(
            "readers",
            Type::strings(),
            "Identities that can read the secret: its blast radius.",
        ),
        Attribute::nested(
            "source",
            Nesting::Single,
            Mode::Required,
            kinds(sources),
            "Where credentials come from: exactly one kind.",
        ),
        Attribute::nested(
            "targets",
            Nesting::Map,
            Mode::Required,
            target,
            "Where the secret is held, by a key that names the target in plans and errors: each exactly one kind, and the common keys.",
        ),
        Attribute::nested(
            "checks",
            Nesting::Map,
            Mode::Optional,
            check,
            "How a rotation is proved to work: each exactly one kind, and the common keys.",
        ),
        Attribute::optional(
            "overlap",
            Type::String,
            "How long the old credential stays valid once the new one is live and checked. Default: `24h` if consumers of any target pick values up in their own time, else `0s`.",
        ),
        Attribute::optional(
            "rotate_now",
            Type::String,
            "A new text rotates, and is recorded as the reason: one line. Clearing it does not rotate.",
        ),
        Attribute::optional(
            "on_drift",
            Type::String,
            "`heal` (default): an entry that was changed or deleted outside Terraform is delivered again; `report`: only a warning.",
        ),
        Attribute::optional(
            "on_existing",
            Type::String,
            "When a slot that is taken for the first time already has an entry: `refuse` (default) or `replace`.",
        ),
        Attribute::optional(
            "on_destroy",
            Type::String,
            "`revoke` (default): delete the entries and revoke the credentials; `abandon`: forget them, touch nothing.",
        ),
        Attribute::optional(
            "label_prefix",
            Type::String,
            "Stands before our own mark in every vendor-side name: letters, digits, hyphens, underscores and dots, at most 128; Neon has room \
             for fewer. Default: the name, other characters replaced by hyphens.",
        ),
    ]
}

fn computed() -> Vec<Attribute> {
    let credential = vec![
        Attribute::computed("generation", Type::Number, "Its generation."),
        Attribute::computed("credential_id", Type::String, "The issuer's handle."),
        Attribute::computed(
            "issuer",
            Type::String,
            "The issuer's address, `kind:connection:container`.",
        ),
        Attribute::computed(
            "label",
            Type::String,
            "Our mark of this generation: the name that the credential carries at its issuer, where the issuer keeps names.",
        ),
        Attribute::computed(
            "status",
            Type::String,
            "`current`, `overlapping` or `orphaned`; a later version may also say `disabled`.",
        ),
        Attribute::computed("minted_at", Type::String, "When it was made, RFC 3339."),
        Attribute::computed("expires_at", Type::String, "When it ends by itself, RFC 3339."),
        Attribute::computed("revoke_after", Type::String, "When its overlap ends, RFC 3339."),
    ];
    let delivery = vec![
        Attribute::computed(
            "slot",
            Type::String,
            "The slot's address, `kind:connection:container/name`.",
        ),
        Attribute::computed("generation", Type::Number, "The generation that it holds."),
        Attribute::computed(
            "status",
            Type::String,
            "`current`, `stale`, `staged`, `changed`, `missing`, `unknown`, `removing` or `gone`.",
        ),
        Attribute::computed("revision", Type::String, "The vendor's marker of our write."),
        Attribute::computed(
            "existed_before",
            Type::Bool,
            "Something stood there before our first write.",
        ),
        Attribute::computed("delivered_at", Type::String, "When it was last written, RFC 3339."),
        Attribute::computed("detail", Type::String, "A short remark."),
    ];
    let notice = vec![
        Attribute::computed(
            "code",
            Type::String,
            "`drifted`, `revoke_by_hand`, `revoke_waits`, `staged`, `unreachable`, `gone`, `lookalike`, `rival` or `own_credential`.",
        ),
        Attribute::computed(
            "subject",
            Type::String,
            "A target's key, a credential's id, or an issuer's address.",
        ),
        Attribute::computed("text", Type::String, "What it says to a person."),
    ];
    let check = vec![
        Attribute::computed("name", Type::String, "The check's key."),
        Attribute::computed("result", Type::String, "`passed` or `failed`."),
        Attribute::computed("duration", Type::String, "How long it took."),
    ];
    let rotation = vec![
        Attribute::computed("reason", Type::String, "Why it was rotated; known in the plan."),
        Attribute::computed("started_at", Type::String, "RFC 3339."),
        Attribute::computed("finished_at", Type::String, "RFC 3339; null while it is under way."),
        Attribute::computed("actor", Type::String, "Who ran it, from the CI's environment."),
        Attribute::computed(
            "commit",
            Type::String,
            "The commit it ran from, from the CI's environment.",
        ),
        Attribute::computed("incident_id", Type::String, "The incident that caused it."),
        Attribute::nested(
            "checks",
            Nesting::List,
            Mode::Computed,
            check,
            "The checks and their results.",
        ),
        Attribute::computed(
            "revoked",
            Type::strings(),
            "Handles of the credentials that were revoked.",
        ),
    ];
    vec![
        Attribute::computed(
            "id",
            Type::String,
            "32 hexadecimal characters, derived from namespace, name, source and slots at creation; every vendor-side label carries the first 12.",
        ),
        Attribute::computed("generation", Type::Number, "1, 2, 3 …"),
        Attribute::computed(
            "phase",
            Type::String,
            "`settled`, `overlapping` or `partial`; a later version may also say `awaiting_value`.",
        ),
        Attribute::computed(
            "pending",
            Type::strings(),
            "What the next apply will do because of time or drift.",
        ),
        Attribute::nested(
            "notices",
            Nesting::List,
            Mode::Computed,
            notice,
            "What waits, or needs a person. Plan and apply repeat it as a warning.",
        ),
        Attribute::computed(
            "rotated_at",
            Type::String,
            "When the current generation was in place, RFC 3339, UTC.",
        ),
        Attribute::computed(
            "rotate_after",
            Type::String,
            "When the schedule asks for the next rotation, RFC 3339, UTC; null without `every`. A credential that ends by itself may ask \
             for one earlier: see `next_action_at`.",
        ),
        Attribute::computed(
            "revoke_after",
            Type::String,
            "When the next old credential's overlap ends, RFC 3339, UTC.",
        ),
        Attribute::computed(
            "next_action_at",
            Type::String,
            "The earliest instant at which an apply has something to do; for schedulers.",
        ),
        Attribute::computed(
            "public",
            Type::string_map(),
            "Public parts: user name, public key, `kid` …",
        ),
        Attribute::nested(
            "credentials",
            Nesting::List,
            Mode::Computed,
            credential,
            "Credentials that may be live, newest first.",
        ),
        Attribute::nested(
            "deliveries",
            Nesting::Map,
            Mode::Computed,
            delivery,
            "What each target holds, by target key.",
        ),
        Attribute::nested(
            "last_rotation",
            Nesting::Single,
            Mode::Computed,
            rotation,
            "Receipt of the last rotation.",
        ),
    ]
}

fn rotation_block() -> NestedBlock {
    NestedBlock {
        name: "rotation",
        nesting: BlockNesting::Single,
        block: Block {
            attributes: vec![
                Attribute::optional("every", Type::String, "Interval, such as `90d`."),
                Attribute::optional(
                    "early",
                    Type::String,
                    "How long before the due instant an apply may rotate already; shorter than `every`.",
                ),
                Attribute::optional(
                    "triggers",
                    Type::string_map(),
                    "A changed value of a key that was there before rotates.",
                ),
            ],
            blocks: Vec::new(),
            description: "When the secret is renewed.".to_owned(),
        },
    }
}

fn revoke_block() -> NestedBlock {
    NestedBlock {
        name: "revoke",
        nesting: BlockNesting::Single,
        block: Block {
            attributes: vec![Attribute::optional(
                "mode",
                Type::String,
                "Required. `automatic` (default without the block), or `manual`: a notice asks a person to do it.",
            )],
            blocks: Vec::new(),
            description: "How old credentials end.".to_owned(),
        },
    }
}
