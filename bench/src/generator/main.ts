/** Plays all clients of one run: reads a task as JSON, writes one line of JSON, what it has seen. */
import { catchUp } from "./CatchUp.ts"
import { Load } from "./Load.ts"
import type { Task } from "./Plan.ts"
import { relay } from "./RelayClient.ts"
import { rtm } from "./RtmClient.ts"
import { socketIo } from "./SocketIoClient.ts"
import { give, storm } from "./Storm.ts"
import { xuanxuan } from "./XuanxuanClient.ts"

const speakers = { xuanxuan, relay, rtm, "socket.io": socketIo } as const

const carryOut = (task: Task): Promise<unknown> => {
  switch (task.task) {
    case "load":
      return new Load(task, speakers[task.speech](task.port)).play()
    case "storm":
      return storm(task)
    case "give":
      return give(task)
    case "catch-up":
      return catchUp(task)
  }
}

// A thousand sessions do not fit into an argument everywhere: the task comes on standard input.
let text = ""
for await (const chunk of process.stdin.setEncoding("utf8")) text += String(chunk)
const seen = await carryOut(JSON.parse(text) as Task)
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0))
