# A key in Parameter Store, and a recovery copy of it that only the two owners of the private keys can read:
# age --decrypt --identity key.txt SESSION_KEY.age

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

resource "rotation_secret" "session_key" {
  name   = "SESSION_KEY"
  source = { random = { bytes = 32, encoding = "hex" } }

  targets = {
    runtime = {
      ssm_parameter = { name = "/example/production/SESSION_KEY" }
    }
    recovery = {
      age_file = {
        path       = "/srv/recovery/SESSION_KEY.age"
        recipients = ["age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"]
      }
    }
  }
}
