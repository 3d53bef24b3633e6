# One map of secrets, used by every environment.
#
# The map holds names, never values. merge() and for … if build such maps. map(any) and ?: between unlike maps do not work in
# Terraform itself: give the variable a type, as variables.tf does, and filter with for … if.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

resource "rotation_secret" "this" {
  for_each = var.secrets

  name   = each.key
  source = { random = { bytes = each.value.bytes, encoding = each.value.encoding } }
  targets = merge(
    { runtime = { ssm_parameter = { name = "/${var.application}/${var.environment}/${each.key}" } } },
    { for app in each.value.fly_apps : "fly_${app}" => { wave = 2, fly_secret = { app = "${app}-${var.environment}" } } },
  )

  rotation {
    every = each.value.every
  }
}
