//! An independent client: tofusoup's driver, whose protocol code, TLS stack and certificate are not Terraform's.

use std::process::Command;

use crate::fixture::executable;
use crate::terraform_cores::python;

#[test]
fn an_independent_driver_plans_and_applies() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protocol/driver.py");
    let output = Command::new(python()).arg(script).arg(executable()).output().unwrap();
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("all is well"), "{text}");
}
