/** Mutants of all messages of a protocol. */
import { createHash } from "node:crypto"
import { field, isObject } from "../../src/Json.ts"
import { changed } from "./Mutant.ts"
import { isEntry, isLogin, of, onPush, onReply, pass } from "./Rewrites.ts"
import type { WireMutant } from "./WireMutant.ts"

const md5 = createHash("md5").update("123456").digest("hex")

export const sweeping: ReadonlyArray<WireMutant> = [
  {
    name: "result-flipped",
    description: "every `result` is the opposite, except at the entry of a scenario's actors",
    make: (scenario) => ({
      packet: onReply((packet, context) => {
        // A barrier accepts any response, so these checks are included.
        if (packet.about === "chat/login" && isEntry(scenario, packet, context)) return pass(packet)
        const result = field(packet.body, "result") === "success" ? "fail" : "success"
        return [{ send: { ...packet.body, result } }]
      })
    }),
    kills: ({ taken }) => taken.way === "reply"
  },
  {
    name: "status-wrong",
    description: "every answer over HTTP has the status 418",
    make: () => ({ answer: (answer) => ({ ...answer, status: 418 }) }),
    kills: ({ id, taken, scenario }) =>
      taken.way === "answer" ||
      (id.endsWith("#setup") && scenario.steps.some((step) => "http" in step && step.role === "setup")),
    // The pages before are never read.
    spared: of("hisihi", "groups/odd-pages#second", "groups/large-pages#the-same-alone")
  },
  {
    name: "entry-refused",
    description: "no login succeeds",
    make: () => ({
      packet: onReply((packet) =>
        packet.about === "chat/login"
          ? [{ send: { module: "chat", method: "login", result: "fail", message: "no" } }]
          : pass(packet)
      ),
      answer: (answer) => (isLogin(answer) ? { ...answer, status: 401, text: "{}" } : answer)
    }),
    kills: ({ id, scenario }) =>
      id.endsWith("#setup") && !id.startsWith("hisihi/") && scenario.actors.length + (scenario.away?.length ?? 0) > 0,
    more: { accounts: {} }
  },
  {
    name: "no-connection",
    description: "no WebSocket can be opened",
    silent: true,
    make: () => ({ noConnection: true }),
    kills: ({ id, scenario }) => id.endsWith("#setup") && scenario.steps.some((step) => "connect" in step)
  },
  {
    name: "frames-of-html",
    description: "before every packet comes a frame of HTML",
    make: () => ({ packet: (packet) => [{ raw: "<h1>It works!</h1>" }, ...pass(packet)] }),
    kills: ({ id, scenario }) =>
      id.startsWith("xuanxuan/") && id.endsWith("#wire") && scenario.steps.some((step) => !("http" in step))
  },
  {
    name: "pushes-dropped",
    description: "nothing is ever pushed",
    silent: true,
    make: () => ({ packet: onPush(() => []) }),
    kills: ({ taken }) => taken.way === "push",
    spared: of(
      "xuanxuan",
      "message/several#second-in-order offline/delivered-at-login#second-delivered offline/redelivered#delivered-again",
      "offline/live-unacknowledged#delivered-again offline/acknowledged#unacknowledged-comes-again",
      "offline/foreign-ack#same-id-for-all offline/foreign-ack#still-comes-again offline/not-taken#delivered-again"
    )
  },
  {
    name: "passwords-in-answers",
    description: "every message has the MD5 of a password, and every answer over HTTP has it in a header as well",
    make: () => ({
      packet: ({ body }) => [{ send: { ...body, trace: md5 } }],
      answer: (answer) => ({
        ...changed(answer, (body) =>
          isObject(body) ? Object.assign({}, body, { trace: { passwordHash: md5 } }) : [{ passwordHash: md5 }, body]
        ),
        headers: { ...answer.headers, "x-trace": md5 }
      })
    }),
    kills: ({ id }) => id.endsWith("#secrets")
  },
  {
    name: "stays-open",
    description: "a connection that is to be closed stays open",
    make: () => ({ keepsOpen: true }),
    kills: ({ taken }) => taken.way === "end"
  }
]
