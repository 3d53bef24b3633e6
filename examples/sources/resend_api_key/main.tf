# A Resend API key that sends from one domain, minted anew every 90 days and kept in SSM Parameter Store.
# The run authenticates with RESEND_API_KEY, which must be a key with full access.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"
}

resource "rotation_secret" "resend_api_key" {
  name    = "RESEND_API_KEY"
  overlap = "24h"

  source = {
    resend_api_key = {
      permission = "sending_access"
      domain_id  = "d91cd9bd-1176-453e-8fc1-35364d380206"
    }
  }

  targets = {
    parameter = { ssm_parameter = { name = "/example/production/RESEND_API_KEY" } }
  }

  rotation {
    every = "90d"
  }
}
