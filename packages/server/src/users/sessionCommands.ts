/** The operator's commands about sessions. */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Sessions, SessionView } from "@parley/core/Sessions"
import type { User } from "@parley/core/User"
import type { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import { columns } from "../terminal/columns.ts"
import { userNamed, withCommandErrors } from "./errorText.ts"

/** To the second, in UTC. */
const moment = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z")

const row = ({ account }: User, session: SessionView): ReadonlyArray<string> => [
  account,
  session.id,
  session.kind,
  session.device,
  moment(session.createdAt),
  moment(session.usedAt),
  session.connected ? "connected" : ""
]

export const sessionCommands = (
  sessions: Sessions["Service"],
  users: Users["Service"]
): ReadonlyArray<OperatorCommand> => [
  {
    path: ["session", "list"],
    description: "List sessions by user, those used last first; tokens are never shown",
    inputs: [{ name: "user", kind: "text", required: false, description: "The sessions of this account only" }],
    run: Effect.fnUntraced(function* (inputs) {
      const account = inputs["user"]
      const whose =
        account === undefined ? yield* withCommandErrors(users.list) : [yield* userNamed(users, String(account))]
      const rows: Array<ReadonlyArray<string>> = []
      for (const user of whose) {
        for (const session of yield* withCommandErrors(sessions.list(user.id))) rows.push(row(user, session))
      }
      return columns(["account", "session", "kind", "device", "since", "used", "state"], rows)
    })
  },
  {
    path: ["session", "end"],
    description: "End a user's sessions, or one of them, at once; whoever is connected with it is disconnected",
    inputs: [
      { name: "account", kind: "text", positional: true, required: true, description: "The user's account" },
      {
        name: "session",
        kind: "text",
        positional: true,
        required: false,
        description: "The session's id as session list shows it; all if not given"
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
