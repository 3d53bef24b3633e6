variable "environments" {
  description = "staging and production. env_group_id stands in the URL of the group's page at Render. database.admin may set the passwords of the roles spectral_blue and spectral_green."
  type = map(object({
    env_group_id = string
    url          = string
    database = object({
      host           = string
      port           = optional(number, 5432)
      name           = optional(string, "postgres")
      admin          = optional(string, "postgres")
      ca_certificate = optional(string, "system")
    })
  }))

  validation {
    condition     = toset(keys(var.environments)) == toset(["staging", "production"])
    error_message = "The environments are staging and production."
  }
}

variable "database_passwords" {
  description = "Of database.admin, by environment."
  type        = map(string)
  ephemeral   = true
}

variable "repository" {
  description = "owner/name of the repository with the environments staging and production."
  type        = string
}

variable "deploy_engineers" {
  description = "Who can read these secrets. An incident that exposes one of them rotates all."
  type        = list(string)
  default     = ["deploy-engineer"]
}

variable "keys" {
  description = "New values by scope (shared, staging, production) and name. Needed for the first apply, and whenever a version is raised."
  type        = map(map(string))
  ephemeral   = true
  default     = {}
}

variable "rotations" {
  description = "What is asked for, by scope and name: the version of a value in keys, a reason to rotate now, the line that a guard prints, the newest generation that you have revoked at its vendor."
  type = map(map(object({
    version = optional(number, 1)
    reason  = optional(string)
    confirm = optional(string)
    revoked = optional(number)
  })))
  default = {}
}

variable "incident" {
  description = "Rotates whatever those identities can read. Old keys are revoked without waiting for the checks."
  type = object({
    id      = string
    reason  = string
    exposed = list(string)
  })
  default = null
}

variable "vendor_urls" {
  description = "Where checks present a new key."
  type = object({
    anthropic  = optional(string, "https://api.anthropic.com")
    openai     = optional(string, "https://api.openai.com")
    google     = optional(string, "https://generativelanguage.googleapis.com")
    render     = optional(string, "https://api.render.com")
    supabase   = optional(string, "https://api.supabase.com")
    cloudflare = optional(string, "https://api.cloudflare.com")
  })
  default = {}
}
