# A Vercel token for one team, with which workflows of a repository deploy. It is revoked a day after the next one is in place, and only if nobody
# has used it for twelve hours.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"

  github {
    owner = "example-org"
  }
}

resource "rotation_secret" "vercel_token" {
  name = "VERCEL_TOKEN"

  source = {
    vercel_token = {
      team_id    = "team_example"
      expires_in = "2400h"
    }
  }

  targets = {
    deploy = {
      github_actions_secret = { repository = "example-service" }
    }
  }

  overlap = "24h"

  revoke {
    mode      = "automatic"
    quiet_for = "12h"
  }

  rotation {
    every = "60d"
  }
}
