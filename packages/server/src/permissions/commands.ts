/** `parley explain permission`: who may do what, and the rule that decides it. */
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

/** A chat by its number, else by its gid. */
const chatRef = (text: string): ChatRef =>
  /^[1-9][0-9]{0,14}$/.test(text) ? { id: ChatId(Number(text)) } : { gid: text }

export const permissionCommands = (
  permissions: Permissions["Service"],
  users: Users["Service"]
): ReadonlyArray<OperatorCommand> => [
  {
    path: ["explain", "permission"],
    description: "Say whether a user may do something in a chat, and which rule decides",
    inputs: [
      { name: "user", kind: "text", required: true, description: "The user's account" },
      { name: "chat", kind: "text", required: true, description: "The chat's id or gid" },
      { name: "operation", kind: "text", required: true, description: `One of ${names.join(", ")}` }
    ],
    run: (inputs) => {
      const [account, chat, operation] = [String(inputs["user"]), String(inputs["chat"]), String(inputs["operation"])]
      if (!isOperation(operation))
        return Effect.fail(`there is no operation ${operation}; there are ${names.join(", ")}`)
      return Effect.gen(function* () {
        const user = yield* userNamed(users, account)
        const { allowed, rule } = yield* withCommandErrors(permissions.explain(user.id, chatRef(chat), operation))
        const passed = operations[operation].map(({ name }) => name).join("; ")
        return allowed ? `allowed: ${account} passes every rule of ${operation} (${passed})` : `refused: ${rule}`
      })
    }
  }
]
