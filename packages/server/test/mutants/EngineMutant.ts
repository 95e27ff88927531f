/**
 * A faulty engine: changes of the source, and the checks of the conformance kit that must detect it. `Changed` loads both
 * forms into a server, and a message selects one.
 */
export interface Change {
  /** Path below `packages`. */
  readonly module: string
  /** An expression that occurs in the module once, or `times` times. */
  readonly from: string
  readonly times?: number
  /** Expression that replaces it. */
  readonly to: string
}

export interface EngineMutant {
  readonly name: string
  /** The fault, as a test title. */
  readonly description: string
  readonly changes: ReadonlyArray<Change>
  readonly kills: ReadonlyArray<string>
  /** It omits an expected frame. */
  readonly silent?: true
  /** It affects later tests, so it needs its own server. */
  readonly spoils?: true
}
