/** The command `parley explain permission`: shows a permission decision and the rule behind it. */
import type { ChatRef } from "@parley/core/Command"
import type { OperatorCommand } from "@parley/core/Dialect"
import { ChatId } from "@parley/core/Ids"
import type { Permissions } from "@parley/core/Permissions"
import { type Operation, operations } from "@parley/core/rules/Operations"
import type { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import { userNamed, withCommandErrors } from "../users/errorText.ts"

const names = Object.keys(operations)

const isOperation = (name: string): name is Operation => Object.hasOwn(operations, name)

/** Interprets a positive integer as a chat's id, and any other text as its gid. */
const chatRef = (text: string): ChatRef =>
  /^[1-9][0-9]{0,14}$/.test(text) ? { id: ChatId(Number(text)) } : { gid: text }

export const permissionCommands = (
  permissions: Permissions["Service"],
  users: Users["Service"]
): ReadonlyArray<OperatorCommand> => [
  {
    path: ["explain", "permission"],
    description: "Show whether a user may execute an operation in a chat, and the rule that decides",
    inputs: [
      { name: "user", kind: "text", required: true, description: "The user's account" },
      { name: "chat", kind: "text", required: true, description: "The chat's id or gid" },
      { name: "operation", kind: "text", required: true, description: `One of ${names.join(", ")}` }
    ],
    run: (inputs) => {
      const [account, chat, operation] = [String(inputs["user"]), String(inputs["chat"]), String(inputs["operation"])]
      if (!isOperation(operation))
        return Effect.fail(`unknown operation ${operation}; must be one of ${names.join(", ")}`)
      return Effect.gen(function* () {
        const user = yield* userNamed(users, account)
        const { allowed, rule } = yield* withCommandErrors(permissions.explain(user.id, chatRef(chat), operation))
        const passed = operations[operation].map(({ name }) => name).join("; ")
        return allowed ? `allowed: ${account} passes every rule of ${operation} (${passed})` : `refused: ${rule}`
      })
    }
  }
]
