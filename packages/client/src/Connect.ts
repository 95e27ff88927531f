/** Connects and waits until the client is online. */
import { addressOf } from "./Address.ts"
import { CONNECT } from "./ArgumentChecks.ts"
import { argumentError } from "./Check.ts"
import { Parley } from "./Parley.ts"
import { ParleyError } from "./ParleyError.ts"
import { type ConnectOptions, settingsOf } from "./Settings.ts"

/**
 * Connects and logs in; resolves once the lists of users and chats are there. Retries until `timeout` while the server
 * cannot be reached, unless `retry` is false. Rejects with a `ParleyError`: `login` for a wrong password or token,
 * `elsewhere` for a login of the same account meanwhile, `timeout`, `aborted`, `connection`, or `invalid` for an option.
 */
export const connect = (options: ConnectOptions): Promise<Parley> =>
  new Promise((resolve, reject) => {
    const invalid = argumentError("connect", CONNECT, [options])
    if (invalid !== undefined) throw invalid
    const { signal, onState, retry = true, status = "online" } = options
    const settings = settingsOf(options)
    const { clock, timeout, url } = settings
    // A throw inside the executor rejects the promise.
    const parley = new Parley(settings, options, status)
    if (onState !== undefined) parley.on("state", ({ state, error }) => onState(state, error))
    let timer: unknown
    const settle = (): void => {
      clock.clearTimeout(timer)
      signal?.removeEventListener("abort", abort)
      stopChats()
      stopState()
    }
    const fail = (error: ParleyError): void => {
      settle()
      parley.close()
      reject(error)
    }
    const abort = (): void => fail(new ParleyError("aborted", "connecting was aborted", { cause: signal?.reason }))
    const stopChats = parley.on("chats", () => {
      settle()
      resolve(parley)
    })
    const stopState = parley.on("state", ({ state, error }) => {
      if (error !== undefined) fail(error)
      else if (state === "waiting" && !retry) {
        fail(new ParleyError("connection", `cannot connect to ${addressOf(url).socket}`))
      }
    })
    if (signal?.aborted === true) return abort()
    signal?.addEventListener("abort", abort)
    if (timeout > 0) {
      const expire = (): void => fail(new ParleyError("timeout", `cannot connect to ${url} within ${timeout} ms`))
      timer = clock.setTimeout(expire, timeout)
    }
    parley.start()
  })
