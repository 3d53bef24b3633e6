# A server that reads AWS Parameter Store: each secret is written there, then `secrets.sh` and `deploy.sh` run on the server over SSH, and
# requests show that it uses the new value. Until then the server goes on with the old one.
#
# Values that the server reads go to Parameter Store alone; only a check sends the token, to the server's own URL.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace  = "musehub-${var.environment}"
  allow_exec = ["${var.server.host}:${var.server.port}"]

  aws {
    region = "us-east-1"
  }

  postgres {
    host     = var.database.host
    port     = var.database.port
    user     = var.database.admin
    password = var.database_password
    database = var.database.name
  }
}

locals {
  parameters = "/musehub/${var.environment}"

  # Before anything is minted: the server presents its key, lets us in, and has the scripts.
  reachable = {
    phase   = "preflight"
    effects = true
    timeout = "30s"
    ssh     = merge(var.server, { command = "cd ${var.folder} && test -r deploy/secrets.sh && test -r deploy/deploy.sh" })
  }

  # Secrets that are applied together share one deployment.
  deploy = {
    timeout = "10m"
    ssh     = merge(var.server, { command = "cd ${var.folder} && bash deploy/secrets.sh && bash deploy/deploy.sh" })
  }

  # A deployment that another secret needs may be under way.
  up = {
    effects   = true
    timeout   = "30s"
    retry_for = "2m"
    ssh       = merge(var.server, { command = "curl -sf ${var.local_url}/explore > /dev/null" })
  }
}

# PostgreSQL keeps one password for each role: new connections fail from the change until the deployment has ended.
resource "rotation_secret" "db_password" {
  name = "DB_PASSWORD"

  info = {
    impact = "Full DB read/write access"
  }

  source = {
    postgres_password = { role = "musehub" }
  }

  targets = {
    parameter = {
      part          = "password"
      ssm_parameter = { name = "${local.parameters}/DB_PASSWORD" }
    }
  }

  activations = { deploy = local.deploy }

  checks = {
    reachable = local.reachable
    up        = local.up
    accepted = {
      postgres_login = { user = "musehub" }
    }
    old_refused = {
      postgres_login = { user = "musehub", credential = "previous" }
    }
  }

  rotation {
    every = "180d"
  }
  rotation_reason = var.db_password_reason
}

resource "rotation_secret" "runner_token" {
  name = "RUNNER_TOKEN"

  info = {
    purpose = "Authenticates the runner of CI jobs to MuseHub"
    impact  = "CI job injection"
  }

  source = {
    random = {
      bytes    = 32
      encoding = "hex"
    }
  }

  targets = {
    parameter = {
      ssm_parameter = { name = "${local.parameters}/RUNNER_TOKEN" }
    }
  }

  activations = { deploy = local.deploy }

  checks = {
    reachable = local.reachable
    up        = local.up
    accepted = {
      http = {
        url     = "${var.url}/runner"
        headers = { Authorization = "Bearer {{ value }}" }
      }
    }
    old_refused = {
      http = {
        url           = "${var.url}/runner"
        headers       = { Authorization = "Bearer {{ value }}" }
        credential    = "previous"
        expect_status = [401]
      }
    }
  }

  rotation {
    every = "90d"
  }
  rotation_reason = var.runner_token_reason
}

# Never on schedule: every registered webhook has to be registered again.
resource "rotation_secret" "webhook_secret_key" {
  name = "WEBHOOK_SECRET_KEY"

  info = {
    impact = "Webhook HMAC spoofing"
  }

  source = {
    fernet_key = {}
  }

  targets = {
    parameter = {
      ssm_parameter = { name = "${local.parameters}/WEBHOOK_SECRET_KEY" }
    }
  }

  activations = { deploy = local.deploy }

  checks = {
    reachable = local.reachable
    up        = local.up
  }

  guard {
    consequence = "webhook deliveries fail until users register their endpoints again"
    confirm     = var.webhook_secret_key_confirm
  }
  rotation_reason = var.webhook_secret_key_reason
}

# Made, and revoked, in Cloudflare's dashboard. The two parts change as one.
resource "rotation_secret" "r2" {
  name = "R2"

  info = {
    impact   = "Object store read/write"
    docs_url = "https://developers.cloudflare.com/r2/api/tokens/"
  }

  source = {
    provided = { part_names = ["access_key_id", "secret_access_key"] }
  }
  parts_wo         = var.r2_token
  value_wo_version = var.r2_token_version

  targets = {
    access_key_id = {
      part          = "access_key_id"
      ssm_parameter = { name = "${local.parameters}/R2_ACCESS_KEY_ID" }
    }
    secret_access_key = {
      part          = "secret_access_key"
      ssm_parameter = { name = "${local.parameters}/R2_SECRET_ACCESS_KEY" }
    }
  }

  activations = { deploy = local.deploy }

  checks = {
    reachable = local.reachable
    up        = local.up
  }

  rotation {
    every = "90d"
  }
}
