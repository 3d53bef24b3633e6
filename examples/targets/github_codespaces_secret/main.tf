# A deploy token of the Fly app that developers try things on, minted anew every 30 days, in every codespace of the repository.
# A running codespace keeps the old token until its developer stops and starts it: `overlap` gives them a week to do so.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-development"

  github {
    owner = "example-org" # the token comes from GITHUB_TOKEN
  }
}

resource "rotation_secret" "fly_token" {
  name = "FLY_API_TOKEN"

  source = {
    fly_token = {
      app        = "example-app"
      expires_in = "2400h"
    }
  }

  targets = {
    codespaces = {
      github_codespaces_secret = { repository = "example-service" }
    }
  }

  overlap = "168h"

  rotation {
    every = "30d"
  }

  revoke {
    mode = "automatic"
  }
}
