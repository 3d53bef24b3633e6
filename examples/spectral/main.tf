# A platform on Render with two environments: what reaches its services through environment groups, and its CI through GitHub environments.
#
# Keys that only a person can make are supplied: `keys` has the value, `rotations` its version. The rest rotates by itself.
# `deploy/` has the keys that rotate with every deployment. Where entries exist already, add `adopt {}` to their resources first.
#
# The run finds its own credentials in RENDER_API_KEY, GITHUB_TOKEN and AWS's variables.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "spectral"

  # Render never gives a value back, so what is valid is kept here, encrypted.
  escrow {
    ssm_parameter {
      path = "/spectral/escrow/"
    }
  }

  connection "staging" {
    postgres {
      host        = var.environments.staging.database.host
      port        = var.environments.staging.database.port
      user        = var.environments.staging.database.admin
      password    = var.database_passwords.staging
      database    = var.environments.staging.database.name
      sslrootcert = var.environments.staging.database.ca_certificate
    }
  }

  connection "production" {
    postgres {
      host        = var.environments.production.database.host
      port        = var.environments.production.database.port
      user        = var.environments.production.database.admin
      password    = var.database_passwords.production
      database    = var.environments.production.database.name
      sslrootcert = var.environments.production.database.ca_certificate
    }
  }

  dynamic "incident" {
    for_each = var.incident[*]

    content {
      id      = incident.value.id
      reason  = incident.value.reason
      exposed = incident.value.exposed
      revoke  = "delivered"
    }
  }
}

module "environment" {
  source   = "./environment"
  for_each = var.environments

  name             = each.key
  env_group_id     = each.value.env_group_id
  url              = each.value.url
  repository       = var.repository
  deploy_engineers = var.deploy_engineers
  vendor_urls      = var.vendor_urls
  keys             = try(var.keys[each.key], {})
  rotations        = try(var.rotations[each.key], {})
}

# One value for both environments, staging first.
resource "rotation_secret" "observability_api_key" {
  name    = "OBSERVABILITY_API_KEY"
  readers = var.deploy_engineers

  info = {
    class   = "platform"
    purpose = "Traces and logs of every service"
    impact  = "Blind operation"
  }

  source           = { provided = {} }
  value_wo         = try(var.keys.shared.OBSERVABILITY_API_KEY, null)
  value_wo_version = try(var.rotations.shared.OBSERVABILITY_API_KEY.version, 1)

  targets = {
    staging = {
      wave                      = 1
      render_env_group_variable = { env_group_id = var.environments.staging.env_group_id }
    }
    production = {
      wave                      = 2
      render_env_group_variable = { env_group_id = var.environments.production.env_group_id }
    }
  }

  activations = {
    staging = {
      wave          = 1
      render_deploy = { env_group_id = var.environments.staging.env_group_id }
    }
    production = {
      wave          = 2
      render_deploy = { env_group_id = var.environments.production.env_group_id }
    }
  }

  checks = {
    staging = {
      wave = 1
      http = { url = "${var.environments.staging.url}/health" }
    }
    production = {
      wave = 2
      http = { url = "${var.environments.production.url}/health" }
    }
  }

  revoke {
    confirmed = try(var.rotations.shared.OBSERVABILITY_API_KEY.revoked, null)
  }
}

output "needs_attention" {
  description = "What waits or needs a person, by scope and name."
  value = merge(
    { for name, environment in module.environment : name => environment.needs_attention },
    { shared = { for secret in [rotation_secret.observability_api_key] : secret.name => secret.notices[*].code if length(secret.notices) > 0 } },
  )
}
