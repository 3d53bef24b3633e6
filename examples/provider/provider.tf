terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "molecule-production"

  # Each connection is optional, and each argument falls back to the usual environment variable.
  github {
    owner = "molecule-ai"
  }

  aws {
    region = "eu-west-1"
  }
}
