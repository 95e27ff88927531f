/** One line of `parley doctor`. */

export type Status = "ok" | "warn" | "fail"

export interface Examined {
  /** The examined part: `database`, `port`, … */
  readonly name: string
  readonly status: Status
  /** The state, as one clause. */
  readonly text: string
  /** Advice, as one clause; undefined if all is well. */
  readonly advice?: string
}

export const ok = (name: string, text: string): Examined => ({ name, status: "ok", text })

export const warn = (name: string, text: string, advice: string): Examined => ({ name, status: "warn", text, advice })

export const fail = (name: string, text: string, advice: string): Examined => ({ name, status: "fail", text, advice })
