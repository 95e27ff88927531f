/** The servers that are measured: ours, and those beside it. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Speech } from "./generator/Plan.ts"
import { RTM_APP } from "./generator/RtmClient.ts"
import { operate, type Prepared, serve, type Serving } from "./Prepared.ts"
import { start } from "./Program.ts"

export interface Subject {
  readonly name: string
  readonly description: string
  readonly speech: Speech
  /** The scenarios that it plays; all by default. */
  readonly plays?: ReadonlyArray<string>
  /** `run` is a name that no other run has; `node` are options of Node. */
  readonly start: (place: {
    readonly prepared: Prepared
    readonly folder: string
    readonly run: string
    readonly node: ReadonlyArray<string>
  }) => Promise<Serving>
}

const beside = async (node: ReadonlyArray<string>, file: string, ...args: ReadonlyArray<string>): Promise<Serving> => {
  const program = start(0, [...node, fileURLToPath(new URL(`servers/${file}`, import.meta.url)), ...args])
  const [, port] = await program.until(/^listening (\d+)/m)
  return { program, port: Number(port) }
}

export const subjects: ReadonlyArray<Subject> = [
  {
    name: "parley",
    description:
      "`parley serve` from source on SQLite; stored and on the disk before it is answered; recipients acknowledge",
    speech: "xuanxuan",
    start: ({ prepared, run, node }) => serve(0, prepared.copy(run), node)
  },
  {
    name: "parley-rtm",
    description: "the same server, with clients of rtm that acknowledge each message; in b only",
    speech: "rtm",
    plays: ["b"],
    start: async ({ prepared, run, node }) => {
      const file = prepared.copy(run)
      await operate(file, ["rtm-app", "add", RTM_APP, "--all-users"])
      return serve(0, file, node)
    }
  },
  {
    name: "relay-frame",
    description: "bare relay on `ws`, one ready frame, a write to each socket; keeps nothing",
    speech: "relay",
    start: ({ node }) => beside(node, "relay.ts", "frame")
  },
  {
    name: "relay-coalesced",
    description: "the same, one write for each socket and turn of the event loop",
    speech: "relay",
    start: ({ node }) => beside(node, "relay.ts", "coalesced")
  },
  {
    name: "relay-durable",
    description: "the coalesced one, on the disk of SQLite before anything is sent",
    speech: "relay",
    start: ({ folder, run, node }) => beside(node, "relay.ts", "durable", join(folder, `${run}-relay.db`))
  },
  {
    name: "socket.io",
    description: "socket.io with a room for each chat; keeps nothing",
    speech: "socket.io",
    start: ({ node }) => beside(node, "socketio.ts")
  }
]

export const subjectNamed = (name: string): Subject => {
  const found = subjects.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no server ${name}`)
  return found
}
