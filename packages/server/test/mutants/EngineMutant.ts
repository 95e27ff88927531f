/**
 * What an engine can do wrong, each as a change of one place in the source of the good one, with the checks of the
 * conformance kit that are there to find it. `Changed` puts both forms into a server that is then told which to take.
 */
export interface Change {
  /** Below `packages`. */
  readonly module: string
  /** An expression that stands in the module, once unless `times` says otherwise. */
  readonly from: string
  readonly times?: number
  /** What is evaluated instead. */
  readonly to: string
}

export interface EngineMutant {
  readonly name: string
  /** What is wrong. */
  readonly description: string
  readonly changes: ReadonlyArray<Change>
  readonly kills: ReadonlyArray<string>
  /** It is silent where something is due. */
  readonly silent?: true
  /** What it leaves behind is in the way of others: it has a server of its own. */
  readonly spoils?: true
}
