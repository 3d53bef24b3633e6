# The secrets of one environment.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

locals {
  # Secrets that are applied together share one deploy of each service.
  deploy = {
    timeout       = "20m"
    render_deploy = { env_group_id = var.env_group_id }
  }

  healthy = {
    retry_for = "2m"
    http      = { url = "${var.url}/health" }
  }

  services = { render_env_group_variable = { env_group_id = var.env_group_id } }

  provider_keys = {
    ANTHROPIC_API_KEY = {
      docs_url = "https://console.anthropic.com/settings/keys"
      pattern  = "sk-ant-.+"
      url      = "${var.vendor_urls.anthropic}/v1/models"
      headers  = { x-api-key = "{{ value }}", anthropic-version = "2023-06-01" }
    }
    OPENAI_API_KEY = {
      docs_url = "https://platform.openai.com/api-keys"
      pattern  = "sk-.+"
      url      = "${var.vendor_urls.openai}/v1/models"
      headers  = { Authorization = "Bearer {{ value }}" }
    }
    GOOGLE_API_KEY = {
      docs_url = "https://aistudio.google.com/apikey"
      pattern  = ".{20,}"
      url      = "${var.vendor_urls.google}/v1beta/models"
      headers  = { x-goog-api-key = "{{ value }}" }
    }
  }

  ci_tokens = {
    RENDER_API_KEY = {
      docs_url = "https://dashboard.render.com/settings#api-keys"
      pattern  = "rnd_.+"
      url      = "${var.vendor_urls.render}/v1/services?limit=1"
    }
    SUPABASE_ACCESS_TOKEN = {
      docs_url = "https://supabase.com/dashboard/account/tokens"
      pattern  = "sbp_.+"
      url      = "${var.vendor_urls.supabase}/v1/projects"
    }
    CLOUDFLARE_API_TOKEN = {
      docs_url = "https://dash.cloudflare.com/profile/api-tokens"
      pattern  = ".{40,}"
      url      = "${var.vendor_urls.cloudflare}/client/v4/user/tokens/verify"
    }
  }
}

resource "rotation_secret" "provider_key" {
  for_each = local.provider_keys

  name    = each.key
  readers = var.deploy_engineers

  info = {
    class    = "platform"
    impact   = "Use of the account at ${var.name}'s expense"
    docs_url = each.value.docs_url
  }

  source           = { provided = {} }
  value_wo         = try(var.keys[each.key], null)
  value_wo_version = try(var.rotations[each.key].version, 1)

  targets     = { services = local.services }
  activations = { deploy = local.deploy }
  checks = {
    accepted = { http = { url = each.value.url, headers = each.value.headers } }
    healthy  = local.healthy
  }

  format {
    pattern = each.value.pattern
  }
  revoke {
    confirmed = try(var.rotations[each.key].revoked, null)
  }
}

# Services and CI get them together. Quarterly.
resource "rotation_secret" "ci_token" {
  for_each = local.ci_tokens

  name    = each.key
  readers = var.deploy_engineers

  info = {
    class    = "ci"
    impact   = "Deployments to ${var.name} by others"
    docs_url = each.value.docs_url
  }

  source           = { provided = {} }
  value_wo         = try(var.keys[each.key], null)
  value_wo_version = try(var.rotations[each.key].version, 1)

  targets = {
    services = local.services
    ci = {
      github_actions_secret = { repository = var.repository, environment = var.name }
      impact                = "the next deployment fails"
    }
  }
  activations = { deploy = local.deploy }
  checks = {
    accepted = { http = { url = each.value.url, headers = { Authorization = "Bearer {{ value }}" } } }
    healthy  = local.healthy
  }

  format {
    pattern = each.value.pattern
  }
  rotation {
    every = "90d"
  }
  revoke {
    confirmed = try(var.rotations[each.key].revoked, null)
  }
}

# Two JSON Web Tokens of one secret: a new secret ends both at once.
resource "rotation_secret" "supabase_keys" {
  name    = "SUPABASE_KEYS"
  readers = var.deploy_engineers

  info = {
    class    = "platform"
    impact   = "Read and write access to all data of ${var.name}"
    docs_url = "https://supabase.com/dashboard/project/_/settings/jwt"
  }

  source           = { provided = { part_names = ["anon_key", "service_role_key"] } }
  parts_wo         = try({ anon_key = var.keys.SUPABASE_ANON_KEY, service_role_key = var.keys.SUPABASE_SERVICE_ROLE_KEY }, null)
  value_wo_version = try(var.rotations.SUPABASE_KEYS.version, 1)

  targets = {
    anon_key = {
      part                      = "anon_key"
      render_env_group_variable = { env_group_id = var.env_group_id, name = "SUPABASE_ANON_KEY" }
    }
    service_role_key = {
      part                      = "service_role_key"
      render_env_group_variable = { env_group_id = var.env_group_id, name = "SUPABASE_SERVICE_ROLE_KEY" }
    }
  }
  activations = { deploy = local.deploy }
  checks      = { healthy = local.healthy }

  guard {
    consequence = "every client of Supabase fails until it has the new keys"
    confirm     = try(var.rotations.SUPABASE_KEYS.confirm, null)
  }
  revoke {
    confirmed = try(var.rotations.SUPABASE_KEYS.revoked, null)
  }
}

# Two roles with the same rights take turns, so services keep their connections until they are deployed.
resource "rotation_secret" "database_url" {
  name    = "DATABASE_URL"
  readers = var.deploy_engineers

  info = {
    class  = "platform"
    impact = "Read and write access to all data of ${var.name}"
  }

  source = {
    connection        = var.name
    postgres_password = { role = "spectral_blue", alternate_role = "spectral_green" }
  }

  targets     = { services = merge(local.services, { part = "uri" }) }
  activations = { deploy = local.deploy }
  checks = {
    accepted = {
      connection     = var.name
      postgres_login = { uri = "{{ uri }}" }
    }
    healthy = local.healthy
    refused = {
      phase          = "revoked"
      connection     = var.name
      postgres_login = { uri = "{{ uri }}", credential = "previous" }
    }
  }

  overlap = "24h"
  rotation {
    every = "90d"
  }
  rotation_reason = try(var.rotations.DATABASE_URL.reason, null)
}
