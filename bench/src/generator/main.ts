/** Plays all clients of one run: reads a plan as JSON, writes one line of JSON, what it has seen. */
import { Load } from "./Load.ts"
import type { Plan } from "./Plan.ts"
import { relay } from "./RelayClient.ts"
import { socketIo } from "./SocketIoClient.ts"
import { xuanxuan } from "./XuanxuanClient.ts"

const speakers = { xuanxuan, relay, "socket.io": socketIo } as const

// A thousand sessions do not fit into an argument everywhere: the plan comes on standard input.
let text = ""
for await (const chunk of process.stdin.setEncoding("utf8")) text += String(chunk)
const plan = JSON.parse(text) as Plan
const seen = await new Load(plan, speakers[plan.speech](plan.port)).play()
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0))
