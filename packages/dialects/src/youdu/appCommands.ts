/** The operator's commands for apps. */
import type { OperatorCommand } from "@parley/core/Dialect"
import { describeReason } from "@parley/core/describeReason"
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import { type App, appName, type Apps } from "./apps.ts"
import type { AppUsers } from "./appUsers.ts"
import { type Callback, callbackProblem } from "./callbackUrl.ts"
import { keyBytes } from "./envelopeCipher.ts"

const BUIN = { name: "buin", kind: "integer", required: true, description: "The enterprise's number" } as const
const APP_ID = { name: "app-id", kind: "text", required: true, description: "The app's id" } as const
const CALLBACK = {
  name: "callback",
  kind: "text",
  description: "The URL that gets the messages that users send to the app"
} as const
const TOKEN = {
  name: "callback-token",
  kind: "text",
  description: "The callback's Token, which signs the requests to the URL"
} as const

type Inputs = Parameters<OperatorCommand["run"]>[0]

const nameIn = (inputs: Inputs): string => appName(Number(inputs["buin"]), String(inputs["app-id"]))

const callbackIn = (inputs: Inputs): Effect.Effect<Callback, string> => {
  const callback = { url: String(inputs["callback"] ?? ""), token: String(inputs["callback-token"] ?? "") }
  const problem = callbackProblem(callback)
  return problem === undefined ? Effect.succeed(callback) : Effect.fail(problem)
}

const withReason = <A>(effect: Effect.Effect<A, Refused>): Effect.Effect<A, string> =>
  Effect.mapError(effect, ({ reason }) => describeReason(reason).replace(/\.$/, ""))

interface Deps {
  readonly apps: Apps
  readonly appUsers: AppUsers
  /** Returns the state of an app's callback, to be listed; "" if it works. */
  readonly stateOf: (name: string) => string
}

export const appCommands = ({ apps, appUsers, stateOf }: Deps): ReadonlyArray<OperatorCommand> => {
  const found = Effect.fnUntraced(function* (inputs: Inputs) {
    const name = nameIn(inputs)
    const app = (yield* apps.listed).get(name)
    return app ?? (yield* Effect.fail(`there is no app ${name}`))
  })

  return [
    {
      path: ["youdu-app", "add"],
      group: "Apps that may use the youdu protocol",
      description: "Let an app use the youdu protocol",
      inputs: [
        BUIN,
        APP_ID,
        { name: "key", kind: "text", required: true, description: "The app's EncodingAESKey: 32 bytes in base64" },
        {
          name: "org",
          kind: "integer",
          required: true,
          description: "The id of the organisation whose groups and users the app may access"
        },
        { ...CALLBACK, required: false },
        { ...TOKEN, required: false }
      ],
      run: Effect.fnUntraced(function* (inputs) {
        const hasCallback = inputs["callback"] !== undefined || inputs["callback-token"] !== undefined
        const app: App = {
          buin: Number(inputs["buin"]),
          appId: String(inputs["app-id"]),
          key: String(inputs["key"]),
          organisation: Number(inputs["org"]),
          ...(hasCallback && { callback: yield* callbackIn(inputs) })
        }
        const name = appName(app.buin, app.appId)
        const length = Array.from(app.appId).length
        if (length < 1 || length > 128) return yield* Effect.fail("app-id must have 1 to 128 characters")
        if (keyBytes(app.key) === undefined) return yield* Effect.fail("key must be 32 bytes in base64")
        if (!(yield* apps.add(app))) return yield* Effect.fail(`app ${name} exists already`)
        const added = `added app ${name} of organisation ${app.organisation}`
        // An app of this name that was removed has a disabled user.
        return yield* withReason(
          Effect.map(appUsers.enabled(app), ({ account }) => `${added}, with the user ${account}`)
        ).pipe(Effect.catch((problem) => Effect.succeed(`${added}, which cannot send messages: ${problem}`)))
      })
    },
    {
      path: ["youdu-app", "list"],
      description: "List the apps that may use the youdu protocol, with their organisations and callbacks",
      inputs: [],
      lists: true,
      run: () =>
        Effect.map(apps.listed, (all) => ({
          columns: ["app", "org", "callback", "state"],
          rows: Array.from(all.values(), ({ name, organisation, callback }) => ({
            app: name,
            org: organisation,
            callback: callback?.url ?? null,
            state: stateOf(name) || null
          }))
        }))
    },
    {
      path: ["youdu-app", "set-callback"],
      description: "Set or change the URL that gets the messages that users send to an app; none is lost meanwhile",
      inputs: [BUIN, APP_ID, { ...CALLBACK, required: true }, { ...TOKEN, required: true }],
      run: Effect.fnUntraced(function* (inputs) {
        const app = yield* found(inputs)
        const callback = yield* callbackIn(inputs)
        const { account } = yield* withReason(appUsers.enabled(app))
        yield* apps.replace({ ...app, callback })
        return `app ${app.name} gets the messages that users send to ${account}`
      })
    },
    {
      path: ["youdu-app", "remove-callback"],
      description: "Stop sending messages to an app's URL; they are kept for the next one",
      inputs: [BUIN, APP_ID],
      run: Effect.fnUntraced(function* (inputs) {
        const { callback, name, ...app } = yield* found(inputs)
        if (callback === undefined) return yield* Effect.fail(`app ${name} has no callback`)
        yield* apps.replace(app)
        return `app ${name} has no callback any more`
      })
    },
    {
      path: ["youdu-app", "remove"],
      description: "Lock an app out of the youdu protocol, at once, and disable its user",
      inputs: [BUIN, APP_ID],
      run: Effect.fnUntraced(function* (inputs) {
        const app = yield* found(inputs)
        yield* apps.remove(app.name)
        yield* withReason(appUsers.disable(app))
        return `removed app ${app.name}`
      })
    }
  ]
}
