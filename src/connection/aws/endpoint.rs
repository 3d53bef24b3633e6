//! Where a service is, as the SDKs' endpoint rules say: partition, FIPS, dual stack.
//!
//! Table and rules: `partitions.json` and `endpoint-rule-set-1.json` of Systems Manager and STS, which every AWS SDK shares;
//! the test below compares all of it with botocore, which interprets the published rules. Other services have exceptions of their own.

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
    rest.and_then(|rest| rest.split_once('-'))
        .is_some_and(|(word, number)| {
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// botocore (`.venv`, which `make test` makes) judges: it interprets the rules that AWS publishes.
    #[test]
    fn every_region_and_variant_has_the_endpoint_that_botocore_finds() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let judge = Command::new(root.join(".venv/bin/python"))
            .arg(root.join("tests/contract_ssm/judge.py"))
            .arg("endpoints")
            .output()
            .expect("`make test` installs botocore");
        assert!(judge.status.success(), "{}", String::from_utf8_lossy(&judge.stderr));
        let lines = String::from_utf8(judge.stdout).expect("text");
        for line in lines.lines() {
            let [prefix, region, fips, dual_stack, expected] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let variant = Variant {
                fips: fips == "true",
                dual_stack: dual_stack == "true",
            };
            assert_eq!(url(prefix, region, variant), expected, "{line}");
        }
        assert!(lines.lines().count() > 400, "all regions of all partitions");
    }

    #[test]
    fn arns_name_the_partition() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
            ("local", "aws"),
        ] {
            assert_eq!(partition_of(region).id, partition, "{region}");
        }
    }
}
