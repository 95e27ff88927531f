/** Accounts that sign up through the protocol, if it defines sign-up. None of the five documents does. */
import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import { type Accounts, NotPrepared } from "../accounts/Accounts.ts"
import { load } from "../scenarios/loadScenarios.ts"
import { signUp } from "./scenario.ts"
import { type Options, plan } from "./plan.ts"

/** The protocol's routine that signs an account up. */
export const routineName = "signup"

/**
 * Runs the protocol's routine `signup` for each role, with a fresh `self.account` and `self.password`. Fails with
 * `NotPrepared` for a protocol without this routine.
 */
export const signUpAccounts = (options: Omit<Options, "accounts">): Accounts =>
  Effect.suspend(() => {
    const { protocol } = load(options.protocol ?? "xuanxuan", options.sequences)
    if (protocol.routines[routineName] === undefined) {
      const message = `${protocol.protocol} does not define sign-up: give accounts by file, http or exec`
      return Effect.fail(new NotPrepared({ message }))
    }
    const runContext = plan(options).runContext
    return Effect.succeed({
      actor: (name: string) => {
        const account = { account: `${name}-${randomUUID().slice(0, 8)}`, password: randomUUID() }
        return signUp(runContext, routineName, account)
      }
    })
  })
