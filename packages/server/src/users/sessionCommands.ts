/** Operator commands for sessions. */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Sessions, SessionView } from "@parley/core/Sessions"
import type { User } from "@parley/core/User"
import type { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import { time } from "../terminal/time.ts"
import { userNamed, withCommandErrors } from "./errorText.ts"

const row = ({ account }: User, session: SessionView) => ({
  account,
  session: session.id,
  kind: session.kind,
  device: session.device,
  since: time(session.createdAt),
  used: time(session.usedAt),
  connected: session.connected
})

export const sessionCommands = (
  sessions: Sessions["Service"],
  users: Users["Service"]
): ReadonlyArray<OperatorCommand> => [
  {
    path: ["session", "list"],
    description: "List sessions by user, most recently used first; tokens are never shown",
    lists: true,
    inputs: [{ name: "user", kind: "text", required: false, description: "Only sessions of this account" }],
    run: Effect.fnUntraced(function* (inputs) {
      const account = inputs["user"]
      const owners =
        account === undefined ? yield* withCommandErrors(users.list) : [yield* userNamed(users, String(account))]
      const rows: Array<ReturnType<typeof row>> = []
      for (const user of owners) {
        for (const session of yield* withCommandErrors(sessions.list(user.id))) rows.push(row(user, session))
      }
      return { columns: ["account", "session", "kind", "device", "since", "used", "connected"], rows }
    })
  },
  {
    path: ["session", "end"],
    description: "End all sessions of a user, or one of them, at once; their connections are closed",
    inputs: [
      { name: "account", kind: "text", positional: true, required: true, description: "The user's account" },
      {
        name: "session",
        kind: "text",
        positional: true,
        required: false,
        description: "The session's id from session list; all sessions if absent"
      }
    ],
    run: Effect.fnUntraced(function* (inputs) {
      const account = String(inputs["account"])
      const user = yield* userNamed(users, account)
      const id = inputs["session"]
      if (id === undefined) {
        const count = (yield* withCommandErrors(sessions.list(user.id))).length
        yield* withCommandErrors(sessions.endAll(user.id))
        return `ended ${count} ${count === 1 ? "session" : "sessions"} of ${account}`
      }
      const isEnded = yield* withCommandErrors(sessions.endOne(user.id, String(id)))
      return isEnded ? `ended session ${id} of ${account}` : yield* Effect.fail(`${account} has no session ${id}`)
    })
  }
]
