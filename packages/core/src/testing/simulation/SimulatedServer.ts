/** A server in a simulation: an engine on a simulated disk that can crash and start again. */
import * as Layer from "effect/Layer"
import { ParleyEngine } from "../../api/ParleyEngine.ts"
import { type EngineParts, openRuntime } from "../../api/Runtime.ts"
import { resolveSettings, type SettingsInput } from "../../api/SettingsInput.ts"
import { Store } from "../../ports/Store.ts"
import type { LogLine } from "../../api/Logging.ts"
import type { SeededRandom } from "./SeededRandom.ts"
import type { SimulatedDisk } from "./SimulatedDisk.ts"
import { simulatedEnvironment, simulatedPasswords } from "./simulatedEnvironment.ts"
import type { VirtualTime } from "./VirtualTime.ts"

/** Parts of the server that are not simulated. */
export interface SimulatedServerOptions extends Omit<EngineParts, "store" | "log"> {
  /** Clock and scheduler of the engine. */
  readonly time: VirtualTime
  /** Random numbers, tokens and ids of the engine. */
  readonly random: SeededRandom
  /** The store's disk. */
  readonly disk: SimulatedDisk
  /** Settings that differ from the defaults of embedded engines. */
  readonly settings?: SettingsInput
  /** Receives the log of every start. */
  readonly log?: (line: LogLine) => void
}

/** An engine that is started again after a crash. */
export class SimulatedServer {
  readonly #options: SimulatedServerOptions
  #engine: ParleyEngine | undefined

  constructor(options: SimulatedServerOptions) {
    this.#options = options
  }

  /** The engine; undefined between a crash and the next start. */
  get engine(): ParleyEngine | undefined {
    return this.#engine
  }

  /** Starts the server on what the disk has. Wait for it with `VirtualTime.until`. */
  async start(): Promise<ParleyEngine> {
    const { time, random, disk, settings = {}, log = () => undefined, ...parts } = this.#options
    const opened = await openRuntime(
      {
        passwords: simulatedPasswords,
        ...parts,
        log,
        store: Layer.sync(Store, () => disk.open())
      },
      resolveSettings(settings, []).engine,
      simulatedEnvironment(time, random)
    )
    this.#engine = new ParleyEngine(opened)
    return this.#engine
  }

  /** The process ends at once, without writing anything. Cut its connections beside. */
  crash(): void {
    this.#options.disk.crash()
    this.#engine = undefined
  }
}
