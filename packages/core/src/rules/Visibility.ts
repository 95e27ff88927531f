/**
 * Visibility by organisation: two users of one organisation see each other. A user without one sees only themselves, so
 * that an organisation that was left out hides a user.
 */
import type { User } from "../model/User.ts"

/** The facts of a user that decide. System administrators see no more than others. */
export type Seen = Pick<User, "id" | "organisation">

/** Returns the class of a user: users of one class see each other, and no others. */
export const organisationClass = ({ id, organisation }: Seen): string =>
  organisation === null ? `user ${id}` : `organisation ${organisation}`

/** Whether two users see each other by their organisation; users always see themselves. */
export const sameOrganisation: {
  readonly name: string
  readonly check: (viewer: Seen, other: Seen) => boolean
} = {
  name: "users see the users of their organisation, and themselves",
  check: (viewer, other) => organisationClass(viewer) === organisationClass(other)
}
