/**
 * Measures one commit path by itself: `main.ts <bare|parley|postgres> <file or URL> <outstanding> <milliseconds> [pid of PostgreSQL]`
 * prints what it came to as JSON.
 */
import { serverCpuOf } from "../postgres/serverCpu.ts"
import { bare, type Path, postgres, sqlite } from "./paths.ts"

/** Milliseconds before it counts. */
const WARM_UP = 300

export interface CommitsSeen {
  /** Rows a second. */
  readonly rate: number
  /** Microseconds of CPU for each row, of the whole process. */
  readonly cpu: number
  /** Microseconds of CPU for each row, of all processes of PostgreSQL; 0 without it. */
  readonly serverCpu: number
}

const measure = async (path: Path, outstanding: number, duration: number, server: number): Promise<CommitsSeen> => {
  let rows = 0
  let going = true
  let left = outstanding
  const cpu = process.cpuUsage()
  const serverCpu = serverCpuOf(server)
  const begin = performance.now()
  await new Promise<void>((resolve) => {
    const next = (): void => {
      rows++
      if (going) path.append(next)
      else if (--left === 0) resolve()
    }
    setTimeout(() => (going = false), duration)
    for (let index = 0; index < outstanding; index++) path.append(next)
  })
  const used = process.cpuUsage(cpu)
  return {
    rate: (rows * 1000) / (performance.now() - begin),
    cpu: (used.user + used.system) / rows,
    serverCpu: (serverCpuOf(server) - serverCpu) / rows
  }
}

const paths = { bare, parley: sqlite, postgres } as const

const [, , name = "", where = "", outstanding = "1", milliseconds = "1000", server = "0"] = process.argv
const path = await paths[name as keyof typeof paths](where)
await measure(path, Number(outstanding), WARM_UP, 0)
const seen = await measure(path, Number(outstanding), Number(milliseconds), Number(server))
await path.close()
console.log(JSON.stringify(seen))
