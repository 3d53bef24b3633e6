//! Mistakes in the configuration of a `rotation_secret` that concern more than one argument.

use super::{Words, list};

fn default_or_set(is_default: bool) -> &'static str {
    if is_default {
        "the default with a GitHub target"
    } else {
        "as configured"
    }
}

catalogue! {
    /// A mistake in the configuration of a secret.
    Configuration {
        /// An object of `source`, `targets` or `checks` without a kind.
        error NoKind { argument: String, kinds: Vec<Words> } => {
            summary: format!("{argument} has no kind"),
            detail: format!("Set exactly one of {}.", list(kinds)),
            samples: [{ argument: "targets[\"web\"]".into(), kinds: super::names(["fly_secret", "ssm_parameter"]) }],
        }
        /// More than one kind.
        error SeveralKinds { argument: String, found: Vec<Words>, kinds: Vec<Words> } => {
            summary: format!("{argument} has {} kinds: {}", found.len(), list(found)),
            detail: format!("Set exactly one of {}.", list(kinds)),
            samples: [{
                argument: "source".into(),
                found: super::names(["random", "provided"]),
                kinds: super::names(["random", "provided", "fly_token"]),
            }],
        }
        /// A key of `targets` or `checks` that cannot be shown.
        error Key { argument: String, begins: String, longest: usize } => {
            summary: format!("{argument} has a key that cannot be used"),
            detail: format!(
                "It begins with {begins:?}. A key has at most {longest} bytes: letters, digits, spaces and any of _ - / : @ # +."
            ),
            samples: [{ argument: "targets".into(), begins: "a\"b".into(), longest: 128 }],
        }
        /// A target of a credential with several parts names none.
        error PartRequired { argument: String, parts: String } => {
            summary: format!("{argument} requires `part` or `template`"),
            detail: format!("The credential has several parts: {parts}. Choose the one that this target holds."),
            samples: [{ argument: "targets[\"web\"]".into(), parts: "username, password".into() }],
        }
        /// A template that is the same for every generation.
        error TemplateWithoutParts { argument: String, parts: String } => {
            summary: format!("{argument} uses no part"),
            detail: format!("The text would be the same for every generation. Use at least one of the parts: {parts}."),
            samples: [{ argument: "targets[\"web\"].template".into(), parts: "value".into() }],
        }
        /// A check or an activation after a wave that nothing is delivered in.
        error WaveWithoutTargets { wave: u64, waves: Vec<Words> } => {
            summary: format!("No target is in wave {wave}"),
            detail: format!("Choose a wave that has targets: {}.", list(waves)),
            samples: [{ wave: 3, waves: super::names(["1", "2"]) }],
        }
        /// A wave for a check of another phase.
        error WaveWithoutDelivery => {
            summary: "wave is only for checks with phase = \"delivered\"",
            detail: "A check before minting or after revocation belongs to no wave. Remove `wave` or `phase`.",
            samples: [{}],
        }
        /// `effects = false` for a check that has some.
        error EffectsDenied { argument: String } => {
            summary: format!("{argument} cannot be false"),
            detail: "This check changes something outside Terraform. Remove `effects`, or set it to true.",
            samples: [{ argument: "checks[\"deploy\"].effects".into() }],
        }
        /// A preflight check of a value that does not exist yet.
        error PreflightPresentsNew => {
            summary: "A preflight check cannot present the new credential",
            detail: "It runs before anything is minted. Use credential = \"previous\" or \"none\", or phase = \"delivered\".",
            samples: [{}],
        }
        /// A check that presents a value which nobody has at its time.
        error CannotPresent { whose: Words, is_after_overlap: bool, source: Words, lacking: Vec<String> } => {
            summary: format!(
                "The value of the {whose} credential cannot be recovered{}",
                if *is_after_overlap { " after the overlap" } else { "" }
            ),
            detail: format!(
                "credential = {whose:?} requires a target that can be read back and holds the value without a template (such as \
                 ssm_parameter), or a source that reveals it. {source} does not, and no such target holds {}.",
                lacking.join(", ")
            ),
            samples: [
                { whose: "previous".into(), is_after_overlap: false, source: "fly_token".into(), lacking: vec!["token".into()] },
                {
                    whose: "previous".into(),
                    is_after_overlap: false,
                    source: "postgres_password".into(),
                    lacking: vec!["password".into(), "username".into()],
                },
                { whose: "new".into(), is_after_overlap: true, source: "random".into(), lacking: vec!["value".into()] },
            ],
        }
        /// A check of an entry that this secret does not write, in a place where it writes others.
        error CheckOfNoTarget { argument: String, name: Words, place: Words, targets: Vec<Words> } => {
            summary: format!("{argument} names no target of this secret"),
            detail: format!("In {place}, this secret writes {}, not {name}.", list(targets)),
            samples: [{
                argument: "checks[\"deployed\"].vercel_deployment".into(),
                name: "SESSION_KEYS".into(),
                place: "Vercel project prj_1".into(),
                targets: super::names(["SESSION_KEY"]),
            }],
        }
        /// A key of `info` that is not known.
        error InfoKey { argument: String, nearest: Option<Words>, keys: Vec<Words> } => {
            summary: format!("{argument} is not a key of info"),
            detail: {
                let nearest = nearest.as_ref().map_or_else(String::new, |name| format!("Did you mean `{name}`? "));
                format!("{nearest}Use one of {}.", list(keys))
            },
            samples: [{ argument: "info[\"owners\"]".into(), nearest: Some("owner".into()), keys: super::names(["purpose", "owner"]) }],
        }
        /// A label prefix that vendors do not take.
        error LabelCharacters => {
            summary: "label_prefix has characters that vendors do not accept in names",
            detail: "Use letters, digits, hyphens, underscores and dots.",
            samples: [{}],
        }
        /// A prefix or name that is too long for every vendor.
        error LabelTooLong { argument: Words, length: usize, longest: usize } => {
            summary: format!("{argument} is too long for names at vendors"),
            detail: format!(
                "It has {length} characters, and every such name also contains the provider's own mark. Set label_prefix to at most \
                 {longest} characters."
            ),
            samples: [{ argument: "name".into(), length: 90, longest: 64 }],
        }
        /// A prefix or name that is too long for this issuer.
        error LabelTooLongForIssuer { argument: Words, source: Words, limit: usize, mark: usize, longest: usize } => {
            summary: format!("{argument} is too long for names of {source}"),
            detail: format!(
                "The issuer allows {limit} characters, and the provider's mark takes {mark} of them. Set label_prefix to at most {longest} \
                 characters."
            ),
            samples: [{ argument: "label_prefix".into(), source: "neon_api_key".into(), limit: 64, mark: 28, longest: 36 }],
        }
        /// An overlap that nobody can choose for the user.
        error OverlapRequired { targets: Vec<Words>, activates_others: bool } => {
            summary: "overlap is required",
            detail: format!(
                "Terraform cannot tell when the consumers of {} {} load a new value, and it revokes the old credential when the overlap \
                 ends. {}Set `overlap` to the longest time that they need (such as \"24h\"), `settle` of the target, or \
                 `revoke {{ mode = \"manual\" }}`.",
                if targets.len() == 1 { "target" } else { "targets" },
                list(targets),
                match activates_others {
                    true => "The activations of their wave do not restart all of them; for an environment group, one with its \
                             `env_group_id` does. ",
                    false => "",
                }
            ),
            samples: [
                { targets: super::names(["runtime"]), activates_others: false },
                { targets: super::names(["runtime", "worker"]), activates_others: true },
            ],
        }
        /// An overlap of what cannot overlap.
        warning OverlapWithoutEffect { argument: String, source: Words, is_replaced: bool } => {
            summary: format!("{argument} has no effect"),
            detail: format!(
                "With source {source}, {}. Remove it.",
                if *is_replaced {
                    "only one credential can be live, so the old one stops working when the new one is minted"
                } else {
                    "the value has no issuer, so there is nothing to revoke"
                }
            ),
            samples: [
                { argument: "overlap".into(), source: "neon_role_password".into(), is_replaced: true },
                { argument: "targets.web.settle".into(), source: "random".into(), is_replaced: false },
            ],
        }
        /// A lead that nothing waits for.
        warning LeadWithoutEffect { argument: String, replacing: Option<Words> } => {
            summary: format!("{argument} has no effect"),
            detail: match replacing {
                None => "No target is in a later wave, so nothing waits for it. Remove it, or give the targets that wait for it a higher \
                         `wave`."
                    .to_owned(),
                Some(source) => format!(
                    "With source {source}, only one credential can be live. The old one stops working when the new one is minted, so no \
                     target waits for another. Remove it."
                ),
            },
            samples: [
                { argument: "targets[\"jwks\"].lead".into(), replacing: None },
                { argument: "targets[\"web\"].lead".into(), replacing: Some("neon_role_password".into()) },
            ],
        }
        /// A lead that ends after the apply, where the value is lost by then.
        error LeadNotResumable { argument: String, lead: Words, wave: u64 } => {
            summary: format!("The value would be lost before {argument} has passed"),
            detail: format!(
                "An apply waits for at most 10m. With lead = {lead:?} a later apply continues, and it has to read the value back. Declare \
                 escrow in the provider block. Or add a target that can be read back (such as ssm_parameter) in wave {wave} or earlier, which \
                 holds what later waves need, without a template. Or shorten the lead to \"10m\" or less."
            ),
            samples: [{ argument: "targets[\"jwks\"].lead".into(), lead: "1h".into(), wave: 1 }],
        }
        /// Signatures of a new key may be refused until those who verify them have it.
        warning KeyPairWithoutLead { secret: String, wave: u64, parts: Vec<Words> } => {
            summary: format!("{secret}: what the new key signs may be refused"),
            detail: format!(
                "The private key is delivered in wave {wave}. Whatever verifies signatures needs the public key before that. Deliver a public \
                 part ({}) in an earlier wave, with `lead` set to the longest time that verifiers take to load it.",
                list(parts)
            ),
            samples: [{ secret: "JWT_KEY".into(), wave: 1, parts: super::names(["public_jwk", "public_key_pem"]) }],
        }
        /// An activation with the credential that is replaced.
        error ActivationPresentsPrevious => {
            summary: "an activation cannot present the previous credential",
            detail: "It makes consumers load the new value. Remove `credential`, or set it to \"new\" or \"none\".",
            samples: [{}],
        }
        /// A credential that must be unused for some time, whose use nobody tells.
        error NoLastUse { source: Words, telling: Vec<Words> } => {
            summary: format!("revoke.quiet_for cannot be used with {source}"),
            detail: format!(
                "Its issuer does not tell when a credential was last used. These sources do: {}. Remove `quiet_for`, and set `overlap` to \
                 the longest time that consumers need.",
                list(telling)
            ),
            samples: [{ source: "fly_token".into(), telling: super::names(["neon_api_key", "resend_api_key"]) }],
        }
        /// Old credentials may be revoked while they are used.
        warning OverlapTooShort { secret: String, targets: Vec<Words>, needed: Words, overlap: Words } => {
            summary: format!("{secret}: the overlap may be too short"),
            detail: format!(
                "A workflow that is already running keeps the old value of {} for up to {needed}. With overlap = {overlap:?} the old \
                 credential may be revoked while it is still in use.",
                list(targets)
            ),
            samples: [{ secret: "FLY_API_TOKEN".into(), targets: super::names(["ci"]), needed: "24h".into(), overlap: "1h".into() }],
        }
        /// A credential that expires before the next one is in place.
        error ExpiresTooSoon { every: Words, overlap: Words, is_default: bool, life: Words } => {
            summary: "rotation.every + overlap is longer than the credential is valid",
            detail: format!(
                "every is {every}, overlap is {overlap} ({}), but the credential expires {life} after it is minted. Rotate more often, \
                 shorten the overlap, or give the credential a longer life.",
                default_or_set(*is_default)
            ),
            samples: [{ every: "90d".into(), overlap: "24h".into(), is_default: true, life: "90d".into() }],
        }
        /// The same without a schedule.
        error OverlapOutlivesCredential { overlap: Words, is_default: bool, life: Words } => {
            summary: "overlap is not shorter than the credential is valid",
            detail: format!(
                "overlap is {overlap} ({}), but the credential expires {life} after it is minted, so it would have to be rotated at once. \
                 Shorten the overlap, or give the credential a longer life.",
                default_or_set(*is_default)
            ),
            samples: [{ overlap: "30d".into(), is_default: false, life: "30d".into() }],
        }
        /// `every = "apply"` for what a person supplies.
        error EveryApplySupplied => {
            summary: "rotation.every cannot be \"apply\" for a supplied value",
            detail: "An apply has no new value unless you supply one. Raise value_wo_version with every new value, or set an interval.",
            samples: [{}],
        }
        /// A window without a day.
        error WindowWithoutDays => {
            summary: "rotation.window never opens",
            detail: "It has no days. List some, such as [\"sat\", \"sun\"], or remove `days` for every day.",
            samples: [{}],
        }
        /// A window that closes when it opens.
        error WindowWithoutHours => {
            summary: "rotation.window never opens",
            detail: "It closes when it opens. Set another time; \"00:00\" to \"24:00\" is the whole day.",
            samples: [{}],
        }
        /// `early` reaches back to the last rotation.
        error EarlyTooLong { early: Words, every: Words } => {
            summary: "rotation.early must be shorter than rotation.every",
            detail: format!("early is {early}, every is {every}."),
            samples: [{ early: "90d".into(), every: "90d".into() }],
        }
        /// A confirmation of something else.
        error GuardLine { argument: String, rotate: String, destroy: String } => {
            summary: format!("{argument} does not repeat the consequence"),
            detail: format!(
                "It must be the coming generation and the consequence, such as {rotate:?}, or {destroy:?}. Plans print the line to copy."
            ),
            samples: [{
                argument: "guard.confirm".into(),
                rotate: "2: every tenant is unreachable until re-provisioned".into(),
                destroy: "destroy: every tenant is unreachable until re-provisioned".into(),
            }],
        }
        /// A supplied value beside a source that makes its own.
        error SuppliedValue { argument: String, source: Words } => {
            summary: format!("{argument} cannot be used with source {source}"),
            detail: "It supplies the value for `source = { provided = {} }`. Remove it, or change the source.",
            samples: [{ argument: "value_wo".into(), source: "random".into() }],
        }
        /// `connection = "default"`.
        error DefaultConnection { argument: String, name: String } => {
            summary: format!("{argument} cannot be {name:?}"),
            detail: "To use the provider's own account, leave `connection` out.",
            samples: [{ argument: "targets[\"web\"].connection".into(), name: "default".into() }],
        }
        /// Two targets write one entry.
        error OneEntry { one: String, other: String, entry: String } => {
            summary: format!("Targets {one:?} and {other:?} write the same entry"),
            detail: format!("Both write {entry}. Remove one of them, or give it another name."),
            samples: [{ one: "a".into(), other: "b".into(), entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into() }],
        }
    }
}
