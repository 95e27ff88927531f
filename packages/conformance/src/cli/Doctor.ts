/** The command `doctor`: checks that a server is ready for a run. */
import * as Effect from "effect/Effect"
import { findConfig } from "../Config.ts"
import { examine } from "../Doctor.ts"
import { harmless } from "../report/Paint.ts"
import type { Command } from "./Host.ts"
import { choice, target } from "./Run.ts"
import { settings } from "./Settings.ts"

export const doctor: Command = {
  name: "doctor",
  operands: "",
  summary: "check that a server is ready: reachability, clock, protocols, logins",
  flags: [...choice, ...target],
  count: [0, 0],
  run: async (flags, host) => {
    const { runs } = settings(flags, host, { protocolNeeded: false })
    const fromFile = findConfig(flags.text("config") ?? host.env["PARLEY_CONFORMANCE_CONFIG"], host.folder).protocol
    const named =
      flags.texts("protocol").length > 0 ||
      host.env["PARLEY_CONFORMANCE_PROTOCOL"] !== undefined ||
      fromFile !== undefined
    const findings = await Effect.runPromise(examine(runs, named))
    for (const { good, note, what, fix } of findings) {
      const mark = good
        ? host.paint(note === true ? "grey" : "green", note === true ? "-  " : "ok ")
        : host.paint("red", "fix")
      host.out(`${mark}  ${harmless(what)}`)
      if (fix !== undefined) host.out(`     ${harmless(fix)}`)
    }
    const wrong = findings.filter(({ good }) => !good).length
    host.out(wrong === 0 ? "ready: parley-conformance run" : `${wrong} to fix before a run can judge the server`)
    return wrong === 0 ? 0 : 3
  }
}
