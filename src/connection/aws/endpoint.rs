//! Where a service is, as the SDKs' endpoint rules say: partition, FIPS, dual stack.
//!
//! Table and rules: `partitions.json` and `endpoint-rule-set-1.json` of Systems Manager and STS, which every AWS SDK shares;
//! `tests/aws_endpoints.rs` compares all of it with botocore's copy. Other services have exceptions of their own.

/// A part of AWS with names, accounts and ARNs of its own.
#[derive(Debug)]
pub(super) struct Partition {
    /// As ARNs say it.
    pub(super) id: &'static str,
    /// What its regions begin with; a word and a number follow.
    regions: &'static [&'static str],
    suffix: &'static str,
    dual_stack_suffix: &'static str,
}

const AWS: Partition = Partition {
    id: "aws",
    regions: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
    suffix: "amazonaws.com",
    dual_stack_suffix: "api.aws",
};

const GOV: &str = "aws-us-gov";

static PARTITIONS: [Partition; 8] = [
    AWS,
    Partition {
        id: "aws-cn",
        regions: &["cn"],
        suffix: "amazonaws.com.cn",
        dual_stack_suffix: "api.amazonwebservices.com.cn",
    },
    Partition {
        id: "aws-eusc",
        regions: &["eusc-de"],
        suffix: "amazonaws.eu",
        dual_stack_suffix: "api.amazonwebservices.eu",
    },
    Partition {
        id: "aws-iso",
        regions: &["us-iso"],
        suffix: "c2s.ic.gov",
        dual_stack_suffix: "api.aws.ic.gov",
    },
    Partition {
        id: "aws-iso-b",
        regions: &["us-isob"],
        suffix: "sc2s.sgov.gov",
        dual_stack_suffix: "api.aws.scloud",
    },
    Partition {
        id: "aws-iso-e",
        regions: &["eu-isoe"],
        suffix: "cloud.adc-e.uk",
        dual_stack_suffix: "api.cloud-aws.adc-e.uk",
    },
    Partition {
        id: "aws-iso-f",
        regions: &["us-isof"],
        suffix: "csp.hci.ic.gov",
        dual_stack_suffix: "api.aws.hci.ic.gov",
    },
    Partition {
        id: GOV,
        regions: &["us-gov"],
        suffix: AWS.suffix,
        dual_stack_suffix: AWS.dual_stack_suffix,
    },
];

/// Which kind of endpoint is asked for (`AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`, or the profile's words for them).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Variant {
    pub(super) fips: bool,
    pub(super) dual_stack: bool,
}

/// The partition of a region, new ones included; that of `us-east-1` for a region that follows no pattern, as in the SDKs.
pub(super) fn partition_of(region: &str) -> &'static Partition {
    let [first, ..] = &PARTITIONS;
    PARTITIONS
        .iter()
        .find(|partition| partition.regions.iter().any(|prefix| follows(region, prefix)))
        .unwrap_or(first)
}

/// Whether it is the prefix, a word and a number.
fn follows(region: &str, prefix: &str) -> bool {
    let rest = region.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    rest.and_then(|rest| rest.split_once('-')).is_some_and(|(word, number)| {
        !word.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The URL of the service with this prefix in a region.
pub(super) fn url(prefix: &str, region: &str, variant: Variant) -> String {
    let partition = partition_of(region);
    let suffix = match variant.dual_stack {
        true => partition.dual_stack_suffix,
        false => partition.suffix,
    };
    // In GovCloud the ordinary endpoint is the FIPS endpoint.
    let mark = match variant.fips && (variant.dual_stack || partition.id != GOV) {
        true => "-fips",
        false => "",
    };
    format!("https://{prefix}{mark}.{region}.{suffix}")
}
