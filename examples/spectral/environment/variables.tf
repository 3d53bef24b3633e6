variable "name" {
  description = "The environment: the name of its connection to PostgreSQL, and of its environment at GitHub."
  type        = string
}

variable "env_group_id" {
  description = "Its environment group at Render."
  type        = string
}

variable "url" {
  description = "Where /health answers once its services run."
  type        = string
}

variable "repository" {
  description = "owner/name at GitHub."
  type        = string
}

variable "deploy_engineers" {
  description = "Who can read its secrets."
  type        = list(string)
}

variable "vendor_urls" {
  description = "Where checks present a new key, by vendor."
  type        = map(string)
}

variable "keys" {
  description = "New values by name."
  type        = map(string)
  ephemeral   = true
}

variable "rotations" {
  description = "What is asked for, by name."
  type = map(object({
    version = optional(number, 1)
    reason  = optional(string)
    confirm = optional(string)
    revoked = optional(number)
  }))
}
