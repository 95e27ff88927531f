/** Accounts that sign up by the protocol itself, for a protocol that has a way to. None of the five documents has one. */
import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import { type Accounts, NotPrepared } from "./Accounts.ts"
import { load } from "../scenarios/loadScenarios.ts"
import { signUp } from "../run/scenario.ts"
import { type Options, plan } from "../run/plan.ts"

/** The routine in `protocol.json` that signs an account up. */
export const routineName = "signup"

/**
 * Plays the protocol's routine `signup` for each role, with a fresh `self.account` and `self.password`. A protocol without
 * this routine has no way to sign up: then the target is not prepared.
 */
export const signUpAccounts = (options: Omit<Options, "accounts">): Accounts =>
  Effect.suspend(() => {
    const { protocol } = load(options.protocol ?? "xuanxuan", options.sequences)
    if (protocol.routines[routineName] === undefined) {
      const message = `${protocol.protocol} has no way to sign up: give accounts by file, http or exec`
      return Effect.fail(new NotPrepared({ message }))
    }
    const stage = plan(options).stage
    return Effect.succeed({
      actor: (name: string) => {
        const account = { account: `${name}-${randomUUID().slice(0, 8)}`, password: randomUUID() }
        return signUp(stage, routineName, account)
      }
    })
  })
