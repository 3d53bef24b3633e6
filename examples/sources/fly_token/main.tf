# A deploy token of one Fly app, rotated every 90 days and stored in the secrets of that app.
# The run authenticates with FLY_API_TOKEN, which must belong to a member of the app's organization.

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

resource "rotation_secret" "deploy_token" {
  name = "DEPLOY_TOKEN"

  source = {
    fly_token = {
      app        = "example-app"
      expires_in = "2400h"
    }
  }

  targets = {
    app = {
      fly_secret = { app = "example-app" }
    }
  }

  rotation {
    every = "90d"
  }

  revoke {
    mode = "automatic"
  }
}
