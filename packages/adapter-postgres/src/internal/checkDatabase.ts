import { checkOptions, nonEmpty, optional, secret } from "@parley/core/Check"

/** Checks the location of a database. Throws a `ParleyError` that names the layer `of`. */
export const checkDatabase = (of: string, options: unknown): void =>
  checkOptions(of, options, { url: secret, schema: optional(nonEmpty) })
