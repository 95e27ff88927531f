/** An engine in this process, from the first import on: prints what it cost as JSON. */
const begin = performance.now()
const { createEngine } = await import("@parley/core")
const MemoryStore = await import("@parley/adapter-memory/MemoryStore")
const imported = performance.now()

/** Hashing is the host's affair, and none is done here. */
const make = () => createEngine({ store: MemoryStore.layer })
const first = await make()
const made = performance.now()

export interface EngineSeen {
  /** Milliseconds. */
  readonly importing: number
  readonly making: number
  /** Milliseconds for one more engine in the same process. */
  readonly another: number
  /** kB of heap for one more engine. */
  readonly heap: number
  /** MB of resident memory of a process with one engine. */
  readonly resident: number
}

const MORE = 20

const inUse = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
const resident = process.memoryUsage().rss / 1e6
const before = inUse()
const start = performance.now()
const more = []
for (let nth = 0; nth < MORE; nth++) more.push(await make())
const took = performance.now() - start
const after = inUse()
for (const engine of [first, ...more]) await engine.close()

const seen: EngineSeen = {
  importing: imported - begin,
  making: made - imported,
  another: took / MORE,
  heap: (after - before) / MORE / 1000,
  resident
}
console.log(JSON.stringify(seen))
