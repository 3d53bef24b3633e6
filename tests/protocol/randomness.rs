//! Random numbers come from the kernel alone, which is what makes a start cheap (docs/decisions/randomness-from-the-kernel.md).

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

/// Read from the executable, because a build that misses the switch works just as well, only later. The release has no symbols;
/// `release/check` looks for the instruction that reads the CPU's clock.
#[test]
fn the_executable_has_no_code_that_gathers_entropy_from_the_cpu() {
    let executable = std::fs::read(env!("CARGO_BIN_EXE_terraform-provider-rotation")).unwrap();
    let symbols = AhoCorasick::new(["opt_out_cpu_jitter_initialize", "jent_"]).unwrap();
    let found: BTreeSet<usize> = symbols
        .find_iter(&executable)
        .map(|found| found.pattern().as_usize())
        .collect();
    assert!(
        found.contains(&0),
        "AWS-LC's symbols are not there, so this shows nothing"
    );
    assert!(
        !found.contains(&1),
        "AWS-LC was built without AWS_LC_SYS_NO_JITTER_ENTROPY=1"
    );
}
