/**
 * Parts of a deterministic simulation: a server with its clients runs in one process under virtual time, on a network and
 * a disk with faults, from one seed. `docs/simulation.md` has an example.
 */
export { SeededRandom } from "./simulation/SeededRandom.ts"
export { VirtualTime } from "./simulation/VirtualTime.ts"
export { type CommitFault, type Committed, SimulatedDisk } from "./simulation/SimulatedDisk.ts"
export {
  connectSimulated,
  type SimulatedClient,
  type SimulatedConnectionOptions
} from "./simulation/simulatedConnection.ts"
export { SimulatedServer, type SimulatedServerOptions } from "./simulation/SimulatedServer.ts"
export { shrink } from "./simulation/shrink.ts"
