/** Statements that write what a transaction has changed. */
import type { Statement } from "../Session.ts"
import { changedChatsOf, newChatsOf } from "./chatsChanges.ts"
import { journalOf } from "./journalChanges.ts"
import { entriesOf, headsOf } from "./logChanges.ts"
import { cursorsOf, hiddenOf, preferencesOf } from "./membersChanges.ts"
import { filesOf, recordsOf } from "./recordsChanges.ts"
import { sessionsOf, usersOf } from "./usersChanges.ts"
import type { Facts } from "./Facts.ts"

/** Returns the statements, in the order in which tables are locked. */
export const changesOf = (facts: Facts): ReadonlyArray<Statement> => [
  ...headsOf(facts),
  ...usersOf(facts),
  ...newChatsOf(facts),
  ...changedChatsOf(facts),
  ...entriesOf(facts),
  ...preferencesOf(facts),
  ...cursorsOf(facts),
  ...hiddenOf(facts),
  ...sessionsOf(facts),
  ...filesOf(facts),
  ...recordsOf(facts),
  ...journalOf(facts)
]
