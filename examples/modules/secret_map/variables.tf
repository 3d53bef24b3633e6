variable "application" {
  description = "First part of every parameter's name."
  type        = string
}

variable "environment" {
  description = "Second part of every parameter's name, and the suffix of Fly apps."
  type        = string
}

variable "secrets" {
  description = "Secrets by name."
  type = map(object({
    bytes    = optional(number, 32)
    encoding = optional(string, "hex")
    every    = optional(string, "90d")
    fly_apps = optional(list(string), [])
  }))
}
