# Keys of the deployment pipeline, which rotate with every deployment: a suspected leak is answered by deploying once more.
#
# The pipeline applies this instead of triggering a deploy at Render. It has a state for each environment.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

variable "environment" {
  description = "staging or production."
  type        = string
}

variable "env_group_id" {
  description = "The environment group of that environment at Render."
  type        = string
}

variable "url" {
  description = "Where /health answers once its services run."
  type        = string
}

variable "drain" {
  description = "How long instances of the deploy before still serve requests."
  type        = string
  default     = "2m"
}

provider "rotation" {
  namespace = "spectral-deploy-${var.environment}"

  escrow {
    ssm_parameter {
      path = "/spectral/escrow/"
    }
  }
}

locals {
  deploy  = { render_deploy = { env_group_id = var.env_group_id } }
  healthy = { http = { url = "${var.url}/health" } }
}

resource "rotation_secret" "deploy_bot_key" {
  name = "DEPLOY_BOT_API_KEY"

  source  = { random = { prefix = "sk_deploy_", length = 32, charset = "alphanumeric" } }
  targets = { services = { render_env_group_variable = { env_group_id = var.env_group_id } } }

  activations = { deploy = local.deploy }
  checks      = { healthy = local.healthy }

  rotation {
    every = "apply"
  }
}

# Services know the new public key before one of them signs with the new private key.
resource "rotation_secret" "jwt_signing_key" {
  name   = "INTERNAL_JWT_SIGNING_KEY"
  source = { key_pair = { algorithm = "ed25519" } }

  targets = {
    verifiers = {
      lead                      = var.drain
      part                      = "jwks"
      render_env_group_variable = { env_group_id = var.env_group_id, name = "INTERNAL_JWKS" }
    }
    signer = {
      wave                      = 2
      part                      = "private_jwk"
      render_env_group_variable = { env_group_id = var.env_group_id }
    }
  }

  activations = {
    verifiers = merge(local.deploy, { wave = 1 })
    signer    = merge(local.deploy, { wave = 2 })
  }
  checks = { healthy = local.healthy }

  overlap = "1h"
  rotation {
    every = "apply"
  }
}
