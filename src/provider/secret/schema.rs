//! The schema of `rotation_secret`. It is the same whatever kinds there are: their arguments stand in dynamic attributes
//! (`declared.rs`).

use crate::terraform::{Attribute, Block, BlockNesting, Mode, NestedBlock, Nesting, Schema, Type};

/// The keys of `info`.
pub const INFO: [(&str, &str); 6] = [
    ("purpose", "What the secret is for."),
    ("owner", "Who is responsible for it."),
    ("impact", "What happens when it leaks or is lost."),
    ("contact", "Whom to ask, and how, when a person has to act."),
    ("class", "Its class in your inventory, such as `platform` or `ci`."),
    ("docs_url", "Where its procedure is documented."),
];

/// Version of the state format.
pub const VERSION: i64 = 4;

/// The whole resource.
pub fn schema() -> Schema {
    let mut attributes = arguments();
    attributes.extend(computed());
    Schema {
        version: VERSION,
        block: Block {
            attributes,
            blocks: vec![
                rotation_block(),
                revoke_block(),
                format_block(),
                guard_block(),
                adopt_block(),
            ],
            description:
                "A secret and its rotation: a new credential is minted, delivered to every target wave by wave, activated and checked, and \
                 the old one is revoked once the overlap has ended. The value is never in the state or the plan."
                    .to_owned(),
        },
    }
}

fn arguments() -> Vec<Attribute> {
    let info: Vec<String> = INFO
        .iter()
        .map(|(name, text)| format!("`{name}` ({})", text.trim_end_matches('.')))
        .collect();
    vec![
        Attribute::required(
            "name",
            Type::String,
            "Name of the secret, and the default name of its entry at each target. At most 255 characters.",
        ),
        Attribute::optional(
            "info",
            Type::string_map(),
            format!("What people should know about the secret. Keys: {}.", info.join(", ")),
        ),
        Attribute::optional(
            "readers",
            Type::strings(),
            "Identities that can read the secret. An incident that exposes one of them rotates it.",
        ),
        Attribute::required(
            "source",
            Type::Dynamic,
            "Where credentials come from: an object with exactly one kind, such as `{ random = { bytes = 32, encoding = \"hex\" } }`.",
        ),
        Attribute::required(
            "targets",
            Type::Dynamic,
            "Where the secret is held: a map of objects, each with exactly one kind and the common keys. The map's keys name the targets \
             in plans and errors.",
        ),
        Attribute::optional(
            "activations",
            Type::Dynamic,
            "What makes consumers load the new value: a map of objects, each with exactly one kind and the common keys. Until those \
             of a wave have succeeded, its targets are delivered, but not live. An entry that is repaired \
             outside a rotation runs those of its own wave only.",
        ),
        Attribute::optional(
            "checks",
            Type::Dynamic,
            "What must pass before the old credential is revoked: a map of objects, each with exactly one kind and the common keys.",
        ),
        Attribute::optional(
            "value_wo",
            Type::String,
            "The value, for `source = { provided = {} }`. Write-only: it is never in the state or the plan.",
        )
        .write_only(),
        Attribute::optional(
            "parts_wo",
            Type::string_map(),
            "The parts of the value instead of `value_wo`, for `source = { provided = { part_names = […] } }`. Write-only.",
        )
        .write_only(),
        Attribute::optional(
            "value_wo_version",
            Type::Number,
            "A whole number. Raise it with every new value: that is what rotates.",
        ),
        Attribute::optional(
            "overlap",
            Type::String,
            "How long the old credential stays valid after the new one is live and checked. Default: `24h` if GitHub workflows \
             get it from a target, otherwise `0s`. Required where consumers of a target load the value at a time that nobody knows (such \
             as `ssm_parameter`), unless `revoke.mode` is `manual`.",
        ),
        Attribute::optional(
            "rotation_reason",
            Type::String,
            "A new text rotates the secret, and is recorded as the reason. One line. Removing it does not rotate.",
        ),
        Attribute::optional(
            "on_drift",
            Type::String,
            "What happens when an entry was changed or deleted outside Terraform. `heal` (default) restores the value that Terraform \
             delivered; where it cannot be recovered, a credential that an issuer mints is rotated, and any other value only gets a \
             warning. `report` only warns. `rotate` makes a new generation.",
        ),
        Attribute::optional(
            "on_existing",
            Type::String,
            "What happens when a target has an entry that this resource does not manage: `refuse` (default) or `replace`.",
        ),
        Attribute::optional(
            "on_destroy",
            Type::String,
            "`revoke` (default) deletes the entries and revokes the credentials. `abandon` forgets them and changes nothing. Read from the \
             state: apply it before you remove the resource.",
        ),
        Attribute::optional(
            "label_prefix",
            Type::String,
            "The beginning of every name that the provider gives a credential at a vendor: letters, digits, hyphens, underscores and dots, \
             at most 128 (fewer for Neon). Default: `name`, with other characters replaced by hyphens.",
        ),
        Attribute::optional(
            "escrow",
            Type::Bool,
            "`false`: the values of this secret are not parked. Default: `true` where the provider block has `escrow`.",
        ),
        Attribute::optional(
            "restore",
            Type::Number,
            "A generation that is still valid and parked is delivered again, once; the newer one is revoked after its overlap. Left in \
             place, it has no further effect.",
        ),
    ]
}

fn computed() -> Vec<Attribute> {
    let text = |name, description: &str| Attribute::computed(name, Type::String, description);
    let pending = vec![
        text(
            "action",
            "`rotate`, `finish`, `deliver`, `activate`, `revoke`, `remove`, `check`, `restore` or `notify`.",
        ),
        text("cause", "For `rotate`: as in `last_rotation`."),
        text("target", "The target's key."),
        Attribute::computed("generation", Type::Number, "The generation that it concerns."),
        text("credential_id", "The issuer's id of that credential."),
        text("reason", "Why."),
    ];
    let notice = vec![
        text("code", "The kind of notice: see [Notices](../guides/notices.md)."),
        text(
            "subject",
            "What it is about: a target's key, a credential's id, an issuer's address …",
        ),
        text("text", "The message."),
    ];
    let credential = vec![
        text("credential_id", "The issuer's id."),
        text(
            "issuer",
            "The issuer's address, `kind:connection:container`; null for values that the provider generates.",
        ),
        text("label", "Its name at the issuer, if the issuer keeps names."),
        text(
            "status",
            "`current`, `overlapping`, `orphaned`, or `disabled` (dead at its issuer). The next change removes the entry of a revoked \
             credential.",
        ),
        text("minted_at", "When it was minted (RFC 3339)."),
        text("expires_at", "When it expires (RFC 3339)."),
        text("revoke_after", "When its overlap ends (RFC 3339)."),
        text("escrow", "The address of the entry where its value is parked."),
    ];
    let delivery = vec![
        text("slot", "The entry's address, `kind:connection:container/name`."),
        text(
            "container_id",
            "The vendor's own id of the container, such as GitHub's repository id or Fly's app id.",
        ),
        text(
            "renamed_to",
            "The entry's address under the present name of its container, where that was renamed (a GitHub repository). When the configuration \
             follows, nothing is written.",
        ),
        Attribute::computed("generation", Type::Number, "The generation that it holds."),
        text(
            "status",
            "`current`, `stale`, `staged`, `changed`, `missing`, `unknown`, `removing` or `gone`.",
        ),
        text("revision", "The vendor's marker of our write."),
        Attribute::computed(
            "existed_before",
            Type::Bool,
            "Whether an entry existed before the first write.",
        ),
        text("delivered_at", "When it was last written (RFC 3339)."),
        text("detail", "More about the status."),
    ];
    let check = vec![
        text("name", "The check's key."),
        text("result", "`passed`, `failed` or `skipped`."),
        text("duration", "How long it took."),
    ];
    let rotation = vec![
        text(
            "cause",
            "`created`, `schedule`, `expiry`, `requested`, `trigger`, `source`, `drift`, `value_lost`, `incident`, `deploy`, `adopted` or \
             `restored`.",
        ),
        text("reason", "The reason in words. Known in the plan."),
        text(
            "incident_revoke",
            "For `incident`: when older credentials are revoked, `checked`, `delivered` or `now`. It holds until the rotation is complete, \
             even if the provider's `incident` block is removed.",
        ),
        text(
            "started_at",
            "RFC 3339; null where an interrupted apply began it and left no record.",
        ),
        text("finished_at", "RFC 3339; null until it is complete."),
        text(
            "continues_at",
            "RFC 3339; when the next wave of an unfinished rotation may start, which waits for the `lead` of a target.",
        ),
        text("actor", "Who ran it, from the CI's environment."),
        text("commit", "The commit that it ran from, from the CI's environment."),
        Attribute::nested(
            "checks",
            Nesting::List,
            Mode::Computed,
            check,
            "The checks and their results.",
        ),
        Attribute::computed("revoked", Type::strings(), "Ids of the credentials that were revoked."),
    ];
    vec![
        text(
            "id",
            "32 hexadecimal characters, derived from namespace, name, source and targets at creation. Names at vendors contain the \
             first 12.",
        ),
        Attribute::computed(
            "generation",
            Type::Number,
            "1, 2, 3 …; 0 while what was adopted, imported or moved has not been rotated.",
        ),
        text("phase", "`settled`, `overlapping`, `partial` or `awaiting_value`."),
        Attribute::computed(
            "steps",
            Type::strings(),
            "What the last plan said that its apply would do, in order; after an apply that failed, what it began of that. Known in the plan.",
        ),
        Attribute::nested(
            "pending",
            Nesting::List,
            Mode::Computed,
            pending,
            "What an apply would do now because of time or drift.",
        ),
        Attribute::nested(
            "notices",
            Nesting::List,
            Mode::Computed,
            notice,
            "What is waiting, or needs a person. Plan and apply repeat it as a warning.",
        ),
        text(
            "rotated_at",
            "When the current generation was in place everywhere (RFC 3339, UTC).",
        ),
        text(
            "rotate_after",
            "When the next scheduled rotation is due (RFC 3339, UTC); null without `rotation.every`.",
        ),
        text("revoke_after", "When the next overlap ends (RFC 3339, UTC)."),
        text(
            "next_action_at",
            "The earliest time at which an apply has something to do (RFC 3339, UTC); for schedulers.",
        ),
        Attribute::computed(
            "incidents",
            Type::strings(),
            "The incidents that this secret has handled, by id.",
        ),
        Attribute::computed(
            "public",
            Type::string_map(),
            "Public parts: user name, public key, `kid` …",
        ),
        Attribute::nested(
            "credentials",
            Nesting::Map,
            Mode::Computed,
            credential,
            "Credentials by generation: those that may be valid, and those that the last apply revoked. `0` is what was taken over.",
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
            "Record of the last rotation.",
        ),
    ]
}

fn block(name: &'static str, description: &str, attributes: Vec<Attribute>) -> NestedBlock {
    NestedBlock {
        name,
        nesting: BlockNesting::Single,
        block: Block {
            attributes,
            blocks: Vec::new(),
            description: description.to_owned(),
        },
    }
}

fn rotation_block() -> NestedBlock {
    let window = vec![
        Attribute::optional(
            "days",
            Type::strings(),
            "Days on which it opens: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`. Default: every day.",
        ),
        Attribute::optional("from", Type::String, "Required. When it opens, such as `02:00`."),
        Attribute::optional(
            "to",
            Type::String,
            "Required. When it closes, up to `24:00`. A time before `from` is on the next day.",
        ),
        Attribute::optional(
            "timezone",
            Type::String,
            "An IANA time zone, such as `Europe/Berlin`. Default: `UTC`.",
        ),
    ];
    let mut rotation = block(
        "rotation",
        "When the secret is rotated.",
        vec![
            Attribute::optional(
                "every",
                Type::String,
                "How often, such as `90d`. `apply` rotates with every apply.",
            ),
            Attribute::optional(
                "early",
                Type::String,
                "How long before the due date an apply may rotate. Shorter than `every`.",
            ),
            Attribute::optional(
                "overdue",
                Type::String,
                "What a plan does if it leaves the secret overdue: `warn` (default) or `error`, which fails it.",
            ),
            Attribute::optional(
                "triggers",
                Type::string_map(),
                "Changing the value of an existing key rotates. Adding or removing a key does not.",
            ),
        ],
    );
    rotation.block.blocks = vec![block(
        "window",
        "When rotations that nobody asked for (schedule, expiry, drift, lost values) and revocations may happen. It is ignored if \
         it would open only after the credential has to be renewed.",
        window,
    )];
    rotation
}

fn revoke_block() -> NestedBlock {
    block(
        "revoke",
        "How old credentials are revoked.",
        vec![
            Attribute::optional(
                "mode",
                Type::String,
                "`automatic` (default), or `manual`: the provider never revokes. After the overlap every plan warns until you set \
                 `confirmed`.",
            ),
            Attribute::optional(
                "quiet_for",
                Type::String,
                "After the overlap, an old credential is revoked only once nobody has used it for this long. For issuers that tell when a \
                 credential was last used. An incident does not wait for it.",
            ),
            Attribute::optional(
                "confirmed",
                Type::Number,
                "Confirms that you revoked every generation up to this one. Below the current generation.",
            ),
        ],
    )
}

fn format_block() -> NestedBlock {
    block(
        "format",
        "What every value must look like, whoever made it. One that does not is never delivered: a supplied one is refused by the plan, one \
         that an issuer has minted is revoked. For sources of one part.",
        vec![
            Attribute::optional("prefix", Type::String, "What it begins with, such as `sk_live_`."),
            Attribute::optional(
                "pattern",
                Type::String,
                "A regular expression that matches the whole value, without look-around and back-references.",
            ),
            Attribute::optional(
                "encoding",
                Type::String,
                "How what follows the prefix is encoded: `hex`, `base64` or `base64url`; padding is optional.",
            ),
            Attribute::optional(
                "bytes",
                Type::Number,
                "To how many bytes that decodes; with `encoding`.",
            ),
        ],
    )
}

fn guard_block() -> NestedBlock {
    block(
        "guard",
        "A guarded secret is rotated, repaired and destroyed only when a person confirms it. Until then, whatever is due is a notice.",
        vec![
            Attribute::optional(
                "consequence",
                Type::String,
                "Required. What a rotation does to those who use the secret. Plans show it.",
            ),
            Attribute::optional(
                "confirm",
                Type::String,
                "The coming generation and the consequence, word for word, such as `4: every tenant is unreachable`. Before a destroy, \
                 apply `destroy: every tenant is unreachable`. Plans print the line to copy.",
            ),
        ],
    )
}

fn adopt_block() -> NestedBlock {
    block(
        "adopt",
        "A create (or the first apply after an import) takes over what exists as generation 0, and writes nothing. Every target must have \
         an entry. An empty block adopts, too. Without effect later.",
        vec![
            Attribute::optional(
                "rotated_at",
                Type::String,
                "When it was last rotated (RFC 3339): `rotation.every` counts from there. Default: when its issuer made the credential of \
                 `credential_id`, otherwise the time of the adoption.",
            ),
            Attribute::optional(
                "credential_id",
                Type::String,
                "The issuer's id of the credential in use, such as a token's id: the first rotation keeps it for the overlap, then revokes \
                 it. Without it, revoke that credential yourself and set `revoke { confirmed = 0 }`.",
            ),
        ],
    )
}
