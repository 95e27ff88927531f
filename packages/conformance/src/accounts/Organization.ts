/** An organization of the target with its users, for scenarios that no request can prepare. */
import * as Schema from "effect/Schema"

const OrganizationUser = Schema.Struct({
  /** The id among the contacts. */
  id: Schema.optionalKey(Schema.Int),
  /** The name among the contacts. */
  name: Schema.NonEmptyString,
  /** In plain text. No response may have it or a hash of it. */
  password: Schema.optionalKey(Schema.NonEmptyString)
})

/** An organization with its users, as its contacts show them. */
export const Organization = Schema.Struct({
  id: Schema.Int,
  /** Some or all of its users. */
  users: Schema.NonEmptyArray(OrganizationUser)
})
/** An organization with its users, as its contacts show them. */
export type Organization = typeof Organization.Type

/** The organization of Parley's demo data. */
export const demoOrganization: Organization = {
  id: 1,
  users: [
    { name: "Alice", password: "123456" },
    { name: "Bob", password: "123456" }
  ]
}
