/**
 * Laws of `Store` for any test runner: each check runs on a fresh, empty store, and fails with the expected and the
 * actual value. A valid store passes them all.
 */
import { amendLaws } from "./StoreLaws/AmendLaws.ts"
import { chatLaws } from "./StoreLaws/ChatLaws.ts"
import { commitLaws } from "./StoreLaws/CommitLaws.ts"
import { journalLaws } from "./StoreLaws/JournalLaws.ts"
import type { StoreLaw } from "./StoreLaws/Law.ts"
import { messageLaws } from "./StoreLaws/MessageLaws.ts"
import { cursorLaws } from "./StoreLaws/CursorLaws.ts"
import { appendLaws } from "./StoreLaws/AppendLaws.ts"
import { recordLaws } from "./StoreLaws/RecordLaws.ts"
import { refusalLaws } from "./StoreLaws/RefusalLaws.ts"
import { sessionLaws } from "./StoreLaws/SessionLaws.ts"
import { userLaws } from "./StoreLaws/UserLaws.ts"

export { LawBroken, type StoreLaw } from "./StoreLaws/Law.ts"
export { disabledSenderLaw } from "./StoreLaws/DisabledSenderLaw.ts"
export { sharedStoreLaws, type SharedStoreLaw } from "./StoreLaws/SharedStoreLaws.ts"
export { reopenLaws, type ReopenLaw, type Reopening } from "./StoreLaws/ReopenLaws.ts"

/** Laws of every store. */
export const storeLaws: ReadonlyArray<StoreLaw> = [
  ...commitLaws,
  ...appendLaws,
  ...refusalLaws,
  ...chatLaws,
  ...messageLaws,
  ...amendLaws,
  ...cursorLaws,
  ...userLaws,
  ...sessionLaws,
  ...recordLaws,
  ...journalLaws
]
