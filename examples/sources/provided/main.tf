# A key that a person creates in the vendor's console. The value is ephemeral: it is in no state and no plan. Raise the version
# together with the value, and name the new key in `credential_id`. The old key stays valid until you revoke it in the vendor's
# console; every plan reminds you until you set `revoke { confirmed = N }`.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"

  aws {
    region = "eu-west-1"
  }
}

variable "vendor_key" {
  description = "The key, for example from TF_VAR_vendor_key."
  type        = string
  ephemeral   = true
}

resource "rotation_secret" "vendor_key" {
  name = "VENDOR_API_KEY"

  source = {
    provided = {
      credential_id = "key_2026_11" # as the vendor's console names it
    }
  }

  value_wo         = var.vendor_key
  value_wo_version = 1

  targets = {
    runtime = {
      ssm_parameter = { name = "/example/production/VENDOR_API_KEY" }
    }
  }
}
