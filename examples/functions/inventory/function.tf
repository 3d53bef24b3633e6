terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "molecule-production"
}

resource "rotation_secret" "encryption_key" {
  name    = "SECRETS_ENCRYPTION_KEY"
  info    = { purpose = "Encrypts tenants' secrets", owner = "platform" }
  source  = { fernet_key = {} }
  targets = { control_plane = { fly_secret = { app = "molecule-cp" } } }
}

resource "rotation_secret" "webhook" {
  for_each = toset(["billing", "support"])
  name     = "${upper(each.key)}_WEBHOOK_SECRET"
  info     = { purpose = "Signs webhooks of ${each.key}", owner = each.key }
  source   = { random = { bytes = 32, encoding = "hex" } }
  targets  = { ci = { github_actions_secret = { repository = "molecule-ai/${each.key}" } } }
}

locals {
  secrets = concat([rotation_secret.encryption_key], values(rotation_secret.webhook))
}

output "secret_map" {
  value = [for secret in provider::rotation::inventory(local.secrets) : {
    name   = secret.name
    owner  = secret.owner
    places = secret.targets[*].place
  }]
}
